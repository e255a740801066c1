"""Names of rows kept between scheduled runs: less is asked, and no name ever stands at a wrong row."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from netmon.mib.modules import builtin_modules, parse_modules
from netmon.probes.snmp_reading import Reader
from netmon.probes.snmp_settings import SnmpSettings
from netmon.probes.snmp_static import Kept, Signs, StaticColumns, key_of, rows_of, static_columns
from netmon.snmp.ber import COUNTER32, OCTET_STRING, TIME_TICKS, Value, encode_oid
from netmon.snmp.client import Client, Meter, Target
from netmon.snmp.message import Varbinds
from tests.unit.snmp.agents import Agent, agent, honest
from tests.virtual import run_virtual

IF_MIB = builtin_modules()["if_mib"]
# As snmp.yml has it: what is looked up elsewhere is walked on its own.
APART = parse_modules(
    """
modules:
  load:
    walk: [1.3.6.1.2.1.25.3.3.1.2, 1.3.6.1.2.1.25.3.2.1.3]
    metrics:
      - name: hrProcessorLoad
        oid: 1.3.6.1.2.1.25.3.3.1.2
        type: gauge
        indexes: [{labelname: hrDeviceIndex, type: gauge}]
        lookups:
          - labels: [hrDeviceIndex]
            labelname: hrDeviceDescr
            oid: 1.3.6.1.2.1.25.3.2.1.3
            type: DisplayString
""",
    "test.yml",
)["load"]
IF_DESCR, IF_NAME, IF_ALIAS = (
    encode_oid(oid) for oid in ("1.3.6.1.2.1.2.2.1.2", "1.3.6.1.2.1.31.1.1.1.1", "1.3.6.1.2.1.31.1.1.1.18")
)
AGE = 300.0


class Switch:
    """Interfaces whose names, rows and clock a test may change."""

    def __init__(self, ports: int = 80) -> None:
        self.names = {row: f"port {row} of a switch with long names" for row in range(1, ports + 1)}
        self.up_time = 1_000_000
        self.last_change: int | None = 500

    def mib(self) -> Mapping[str, tuple[int, Value]]:
        """What it serves now."""
        mib: dict[str, tuple[int, Value]] = {"1.3.6.1.2.1.1.3.0": (TIME_TICKS, self.up_time)}
        for row, name in self.names.items():
            text = (OCTET_STRING, name.encode())
            for column in (1, 10, 11, 16, 17):
                mib[f"1.3.6.1.2.1.2.2.1.{column}.{row}"] = (COUNTER32, row)
            mib[f"1.3.6.1.2.1.2.2.1.2.{row}"] = text
            mib[f"1.3.6.1.2.1.31.1.1.1.1.{row}"] = mib[f"1.3.6.1.2.1.31.1.1.1.18.{row}"] = text
            mib[f"1.3.6.1.2.1.31.1.1.1.15.{row}"] = (COUNTER32, row)
            mib[f"1.3.6.1.2.1.25.3.3.1.2.{row}"] = (COUNTER32, row)
            mib[f"1.3.6.1.2.1.25.3.2.1.3.{row}"] = text
        if self.last_change is not None:
            mib["1.3.6.1.2.1.31.1.5.0"] = (TIME_TICKS, self.last_change)
        return mib


class Runs:
    """Scheduled runs of one module against a switch."""

    def __init__(self, switch: Switch, server: Agent, client: Client, module: Any = IF_MIB) -> None:
        self.switch, self.server, self.client, self.module = switch, server, client, module
        self.statics = StaticColumns()

    async def run(self, *, age: float = AGE, after: float = 60.0) -> tuple[dict[str, str], Meter, bool]:
        """The alias of each row as the series have it, what the run cost, and whether names were read."""
        await asyncio.sleep(after)
        self.server.answer = honest(dict(self.switch.mib()))
        self.server.seen.clear()
        meter = Meter()
        target = self.server.target(timeout=2)
        reading = await Reader(self.client, self.statics, age).read(self.module, target, meter)
        names = {}
        for table in reading.tables:
            for row in table.rows:
                labels = dict(zip(table.names, row, strict=True))
                if "ifAlias" in labels or "hrDeviceDescr" in labels:
                    names[row[0]] = labels.get("ifAlias") or labels.get("hrDeviceDescr") or ""
        asked = {request.varbinds.oids[0] for request in self.server.seen}
        apart = (IF_DESCR, IF_NAME, IF_ALIAS, encode_oid("1.3.6.1.2.1.25.3.2.1.3"))
        return names, meter, any(oid.startswith(apart) for oid in asked)

    def wanted(self) -> dict[str, str]:
        """The truth."""
        return {str(row): name for row, name in self.switch.names.items()}


def play(scene: Callable[[Runs], Awaitable[None]], module: Any = IF_MIB, ports: int = 80) -> None:
    """A scene in virtual time, with two runs behind it."""

    async def run() -> None:
        switch, client = Switch(ports), Client()
        async with agent(honest(dict(switch.mib()))) as server:
            runs = Runs(switch, server, client, module)
            for _ in range(2):
                assert (await runs.run())[0] == runs.wanted()
            await scene(runs)
        client.close()

    run_virtual(run())


@pytest.mark.parametrize("module", [IF_MIB, APART], ids=["inside a subtree", "on their own"])
def test_names_are_not_read_at_every_run(module: Any) -> None:
    """The series are the same, and the run costs fewer packets and varbinds than one that reads all."""

    async def scene(runs: Runs) -> None:
        names, kept, read = await runs.run()
        assert (names, read) == (runs.wanted(), False)
        names, fresh, read = await runs.run(age=0.0)
        assert (names, read) == (runs.wanted(), True)
        assert kept.packets < fresh.packets
        assert kept.varbinds < fresh.varbinds - len(names) + 3

    play(scene, module)


def test_a_small_table_is_read_whole() -> None:
    """Four interfaces fit a datagram or two: cutting their names out would cost more requests."""

    async def scene(runs: Runs) -> None:
        _, kept, _ = await runs.run()
        _, fresh, _ = await runs.run(age=0.0)
        assert kept.packets == fresh.packets

    play(scene, ports=4)


def _renumbered(switch: Switch) -> None:
    switch.names[99] = switch.names.pop(1)


def _gone(switch: Switch) -> None:
    del switch.names[40]


def _came(switch: Switch) -> None:
    switch.names[81] = "the new one"


def _swapped(switch: Switch) -> None:
    switch.names[1], switch.names[2] = switch.names[2], switch.names[1]
    switch.last_change = 700


def _booted(switch: Switch) -> None:
    switch.names = {row: f"after the boot {row}" for row in switch.names}
    switch.up_time, switch.last_change = 100, None


@pytest.mark.parametrize("change", [_renumbered, _gone, _came, _swapped, _booted])
def test_what_has_changed_is_read_in_the_same_run(change: Callable[[Switch], None]) -> None:
    """Rows, ifTableLastChange, a boot: no series ever carries the name of another row."""

    async def scene(runs: Runs) -> None:
        change(runs.switch)
        names, _, read = await runs.run()
        assert (names, read) == (runs.wanted(), True)
        runs.switch.up_time += 6000
        names, _, read = await runs.run()
        assert (names, read) == (runs.wanted(), False)

    play(scene)


def test_a_new_alias_shows_when_the_names_are_old_enough() -> None:
    """Nothing on the agent tells of it."""

    async def scene(runs: Runs) -> None:
        runs.switch.names[7] = "renamed"
        assert (await runs.run())[0]["7"] != "renamed"
        assert (await runs.run(after=AGE))[0]["7"] == "renamed"

    play(scene)


def test_another_user_and_another_module_have_their_own() -> None:
    """What one may see is not shown to another."""
    target = Target("127.0.0.1", 161, timeout=1.0, retries=0)
    assert key_of(target, IF_MIB) == key_of(Target("127.0.0.1", 161, timeout=9.0, max_repetitions=5), IF_MIB)
    assert key_of(target, IF_MIB) != key_of(Target("127.0.0.1", 161, community=b"other"), IF_MIB)
    assert key_of(target, IF_MIB) != key_of(target, APART)


def test_what_is_a_metric_or_says_how_one_reads_is_not_static() -> None:
    """Only what is looked up, and only where something else of the module shows its rows."""
    assert static_columns(IF_MIB) == {IF_DESCR, IF_NAME, IF_ALIAS}
    both = parse_modules(
        """
