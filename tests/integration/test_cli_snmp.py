"""`netmon snmp` and `netmon probe snmp://` against Debian's snmpd, held against net-snmp's own tools."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from netmon.mib.texts import shipped_folder
from netmon.mib.tree import shipped
from tests.servers.command import netmon
from tests.servers.snmpd import Snmpd, snmpd

SECRET = "op3n-sesame"
SYSTEM = "1.3.6.1.2.1.1"
# Subtrees whose values stand still: identity, interfaces' names and types, extend with quotes in it.
STILL = [SYSTEM + ".9", "1.3.6.1.2.1.2.2.1.2", "1.3.6.1.2.1.2.2.1.3", "1.3.6.1.2.1.2.2.1.6",
         "1.3.6.1.2.1.4.20", "1.3.6.1.2.1.25.3.8.1", "1.3.6.1.4.1.8072.1.3", "1.3.6.1.2.1.1.4",
         "1.3.6.1.2.1.1.5.0", "1.3.6.1.2.1.99"]  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snmpd]:
    """One snmpd, with a community that must not show."""
    lines = (
        "sysName switch1",
        "sysContact caf\u00e9 <noc@example.org>",
        "extend quoted /bin/echo 'a \"b\" \\\\c'",
    )
    with snmpd(tmp_path_factory.mktemp("snmpd"), *lines, community=SECRET) as running:
        yield running


def by_net_snmp(server: Snmpd, program: str, version: str, oid: str, *, mibs: bool = False) -> str:
    """What net-snmp's tool prints, numerically and without MIBs; or by netmon's MIBs."""
    modern = ":".join(module for module in shipped().modules() if not module.startswith("RFC"))
    how = ["-m", modern, "-M", str(shipped_folder())] if mibs else ["-m", "", "-On"]
    return subprocess.run(
        [program, f"-v{version}", "-c", SECRET, *how, server.endpoint, oid],
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_a_walk_prints_the_lines_of_snmpbulkwalk(server: Snmpd) -> None:
    """Line for line, whatever the type; a single object and a missing one too."""
    expected = "".join(by_net_snmp(server, "snmpbulkwalk", "2c", oid) for oid in STILL)
    done = netmon("snmp", "walk", server.endpoint, *STILL, NETMON_COMMUNITY=SECRET)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == expected
    assert expected.count("\n") > 50


def test_a_walk_over_snmpv1(server: Snmpd) -> None:
    """As snmpwalk -v1."""
    done = netmon("snmp", "walk", "-v", "1", server.endpoint, SYSTEM + ".9", NETMON_COMMUNITY=SECRET)
    assert done.stdout == by_net_snmp(server, "snmpwalk", "1", SYSTEM + ".9")


def test_get_by_number_and_by_name(server: Snmpd) -> None:
    """Numeric OIDs by default, names where asked for; what is missing is said, and is no failure."""
    done = netmon(
        "snmp", "get", "-c", SECRET, server.endpoint, f".{SYSTEM}.5.0", "sysName", "SNMPv2-MIB::sysName.1"
    )
    assert done.stdout.splitlines() == [
        f'.{SYSTEM}.5.0 = STRING: "switch1"',
        f'.{SYSTEM}.5.0 = STRING: "switch1"',
        f".{SYSTEM}.5.1 = No Such Instance currently exists at this OID",
    ]
    named = netmon("snmp", "get", "-n", "-c", SECRET, server.endpoint, "sysName")
    assert named.stdout == "SNMPv2-MIB::sysName.0 = STRING: switch1\n"


def test_names_and_values_as_snmpbulkwalk_has_them_with_mibs(server: Snmpd) -> None:
    """Enums, texts by DISPLAY-HINT, OIDs by name and units, line for line over netmon's own MIBs."""
    roots = ["system", "1.3.6.1.2.1.2.2.1.3", "1.3.6.1.2.1.2.2.1.7", "1.3.6.1.2.1.31.1.1.1.1",
             "1.3.6.1.2.1.31.1.1.1.15", "1.3.6.1.4.1.8072.1.3.2.1", "1.3.6.1.2.1.4.34.1.3",
             "1.3.6.1.2.1.25.2.3.1.2", "1.3.6.1.2.1.25.2.3.1.4", "1.3.6.1.6.3.10.2.1.1"]  # fmt: skip
    expected = "".join(by_net_snmp(server, "snmpbulkwalk", "2c", oid, mibs=True) for oid in roots)
    done = netmon("snmp", "walk", "-n", server.endpoint, *roots, NETMON_COMMUNITY=SECRET)
    assert (done.returncode, done.stderr) == (0, "")
    assert _still(done.stdout) == _still(expected)
    assert expected.count("\n") > 40


