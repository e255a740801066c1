"""BER, as far as SNMP uses it: ITU-T X.690 within the limits of RFC 3417 §8 and RFC 2578.

Pure functions over `bytes`.  An object identifier is handled as its content octets: they are what
the wire carries, they hash and compare fast, and a prefix of octets is a prefix of the tree.  Only
the edges (config, messages for people) see dotted text.

Everything decoded is hostile until proven otherwise.  Lengths are checked against the enclosing
element before use, integers are bounded to 64 bits, and nothing here recurses: the nesting of an
SNMP message is fixed, so depth is bounded by the code that asks for it.  Every refusal is a
`DecodeError`.
"""

import re
from collections.abc import Sequence
from typing import Final

from netmon.errors import NetmonError

# X.690 §8.1.2 and RFC 2578 §7.1, RFC 3416 §3; the names are those of the SMI.
INTEGER: Final = 0x02
OCTET_STRING: Final = 0x04
NULL: Final = 0x05
OBJECT_IDENTIFIER: Final = 0x06
SEQUENCE: Final = 0x30
IP_ADDRESS: Final = 0x40
COUNTER32: Final = 0x41
GAUGE32: Final = 0x42
TIME_TICKS: Final = 0x43
OPAQUE: Final = 0x44
COUNTER64: Final = 0x46
NO_SUCH_OBJECT: Final = 0x80
NO_SUCH_INSTANCE: Final = 0x81
END_OF_MIB_VIEW: Final = 0x82

# Of RFC 1442, gone since RFC 1902, and still sent by some devices.
BIT_STRING: Final = 0x03
NSAP_ADDRESS: Final = 0x45
UINTEGER32: Final = 0x47

# Types of values by tag, in the SMI's words (RFC 2578 §7.1), and those of RFC 3416 §3 for none.
TYPE_NAMES: Final = {
    INTEGER: "INTEGER",
    OCTET_STRING: "OCTET STRING",
    OBJECT_IDENTIFIER: "OBJECT IDENTIFIER",
    IP_ADDRESS: "IpAddress",
    COUNTER32: "Counter32",
    GAUGE32: "Gauge32",
    TIME_TICKS: "TimeTicks",
    OPAQUE: "Opaque",
    COUNTER64: "Counter64",
    BIT_STRING: "BIT STRING",
    NSAP_ADDRESS: "NsapAddress",
    UINTEGER32: "UInteger32",
    NULL: "NULL",
    NO_SUCH_OBJECT: "noSuchObject",
    NO_SUCH_INSTANCE: "noSuchInstance",
    END_OF_MIB_VIEW: "endOfMibView",
}

_LONG_FORM: Final = 0x80  # also the continuation bit of a sub-identifier
_SEVEN_BITS: Final = 0x7F
_LENGTH_OCTETS: Final = 4  # what net-snmp and others send at most: 84 00 00 xx xx
_INTEGER_OCTETS: Final = 8
_MAX_32: Final = 0xFFFFFFFF
_MAX_64: Final = 0xFFFFFFFFFFFFFFFF
_MAX_SUB_IDENTIFIERS: Final = 128  # RFC 2578 §3.5
_ARC_WIDTH: Final = 40  # X.690 §8.19.4: the first two arcs share one sub-identifier
_LAST_ROOT_ARC: Final = 2

# A sub-identifier padded with leading zeros (X.690 §8.19.2), or above 2**32-1 (RFC 2578 §3.5).
_BAD_SUB_IDENTIFIER: Final = re.compile(
    rb"(?<![\x80-\xff])\x80|[\x90-\xff][\x80-\xff]{3}|[\x80-\xff]{5}", re.DOTALL
)
_CONTINUED: Final = bytes(octet >> 7 for octet in range(256))
_FOUR_CONTINUED: Final = b"\x01" * 4  # only a sub-identifier of five octets, or a bad one, has so many
_SUB_IDENTIFIER_END: Final = re.compile(rb"[\x00-\x7f]")

Value = int | bytes | None


class DecodeError(NetmonError):
    """Octets that are not what the standards allow; the message says where and why."""


class EncodeError(NetmonError, ValueError):
    """A value that cannot be put on the wire: an OID that is none, an integer out of range."""


