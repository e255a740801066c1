"""`netmon mib`: names and OIDs both ways, and what is wrong with MIBs of one's own."""

import json
from pathlib import Path

import pytest

from tests.unit.cli.calling import call
from tests.unit.mib.mib_texts import GOOD, module, thing, write


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Without a netmon.yml, unless the test writes one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    return tmp_path


def test_list() -> None:
    """Every module with its counts, in both forms."""
    rows = {row["module"]: row for row in json.loads(call("mib", "list", "--json").output)}
    assert rows["IF-MIB"] == {"module": "IF-MIB", "objects": 56, "notifications": 2}
    lines = call("mib", "list").output.splitlines()
    assert len(lines) == len(rows) >= 50
    assert lines == sorted(lines)


def test_find_by_name() -> None:
    """Syntax, enums, index, access, status; one fact a line."""
    assert call("mib", "find", "ifAdminStatus").output.splitlines() == [
        "IF-MIB::ifAdminStatus",
        "  OID      1.3.6.1.2.1.2.2.1.7",
        "  kind     column, read-write, current",
        "  syntax   INTEGER {up(1), down(2), testing(3)}",
        "  index    ifIndex, InterfaceIndex = Integer32 (1..2147483647)",
    ]
    notification = call("mib", "find", "UPS-MIB::upsTrapOnBattery").output
    assert "  carries  upsSecondsOnBattery\n" in notification
    assert "  units    minutes\n" in call("mib", "find", "upsEstimatedMinutesRemaining").output
    assert "  hint     1x:\n" in call("mib", "find", "ifPhysAddress").output


def test_find_by_oid() -> None:
    """An instance is named with its index; what is only below a known name too."""
    found = call("mib", "find", ".1.3.6.1.2.1.31.1.1.1.18.3").output
    assert found.startswith("IF-MIB::ifAlias.3\n  OID      1.3.6.1.2.1.31.1.1.1.18.3\n")
    assert call("mib", "find", "1.3.6.1.4.1.99999.1").output.startswith("SNMPv2-SMI::enterprises.99999.1\n")
    back = call("mib", "find", 'nsExtendOutputFull."q"').output
    assert "  OID      1.3.6.1.4.1.8072.1.3.2.3.1.2.1.113\n" in back


def test_find_by_a_part_or_an_expression() -> None:
    """A line for each, in the order of OIDs; case does not matter."""
    lines = call("mib", "find", "^ifhc.*octets$").output
    assert lines.split()[:2] == ["IF-MIB::ifHCInOctets", "OID"]
    assert len(call("mib", "find", "ifHC").output.splitlines()) > 8
    many = call("mib", "find", ".")
    assert len([line for line in many.output.splitlines() if "::" in line]) == 200
    assert "more are not shown" in many.output


def test_find_as_json() -> None:
    """All that is known, for scripts."""
    (found,) = json.loads(call("mib", "find", "ifAdminStatus.7", "--json").output)
    assert (found["oid"], found["instance"]) == ("1.3.6.1.2.1.2.2.1.7", "IF-MIB::ifAdminStatus.7")
    assert found["type"]["enums"] == {"1": "up", "2": "down", "3": "testing"}
    assert [index["name"] for index in found["indexes"]] == ["ifIndex"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("ifAlais", 'did you mean "ifAlias"'),
        ("2.999.1", "no known MIB defines 2.999.1"),
        ("1.3.99999999999", "is not an OID"),
        ("if[", "neither a name nor an expression"),
        ("IF-MBI::ifAlias", 'did you mean "IF-MIB"'),
        ("\x1b[2Jx", "no"),
    ],
)
def test_what_is_not_found_is_told(query: str, words: str) -> None:
    """Exit 1, one sentence with the nearest names."""
    done = call("mib", "find", query)
    assert done.exit_code == 1
    assert words in done.output
    assert "\x1b" not in done.output


def test_compile_says_what_is_wrong(folder: Path) -> None:
    """One line a mistake, exit 1; fine modules are named; all fine is exit 0."""
    write(folder, ACME_MIB=GOOD, BAD=module("BAD-MIB", thing(), "x FROM C-MIB"))
    done = call("mib", "compile", ".")
    assert done.exit_code == 1
    assert "BAD.txt:3: BAD-MIB imports x from C-MIB" in done.output
    assert "ACME-MIB: fine, 6 names\n" in done.output
    told = json.loads(call("mib", "compile", "BAD.txt", "--json").output)
    assert (told["modules"], told["mistakes"][0]["line"]) == ({}, 3)
    assert call("mib", "compile", "ACME-MIB.txt").exit_code == 0
    assert call("mib", "compile", "nowhere").exit_code == 1


def test_the_config_names_folders(folder: Path) -> None:
    """`mib_dirs`, relative to the config; mistakes are told, and the rest is there."""
    (folder / "mibs").mkdir()
    write(folder / "mibs", ACME_MIB=GOOD, BAD=module("BAD-MIB", thing(), "x FROM C-MIB"))
    (folder / "netmon.yml").write_text(
        "mib_dirs: [mibs]\nstate: {path: state}\nhosts: [{name: a, address: 192.0.2.1, ping: true}]\n"
    )
    found = call("mib", "find", "acmeHeat")
    assert found.exit_code == 0
    assert "ACME-MIB::acmeHeat\n" in found.output
    assert "BAD-MIB imports x from C-MIB" in found.output
    assert "  index    acmeName, DisplayString = OCTET STRING (SIZE (1..32)), implied\n" in found.output
    assert len(list((folder / "home" / "netmon").glob("mibs-*.json"))) == 1
    (folder / "state").mkdir()  # the agent's folder, and we are its owner
    checked = call("check-config")
    assert (checked.exit_code, "BAD-MIB imports x from C-MIB" in checked.output) == (0, True)
    assert len(list((folder / "state" / "cache").glob("mibs-*.json"))) == 1
    assert "ACME-MIB" in call("mib", "list", "--config", "netmon.yml").output
