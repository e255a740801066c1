"""The text of one value for people, by what its object's MIB says: `down(2)`, `0:01:02.50`, `10.0.0.1`.

What was sent decides before what the MIB expected: a number reads as a number and an OID as an OID.
Octets come from anybody.  They are text where they are printable, else `0x` and hexadecimal digits.
"""

import codecs
import contextlib
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from netmon.mib.hints import HintError, format_integer, format_octets
from netmon.mib.node import Type
from netmon.mib.syntax import bit, opaque_float
from netmon.mib.tree import Tree
from netmon.snmp import ber

MAX_TEXT: Final = 1024  # characters of one value
_DAY: Final = 8_640_000  # TimeTicks
_V4: Final = 4  # octets of an address
_V6: Final = 16
_MAX_BITS: Final = 64  # that are named; a BITS value of more is octets
_BARE: Final = frozenset({ber.IP_ADDRESS, ber.OPAQUE})  # octets that are no text
_LAYOUT: Final = {ord("\n"): " ", ord("\r"): " ", ord("\t"): " "}


def ticks_text(ticks: int) -> str:
    """`1 day, 0:00:12.34` of TimeTicks, which are hundredths of a second."""
    days, rest = divmod(ticks, _DAY)
    seconds, hundredths = divmod(rest, 100)
    clock = f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}.{hundredths:02}"
    return f"{days} day{'s' * (days > 1)}, {clock}" if days else clock


def value_text(tree: Tree, kind: Type | None, tag: int, value: ber.Value) -> str:
    """At most MAX_TEXT characters and a word on what was cut; "" where there is no value.

    `kind` is the object's type, None where no MIB knows it.  Raises nothing.
    """
    if value is None:
        return ""
    if isinstance(value, int):
        return _number(kind, tag, value)
    if tag == ber.OBJECT_IDENTIFIER:
        return _name(tree, value)
    if tag == ber.IP_ADDRESS and len(value) == _V4:
        return str(IPv4Address(value))
    if tag == ber.OPAQUE and (number := opaque_float(value)) is not None:
        return f"{number:g}"
    return _hex(value) if tag in _BARE else _octets(kind, value)


def _name(tree: Tree, oid: bytes) -> str:
    try:
        return _cut(tree.name_of(ber.oid_numbers(oid)))
    except ber.DecodeError:
        return _hex(oid)


def _number(kind: Type | None, tag: int, value: int) -> str:
    if kind is not None:
        name = kind.enums.get(value) if kind.enums else None
        if name is not None:
            return f"{name}({value})"
        if tag == ber.INTEGER and kind.hint:
            with contextlib.suppress(HintError):
                return format_integer(kind.hint, value)
    return ticks_text(value) if tag == ber.TIME_TICKS else str(value)


def _octets(kind: Type | None, value: bytes) -> str:
    if kind is not None:
        if kind.base == "BITS" and len(value) * 8 <= _MAX_BITS:
            there = [number for number in range(len(value) * 8) if bit(value, number)]
            return " ".join(f"{kind.enums[n]}({n})" if n in kind.enums else str(n) for n in there)
        if kind.name == "InetAddress" and len(value) in {_V4, _V6}:
            return str(IPv4Address(value) if len(value) == _V4 else IPv6Address(value))
        if kind.hint and len(value) <= MAX_TEXT:
            with contextlib.suppress(HintError):
                made = format_octets(kind.hint, value)
                if made is not None and _printable(made):
                    return _cut(made)
    # Of what is longer than any text that is shown, the beginning tells whether it is text at all.
    head = value[: 4 * MAX_TEXT + 4]
    with contextlib.suppress(UnicodeDecodeError):
        text = value.rstrip(b"\0").decode() if head == value else codecs.utf_8_decode(head)[0]
        if _printable(text):
            return _cut(text)
    return _hex(value)


def _printable(text: str) -> bool:
    return text.isprintable() or text.translate(_LAYOUT).isprintable()


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}... (cut)"


def _hex(value: bytes) -> str:
    if not value:
        return ""
    shown = f"0x{value[: MAX_TEXT // 2 - 1].hex().upper()}"
    return shown if len(shown) == 2 + 2 * len(value) else f"{shown}... ({len(value)} octets, cut)"
