"""The shipped MIBs against the texts that they were taken from: all facts are there, the prose is not.

Users have these very texts in their folders, so they are compiled as users' are.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import pytest

from netmon.mib.definitions import Definitions, Row
from netmon.mib.text_compiler import LANGUAGE, Compiled, compile_places
from netmon.mib.texts import shipped_folder
from netmon.mib.tree import shipped_definitions
from tests.servers.shared import shared

# What differs on purpose.
NEWER: Final = {"ifType": "IANAifType has grown since that text"}
NOT_FROM_THERE: Final = {"BGP4-MIB", "ENTITY-MIB", "ENTITY-SENSOR-MIB", "IANA-ENTITY-MIB", "UUID-TC-MIB"}
UNITS: Final = {row.units for rows in shipped_definitions().modules.values() for row in rows}
BROKEN: Final = {"UPS-MIB": "RFC 1628 forgets to import mib-2"}


@pytest.fixture(scope="module")
def originals() -> Compiled:
    """The texts as they were published, as if a user had them in mib_dirs."""
    return compile_places([shared("mibs")])


def facts(definitions: Definitions, row: Row) -> dict[str, Any]:
    """All that is known of a node, types spelled out."""
    return row._asdict() | {
        "type": definitions.types[row.type] if row.type >= 0 else None,
        "indexes": [
            (name, definitions.types[number], bool(implied)) for name, number, implied in row.indexes
        ],
        "objects": list(row.objects),
    }


def by_name(definitions: Definitions, module: str) -> Mapping[str, dict[str, Any]]:
    """The facts of a module."""
    return {row.name: facts(definitions, row) for row in definitions.modules[module]}


def test_every_text_compiles_or_is_told(originals: Compiled) -> None:
    """One mistake, of the text's own, with its line."""
    assert [(m.path.stem, m.line, "mib-2" in m.message) for m in originals.mistakes] == [
        ("UPS-MIB", 32, True)
    ]
    assert originals.definitions.modules.keys() == shipped_definitions().modules.keys() - (
        LANGUAGE | NOT_FROM_THERE | BROKEN.keys()
    )


def test_no_fact_is_lost_or_changed(originals: Compiled) -> None:
    """Names, OIDs, syntax, enums, ranges, hints, units, access, status, INDEX, objects of notifications.

    Compliance statements are the only definitions that are left out.
    """
    compared = 0
    for module in originals.definitions.modules:
        theirs, ours = by_name(originals.definitions, module), by_name(shipped_definitions(), module)
        assert ours.keys() <= theirs.keys()
        assert {theirs[name]["kind"] for name in theirs.keys() - ours.keys()} <= {"group"}
        for name, fact in ours.items():
            if name not in NEWER:
                assert fact == theirs[name], f"{module}::{name}"
                compared += 1
    assert compared > 2000


def test_no_prose_came_along() -> None:
    """No quoted text of the originals stands in ours, but what is a fact: units, hints and dates."""
    for path in sorted(shared("mibs").glob("*.txt")):
        texts = set(re.findall(r'"([^"]*)"', path.read_text(encoding="utf-8", errors="replace")))
        ours = re.findall(r'"([^"]*)"', (shipped_folder() / path.name).read_text(encoding="ascii"))
        same = {text for text in ours if text in texts and len(text.split()) > 2}
        assert {text for text in same if text not in UNITS} == set(), path.name
