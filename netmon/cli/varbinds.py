"""One varbind as net-snmp's tools print it (`-On`, no MIBs), and as JSON; pure.

Scripts that read snmpbulkwalk's lines read these.  Where net-snmp prints a line break or another
control character out of a string as it is, here stands an escape, so that no device can write lines
of its own or move the terminal's cursor.
"""

from typing import Any, Final

from netmon.mib.syntax import opaque_float
from netmon.snmp import ber

ABSENT: Final = {
    ber.NO_SUCH_OBJECT: "No Such Object available on this agent at this OID",
    ber.NO_SUCH_INSTANCE: "No Such Instance currently exists at this OID",
    ber.END_OF_MIB_VIEW: "No more variables left in this MIB View (It is past the end of the MIB tree)",
}
_SPACES: Final[dict[str, str]] = {"\t": "\\t", "\n": "\\n", "\v": "\\v", "\f": "\\f", "\r": "\\r"}
_TEXT: Final = frozenset((*range(0x20, 0x7F), *map(ord, _SPACES)))  # what C calls print or space
_ESCAPES: Final = {ord(space): text for space, text in _SPACES.items()}
_LINE: Final = 16  # octets of a hex string on one line
_DAY: Final = 8_640_000  # TimeTicks


def line(name: str, tag: int, value: ber.Value) -> str:
    """`.1.3.6.1.2.1.1.5.0 = STRING: "sw1"`; hex strings of more than 16 octets go on in further lines."""
    return f"{name} = {value_text(tag, value)}"


def value_text(tag: int, value: ber.Value) -> str:
    """The right-hand side."""
    if isinstance(value, int):
        return (
            f"Timeticks: {_ticks(value)}"
            if tag == ber.TIME_TICKS
            else f"{ber.TYPE_NAMES.get(tag, 'INTEGER')}: {value}"
        )
    if value is None:
        return ABSENT.get(tag, "NULL")
    if tag == ber.OBJECT_IDENTIFIER:
        return f"OID: .{ber.decode_oid(value)}"
    if tag == ber.IP_ADDRESS:
        return f"IpAddress: {'.'.join(map(str, value))}"
    if tag == ber.OPAQUE:
        number = opaque_float(value)
        return f"OPAQUE: {_hex(value)}" if number is None else f"Opaque: Float: {number:f}"
    return _string(value)


def _ticks(ticks: int) -> str:
    days, rest = divmod(ticks, _DAY)
    seconds, hundredths = divmod(rest, 100)
    clock = f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}.{hundredths:02}"
    whole_days = f"{days} day{'s' * (days > 1)}, " if days else ""
    return f"({ticks}) {whole_days}{clock}"


def _string(octets: bytes) -> str:
    if not octets:
        return '""'
    if not _TEXT.issuperset(octets):
        return f"Hex-STRING: {_hex(octets)}"
    text = octets.decode("ascii").replace("\\", "\\\\").replace('"', '\\"')
    return f'STRING: "{text.translate(_ESCAPES)}"'


def _hex(octets: bytes) -> str:
    """Pairs of digits, each with a space behind it, as net-snmp has them."""
    lines = (octets[at : at + _LINE] for at in range(0, len(octets), _LINE))
    return "\n".join(f"{part.hex(' ').upper()} " for part in lines)


def as_json(oid: bytes, name: str | None, tag: int, value: ber.Value) -> dict[str, Any]:
    """One object: `oid`, `name` where known, `type` in the SMI's words, `value`, and `hex` of octets.

    Text is UTF-8 with replacement characters; numbers are numbers; what is absent is null.
    """
    record: dict[str, Any] = {
        "oid": ber.decode_oid(oid),
        "name": name,
        "type": ber.TYPE_NAMES.get(tag, f"{tag:#04x}"),
    }
    if not isinstance(value, bytes):
        return record | {"value": value}
    if tag == ber.OBJECT_IDENTIFIER:
        return record | {"value": ber.decode_oid(value)}
    if tag == ber.IP_ADDRESS:
        return record | {"value": ".".join(map(str, value))}
    if tag == ber.OPAQUE and (number := opaque_float(value)) is not None:
        return record | {"value": number}
    return record | {"value": value.decode("utf-8", "replace"), "hex": value.hex()}
