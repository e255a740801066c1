"""The simulated devices, judged by net-snmp's tools instead of by netmon's own codec.

What the tools print is held against the rows that the devices were made from.
"""

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from netmon.demo.cast import linux_host
from netmon.demo.device import Device, Moment, Row, Template
from netmon.demo.farm import Farm
from netmon.demo.switch import switch_rows
from netmon.snmp import ber

NOW = 1_800_000_000.0
SWITCH, LINUX, LARGE = "127.62.7.2", "127.62.7.10", "127.62.7.20"
LONG = "1.3.6.1.2.1.1.9999"
SYS_UP_TIME = "1.3.6.1.2.1.1.3.0"
IF_IN_OCTETS = "1.3.6.1.2.1.2.2.1.10"
IF_HC_IN_OCTETS = "1.3.6.1.2.1.31.1.1.1.6"

PREFIXES = {
    ber.INTEGER: "INTEGER",
    ber.COUNTER32: "Counter32",
    ber.GAUGE32: "Gauge32",
    ber.COUNTER64: "Counter64",
}
Tool = Callable[..., Awaitable[tuple[int, str]]]


def long_rows() -> list[Row]:
    """Values of which two fill a datagram, under sub-identifiers of every length in octets."""
    arcs = (1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 268_435_456, 4_294_967_295)
    return [Row(f"{LONG}.{arc}", ber.OCTET_STRING, b"%d " % arc + b"x" * 700) for arc in arcs]


ROWS = {SWITCH: list(switch_rows("sw1", 5)), LINUX: list(linux_host().rows()), LARGE: long_rows()}
DEVICES = {
    address: Device(Template(rows), community=b"lab", booted=NOW - 123_456) for address, rows in ROWS.items()
}


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[Tool]:
    """Runs a tool of net-snmp against the devices, whose clock stands still: (exit status, output)."""
    farm = Farm(DEVICES, lambda: NOW)
    port = farm.open()

    async def tool(name: str, *options: str, at: str = SWITCH, community: str = "lab") -> tuple[int, str]:
        *flags, oid = options
        process = await asyncio.create_subprocess_exec(
            *(name, *flags, "-c", community, "-t1", "-r0", "-m", "", "-OnUtx", f"{at}:{port}", *oid.split()),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={
                "PATH": "/usr/bin:/bin",
                "SNMPCONFPATH": str(tmp_path),
                "SNMP_PERSISTENT_DIR": str(tmp_path),
            },
        )
        out, _ = await process.communicate()
        return process.returncode or 0, "\n".join(
            line for line in out.decode().splitlines() if not line.startswith("Created directory")
        )

    yield tool
    farm.close()


def printed(output: str) -> list[tuple[str, str]]:
    """(OID, value) of what a tool printed; long values run over several lines."""
    found: list[tuple[str, str]] = []
    for line in output.splitlines():
        name, mark, value = line.partition(" = ")
        if mark:
            found.append((name.removeprefix("."), value.strip()))
        else:
            found[-1] = (found[-1][0], found[-1][1] + " " + line.strip())
    return found


def expected(address: str) -> list[tuple[str, str]]:
    """The same of the rows that the device was made from, sorted by number."""
    moment = DEVICES[address].moment(NOW)
    rows = sorted(ROWS[address], key=lambda row: [int(arc) for arc in row.oid.split(".")])
    return [(row.oid, _words(row, moment)) for row in rows]


def _words(row: Row, moment: Moment) -> str:
    value = row.value(moment) if callable(row.value) else row.value
    if isinstance(value, int):
        return str(value) if row.tag == ber.TIME_TICKS else f"{PREFIXES[row.tag]}: {value}"
    if row.tag == ber.OBJECT_IDENTIFIER:
        return f"OID: .{ber.decode_oid(value)}"
    if row.tag == ber.OPAQUE:
        return f"Opaque: Float: {struct.unpack('>f', value[3:])[0]:f}"
    return f"Hex-STRING: {value.hex(' ').upper()}" if value else '""'


@pytest.mark.parametrize("address", [SWITCH, LINUX, LARGE])
@pytest.mark.parametrize("repetitions", [1, 25, 1000])
async def test_bulkwalk_sees_every_object(run: Tool, address: str, repetitions: int) -> None:
    """snmpbulkwalk prints the device's data, value for value and in order, at any max-repetitions."""
    status, output = await run("snmpbulkwalk", "-v2c", f"-Cr{repetitions}", "1.3", at=address)
    found = printed(output)
    assert status == 0
    assert found.pop()[1].startswith("No more variables left in this MIB View")
    assert found == expected(address)


