"""The tree with users' own MIBs: compiled when they changed, read from a cache when not.

The key of the cache is the content of every file, netmon's own texts and the versions of format and
compiler, so it is never stale; one file is kept.  A cache that cannot be written costs time and
nothing else.
"""

import contextlib
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from netmon.mib.definitions import FORMAT, from_json, to_json
from netmon.mib.own_files import read_own, write_own
from netmon.mib.text_compiler import Compiled, compile_places
from netmon.mib.texts import MAX_FILES, Mistake, Sources, read_sources, shipped_folder
from netmon.mib.tree import Tree, shipped, shipped_definitions

_PREFIX: Final = "mibs-"


@dataclass(frozen=True, slots=True)
class Library:
    """A tree, and what was wrong with the users' files: those modules are left out of it."""

    tree: Tree
    mistakes: tuple[Mistake, ...]


def load(folders: Iterable[Path], cache: Path | None = None) -> Library:
    """netmon's own MIBs and those in the folders.  `cache` is a folder of netmon's own, made if need be.

    Blocks for as long as compiling takes (text_compiler.TOTAL_SECONDS at most): not for an event loop.
    """
    folders = tuple(folders)
    if not folders:
        return Library(shipped(), ())
    file = None if cache is None else cache / f"{_PREFIX}{_digest(folders)}.json"
    compiled = None if file is None else _read(file)
    if compiled is None:
        compiled = compile_places(folders)
        if file is not None:
            _write(file, compiled)
    return Library(Tree(shipped_definitions(), compiled.definitions), compiled.mistakes)


def _digest(folders: Iterable[Path]) -> str:
    digest = hashlib.sha256(f"{FORMAT} {version('pysmi')}".encode())
    for part in _parts((shipped_folder(),)):
        digest.update(part)
    for part in _parts(folders):
        digest.update(part)
    return digest.hexdigest()[:32]


def _parts(folders: Iterable[Path]) -> Iterator[bytes]:
    """What the outcome depends on: which files, and what is in them."""
    sources: Sources = read_sources(folders)
    for source in sources.modules.values():
        yield f"{source.path}\0{source.line}\0{len(source.text)}\0".encode(errors="replace")
        yield source.text.encode(errors="replace")
    for mistake in sources.mistakes[:MAX_FILES]:
        yield str(mistake).encode(errors="replace")


def _read(file: Path) -> Compiled | None:
    try:
        document = json.loads(read_own(file))
        mistakes = tuple(Mistake(Path(path), line, message) for path, line, message in document["mistakes"])
        return Compiled(from_json(document), mistakes)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _write(file: Path, compiled: Compiled) -> None:
    document: dict[str, Any] = to_json(compiled.definitions)
    document["mistakes"] = [[str(m.path), m.line, m.message] for m in compiled.mistakes]
    with contextlib.suppress(OSError):
        write_own(file, json.dumps(document, separators=(",", ":")).encode())
        for other in file.parent.glob(f"{_PREFIX}*.json"):
            if other != file:
                other.unlink(missing_ok=True)