modules:
  both:
    walk: [1.3.6.1.2.1.2]
    metrics:
      - name: ifDescr
        oid: 1.3.6.1.2.1.2.2.1.2
        type: DisplayString
        indexes: [{labelname: ifIndex, type: gauge}]
      - name: ifMtu
        oid: 1.3.6.1.2.1.2.2.1.4
        type: gauge
        indexes: [{labelname: ifIndex, type: gauge}]
        lookups: [{labels: [ifIndex], labelname: ifDescr, oid: 1.3.6.1.2.1.2.2.1.2, type: DisplayString}]
""",
        "test.yml",
    )["both"]
    assert static_columns(both) == frozenset()


def test_the_memory_is_bounded() -> None:
    """By octets; the longest unused goes first, and what is replaced counts no more."""
    columns = Varbinds([b"x"] * 10, [OCTET_STRING] * 10, [b"n" * 90] * 10)
    kept = Kept(frozenset(), columns, 0, Signs(None, None), 0.0)
    statics = StaticColumns(limit=2 * kept.octets)
    keys = [key_of(Target(f"127.0.0.{n}"), IF_MIB) for n in range(3)]
    for key in (keys[0], keys[0], keys[1]):
        statics.keep(key, kept)
    statics.find(keys[0])
    statics.keep(keys[2], kept)
    assert [statics.find(key) is not None for key in keys] == [True, False, True]
    assert statics.octets == 2 * kept.octets


def test_rows_are_told_apart_by_all_of_them() -> None:
    """Not by their number."""
    some, others = Varbinds([b"ab", b"c"], [2, 2], [1, 1]), Varbinds([b"a", b"bc"], [2, 2], [1, 1])
    assert rows_of([some]) != rows_of([others])
    assert rows_of([some]) == rows_of([Varbinds([b"ab"], [2], [7]), Varbinds([b"c"], [2], [8])])


def test_the_age_is_a_setting() -> None:
    """`0s` reads everything at every run; a bare number is refused as everywhere."""
    assert SnmpSettings(cache="0s").cache == 0.0  # type: ignore[arg-type]
    assert SnmpSettings(cache="10m").cache == 600.0  # type: ignore[arg-type]
    assert SnmpSettings().cache == AGE
    with pytest.raises(ValidationError):
        SnmpSettings(cache=10)
