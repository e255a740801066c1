"""DISPLAY-HINT: octets and integers to text, and text back, by RFC 2579 §3.1.

A hint is a list of specifications, each of which takes some octets and says how they read: `1d.` is
one octet in decimal and a full stop behind it.  The last one repeats until the octets are used up, a
`*` in front takes the number of repetitions from the value itself, and no separator stands at the
very end.  Hints of integers (`d-2`, `x`) are legal in a module and change nothing there; a MIB's objects are
shown by them.  Not every hint can be read backwards, and not every text that one makes leads back to
the same octets: who needs that formats what was parsed, and compares.
"""

import itertools
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from netmon.errors import NetmonError

_SPECIFICATION: Final = re.compile(r"(\*?)([0-9]{1,5})([dxoat])")
_INTEGER: Final = re.compile(r"d(-[0-9]{1,3})?|[xob]")
_MAX_TEXT: Final = 65_536  # octets of a text; longer than any value is, shorter than what `*` could make
_MAX_HINT: Final = 255  # characters of a hint; the longest known has about 60
_MAX_NUMBER: Final = 8  # octets that read as one number
_MAX_OCTETS: Final = 65_535  # of an OCTET STRING (RFC 2578 §7.1.2)
_MAX_REPEATS: Final = 255  # the count is one octet
_MAX_INTEGER: Final = 80  # digits of a number; more than any of the SMI's has
_RADIX: Final = {"d": 10, "x": 16, "o": 8, "b": 2}
_DIGITS: Final = {
    "d": re.compile(r"[0-9]{1,200}"),
    "x": re.compile(r"[0-9A-Fa-f]{1,200}"),
    "o": re.compile(r"[0-7]{1,200}"),
    "b": re.compile(r"[01]{1,80}"),
}


class HintError(NetmonError, ValueError):
    """A text that is no display hint, or one that does not fit its hint."""


class _Part(NamedTuple):
    repeats: bool
    octets: int
    form: str
    separator: bytes
    terminator: bytes


class Hint:
    """A display hint, ready to apply."""

    __slots__ = ("_parts", "text")

    def __init__(self, text: str) -> None:
        """Raises HintError if `text` is no hint; that of an integer applies to no octets."""
        self.text = text
        self._parts: Sequence[_Part] = () if _INTEGER.fullmatch(text) else _parse(text)

    @property
    def parts(self) -> Sequence[_Part]:
        """The specifications; none for an integer's hint."""
        return self._parts

    def __repr__(self) -> str:
        return f"Hint({self.text!r})"

    def apply(self, octets: bytes) -> bytes | None:
        """The octets of the text; None where the hint does not fit the value."""
        if not self._parts or not octets:
            return None
        made = bytearray()
        at, step, end = 0, 0, len(octets)
        while at < end:
            part = self._parts[min(step, len(self._parts) - 1)]
            if not part.octets and (part.repeats or step >= len(self._parts)):
                return None  # it takes nothing, for ever or again and again
            step += 1
            repeats = 1
            if part.repeats:
                repeats, at = octets[at], at + 1
            for left in range(repeats - 1, -1, -1):
                if at >= end:
                    break
                piece = octets[at : at + part.octets]
                if not _write(made, piece, part.form) or len(made) > _MAX_TEXT:
                    return None
                at += len(piece)
                if at < end and (left or not part.terminator):
                    made += part.separator
            if at < end:
                made += part.terminator
        return bytes(made)


def _parse(text: str) -> list[_Part]:
    if len(text) > _MAX_HINT:
        raise HintError(f'"{text[:40]}..." is no display hint: it is longer than {_MAX_HINT} characters')
    parts: list[_Part] = []
    at = 0
    while at < len(text):
        part, at = _part(text, at)
        parts.append(part)
    if not parts:
        raise HintError("is no display hint: it is empty")
    return parts


def _part(text: str, at: int) -> tuple[_Part, int]:
    match = _SPECIFICATION.match(text, at)
    if match is None:
        raise HintError(
            f'"{text[:40]}" is no display hint at "{text[at : at + 10]}": wanted are a number of octets and '
            "one of d, x, o, a, t, as in 1x: or 255a"
        )
    at = match.end()
    marks = []
    for _ in range(2 if match[1] else 1):
        if at < len(text) and text[at] not in "0123456789*":
            marks.append(text[at].encode())
            at += 1
    separator, terminator = [*marks, b"", b""][:2]
    return _Part(bool(match[1]), int(match[2]), match[3], separator, terminator), at


def _write(made: bytearray, piece: bytes, form: str) -> bool:
    """Add a piece in its form; False if it is too long for a number."""
    if form in "at":
        made += piece
    elif form == "x":
        made += piece.hex().upper().encode()
    elif len(piece) > _MAX_NUMBER:
        return False
    else:
        number = int.from_bytes(piece, "big")
        made += (b"%d" if form == "d" else b"%o") % number
    return True


