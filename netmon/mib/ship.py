"""`python -m netmon.mib.ship` compiles `mibs/` into the data that netmon starts with.

Run it after a change in `mibs/`; a test holds the two together.
"""

import json
import sys
from pathlib import Path

from netmon.mib.definitions import FORMAT, Resolver, to_json
from netmon.mib.pysmi_run import compile_texts
from netmon.mib.texts import read_sources, shipped_folder


def compiled(folder: Path) -> str:
    """The text of data/mibs.json.  Raises ValueError with all mistakes: there must be none."""
    sources = read_sources([folder])
    texts = {name: source.text for name, source in sources.modules.items()}
    documents, failed = compile_texts(texts, sorted(texts))
    resolver = Resolver(documents)
    definitions = resolver.resolve(sorted(texts))
    mistakes = [
        *map(str, sources.mistakes),
        *map(str, failed.items()),
        *map(str, resolver.unknown),
        *map(str, resolver.unfit),
    ]
    if mistakes:
        raise ValueError("\n".join(mistakes))
    document = to_json(definitions)
    modules = ",\n".join(f"{_compact(name)}:{_compact(rows)}" for name, rows in document["modules"].items())
    types = ",\n".join(map(_compact, document["types"]))
    return f'{{"format":{FORMAT},\n"types":[\n{types}],\n"modules":{{\n{modules}}}}}\n'


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


if __name__ == "__main__":
    (Path(__file__).parent / "data" / "mibs.json").write_text(compiled(shipped_folder()), encoding="utf-8")
    sys.stdout.write("netmon/mib/data/mibs.json is written\n")