def _still(lines: str) -> list[str]:
    """Without what moves between two walks."""
    return [line for line in lines.splitlines() if "sysUpTime" not in line]


def test_json(server: Snmpd) -> None:
    """Names, types, text in UTF-8 and as octets."""
    done = netmon("snmp", "walk", "--json", server.endpoint, "system", NETMON_COMMUNITY=SECRET)
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert rows["sysContact.0"]["value"] == "café <noc@example.org>"
    assert bytes.fromhex(rows["sysContact.0"]["hex"]).decode() == "café <noc@example.org>"
    assert rows["sysObjectID.0"]["type"] == "OBJECT IDENTIFIER"
    assert rows["sysUpTime.0"]["value"] > 0


def test_by_a_host_of_the_config(server: Snmpd, tmp_path: Path) -> None:
    """netmon.yml in the folder gives address, port and auth; nothing need be on the command line."""
    (tmp_path / "netmon.yml").write_text(
        f'auths: {{lab: {{version: 2, community: "${{env:SNMP_COMMUNITY}}"}}}}\n'
        "hosts: [{name: sw1, address: 127.0.0.1, "
        f"snmp: {{auth: lab, port: {server.port}, modules: [system]}}}}]\n"
    )
    done = netmon("snmp", "get", "sw1", "sysName", folder=tmp_path, SNMP_COMMUNITY=SECRET)
    assert done.stdout == f'.{SYSTEM}.5.0 = STRING: "switch1"\n'
    auth = netmon(
        "snmp", "get", "--auth", "lab", server.endpoint, "sysName", folder=tmp_path, SNMP_COMMUNITY=SECRET
    )
    assert auth.stdout == done.stdout
    probed = netmon("probe", "sw1", folder=tmp_path, SNMP_COMMUNITY=SECRET)
    assert (probed.returncode, probed.stdout.splitlines()[0][:28]) == (0, "NETMON OK - sw1 healthy: the")
    assert SECRET not in done.stdout + auth.stdout + probed.stdout + probed.stderr


def test_a_host_that_nobody_knows(tmp_path: Path) -> None:
    """A slip in the name of a host of the config is told as one."""
    (tmp_path / "netmon.yml").write_text("hosts: [{name: switch1.invalid, address: 127.0.0.1, snmp: true}]\n")
    done = netmon("snmp", "get", "switch2.invalid", "sysName", folder=tmp_path)
    assert done.returncode == 1
    assert 'netmon.yml has no host of that name; did you mean "switch1.invalid"?' in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-t", "0.1", "-r", "0", "-c", "wr0ng-sesame", "TARGET", "sysName"], "netmon explain timeout"),
        (["-c", "wr0ng-sesame", "127.0.0.1:1", "sysName"], "netmon explain refused"),
        (["TARGET", "sysNam"], 'did you mean "sysName"'),
        (["-v", "4", "TARGET", "sysName"], "is not one of 1, 2c"),
        (["127.0.0.1:x", "sysName"], "wanted HOST"),
        (["--auth", "lab", "TARGET", "sysName"], "netmon init"),
    ],
)
def test_errors_are_sentences(arguments: list[str], words: str, server: Snmpd, tmp_path: Path) -> None:
    """Exit 1, one sentence on standard error with how to go on, no traceback and no community."""
    given = [argument.replace("TARGET", server.endpoint) for argument in arguments]
    done = netmon("snmp", "get", *given, folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "sesame" not in done.stderr


@pytest.mark.parametrize(
    ("url", "code", "line"),
    [
        (f"snmp://{SECRET}@TARGET", 0, "NETMON OK - 127.0.0.1 healthy: the only check is ok | snmp_"),
        (
            "snmp://wr0ng-sesame@TARGET",
            2,
            "NETMON CRITICAL - 127.0.0.1 device_down: no sign of life: SNMP is silent | ",
        ),
        (
            f"snmp://{SECRET}@127.0.0.1:1",
            2,
            "NETMON CRITICAL - 127.0.0.1 agent_down: SNMP refuses ",
        ),
    ],
    ids=["ok", "wrong community", "refused"],
)
def test_a_probe_exits_as_a_plugin(url: str, code: int, line: str, server: Snmpd) -> None:
    """0 when the modules came, 2 when nothing answers or nobody listens; no output holds a community."""
    target = url.replace("TARGET", server.endpoint)
    done = netmon("probe", target, "--module", "system", "--timeout", "900ms")
    assert done.returncode == code, done
    assert done.stdout.startswith(line)
    assert "sesame" not in done.stdout + done.stderr
    told = netmon("probe", target, "--module", "system", "--timeout", "900ms", "--json")
    seen = json.loads(told.stdout)
    assert (told.returncode, seen["code"], seen["snmp"][0]["probe"]) == (code, code, "snmp")
    assert "sesame" not in told.stdout
