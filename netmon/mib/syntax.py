"""How values and indexes read as text: the forms that snmp_exporter's users have in their labels.

A table's index is a list of sub-identifiers behind the column's OID, encoded by RFC 2578 §7.7; a
value is what the wire carried.  Both become text by the same rules: `AA:BB:CC:DD:EE:FF` for a MAC
address, `0xUPPERHEX` for octets, eight uppercase groups for IPv6, and a sub-identifier or octet that
is missing counts as zero.  Nothing here raises: a device may send anything, and gets something.
"""

import contextlib
import math
import re
import struct
from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Final

from netmon.mib.hints import Hint
from netmon.snmp import ber

Enums = Mapping[int, str]


class Syntax(StrEnum):
    """The `type` of a metric, an index or a lookup; the names are those of snmp.yml."""

    GAUGE = "gauge"
    COUNTER = "counter"
    FLOAT = "Float"
    DOUBLE = "Double"
    DATE_AND_TIME = "DateAndTime"
    PARSE_DATE_AND_TIME = "ParseDateAndTime"
    NTP_TIMESTAMP = "NTPTimeStamp"
    DISPLAY_STRING = "DisplayString"
    OCTET_STRING = "OctetString"
    PHYS_ADDRESS = "PhysAddress48"
    IPV4 = "InetAddressIPv4"
    IPV6 = "InetAddressIPv6"
    INET_ADDRESS = "InetAddress"
    INET_ADDRESS_MISSING_SIZE = "InetAddressMissingSize"
    LLDP_PORT_ID = "LldpPortId"
    ENUM_AS_INFO = "EnumAsInfo"
    ENUM_AS_STATE_SET = "EnumAsStateSet"
    BITS = "Bits"


_INET: Final = {1: Syntax.IPV4, 2: Syntax.IPV6}  # InetAddressType, RFC 4001 §3
# Types whose form is told by another object: for an index the sub-identifier before the address,
# for a value the column before (LldpPortIdSubtype: IEEE 802.1AB).
COMBINED: Final[Mapping[Syntax, Mapping[int, Syntax]]] = {
    Syntax.INET_ADDRESS: _INET,
    Syntax.INET_ADDRESS_MISSING_SIZE: _INET,
    Syntax.LLDP_PORT_ID: {
        1: Syntax.DISPLAY_STRING,
        2: Syntax.DISPLAY_STRING,
        3: Syntax.PHYS_ADDRESS,
        5: Syntax.DISPLAY_STRING,
        7: Syntax.DISPLAY_STRING,
    },
}
_FIXED: Final = {Syntax.PHYS_ADDRESS: 6, Syntax.IPV4: 4, Syntax.IPV6: 16}  # octets
_MAX_SUB_IDENTIFIERS: Final = 128  # RFC 2578 §3.5; what a length claims beyond that is not there
_LAST_OCTET: Final = 0x80  # continuation bit of a sub-identifier, X.690 §8.19
# Opaque holding BER of an ASN.1 real: how net-snmp sends floats (its NET-SNMP-TC, "Float").
_FLOAT: Final = b"\x9f\x78\x04"
_DOUBLE: Final = b"\x9f\x79\x08"
_NOT_UTF_8: Final = re.compile(r"[\udc80-\udcff]+")


def sub_ids(octets: bytes) -> list[int]:
    """The sub-identifiers of OID content octets behind the first two arcs."""
    if octets.isascii():
        return list(octets)
    ids: list[int] = []
    number = 0
    for octet in octets:
        number = (number << 7 | octet & 0x7F) & 0xFFFFFFFF
        if octet < _LAST_OCTET:
            ids.append(number)
            number = 0
    return ids


def encode_sub_ids(ids: Sequence[int]) -> bytes:
    """The inverse of `sub_ids`."""
    octets = bytearray()
    for number in ids:
        for shift in (28, 21, 14, 7):
            if number >> shift:
                octets.append(number >> shift & 0x7F | _LAST_OCTET)
        octets.append(number & 0x7F)
    return bytes(octets)


def index_text(
    ids: Sequence[int], syntax: Syntax, size: int = 0, *, implied: bool = False, enums: Enums | None = None
) -> tuple[str, Sequence[int], Sequence[int]]:
    """Text of the index that begins `ids`, the sub-identifiers that it took, and those left over.

    `size` is the number of octets of a string of fixed length; a string that is `implied` takes all
    that is left (RFC 2578 §7.7); any other string begins with its length.
    """
    if syntax in COMBINED:
        return _combined_index(ids, syntax)
    if syntax in _FIXED:
        used, rest = _split(ids, _FIXED[syntax])
        return octets_text(_octets(used), syntax), used, rest
    if syntax in (Syntax.OCTET_STRING, Syntax.DISPLAY_STRING):
        length: Sequence[int] = ()
        if implied:
            size = len(ids)
        elif not size:
            length, ids = _split(ids, 1)
            size = length[0]
        used, rest = _split(ids, min(size, _MAX_SUB_IDENTIFIERS))
        return octets_text(_octets(used), syntax), (*length, *used), rest
    used, rest = _split(ids, 1)
    return (enums or {}).get(used[0], str(used[0])), used, rest


