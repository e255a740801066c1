"""The reference of the command line is what the commands say of themselves."""

import re
from pathlib import Path

from netmon.cli.reference import as_markdown
from tests.unit.cli.calling import call

ROOT = Path(__file__).parents[3]
MADE = as_markdown()


def test_the_document_is_fresh() -> None:
    """docs/cli.md is what `python -m netmon.cli.reference` prints."""
    fresh = (ROOT / "docs" / "cli.md").read_text() == f"{MADE}\n"
    assert fresh, "make it anew: .venv/bin/python -m netmon.cli.reference > docs/cli.md"


def test_every_command_has_its_section() -> None:
    """As `netmon --help` lists them, and those of `snmp`, `mib` and `trap` below them."""
    sections = re.findall(r"^## `netmon ?(.*)`$", MADE, re.MULTILINE)
    for group in ("", "snmp", "mib", "trap"):
        told = call(*group.split(), "--help").output
        listed = re.findall(r"^  ([a-z-]+) ", told[told.index("Commands:") :], re.MULTILINE)
        assert listed
        assert [name for name in listed if f"{group} {name}".strip() not in sections] == []
