"""DISPLAY-HINT of textual conventions: octets and integers to text, and text back (RFC 2579 §3.1).

A hint comes from a MIB and the octets from a device, so both are untrusted: a hint that is not one is
a HintError, and no hint makes more text than a bounded multiple of the octets.  Hexadecimal is padded
to two digits an octet, since "1x" would otherwise not say where an octet ends.
"""

import itertools
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from netmon.errors import NetmonError

_SPEC: Final = re.compile(r"(?P<repeat>\*)?(?P<length>[0-9]{1,5})(?P<format>[adtxo])(?P<marks>[^0-9*]{0,2})")
_INTEGER: Final = re.compile(r"(?P<format>[dxob])(?:-(?P<point>[0-9]{1,2}))?")
_MAX_HINT: Final = 255
_RADIX: Final = {"d": 10, "x": 16, "o": 8, "b": 2}
_DIGITS: Final = {
    "d": re.compile(r"[0-9]{1,200}"),
    "x": re.compile(r"[0-9A-Fa-f]{1,600}"),
    "o": re.compile(r"[0-7]{1,300}"),
}


class HintError(NetmonError):
    """A text that does not fit the hint, or a hint that is none."""


@dataclass(frozen=True, slots=True)
class _Spec:
    """One octet-format specification."""

    repeat: bool  # the first octet says how often this is applied
    length: int  # octets of one application
    format: str  # a, t: text; d, x, o: a number
    separator: str
    terminator: str  # stands behind the last repetition


@lru_cache(maxsize=256)
def _specs(hint: str) -> tuple[_Spec, ...]:
    specs = []
    at = 0
    while at < len(hint) <= _MAX_HINT:
        match = _SPEC.match(hint, at)
        if match is None:
            raise HintError(f'DISPLAY-HINT "{hint}" is not one of an OCTET STRING (RFC 2579 §3.1)')
        repeat, marks = match["repeat"] is not None, match["marks"]
        if not repeat:
            marks = marks[:1]  # only a repetition has a terminator
        specs.append(_Spec(repeat, int(match["length"]), match["format"], marks[:1], marks[1:]))
        at = match.end("format") + len(marks)
    if not specs or specs[-1].length == 0:
        raise HintError(f'DISPLAY-HINT "{hint[:_MAX_HINT]}" is not one of an OCTET STRING (RFC 2579 §3.1)')
    return tuple(specs)


def format_octets(hint: str, octets: bytes) -> str:
    """The text that the hint makes of the octets; what is not text in an `a` or `t` part becomes U+FFFD."""
    specs = _specs(hint)
    text: list[str] = []
    at = number = 0
    while at < len(octets):
        spec = specs[min(number, len(specs) - 1)]
        number += 1
        count = 1
        if spec.repeat:
            count = octets[at]
            at += 1
        for turn in range(count):
            part = octets[at : at + spec.length]
            at += spec.length
            text.append(_part_text(spec.format, part))
            more = at < len(octets)
            if spec.terminator and turn == count - 1:
                text.append(spec.terminator if more else "")
            elif more:
                text.append(spec.separator)
            if not more:
                break
    return "".join(text)


def _part_text(form: str, part: bytes) -> str:
    if form == "a":
        return part.decode("ascii", "replace")
    if form == "t":
        return part.decode("utf-8", "replace")
    if form == "x":
        return part.hex()
    number = int.from_bytes(part, "big")
    return f"{number:o}" if form == "o" else _decimal(number)


def _decimal(number: int) -> str:
    # Python refuses to print integers of more than 4300 digits; a part that long is no number to read.
    return str(number) if number.bit_length() <= 4096 else f"{number:#x}"  # noqa: PLR2004


def parse_octets(hint: str, text: str) -> bytes:
    """The octets that the hint makes such a text of.  Raises HintError that quotes the text and the hint."""
    specs = _specs(hint)
    _refuse_ambiguous(hint, specs)
    out = bytearray()
    rest = text
    number = 0
    while rest:
        spec = specs[min(number, len(specs) - 1)]
        number += 1
        before = rest
        if spec.repeat:
            part, rest = _repeated(hint, text, spec, rest)
        else:
            part, rest = _one(hint, text, spec, rest)
            rest = _skip(hint, text, spec.separator, rest)
        out += part
        if rest == before and number >= len(specs):
            raise _unfit(hint, text)
    return bytes(out)


