"""A VarBindList into three parallel lists (RFC 3416 §3): where netmon spends its days.

A list of the usual shape is taken apart by one regular expression: in C, with no step of Python for
a varbind, which saves a third of a walk's decoding.  That is no guess at its content: the expression
matches a varbind only if its three lengths agree, and the matches have to fill the list without a gap.
Compiled, the loop is the faster of the two and takes them all (`netmon.compiled`).
Whatever it does not match (names of different lengths, long lengths, damage) goes through a loop over
the varbinds, which reads it by the letter of X.690 or refuses it.  Where both can read, both read
the same.
"""

import re
from contextlib import suppress
from functools import lru_cache
from typing import Final

from netmon.compiled import COMPILED
from netmon.snmp.ber import (
    COUNTER32,
    COUNTER64,
    GAUGE32,
    INTEGER,
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    SEQUENCE,
    TIME_TICKS,
    UINTEGER32,
    DecodeError,
    Value,
    check_oids,
    decode_value,
    expect,
    header,
    is_suspect,
)

Lists = tuple[list[bytes], list[int], list[Value]]

_SHORT: Final = 0x80  # lengths below take one octet
_NEGATIVE: Final = 0x80
_SURELY_SHORT: Final = 126  # octets that cannot hold more sub-identifiers than an OID may have
# The largest value of each unsigned type.
_LIMITS: Final = {
    COUNTER32: 0xFFFFFFFF,
    GAUGE32: 0xFFFFFFFF,
    TIME_TICKS: 0xFFFFFFFF,
    UINTEGER32: 0xFFFFFFFF,
    COUNTER64: 0xFFFFFFFFFFFFFFFF,
}
_NUMBERS: Final = "".join(rf"\x{tag:02x}" for tag in (INTEGER, *_LIMITS))  # for a set in an expression
# By tag: so many octets of an unsigned type are within its range whatever they say.
_SAFE_OCTETS: Final = bytes(
    {COUNTER32: 4, GAUGE32: 4, TIME_TICKS: 4, COUNTER64: 8}.get(tag, 0) for tag in range(256)
)
# What the expression knows, in octets; beyond it the loop takes over.
_LONGEST_NAME: Final = 64  # also how many expressions there can be, at milliseconds each
_LONGEST_VALUE: Final = 48
_LONGEST_NUMBER: Final = 8
_BRANCHES: Final = 4  # sizes that are tried one by one; more are halved first
_AROUND: Final = 4  # octets beside name and value inside a varbind: 06 len, tag len
_RUN: Final = re.compile(rb"(.)\1*", re.DOTALL)


def decode_varbinds(data: bytes, at: int, end: int) -> Lists:
    """Names as content octets, tags, and values as `ber.decode_value` gives them, of `data[at:end]`.

    Raises DecodeError and nothing else.
    """
    name = data[at + 3] if end - at > _AROUND and not COMPILED else 0
    if 0 < name <= _LONGEST_NAME:
        # Of each varbind four items: what lies before the match, its name, its tag and its content.
        found = _usual_varbind(name).split(data[at:end])
        if not any(found[::4]):
            oids = found[1::4]
            if is_suspect(b"".join(oids)):
                check_oids(oids)
            tags = b"".join(found[2::4])
            with suppress(DecodeError):  # the loop meets it again and knows the octet
                return oids, list(tags), _values(tags, found[3::4])
    return _decode_one_by_one(data, at, end)


@lru_cache(maxsize=_LONGEST_NAME)
def _usual_varbind(name: int) -> re.Pattern[bytes]:
    r"""Matches a varbind of short lengths whose name takes `name` octets: 30 len 06 len NAME tag len VALUE.

    A regular expression cannot count, so there is a branch for every size of the value: it takes so
    many octets if the length before them says so and the length of the varbind agrees.  The last
    octet of a name ends a sub-identifier.
    """

    def exactly(size: int) -> str:
        return rf"(?<=\x{size + name + _AROUND:02x}.{{{name + _AROUND - 1}}}\x{size:02x}).{{{size}}}"

    def one_of(low: int, high: int) -> str:
        if high - low < _BRANCHES:
            return "|".join(map(exactly, range(low, high + 1)))
        half = (low + high) // 2
        return "|".join(
            rf"(?<=[\x{first:02x}-\x{last:02x}])(?:{one_of(first, last)})"
            for first, last in ((low, half), (half + 1, high))
        )

    # Most values are numbers, so their sizes come first; a number has no other.
    numbers = "|".join(map(exactly, range(1, _LONGEST_NUMBER + 1)))
    others = f"{one_of(_LONGEST_NUMBER + 1, _LONGEST_VALUE)}|{exactly(0)}"
    value = rf"{numbers}|(?<![{_NUMBERS}].)(?:{others})"
    return re.compile(rf"\x30.\x06\x{name:02x}(.{{{name - 1}}}[\x00-\x7f])(.).({value})".encode(), re.DOTALL)


