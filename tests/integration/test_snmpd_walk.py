"""The walk held against net-snmp's own tools on Debian's snmpd, value for value."""

import asyncio
import re
import subprocess
from collections.abc import Iterator

import pytest
import uvloop

from netmon.errors import Reason
from netmon.snmp import ber
from netmon.snmp.client import Client, Meter, SnmpError, Target
from netmon.snmp.message import Varbinds
from netmon.snmp.walk import get, walk
from tests.servers.snmpd import Snmpd, snmpd
from tests.unit.snmp.agents import until

MIB_2 = "1.3.6.1.2.1"
# What net-snmp prints before a value, and the tag that it stands for.
TYPES = {
    "INTEGER": ber.INTEGER,
    "Counter32": ber.COUNTER32,
    "Gauge32": ber.GAUGE32,
    "Counter64": ber.COUNTER64,
    "Hex-STRING": ber.OCTET_STRING,
    "OID": ber.OBJECT_IDENTIFIER,
    "IpAddress": ber.IP_ADDRESS,
    "Opaque": ber.OPAQUE,
}
LINE = re.compile(r"\.(?P<oid>[\d.]+) = (?:(?P<type>[\w-]+): ?)?(?P<value>.*)", re.DOTALL)


def branches(root: str, numbers: str) -> tuple[bytes, ...]:
    """Subtrees of `root`."""
    return tuple(ber.encode_oid(f"{root}.{number}") for number in numbers.split())


# Rows that come and go between two walks: neighbours, routes, connections, processes, the agent's own.
FLEETING = branches(MIB_2, "3 4.22 4.24 4.35 6.13 6.19 6.20 7.5 7.7 25.4 25.5 88 92")
# Values that go up and down, or are the agent's own state: only their presence and type is compared.
MOVING = branches(MIB_2, "6.9 25.1.2 25.1.5 25.1.6 25.2.3.1.5.7 25.2.3.1.6 25.3.3.1.2 28") + branches(
    "1.3.6.1.4.1", "2021.4 2021.9 2021.10 2021.11 2021.13 2021.100.4 8072.1.5"
)
COUNTING = {ber.COUNTER32, ber.COUNTER64, ber.TIME_TICKS}
Row = tuple[int, int | bytes | None]
Rows = dict[bytes, Row]
ROUNDS = 4  # a value that changes just then gets another chance; one that never agrees fails


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snmpd]:
    """One snmpd for all these tests."""
    lines = (
        "sysName switch1",
        "sysContact caf\u00e9 <noc@example.org>",
        "extend mailq /bin/echo 7",
        "disk / 1%",
    )
    with snmpd(tmp_path_factory.mktemp("snmpd"), *lines) as running:
        yield running


def by_net_snmp(server: Snmpd, root: str, version: int) -> Rows:
    """The subtree as snmpwalk or snmpbulkwalk prints it: numeric names, hex strings, plain numbers."""
    program = "snmpwalk" if version == 1 else "snmpbulkwalk"
    flags = ["-v", "1" if version == 1 else "2c", "-c", server.community, "-m", "", "-OnxUet", "-t", "5"]
    done = subprocess.run(
        [program, *flags, server.endpoint, root], capture_output=True, check=True, text=True
    )
    rows: Rows = {}
    for line in re.split(r"\n(?=\.\d)", done.stdout.strip("\n")):
        match = LINE.fullmatch(line)
        assert match is not None, line
        rows[ber.encode_oid(match["oid"])] = parse(match["type"], match["value"])
    return without_fleeting(rows)


def parse(kind: str | None, text: str) -> Row:
    """A printed value as the codec holds it; `-Ot` prints TimeTicks without their type."""
    if kind is None:
        return (ber.OCTET_STRING, b"") if text == '""' else (ber.TIME_TICKS, int(text))
    tag = TYPES[kind]
    if tag == ber.OCTET_STRING:
        return tag, bytes.fromhex(text)
    if tag == ber.OBJECT_IDENTIFIER:
        return tag, ber.encode_oid(text)
    if tag == ber.IP_ADDRESS:
        return tag, bytes(map(int, text.split(".")))
    # Opaque floats are printed rounded; they are load averages here, which move anyway.
    return tag, None if tag == ber.OPAQUE else int(text)


def without_fleeting(rows: Rows) -> Rows:
    """The rows that two walks can be expected to share."""
    return {oid: row for oid, row in rows.items() if not oid.startswith(FLEETING)}