def _refuse_ambiguous(hint: str, specs: tuple[_Spec, ...]) -> None:
    """Numbers that run into each other cannot be told apart: "1d" makes 1234 of many octets."""
    for spec, behind in itertools.pairwise(specs):
        if spec.format in "do" and not spec.separator and behind.format in "dox":
            raise HintError(f'DISPLAY-HINT "{hint}" cannot be read backwards: its numbers run together')


def _repeated(hint: str, text: str, spec: _Spec, rest: str) -> tuple[bytes, str]:
    out = bytearray()
    count = 0
    while rest:
        part, rest = _one(hint, text, spec, rest)
        out += part
        count += 1
        if spec.terminator and rest.startswith(spec.terminator):
            rest = rest[len(spec.terminator) :]
            break
        rest = _skip(hint, text, spec.separator, rest)
    if count > 255:  # noqa: PLR2004 - the count is one octet
        raise _unfit(hint, text)
    return bytes((count,)) + bytes(out), rest


def _one(hint: str, text: str, spec: _Spec, rest: str) -> tuple[bytes, str]:
    """One application of a specification: its octets and the text behind it."""
    if spec.length == 0:
        return b"", rest
    if spec.format in "at":
        return _text_part(hint, text, spec, rest)
    match = _DIGITS[spec.format].match(rest)
    if match is None:
        raise _unfit(hint, text)
    digits = match[0]
    if spec.format == "x" and not spec.separator and not spec.terminator:
        digits = digits[: 2 * spec.length]
        size = (len(digits) + 1) // 2
    else:
        size = spec.length
    number = int(digits, _RADIX[spec.format])
    if number >> (8 * size):
        raise _unfit(hint, text)
    return number.to_bytes(size, "big"), rest[len(digits) :]


def _text_part(hint: str, text: str, spec: _Spec, rest: str) -> tuple[bytes, str]:
    octets = bytearray()
    used = 0
    for character in rest:
        if character in (spec.separator, spec.terminator) and character:
            break
        try:
            encoded = character.encode("ascii" if spec.format == "a" else "utf-8")
        except UnicodeEncodeError:
            raise _unfit(hint, text) from None
        if len(octets) + len(encoded) > spec.length:
            break
        octets += encoded
        used += 1
    return bytes(octets), rest[used:]


def _skip(hint: str, text: str, mark: str, rest: str) -> str:
    if not rest or not mark:
        return rest
    if not rest.startswith(mark):
        raise _unfit(hint, text)
    return rest[len(mark) :]


def _unfit(hint: str, text: str) -> HintError:
    return HintError(f'"{text[:80]}" does not fit the DISPLAY-HINT "{hint}"')


def format_integer(hint: str, number: int) -> str:
    """The text of a number: "d-2" makes 12.34 of 1234."""
    form, point = _integer_hint(hint)
    if form != "d":
        digits = {"x": f"{abs(number):x}", "o": f"{abs(number):o}", "b": f"{abs(number):b}"}[form]
        return f"-{digits}" if number < 0 else digits
    if not point:
        return str(number)
    digits = str(abs(number)).rjust(point + 1, "0")
    return f"{'-' if number < 0 else ''}{digits[:-point]}.{digits[-point:]}"


def parse_integer(hint: str, text: str) -> int:
    """The number of such a text.  Decimals may be fewer than the hint has, never more."""
    form, point = _integer_hint(hint)
    if form != "d":
        sign = -1 if text.startswith("-") else 1
        digits = text.removeprefix("-")
        try:
            if not digits.isalnum() or len(digits) > 64:  # noqa: PLR2004 - more than any SMI integer has
                raise _unfit(hint, text)
            return sign * int(digits, _RADIX[form])
        except ValueError:
            raise _unfit(hint, text) from None
    match = re.fullmatch(r"(-?)([0-9]{1,20})(?:\.([0-9]{1,20}))?", text, re.ASCII)
    if match is None or len(match[3] or "") > point:
        raise _unfit(hint, text)
    number = int(match[2] + (match[3] or "").ljust(point, "0"))
    return -number if match[1] else number


def _integer_hint(hint: str) -> tuple[str, int]:
    match = _INTEGER.fullmatch(hint)
    if match is None or (match["point"] and match["format"] != "d"):
        raise HintError(f'DISPLAY-HINT "{hint[:_MAX_HINT]}" is not one of an integer (RFC 2579 §3.1)')
    return match["format"], int(match["point"] or 0)
