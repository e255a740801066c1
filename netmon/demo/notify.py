"""What the company's devices send by themselves: traps of SNMPv2c, as raw bytes (RFC 3416 §4.2.6).

Nobody is asked whether they arrived; where nobody receives traps they are lost, as elsewhere.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from netmon.demo.device import Value
from netmon.demo.switch import FIRST_INDEX
from netmon.snmp import ber
from netmon.snmp.message import TRAP, encode_head, encode_message, encode_varbind

_SYS_UP_TIME: Final = ber.encode_oid("1.3.6.1.2.1.1.3.0")
_SNMP_TRAP_OID: Final = ber.encode_oid("1.3.6.1.6.3.1.1.4.1.0")
_IF_ENTRY: Final = "1.3.6.1.2.1.2.2.1"
_UPS: Final = "1.3.6.1.2.1.33"


class Told(NamedTuple):
    """A notification: its OID, and varbinds as OID, BER tag and value."""

    oid: str
    varbinds: tuple[tuple[str, int, Value], ...] = ()


COLD_START: Final = Told("1.3.6.1.6.3.1.1.5.1")
# upsTrapOnBattery (RFC 1628): minutes remaining, seconds on battery, the minutes that count as low.
ON_BATTERY: Final = Told(
    f"{_UPS}.2.1",
    (
        (f"{_UPS}.1.2.3.0", ber.INTEGER, 38),
        (f"{_UPS}.1.2.2.0", ber.INTEGER, 1),
        (f"{_UPS}.1.9.7.0", ber.INTEGER, 2),
    ),
)


def link(port: int, *, up: bool) -> Told:
    """linkUp or linkDown of a switch's port by its number (RFC 2863)."""
    index = FIRST_INDEX + port - 1
    return Told(
        f"1.3.6.1.6.3.1.1.5.{4 if up else 3}",
        (
            (f"{_IF_ENTRY}.1.{index}", ber.INTEGER, index),
            (f"{_IF_ENTRY}.7.{index}", ber.INTEGER, 1),
            (f"{_IF_ENTRY}.8.{index}", ber.INTEGER, 1 if up else 2),
        ),
    )


def datagram(told: Told, community: str, request_id: int, uptime: float) -> bytes:
    """The trap on the wire; `uptime` in seconds."""
    varbinds = b"".join(_varbinds(told, uptime))
    return encode_message(encode_head(2, community.encode()), TRAP, request_id, 0, 0, varbinds)


def _varbinds(told: Told, uptime: float) -> Iterable[bytes]:
    yield encode_varbind(_SYS_UP_TIME, ber.TIME_TICKS, int(uptime * 100) % 2**32)
    yield encode_varbind(_SNMP_TRAP_OID, ber.OBJECT_IDENTIFIER, ber.encode_oid(told.oid))
    for oid, tag, value in told.varbinds:
        yield encode_varbind(ber.encode_oid(oid), tag, value)
