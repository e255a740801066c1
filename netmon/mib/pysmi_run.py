"""pysmi, held to given texts and JSON: it never sees the network, and nothing that it writes is executed.

`python -m netmon.mib.pysmi_run` is the child process that reads untrusted text: JSON on standard input
(`texts`: name to text, `wanted`: names), JSON on standard output (`documents`, `failed`).  It ends by
the limits on memory and processor time that it sets itself, and by its parent's deadline.
"""

import json
import resource
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from pysmi.codegen import JsonCodeGen
from pysmi.compiler import MibCompiler
from pysmi.parser import SmiV1CompatParser
from pysmi.reader import CallbackReader
from pysmi.writer import CallbackWriter

MEMORY: Final = 2 << 30  # octets of address space
Documents = dict[str, Mapping[str, Any]]


@lru_cache(maxsize=1)
def _parser() -> SmiV1CompatParser:
    """Made once: to build its tables takes longer than to read a dozen modules."""
    return SmiV1CompatParser()


def compile_texts(texts: Mapping[str, str], wanted: Iterable[str]) -> tuple[Documents, dict[str, str]]:
    """pysmi's JSON document of each wanted module and what it imports; and why a module failed."""
    found: Documents = {}

    def read(name: str, _context: object) -> str:
        return texts.get(name, "")

    def write(name: str, data: str, _context: object) -> None:
        found[name] = json.loads(data)

    compiler = MibCompiler(_parser(), JsonCodeGen(), CallbackWriter(write))
    compiler.add_sources(CallbackReader(read))
    result = compiler.compile(*wanted, rebuild=True, ignoreErrors=True)
    failed = {
        name: str(getattr(status, "error", status)) for name, status in result.items() if name not in found
    }
    return found, failed


def main() -> None:
    """The child process."""
    limit = int(sys.argv[1])  # seconds of processor time
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    question = json.load(sys.stdin)
    documents, failed = compile_texts(question["texts"], question["wanted"])
    json.dump({"documents": documents, "failed": failed}, sys.stdout)


if __name__ == "__main__":
    main()