@pytest.mark.parametrize("address", [SWITCH, LINUX, LARGE])
async def test_walk_of_version_1_sees_all_but_counter64(run: Tool, address: str) -> None:
    """snmpwalk -v1 prints the same data without Counter64, and meets the end of the MIB properly."""
    status, output = await run("snmpwalk", "-v1", "1.3", at=address)
    assert status == 0
    walked, _, last = output.rpartition("\n")
    assert last == "End of MIB"
    assert printed(walked) == [item for item in expected(address) if not item[1].startswith("Counter64")]


async def test_walk_by_getnext_of_a_subtree(run: Tool) -> None:
    """snmpwalk -v2c of one column gives that column and stops behind it."""
    _, output = await run("snmpwalk", "-v2c", IF_HC_IN_OCTETS)
    column = [item for item in expected(SWITCH) if item[0].startswith(IF_HC_IN_OCTETS + ".")]
    assert printed(output) == column
    assert len(column) == 48


async def test_get_of_several_objects(run: Tool) -> None:
    """snmpget takes several names at once and tells each that is missing what it lacks."""
    names = f"{SYS_UP_TIME} {IF_IN_OCTETS}.10101 {IF_IN_OCTETS}.7 1.3.6.1.2.1.99.1.0"
    _, output = await run("snmpget", "-v2c", names)
    values = dict(expected(SWITCH))
    assert [value for _, value in printed(output)] == [
        values[SYS_UP_TIME],
        values[f"{IF_IN_OCTETS}.10101"],
        "No Such Instance currently exists at this OID",
        "No Such Object available on this agent at this OID",
    ]


async def test_getnext_and_getbulk_as_single_requests(run: Tool) -> None:
    """snmpgetnext steps; snmpbulkget gives non-repeaters once and interleaves two columns."""
    _, output = await run("snmpgetnext", "-v2c", "1.3.6.1.2.1.1.2.0")
    assert [name for name, _ in printed(output)] == [SYS_UP_TIME]
    names = f"1.3.6.1.2.1.1.3 {IF_IN_OCTETS} {IF_HC_IN_OCTETS}"
    _, output = await run("snmpbulkget", "-v2c", "-Cn1", "-Cr2", names)
    assert [name for name, _ in printed(output)] == [
        SYS_UP_TIME,
        f"{IF_IN_OCTETS}.10101",
        f"{IF_HC_IN_OCTETS}.10101",
        f"{IF_IN_OCTETS}.10102",
        f"{IF_HC_IN_OCTETS}.10102",
    ]


async def test_errors_as_net_snmp_words_them(run: Tool) -> None:
    """Missing names of version 1, what does not fit, and a SET are the errors of the standard."""
    _, output = await run("snmpget", "-v1", "-Cf", "1.3.6.1.2.1.99.1.0")
    assert "(noSuchName)" in output
    _, output = await run("snmpget", "-v1", "-Cf", f"{IF_HC_IN_OCTETS}.10101")
    assert "(noSuchName)" in output
    for version in ("-v1", "-v2c"):
        _, output = await run("snmpget", version, "-Cf", f"{LONG}.1 {LONG}.127 {LONG}.128", at=LARGE)
        assert "(tooBig)" in output
    _, output = await run("snmpset", "-v2c", "1.3.6.1.2.1.1.5.0 s changed")
    assert "notWritable" in output
    _, output = await run("snmpset", "-v1", "1.3.6.1.2.1.1.5.0 s changed")
    assert "(noSuchName)" in output


@pytest.mark.parametrize("case", ["community", "address", "version"])
async def test_strangers_hear_nothing(run: Tool, case: str) -> None:
    """A wrong community, an address without a device and SNMPv3 all time out."""
    if case == "community":
        status, output = await run("snmpget", "-v2c", SYS_UP_TIME, community="public")
    elif case == "address":
        status, output = await run("snmpget", "-v2c", SYS_UP_TIME, at="127.62.7.99")
    else:
        status, output = await run("snmpget", "-v3", "-unobody", "-lnoAuthNoPriv", SYS_UP_TIME)
    assert status == 1
    assert "Timeout" in output