@lru_cache(maxsize=256)
def _hint(text: str) -> Hint:
    return Hint(text)


def format_octets(hint: str, octets: bytes) -> str | None:
    """The text of the octets; None where the hint does not fit, or what it makes is not UTF-8.

    Raises HintError if `hint` is none.
    """
    made = _hint(hint).apply(octets)
    try:
        return None if made is None else made.decode()
    except UnicodeDecodeError:
        return None


def parse_octets(hint: str, text: str) -> bytes:
    """The octets that the hint makes such a text of.  Raises HintError that quotes the text and the hint."""
    parts = _hint(hint).parts
    for part, behind in itertools.pairwise(parts):
        if part.form in "do" and not part.separator and behind.form in "dox":
            raise HintError(f'the DISPLAY-HINT "{hint}" cannot be read backwards: its numbers run together')
    reader = _Reader(hint, text)
    step = 0
    while reader.rest and parts:
        part = parts[min(step, len(parts) - 1)]
        before = reader.rest
        if part.repeats:
            reader.repeated(part)
        else:
            reader.one(part)
            reader.skip(part.separator.decode())
        step += 1
        if reader.rest == before and step >= len(parts):
            break
    if reader.rest:
        raise reader.unfit()
    return bytes(reader.octets)


class _Reader:
    """A text that is read by the parts of a hint."""

    def __init__(self, hint: str, text: str) -> None:
        self._hint = hint
        self._text = text
        self.rest = text
        self.octets = bytearray()

    def unfit(self) -> HintError:
        return HintError(f'"{self._text[:80]}" does not fit the DISPLAY-HINT "{self._hint[:80]}"')

    def skip(self, mark: str) -> None:
        """Pass a separator, which does not stand at the very end."""
        if self.rest and not self.rest.startswith(mark):
            raise self.unfit()
        self.rest = self.rest[len(mark) :]

    def repeated(self, part: _Part) -> None:
        """As many as stand before the terminator; their number comes first."""
        at = len(self.octets)
        count = 0
        terminator = part.terminator.decode()
        while self.rest:
            self.one(part)
            count += 1
            if terminator and self.rest.startswith(terminator):
                self.skip(terminator)
                break
            self.skip(part.separator.decode())
            if count > _MAX_REPEATS:
                raise self.unfit()
        self.octets[at:at] = bytes((count,))

    def one(self, part: _Part) -> None:
        """One application of a specification."""
        if not part.octets:
            return
        if part.form in "at":
            self._characters(part)
            return
        match = _DIGITS[part.form].match(self.rest)
        if match is None:
            raise self.unfit()
        digits, size = match[0], part.octets
        if part.form == "x" and not part.separator and not part.terminator:
            digits = digits[: 2 * size]  # the next application begins without a mark
        number = int(digits, _RADIX[part.form])
        if size > _MAX_OCTETS or number >> (8 * size):
            raise self.unfit()
        self.octets += number.to_bytes(size, "big")
        self.rest = self.rest[len(digits) :]

    def _characters(self, part: _Part) -> None:
        marks = {part.separator.decode(), part.terminator.decode()} - {""}
        size = used = 0
        for character in self.rest:
            try:
                encoded = character.encode("ascii" if part.form == "a" else "utf-8")
            except UnicodeEncodeError:
                raise self.unfit() from None
            size += len(encoded)
            if character in marks or size > part.octets:
                break
            self.octets += encoded
            used += 1
        self.rest = self.rest[used:]


def format_integer(hint: str, number: int) -> str:
    """The text of a number: "d-2" makes 12.34 of 1234.  Raises HintError if `hint` is none of an integer."""
    form, point = _integer_hint(hint)
    sign, digits = "-" if number < 0 else "", f"{abs(number):{form}}"
    if not point:
        return sign + digits
    digits = digits.rjust(point + 1, "0")
    return f"{sign}{digits[:-point]}.{digits[-point:]}"


def parse_integer(hint: str, text: str) -> int:
    """The number of such a text.  Decimals may be fewer than the hint has, never more.  Raises HintError."""
    form, point = _integer_hint(hint)
    digits = text.removeprefix("-")
    whole, dot, decimals = digits.partition(".")
    fits = _DIGITS[form].fullmatch(whole) and len(digits) <= _MAX_INTEGER and len(decimals) <= point
    if not fits or (dot and not _DIGITS[form].fullmatch(decimals)):
        raise HintError(f'"{text[:80]}" does not fit the DISPLAY-HINT "{hint}"')
    number = int(whole + decimals.ljust(point, "0"), _RADIX[form])
    return -number if text.startswith("-") else number


def _integer_hint(hint: str) -> tuple[str, int]:
    match = _INTEGER.fullmatch(hint)
    if match is None:
        raise HintError(f'"{hint[:80]}" is no DISPLAY-HINT of an integer, as d, d-2, x, o or b')
    return hint[0], int((match[1] or "-0")[1:])
