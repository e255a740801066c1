"""Objects that most devices have: the system group and the interface tables.

Names, syntax and order of columns are those of RFC 3418 (SNMPv2-MIB) and RFC 2863 (IF-MIB).
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from netmon.demo.device import Moving, Row, Value, counter, ticks
from netmon.snmp import ber

SYSTEM: Final = "1.3.6.1.2.1.1"
IF_TABLE: Final = "1.3.6.1.2.1.2.2.1"
IFX_TABLE: Final = "1.3.6.1.2.1.31.1.1.1"
ETHERNET: Final = 6  # IANAifType
LOOPBACK: Final = 24


class Port(NamedTuple):
    """An interface and its average traffic."""

    number: int  # ifIndex
    name: str
    descr: str
    alias: str = ""
    mac: bytes = b""
    kind: int = ETHERNET
    mtu: int = 1500
    megabits: int = 1000
    up: bool = True
    octets_in: float = 0.0  # a second
    octets_out: float = 0.0
    errors_in: float = 0.0


def text(oid: str, value: str) -> Row:
    """An object of printable text."""
    return Row(oid, ber.OCTET_STRING, value.encode())


def number(oid: str, value: int) -> Row:
    """An INTEGER."""
    return Row(oid, ber.INTEGER, value)


def identifier(oid: str, value: str) -> Row:
    """An OBJECT IDENTIFIER."""
    return Row(oid, ber.OBJECT_IDENTIFIER, ber.encode_oid(value))


def system(
    name: str, descr: str, object_id: str, *, location: str, services: int, modules: Sequence[tuple[str, str]]
) -> Iterator[Row]:
    """The system group; `modules` are (sysORID, sysORDescr)."""
    yield text(f"{SYSTEM}.1.0", descr)
    yield identifier(f"{SYSTEM}.2.0", object_id)
    yield Row(f"{SYSTEM}.3.0", ber.TIME_TICKS, ticks)
    yield text(f"{SYSTEM}.4.0", "postmaster@example.net")
    yield text(f"{SYSTEM}.5.0", name)
    yield text(f"{SYSTEM}.6.0", location)
    yield number(f"{SYSTEM}.7.0", services)
    yield Row(f"{SYSTEM}.8.0", ber.TIME_TICKS, 4)
    for index, (oid, words) in enumerate(modules, start=1):
        yield identifier(f"{SYSTEM}.9.1.2.{index}", oid)
        yield text(f"{SYSTEM}.9.1.3.{index}", words)
        yield Row(f"{SYSTEM}.9.1.4.{index}", ber.TIME_TICKS, 4)


def interfaces(ports: Iterable[Port]) -> Iterator[Row]:
    """ifNumber, ifTable (22 columns) and ifXTable (19 columns)."""
    count = 0
    for port in ports:
        count += 1
        yield from _if_entry(port)
        yield from _ifx_entry(port)
    yield number("1.3.6.1.2.1.2.1.0", count)


def _if_entry(port: Port) -> Iterator[Row]:
    status = 1 if port.up else 2
    into, out = _packets(port.octets_in), _packets(port.octets_out)
    columns: tuple[tuple[int, Value | Moving], ...] = (
        (ber.INTEGER, port.number),
        (ber.OCTET_STRING, port.descr.encode()),
        (ber.INTEGER, port.kind),
        (ber.INTEGER, port.mtu),
        (ber.GAUGE32, min(port.megabits * 1_000_000, 0xFFFFFFFF)),
        (ber.OCTET_STRING, port.mac),
        (ber.INTEGER, 1),
        (ber.INTEGER, status),
        (ber.TIME_TICKS, 2_000 + port.number),
        (ber.COUNTER32, counter(port.octets_in, bits=32)),
        (ber.COUNTER32, counter(into.unicast, bits=32)),
        (ber.COUNTER32, counter(into.multicast + into.broadcast, bits=32)),
        (ber.COUNTER32, counter(port.errors_in / 3, bits=32)),
        (ber.COUNTER32, counter(port.errors_in, bits=32)),
        (ber.COUNTER32, 0),
        (ber.COUNTER32, counter(port.octets_out, bits=32)),
        (ber.COUNTER32, counter(out.unicast, bits=32)),
        (ber.COUNTER32, counter(out.multicast + out.broadcast, bits=32)),
        (ber.COUNTER32, 0),
        (ber.COUNTER32, 0),
        (ber.GAUGE32, 0),
        (ber.OBJECT_IDENTIFIER, ber.encode_oid("0.0")),
    )
    for column, (tag, value) in enumerate(columns, start=1):
        yield Row(f"{IF_TABLE}.{column}.{port.number}", tag, value)


def _ifx_entry(port: Port) -> Iterator[Row]:
    into, out = _packets(port.octets_in), _packets(port.octets_out)
    columns: tuple[tuple[int, Value | Moving], ...] = (
        (ber.OCTET_STRING, port.name.encode()),
        (ber.COUNTER32, counter(into.multicast, bits=32)),
        (ber.COUNTER32, counter(into.broadcast, bits=32)),
        (ber.COUNTER32, counter(out.multicast, bits=32)),
        (ber.COUNTER32, counter(out.broadcast, bits=32)),
        (ber.COUNTER64, counter(port.octets_in)),
        (ber.COUNTER64, counter(into.unicast)),
        (ber.COUNTER64, counter(into.multicast)),
        (ber.COUNTER64, counter(into.broadcast)),
        (ber.COUNTER64, counter(port.octets_out)),
        (ber.COUNTER64, counter(out.unicast)),
        (ber.COUNTER64, counter(out.multicast)),
        (ber.COUNTER64, counter(out.broadcast)),
        (ber.INTEGER, 1),
        (ber.GAUGE32, port.megabits),
        (ber.INTEGER, 2),
        (ber.INTEGER, 1 if port.kind == ETHERNET else 2),
        (ber.OCTET_STRING, port.alias.encode()),
        (ber.TIME_TICKS, 0),
    )
    for column, (tag, value) in enumerate(columns, start=1):
        yield Row(f"{IFX_TABLE}.{column}.{port.number}", tag, value)


class _Packets(NamedTuple):
    unicast: float
    multicast: float
    broadcast: float


def _packets(octets: float) -> _Packets:
    """Packets a second that carry `octets`: 700 octets each, as a mix of mail and web traffic has."""
    packets = octets / 700
    return _Packets(packets * 0.97, packets * 0.02, packets * 0.01)