def by_netmon(server: Snmpd, root: str, version: int, *, uv: bool = False) -> Rows:
    """The same by our own walk."""

    async def scene() -> Varbinds:
        client = Client()
        try:
            target = Target("127.0.0.1", server.port, version, server.community.encode())
            return await walk(client, target, ber.encode_oid(root), Meter(), limit=100_000)
        finally:
            client.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop if uv else None) as runner:
        table = runner.run(scene())
    rows = dict(zip(table.oids, zip(table.tags, table.values, strict=True), strict=True))
    assert len(rows) == len(table)
    return without_fleeting(rows)


@pytest.mark.parametrize(
    ("version", "uv"), [(1, False), (2, False), (2, True)], ids=["v1", "v2c", "v2c-uvloop"]
)
@pytest.mark.parametrize(
    ("root", "at_least"), [(MIB_2, 300), ("1.3.6.1.4.1.2021", 15), ("1.3.6.1.4.1.8072", 300)]
)
def test_a_walk_equals_that_of_net_snmp(
    server: Snmpd, root: str, at_least: int, version: int, *, uv: bool
) -> None:
    """The same objects with the same types; static values equal, counters between those around."""
    differing: set[bytes] | None = None
    for _ in range(ROUNDS):
        before = by_net_snmp(server, root, version)
        ours = by_netmon(server, root, version, uv=uv)
        after = by_net_snmp(server, root, version)
        if before.keys() != after.keys():
            continue  # rows came or went in these very milliseconds: nothing to hold ours against
        assert ours.keys() == before.keys()
        assert {oid: tag for oid, (tag, _) in ours.items()} == {oid: tag for oid, (tag, _) in before.items()}
        assert (
            sum(tag not in COUNTING and not oid.startswith(MOVING) for oid, (tag, _) in ours.items())
            >= at_least
        )
        differs = {oid for oid in ours if not agree(oid, before[oid], ours[oid], after[oid])}
        differing = differs if differing is None else differing & differs
        if not differing:
            return
    assert differing is not None, "rows came and went in every round"
    assert not differing, [(ber.decode_oid(oid), before[oid], ours[oid], after[oid]) for oid in differing]


def agree(oid: bytes, before: Row, ours: Row, after: Row) -> bool:
    """Whether our value is the one that net-snmp saw on both sides, or between them if it counts."""
    if oid.startswith(MOVING):
        return True
    if ours[0] in COUNTING:
        return before[1] <= ours[1] <= after[1]  # type: ignore[operator]
    return before[1] == ours[1] == after[1]


@pytest.mark.parametrize("version", [1, 2])
async def test_a_get_from_snmpd(server: Snmpd, version: int) -> None:
    """Values as configured, in UTF-8 as they were written; a missing object is left out."""
    client = Client()
    target = Target("127.0.0.1", server.port, version, server.community.encode())
    oids = [ber.encode_oid(f"{MIB_2}.1.{number}.0") for number in (5, 99, 4)]
    found = await get(client, target, oids, Meter())
    assert found.values == [b"switch1", "café <noc@example.org>".encode()]
    client.close()


async def test_a_wrong_community_is_silence(server: Snmpd) -> None:
    """SNMPv1 and v2c agents drop what they do not know (RFC 3584 §5.2.1)."""
    client = Client()
    target = Target("127.0.0.1", server.port, community=b"wrong", timeout=0.1, retries=1)
    with pytest.raises(SnmpError) as caught:
        await get(client, target, [ber.encode_oid(f"{MIB_2}.1.3.0")], Meter())
    assert (caught.value.reason, caught.value.alive) == (Reason.TIMEOUT, False)
    client.close()


async def test_a_paused_snmpd_answers_late(server: Snmpd) -> None:
    """What it answers after its pause counts for the request that still waits, and the rest as duplicate."""
    client = Client()
    target = Target("127.0.0.1", server.port, community=server.community.encode(), timeout=0.2, retries=20)
    oids = [ber.encode_oid(f"{MIB_2}.1.3.0")]
    meter = Meter()
    server.pause()
    try:
        waiting = asyncio.create_task(get(client, target, oids, meter))
        await until(lambda: meter.retries == 2)
    finally:
        server.resume()
    assert len(await waiting) == 1
    await until(lambda: client.stats.duplicate == meter.packets - 1)
    client.close()
