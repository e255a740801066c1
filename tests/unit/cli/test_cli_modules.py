"""`netmon modules`, and the document that it makes."""

import json
from pathlib import Path

from netmon.mib.modules import builtin_modules
from tests.unit.cli.calling import call

ROOT = Path(__file__).resolve().parents[3]


def test_the_document_of_modules_is_fresh() -> None:
    """docs/modules.md is what `netmon modules --markdown` prints."""
    fresh = (ROOT / "docs" / "modules.md").read_text() == call("modules", "--markdown").output
    assert fresh, "make it anew: .venv/bin/netmon modules --markdown > docs/modules.md"


def test_every_module_is_listed_with_what_it_is() -> None:
    """Each has a sentence from its own file, which names a MIB."""
    entries = json.loads(call("modules", "--json").output)
    assert {entry["name"] for entry in entries} == set(builtin_modules())
    for entry in entries:
        assert "MIB" in entry["about"].split(": ")[0], entry
        assert entry["metrics"] > 0
        assert entry["chosen"], "a module that is chosen by nothing"
    assert "icmp_stats" in call("modules").output