def _values(tags: bytes, contents: list[bytes]) -> list[Value]:
    """The values in `contents`, tag by tag: columns come one after another, so there are few changes."""
    if tags.count(tags[0]) == len(tags):
        return _values_of(tags[0], contents)
    values: list[Value] = []
    for run in _RUN.finditer(tags):
        values += _values_of(tags[run.start()], contents[run.start() : run.end()])
    return values


def _values_of(tag: int, contents: list[bytes]) -> list[Value]:
    """The values of varbinds of one tag."""
    if tag == OCTET_STRING:
        return contents  # type: ignore[return-value]  # a new list, nobody else's
    if tag in _LIMITS:
        numbers = list(map(int.from_bytes, contents))
        if max(numbers) <= _LIMITS[tag]:
            return numbers  # type: ignore[return-value]  # as above
    elif tag == INTEGER:
        return [int.from_bytes(content, "big", signed=True) for content in contents]
    elif tag == OBJECT_IDENTIFIER:
        check_oids(contents)
        return contents  # type: ignore[return-value]  # as above
    return [decode_value(tag, content, 0, len(content)) for content in contents]


def _decode_one_by_one(data: bytes, at: int, end: int) -> Lists:  # noqa: C901 - calls would be its cost
    oids: list[bytes] = []
    tags: list[int] = []
    values: list[Value] = []
    suspect = False
    try:
        while at < end:
            # 30 len 06 len OID tag len value.  When the outer length takes one octet and the
            # three inner elements fill it exactly, then their lengths took one octet each too.
            length = data[at + 1]
            stop = at + 2 + length
            name = at + 4
            name_end = name + data[at + 3]
            # A name's end is looked at only where it lies inside: a long length is no length here.
            usual = length < _SHORT and name_end + 2 <= stop <= end
            if usual:
                tag = data[name_end]
                start = name_end + 2
                size = data[name_end + 1]
                usual = start + size == stop and data[at] == SEQUENCE and data[at + 2] == OBJECT_IDENTIFIER
            if not usual:
                name, name_end, tag, start, stop = _unusual_varbind(data, at, end)
                size = stop - start
            at = stop
            if data[name_end - 1] >= _SHORT or not 0 < name_end - name <= _SURELY_SHORT:
                suspect = True
            oids.append(data[name:name_end])
            tags.append(tag)
            if tag == OCTET_STRING:
                values.append(data[start:stop])
            elif 0 < size <= _SAFE_OCTETS[tag]:
                values.append(data[start] if size == 1 else _unsigned(data, start, stop))
            elif tag == INTEGER and size == 1:
                octet = data[start]
                values.append(octet if octet < _NEGATIVE else octet - 256)
            else:
                values.append(decode_value(tag, data, start, stop))
    except IndexError:
        raise DecodeError(f"octet {at}: a varbind is cut off") from None
    if at != end:
        raise DecodeError(f"octet {at}: the last varbind overruns the list")
    if suspect or is_suspect(b"".join(oids)):
        check_oids(oids)
    return oids, tags, values


def _unsigned(data: bytes, start: int, stop: int) -> int:
    """As int.from_bytes, which compiled code can only call like any stranger."""
    number = 0
    for at in range(start, stop):
        number = number << 8 | data[at]
    return number


def _unusual_varbind(data: bytes, at: int, end: int) -> tuple[int, int, int, int, int]:
    """Bounds of the name, tag and bounds of the value, where lengths take more than one octet."""
    at, stop = expect(data, at, end, SEQUENCE)
    name, name_end = expect(data, at, stop, OBJECT_IDENTIFIER)
    tag, start, value_end = header(data, name_end, stop)
    if value_end != stop:
        raise DecodeError(f"octet {value_end}: something follows the value of a varbind")
    return name, name_end, tag, start, stop