def header(data: bytes, at: int, end: int) -> tuple[int, int, int]:
    """Tag, start and stop of the content of the element at `at`, which must end by `end`.

    Lengths may use the long form even where the short one would do, as agents really send them.
    The indefinite form is refused (RFC 3417 §8 (1)), and so is a length beyond `end`.
    """
    if at + 2 > end:
        raise DecodeError(f"octet {at}: an element is cut off")
    tag = data[at]
    length = data[at + 1]
    start = at + 2
    if length >= _LONG_FORM:
        octets = length & _SEVEN_BITS
        if not 0 < octets <= _LENGTH_OCTETS:
            raise DecodeError(f"octet {at + 1}: a length of the form {length:#04x} is not allowed")
        if start + octets > end:
            raise DecodeError(f"octet {at}: an element is cut off")
        length = int.from_bytes(data[start : start + octets], "big")
        start += octets
    stop = start + length
    if stop > end:
        raise DecodeError(f"octet {at}: {length} octets of content announced, {end - start} are there")
    return tag, start, stop


def expect(data: bytes, at: int, end: int, wanted: int) -> tuple[int, int]:
    """Start and stop of the content of the element at `at`, which must have the tag `wanted`."""
    if at + 2 <= end and data[at] == wanted and data[at + 1] < _LONG_FORM and at + 2 + data[at + 1] <= end:
        return at + 2, at + 2 + data[at + 1]
    tag, start, stop = header(data, at, end)
    if tag != wanted:
        raise DecodeError(f"octet {at}: tag {tag:#04x}, wanted {wanted:#04x}")
    return start, stop


def expect_integer(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Value and end of the INTEGER at `at`."""
    start, stop = expect(data, at, end, INTEGER)
    if start + 1 == stop and data[start] <= _SEVEN_BITS:
        return data[start], stop
    return decode_integer(data, start, stop), stop


def decode_integer(data: bytes, start: int, stop: int) -> int:
    """A signed integer of at most 64 bits (X.690 §8.3); superfluous leading octets are accepted."""
    if not 0 < stop - start <= _INTEGER_OCTETS:
        raise DecodeError(f"octet {start}: an integer of {stop - start} octets")
    return int.from_bytes(data[start:stop], "big", signed=True)


def decode_unsigned(data: bytes, start: int, stop: int, limit: int) -> int:
    """A value of an unsigned type, at most `limit`.

    Some agents leave out the leading zero octet that keeps a large value positive; the types know
    no negative values, so the octets are read as unsigned.
    """
    if not 0 < stop - start <= _INTEGER_OCTETS + 1:
        raise DecodeError(f"octet {start}: an integer of {stop - start} octets")
    value = int.from_bytes(data[start:stop], "big")
    if value > limit:
        raise DecodeError(f"octet {start}: {value} is above the type's limit of {limit}")
    return value


def check_oids(oids: Sequence[bytes]) -> None:
    """Raise DecodeError unless each of these content octets is an OID (X.690 §8.19, RFC 2578 §3.5).

    Takes many at a time because joined they can be cleared at the speed of C: octets without a
    continuation bit cannot be wrong, and only few others need a closer look.
    """
    if not oids:
        return
    suspect = not all(oids) or not bytes([oid[-1] for oid in oids]).isascii() or is_suspect(b"".join(oids))
    if not suspect and max(map(len, oids)) <= _MAX_SUB_IDENTIFIERS - 1:
        return
    for oid in oids:
        if not oid or oid[-1] >= _LONG_FORM:
            raise DecodeError("an object identifier is empty or cut off")
        if _BAD_SUB_IDENTIFIER.search(oid):
            raise DecodeError(
                f"object identifier {oid[:64].hex(' ')}: a sub-identifier is padded or above 32 bits"
            )
        if len(_SUB_IDENTIFIER_END.findall(oid)) >= _MAX_SUB_IDENTIFIERS:
            raise DecodeError("an object identifier of more than 128 sub-identifiers")


def is_suspect(joined: bytes) -> bool:
    """Whether OIDs that are whole, one behind the other, need the closer look of `check_oids`."""
    # `find`, because bytes looked for by `in` are first tried as a number, at the price of an exception.
    return not joined.isascii() and (
        _LONG_FORM in joined or joined.translate(_CONTINUED).find(_FOUR_CONTINUED) >= 0
    )


def decode_value(tag: int, data: bytes, start: int, stop: int) -> Value:
    """The value in `data[start:stop]`: an int for the integer types, bytes for strings, addresses and OIDs.

    NULL and the exceptions of RFC 3416 §3 are None; the tag tells them apart.
    """
    if tag in (OCTET_STRING, OPAQUE, IP_ADDRESS, NSAP_ADDRESS, BIT_STRING):
        return data[start:stop]
    if tag == INTEGER:
        return decode_integer(data, start, stop)
    if tag in (COUNTER32, GAUGE32, TIME_TICKS, UINTEGER32):
        return decode_unsigned(data, start, stop, _MAX_32)
    if tag == COUNTER64:
        return decode_unsigned(data, start, stop, _MAX_64)
    if tag == OBJECT_IDENTIFIER:
        check_oids((data[start:stop],))
        return data[start:stop]
    if tag in (NULL, NO_SUCH_OBJECT, NO_SUCH_INSTANCE, END_OF_MIB_VIEW):
        if start != stop:
            raise DecodeError(f"octet {start}: a value of tag {tag:#04x} has content")
        return None
    raise DecodeError(f"octet {start}: a value of the unknown tag {tag:#04x}")


def decode_oid(oid: bytes) -> str:
    """Dotted text of an OID's content octets, as `1.3.6.1`.  Raises DecodeError."""
    return ".".join(map(str, oid_numbers(oid)))


def oid_numbers(oid: bytes) -> tuple[int, ...]:
    """The numbers of an OID's content octets.  Raises DecodeError."""
    check_oids((oid,))
    arcs: list[int] = []
    arc = 0
    for octet in oid:
        arc = arc << 7 | octet & _SEVEN_BITS
        if octet < _LONG_FORM:
            arcs.append(arc)
            arc = 0
    root = min(arcs[0] // _ARC_WIDTH, _LAST_ROOT_ARC)
    return (root, arcs[0] - root * _ARC_WIDTH, *arcs[1:])


def encode_oid(oid: str | Sequence[int]) -> bytes:
    """Content octets of an OID in dotted text (a leading dot is fine) or as numbers.

    Raises EncodeError for what is no OID; one of a single arc has no encoding (X.690 §8.19.4).
    """
    try:
        arcs = [int(part) for part in oid.removeprefix(".").split(".")] if isinstance(oid, str) else list(oid)
    except ValueError:
        raise EncodeError(f"{oid!r} is not an object identifier like 1.3.6.1.2.1") from None
    if not 1 < len(arcs) <= _MAX_SUB_IDENTIFIERS or not all(0 <= arc <= _MAX_32 for arc in arcs):
        raise EncodeError(f"{oid!r}: wanted 2 to 128 numbers of at most 32 bits")
    root, second = arcs[0], arcs[1]
    if root > _LAST_ROOT_ARC or (root < _LAST_ROOT_ARC and second >= _ARC_WIDTH):
        raise EncodeError(f"{oid!r}: no such root; they are 0.0 to 0.39, 1.0 to 1.39 and 2")
    if root * _ARC_WIDTH + second > _MAX_32:
        raise EncodeError(f"{oid!r}: {second} under the root arc 2 exceeds 32 bits")
    return b"".join(map(_encode_arc, (root * _ARC_WIDTH + second, *arcs[2:])))


def _encode_arc(arc: int) -> bytes:
    octets = [arc & _SEVEN_BITS]
    while arc := arc >> 7:
        octets.append(arc & _SEVEN_BITS | _LONG_FORM)
    return bytes(reversed(octets))


def tlv(tag: int, content: bytes) -> bytes:
    """An element with the shortest definite length (X.690 §10.1)."""
    length = len(content)
    if length < _LONG_FORM:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, _LONG_FORM | len(octets))) + octets + content


