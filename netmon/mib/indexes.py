"""The index of a table's row, from sub-identifiers to text and back (RFC 2578 §7.7).

Text is as net-snmp's tools have it, `3`, `"abc".4`, `ipv4."10.0.0.1"`, with one difference: octets that are
not printable stay numbers, where those tools print dots and lose them.  So text always leads back.
"""

import contextlib
import ipaddress
import re
from collections.abc import Sequence
from typing import Final

from netmon.mib.hints import HintError, format_octets, parse_octets
from netmon.mib.node import INTEGERS, MAX_SUB_ID, MAX_SUB_IDS, Index, MibError, Type

_PART: Final = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^."']+""", re.DOTALL)
_INET_HINTS: Final = {  # RFC 4001: what an InetAddressType says of the InetAddress behind it
    1: (4, "1d.1d.1d.1d"),
    2: (16, "1x:1x:1x:1x:1x:1x:1x:1x:1x:1x:1x:1x:1x:1x:1x:1x"),
    3: (8, "1d.1d.1d.1d%4d"),
    4: (20, "1x:1x:1x:1x:1x:1x:1x:1x:1x:1x:1x:1x:1x:1x:1x:1x%4d"),
}


def index_text(indexes: Sequence[Index], sub_ids: Sequence[int]) -> str:
    """`3`, `"abc".4`; if it does not fit the INDEX, dotted numbers."""
    split = split_index(indexes, sub_ids)
    if split is None:
        return ".".join(map(str, sub_ids))
    parts: list[str] = []
    earlier: int | None = None
    for index, numbers in zip(indexes, split, strict=True):
        parts.append(_value_text(index, numbers, earlier))
        earlier = numbers[0] if numbers else None
    return ".".join(parts)


def split_index(indexes: Sequence[Index], sub_ids: Sequence[int]) -> list[tuple[int, ...]] | None:
    """The sub-identifiers of each part of the INDEX; None where they do not fit."""
    parts = []
    at = 0
    for index in indexes:
        size = _taken(index, sub_ids[at:])
        if size is None:
            return None
        parts.append(tuple(sub_ids[at : at + size]))
        at += size
    return parts if at == len(sub_ids) else None


def _taken(index: Index, rest: Sequence[int]) -> int | None:
    """How many sub-identifiers this part of the INDEX takes."""
    base = index.type.base
    if base in INTEGERS:
        size = 1
    elif base == "IpAddress":
        size = 4
    elif index.implied:
        size = len(rest)
    elif base != "OBJECT IDENTIFIER" and (fixed := index.type.fixed_size) is not None:
        size = fixed
    elif rest:
        size = 1 + rest[0]
    else:
        return None
    return size if size <= len(rest) else None


def _value_text(index: Index, sub_ids: Sequence[int], earlier: int | None) -> str:
    base = index.type.base
    if base in INTEGERS:
        return index.type.enums.get(sub_ids[0], str(sub_ids[0]))
    raw = ".".join(map(str, sub_ids))
    if base in {"IpAddress", "OBJECT IDENTIFIER"}:
        return raw
    prefixed = not index.implied and index.type.fixed_size is None
    numbers = sub_ids[1:] if prefixed else sub_ids
    if any(number > 255 for number in numbers):  # noqa: PLR2004 - an octet
        return raw
    octets = bytes(numbers)
    text = _octets_text(index.type, octets, earlier)
    try:
        if text is None or _octets_of(index.type, text, earlier) != octets:
            return raw
    except MibError:
        return raw
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _octets_text(kind: Type, octets: bytes, earlier: int | None) -> str | None:
    """Printable text of the octets, or None."""
    if kind.name == "InetAddress" and earlier in _INET_HINTS:
        size, hint = _INET_HINTS[earlier]
        address = format_octets(hint, octets) if len(octets) == size else None
        return None if address is None else address.lower()
    text: str | None = None
    if kind.hint and octets:
        with contextlib.suppress(HintError):
            text = format_octets(kind.hint, octets)
    else:
        with contextlib.suppress(UnicodeDecodeError):
            text = octets.decode("ascii")
    return text if text is not None and text.isprintable() else None


def parse_index(indexes: Sequence[Index], text: str) -> tuple[int, ...]:
    """Sub-identifiers of `3`, `"abc".4`, `ipv4."10.0.0.1"`; fewer parts than the INDEX has are a beginning.

    Numbers alone are sub-identifiers as they stand.  Raises MibError.
    """
    parts = _split(text)
    if all(_is_number(part) for part in parts):
        return tuple(_sub_id(part) for part in parts)
    found: list[int] = []
    earlier: int | None = None
    for index in indexes:
        if not parts:
            break
        taken = _take(index, parts, earlier)
        earlier = taken[0] if taken else None
        found.extend(taken)
    if parts:
        wanted = ", ".join(index.name for index in indexes) or "none but .0"
        raise MibError(f'the index "{text}" has more than its table has indexes ({wanted})')
    if len(found) > MAX_SUB_IDS:
        raise MibError(f'the index "{text[:40]}..." makes an OID of more than {MAX_SUB_IDS} numbers')
    return tuple(found)


