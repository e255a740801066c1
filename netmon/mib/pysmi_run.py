"""pysmi, held to files and JSON: it never sees the network, and nothing that it writes is executed."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pysmi.codegen import JsonCodeGen
from pysmi.compiler import MibCompiler
from pysmi.parser import SmiV1CompatParser
from pysmi.reader import FileReader
from pysmi.writer import CallbackWriter


def documents(modules: Iterable[str], folders: Iterable[Path]) -> dict[str, Mapping[str, Any]]:
    """pysmi's JSON document of each module and of what it imports."""
    found: dict[str, Mapping[str, Any]] = {}

    def write(name: str, data: str, _context: object) -> None:
        found[name] = json.loads(data)

    compiler = MibCompiler(SmiV1CompatParser(), JsonCodeGen(), CallbackWriter(write))
    compiler.add_sources(*(FileReader(str(folder)) for folder in folders))
    compiler.compile(*modules, rebuild=True)
    return found