def encode_integer(value: int, tag: int = INTEGER) -> bytes:
    """An element of any of the integer types, in the fewest octets (X.690 §8.3.2)."""
    if 0 <= value <= _SEVEN_BITS:
        return bytes((tag, 1, value))
    bits = (value if value >= 0 else ~value).bit_length()
    return tlv(tag, value.to_bytes(bits // 8 + 1, "big", signed=True))


def encode_value(tag: int, value: Value) -> bytes:
    """The element for a value as `decode_value` gives it.  Raises EncodeError if the tag cannot hold it."""
    if isinstance(value, int):
        low, high = {
            INTEGER: (-0x80000000, 0x7FFFFFFF),
            COUNTER64: (0, _MAX_64),
            **dict.fromkeys((COUNTER32, GAUGE32, TIME_TICKS, UINTEGER32), (0, _MAX_32)),
        }.get(tag, (1, 0))
        if low <= value <= high:
            return encode_integer(value, tag)
    elif isinstance(value, bytes):
        if tag in (OCTET_STRING, OPAQUE, IP_ADDRESS, OBJECT_IDENTIFIER, NSAP_ADDRESS, BIT_STRING):
            return tlv(tag, value)
    elif tag in (NULL, NO_SUCH_OBJECT, NO_SUCH_INSTANCE, END_OF_MIB_VIEW):
        return bytes((tag, 0))
    raise EncodeError(f"{value!r} does not fit the tag {tag:#04x}")