def _split(text: str) -> list[str]:
    parts = []
    at = 0
    while at < len(text):
        match = _PART.match(text, at)
        if match is None or (match.end() < len(text) and text[match.end()] != "."):
            raise MibError(f'the index "{text}" is not numbers, names and "quoted" texts with dots between')
        parts.append(match[0])
        at = match.end() + 1
    if not parts or text.endswith("."):
        raise MibError(f'the index "{text}" ends in nothing')
    return parts


def _take(index: Index, parts: list[str], earlier: int | None) -> list[int]:
    """Sub-identifiers of one part of the INDEX; removes from `parts` what it read."""
    kind, first = index.type, parts[0]
    if kind.base in INTEGERS:
        del parts[0]
        if _is_number(first):
            return [_sub_id(first)]
        for number, name in kind.enums.items():
            if name == first:
                return [number]
        known = f"; it is one of {', '.join(kind.enums.values())}" if kind.enums else ""
        raise MibError(f'index {index.name}: "{first}" is not a number{known}')
    if first[:1] in "\"'":
        del parts[0]
        text = re.sub(r"\\(.)", r"\1", first[1:-1], flags=re.DOTALL)
        return _encode(index, text, earlier)
    numbers = []
    for part in parts:
        if not _is_number(part):
            break
        numbers.append(_sub_id(part))
    size = _taken(index, numbers)
    if size is None:
        raise MibError(f'index {index.name}: "{first}" is not {_wanted(index)}')
    del parts[:size]
    return numbers[:size]


def _encode(index: Index, text: str, earlier: int | None) -> list[int]:
    base = index.type.base
    if base == "OBJECT IDENTIFIER":
        parts = text.lstrip(".").split(".")
        if not all(_is_number(part) for part in parts):
            raise MibError(f'index {index.name}: "{text}" is not an OID like 1.3.6.1')
        numbers = [_sub_id(part) for part in parts]
        return numbers if index.implied else [len(numbers), *numbers]
    if base == "IpAddress":
        try:
            return list(ipaddress.IPv4Address(text).packed)
        except ValueError:
            raise MibError(f'index {index.name}: "{text}" is not an IPv4 address') from None
    octets = _octets_of(index.type, text, earlier)
    if index.type.fixed_size is not None and base != "OBJECT IDENTIFIER":
        if len(octets) != index.type.fixed_size:
            raise MibError(f'index {index.name}: "{text}" is not {index.type.fixed_size} octets long')
        return list(octets)
    return list(octets) if index.implied else [len(octets), *octets]


def _octets_of(kind: Type, text: str, earlier: int | None) -> bytes:
    """Octets of a quoted text, by the address type before it, the DISPLAY-HINT, or as it stands."""
    if kind.name == "InetAddress" and earlier in _INET_HINTS:
        size, hint = _INET_HINTS[earlier]
        try:
            return ipaddress.ip_address(text).packed if size in {4, 16} else parse_octets(hint, text)
        except ValueError:
            pass
        octets = _by_hint(hint, text)
        if octets is None or len(octets) != size:
            raise MibError(f'"{text}" is not an address of {size} octets')
        return octets
    octets = _by_hint(kind.hint, text) if kind.hint else None
    return text.encode() if octets is None or not _fits(kind, octets) else octets


def _by_hint(hint: str, text: str) -> bytes | None:
    try:
        return parse_octets(hint, text)
    except HintError:
        return None


def _fits(kind: Type, octets: bytes) -> bool:
    return not kind.ranges or any(low <= len(octets) <= high for low, high in kind.ranges)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _sub_id(text: str) -> int:
    number = int(text) if len(text) <= len(str(MAX_SUB_ID)) else MAX_SUB_ID + 1
    if number > MAX_SUB_ID:
        raise MibError(f"{text[:20]} is not a number of an OID, which ends at {MAX_SUB_ID}")
    return number


def _wanted(index: Index) -> str:
    if index.type.base == "IpAddress":
        return 'an address: 192.0.2.1 or "192.0.2.1"'
    fixed = index.type.fixed_size
    numbers = f"{fixed} octets" if fixed is not None else "a length and as many octets"
    return f'a "quoted" text, nor {numbers} as numbers'
