"""The snmp probe against Debian's snmpd: the shipped modules on a real Linux agent."""

import asyncio
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from netmon.errors import Reason
from netmon.fields import Secret
from netmon.mib.modules import builtin_modules
from netmon.model import Check, CheckKey, Host, Observation, Result
from netmon.probes.base import Auth, Context, Library
from netmon.probes.snmp import KIND, SnmpSettings, bind
from netmon.resolver import Resolver
from netmon.snmp.client import Client
from tests.servers.snmpd import Snmpd, snmpd

ALL = ("system", "if_mib", "hrSystem", "hrStorage", "ucd_memory", "ucd_la_table", "ucd_dsk")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snmpd]:
    """An agent that watches the root disk and says where it stands."""
    lines = ("sysName mx1.test", "sysLocation Zażółć", "disk / 10%")
    with snmpd(tmp_path_factory.mktemp("snmpd"), *lines, community="lab") as running:
        yield running


def run(
    server: Snmpd,
    *modules: str,
    version: int = 2,
    community: str = "lab",
    timeout: float = 5.0,
    **settings: Any,
) -> Observation:
    """One run of the probe; `settings` are further ones of the host's `snmp`."""
    library = Library({"lab": Auth(version=version, community=Secret(community))}, builtin_modules())
    check = Check(
        key=CheckKey("mx1", "snmp", f"mx1:{server.port}"),
        host=Host("mx1", "127.0.0.1"),
        settings=bind(SnmpSettings(auth="lab", modules=modules, port=server.port, **settings), library),
        interval=60.0,
        timeout=timeout,
        retries=1,
        deadline=30.0,
    )

    async def observe() -> Observation:
        nothing = cast(Any, None)
        context = Context("probe.test", Client(), nothing, Resolver(), nothing, nothing, time.time)
        try:
            return await KIND.probe(check, context)
        finally:
            context.snmp.close()

    return asyncio.run(observe())


def values(observation: Observation) -> dict[str, Any]:
    """Device series as `name{label="text",...}`."""
    return {
        column.family.name
        + "{"
        + ",".join(f'{name}="{text}"' for name, text in zip(table.names, row, strict=True))
        + "}": value
        for table in observation.tables
        for column in table.columns
        for row, value in zip(table.rows, column.values, strict=True)
    }


def snmpget(server: Snmpd, oid: str) -> str:
    """What net-snmp's own tool reads, without type and quotes."""
    command = ["snmpget", "-v2c", "-c", "lab", "-Oqvn", server.endpoint, oid]
    output = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    return output.strip().strip('"')


@pytest.mark.parametrize("version", [1, 2])
def test_all_shipped_modules_on_a_linux_host(server: Snmpd, version: int) -> None:
    """Every module comes, over both versions, and values and labels are what net-snmp's tools read."""
    seen = run(server, *ALL, version=version)
    assert (seen.result, seen.reason, seen.alive) == (Result.OK, Reason.OK, True), seen.detail
    assert [phase.name for phase in seen.phases] == ["resolve", *ALL]
    series = values(seen)
    assert series['sysName{sysName="mx1.test"}'] == 1
    assert series['sysLocation{sysLocation="Zażółć"}'] == 1
    assert series["memTotalReal{}"] == int(re.findall(r"\d+", snmpget(server, "1.3.6.1.4.1.2021.4.5.0"))[0])
    assert abs(series["hrSystemDate{}"] - time.time()) < 5
    disks = [name for name in series if name.startswith("dskTotal{")]
    assert disks == [name for name in disks if 'dskPath="/"' in name]
    assert series[disks[0]] == int(snmpget(server, "1.3.6.1.4.1.2021.9.1.6.1"))
    assert isinstance(series['laLoadFloat{laNames="Load-1"}'], float)
    storage = next(
        name for name in series if name.startswith("hrStorageSize") and 'Descr="Physical memory"' in name
    )
    assert 'hrStorageType="1.3.6.1.2.1.25.2.1.2"' in storage
    loopback = 'ifIndex="1",ifAlias="",ifDescr="lo",ifName="lo"'
    assert series[f"ifOperStatus{{{loopback}}}"] == 1
    assert series[f'ifType_info{{{loopback},ifType="softwareLoopback"}}'] == 1
    assert series[f'ifPhysAddress{{{loopback},ifPhysAddress="00:00:00:00:00:00"}}'] == 1
    # RFC 3584 §4.2.2: version 1 does not know 64-bit counters.
    assert (f"ifHCInOctets{{{loopback}}}" in series) == (version == 2)


def test_disks_that_the_agent_does_not_watch(tmp_path: Path) -> None:
    """Without disk lines ucd_dsk is empty: the check is ok and says so."""
    with snmpd(tmp_path, community="lab") as server:
        seen = run(server, "system", "ucd_dsk")
    assert (seen.result, [finding.kind for finding in seen.findings]) == (Result.OK, ["module_empty"])


def test_a_wrong_community_is_silence(server: Snmpd) -> None:
    """An agent drops what it does not know the community of (RFC 3584 §5.2.1)."""
    seen = run(server, "system", "if_mib", community="canary", timeout=0.4)
    assert (seen.result, seen.reason, seen.alive, seen.tables) == (Result.FAILED, Reason.TIMEOUT, False, ())
    assert "community right?" in seen.detail
    assert "canary" not in repr(seen)


def test_a_view_that_hides_a_module(tmp_path: Path) -> None:
    """What the agent's access control hides is empty, not failed, and the rest comes."""
    lines = ("view few included .1.3.6.1.2.1.1", "rocommunity narrow default -V few")
    with snmpd(tmp_path, *lines, community="lab") as server:
        seen = run(server, "system", "if_mib", community="narrow")
    assert (seen.result, [finding.kind for finding in seen.findings]) == (Result.OK, ["module_empty"])
