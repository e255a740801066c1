"""`modules: auto` against Debian's snmpd: what it serves is found, read and explained."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from netmon.model import Observation, Result
from tests.integration.test_snmp_probe_snmpd import run, values
from tests.servers.snmpd import Snmpd, snmpd

ROOT = Path(__file__).resolve().parents[2]
# What any Linux host has; a container may lack disks' figures and sensors.
ALWAYS = {
    "auto", "system", "snmp_engine", "if_mib", "ip_system_stats", "icmp_stats", "tcp", "tcp_listeners", "udp",
    "hrSystem", "hrStorage", "hr_device", "hr_fs", "ucd_memory", "ucd_la_table", "ucd_system_stats",
}  # fmt: skip
TOLD = {"ucd_dsk", "ucd_pr", "ucd_ext", "ucd_file", "ucd_log_match", "net_snmp_extend"}
MAYBE = {"mta", "etherlike", "diskio", "lm_sensors", "hr_processor"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snmpd]:
    """An agent that watches all that snmpd.conf can make it watch."""
    folder = tmp_path_factory.mktemp("snmpd")
    log = folder / "mail.log"
    log.write_text("a reject\nb\nc reject\n")
    lines = (
        "disk / 10%",
        "proc snmpd 5 1",
        "exec hush /bin/echo secret-of-exec",
        f"file {log} 100",
        f"logmatch rejects {log} 60 reject",
        "extend queue /bin/echo 7 120",
        "extend words /bin/echo secret-of-extend",
    )
    with snmpd(folder, *lines, community="lab") as running:
        yield running


def up(seen: Observation) -> dict[str, object]:
    """netmon_module_up by module."""
    (table,) = seen.own
    column = next(column for column in table.columns if column.family.name == "netmon_module_up")
    return {row[0]: value for row, value in zip(table.rows, column.values, strict=True)}


@pytest.mark.parametrize("version", [1, 2])
def test_what_snmpd_serves_is_chosen_and_read(server: Snmpd, version: int) -> None:
    """Every module chosen comes, none with repeated series; and what is watched has its series."""
    seen = run(server, "auto", version=version)
    assert seen.result is Result.OK, seen.trail
    modules = up(seen)
    assert set(modules) - MAYBE == ALWAYS | TOLD
    assert set(modules.values()) == {1}, seen.trail
    assert not [line for line in seen.trail if "repeated" in line], seen.trail
    (line,) = (line for line in seen.trail if line.startswith("auto: "))
    packets = re.search(r"(\d+) packets?", line)
    assert packets is not None
    assert int(packets[1]) <= (2 if version == 2 else 4), line
    found = values(seen)
    assert found['nsExtendOutput1LineNumber{nsExtendToken="queue"}'] == 7
    assert found['nsExtendResult{nsExtendToken="words"}'] == 0
    assert found['prCount{prIndex="1",prNames="snmpd"}'] >= 1
    assert found['extResult{extIndex="1",extNames="hush"}'] == 0
    assert any(name.startswith("fileSize{") for name in found)
    assert any(name.startswith("logMatchGlobalCounter{") for name in found)
    assert any(name.startswith("hrFSAccess{") and 'hrFSMountPoint="/"' in name for name in found)
    assert not any("secret" in name for name in found), "a program's output is no label"
    assert any(name.startswith("ipSystemStatsHCInReceives{") for name in found) is (version == 2)
    narrow = any(name.startswith("ipSystemStatsInReceives{") for name in found)
    assert narrow is (version == 1), "64-bit counters are preferred, and kept where there are no others"


def netmon(folder: Path, *arguments: str) -> str:
    """What the command line says; it has succeeded."""
    done = subprocess.run(
        [sys.executable, "-m", "netmon", *arguments],
        env={"NETMON_COMMUNITY": "lab", "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=folder,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_command_line_explains_the_choice(server: Snmpd, tmp_path: Path) -> None:
    """`netmon probe snmp://HOST` says for each module why it was chosen, or why not."""
    said = netmon(tmp_path, "probe", f"snmp://127.0.0.1:{server.port}")
    assert "modules: auto" in said
    assert "+ hrStorage: answers under 1.3.6.1.2.1.25.2.3.1.5" in said
    assert "- ups_mib: nothing under 1.3.6.1.2.1.33.1" in said
    assert "- ip: answers under 1.3.6.1.2.1.4.3, but ip_system_stats has it better" in said
    assert re.search(r"- synology: sysObjectID 1\.3\.6\.1\.4\.1\.8072\.3\.2\.10 is Linux, .*no file", said)
    assert "modules: auto" not in netmon(
        tmp_path, "probe", f"snmp://127.0.0.1:{server.port}", "--module", "system"
    )


def test_a_host_of_the_config_is_explained_too(server: Snmpd, tmp_path: Path) -> None:
    """`netmon probe HOST snmp`, as JSON: what was chosen beside what was named."""
    (tmp_path / "netmon.yml").write_text(
        "auths: {lab: {community: lab}}\n"
        "hosts: [{name: mx1, address: 127.0.0.1, "
        f"snmp: {{auth: lab, port: {server.port}, modules: [auto, system]}}}}]\n"
    )
    said = json.loads(netmon(tmp_path, "probe", "mx1", "snmp", "--json"))
    judged = {found["module"]: found for found in said["modules_auto"][f"mx1:{server.port}"]}
    assert judged["if_mib"] == {"module": "if_mib", "chosen": True, "why": "answers under 1.3.6.1.2.1.2.2.1"}
    assert not judged["bridge"]["chosen"]
    assert "system" not in judged, "it is named"