def _combined_index(ids: Sequence[int], syntax: Syntax) -> tuple[str, Sequence[int], Sequence[int]]:
    """An index whose first sub-identifier says what the rest is."""
    sized = syntax is not Syntax.INET_ADDRESS_MISSING_SIZE
    head, tail = _split(ids, 2 if sized else 1)
    known = COMBINED[syntax].get(head[0])
    if known is not None:
        length = head[1] if sized else 0
        text, used, rest = index_text(tail, known, length) if known in _FIXED or length else ("", (), tail)
        return text, (*head, *used), rest
    # A kind of address that has no text form: all of it, kind and length included, as octets.
    if sized:
        return index_text(ids, Syntax.OCTET_STRING, head[1] + 2)
    return index_text(ids, Syntax.OCTET_STRING, implied=True)


def utf8_text(octets: bytes) -> str:
    """Text of octets that should be UTF-8: one replacement character for a run of octets that are not."""
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return _NOT_UTF_8.sub("\ufffd", octets.decode(errors="surrogateescape"))


def octets_text(octets: bytes, syntax: Syntax) -> str:
    """Text of an octet string."""
    if syntax is Syntax.DISPLAY_STRING:
        return utf8_text(octets)
    if syntax in _FIXED:
        octets = octets[: _FIXED[syntax]].ljust(_FIXED[syntax], b"\0")
        if syntax is Syntax.IPV4:
            return ".".join(map(str, octets))
        if syntax is Syntax.IPV6:
            return octets.hex(":", 2).upper()
        return octets.hex(":").upper()
    return "0x" + octets.hex().upper() if octets else ""


def value_text(
    tag: int, value: ber.Value, syntax: Syntax, enums: Enums | None = None, hint: Hint | None = None
) -> str:
    """Text of a varbind's value; "" where there is none.

    What the agent sent decides before what the module expected: a number reads as a number and an
    OID as an OID, whatever the type in the module.  A `hint` is for octets that have no other form.
    """
    if isinstance(value, int):
        return enums.get(value, str(value)) if enums else str(value)
    if value is None:
        return ""
    if tag == ber.OBJECT_IDENTIFIER:
        with contextlib.suppress(ber.DecodeError):
            return ber.decode_oid(value)
        syntax = Syntax.OCTET_STRING
    elif tag == ber.IP_ADDRESS:
        syntax = Syntax.IPV4 if value else Syntax.OCTET_STRING
    elif tag == ber.OPAQUE and (number := opaque_float(value)) is not None:
        return _float_text(number, single=value.startswith(_FLOAT))
    if hint is not None and syntax is Syntax.OCTET_STRING and (made := hint.apply(value)) is not None:
        return utf8_text(made)
    return octets_text(value, syntax)


def value_texts(
    tags: Sequence[int],
    values: Sequence[ber.Value],
    syntax: Syntax,
    enums: Enums | None = None,
    hint: Hint | None = None,
) -> list[str]:
    """`value_text` of a column: each different value is worked out once."""
    known: dict[tuple[int, ber.Value], str] = {}
    texts = []
    for both in zip(tags, values, strict=True):
        text = known.get(both)
        if text is None:
            text = known[both] = value_text(*both, syntax, enums, hint)
        texts.append(text)
    return texts


def opaque_float(octets: bytes) -> float | None:
    """The number in an Opaque that wraps a float or a double, None for any other."""
    if octets.startswith(_FLOAT) and len(octets) == len(_FLOAT) + 4:
        return float(struct.unpack(">f", octets[3:])[0])
    if octets.startswith(_DOUBLE) and len(octets) == len(_DOUBLE) + 8:
        return float(struct.unpack(">d", octets[3:])[0])
    return None


def _float_text(number: float, *, single: bool) -> str:
    """A number in its shortest decimal form without exponent; a single float needs fewer digits."""
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else "+Inf" if number > 0 else "-Inf"
    text = repr(number)
    if single:
        wire = struct.pack(">f", number)
        forms = (f"{number:.{digits}g}" for digits in range(1, 10))
        text = next((form for form in forms if struct.pack(">f", float(form)) == wire), text)
    text = format(Decimal(text), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def bit(octets: bytes, number: int) -> int:
    """Bit `number` of a BITS value: the first is the highest of the first octet (RFC 3416 §8 (3))."""
    return octets[number // 8] >> (7 - number % 8) & 1 if number // 8 < len(octets) else 0


def _split(ids: Sequence[int], count: int) -> tuple[Sequence[int], Sequence[int]]:
    used = ids[:count]
    if len(used) < count:
        used = (*used, *(0,) * (count - len(used)))
    return used, ids[count:]


def _octets(ids: Sequence[int]) -> bytes:
    return bytes(number & 0xFF for number in ids)
