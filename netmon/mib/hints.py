"""DISPLAY-HINT of octet strings: octets to text by RFC 2579 §3.1.

A hint is a list of specifications, each of which takes some octets and says how they read: `1d.` is
one octet in decimal and a full stop behind it.  The last one repeats until the octets are used up, a
`*` in front takes the number of repetitions from the value itself, and no separator stands at the
very end.  Hints of integers (`d-2`, `x`) are legal in a module and change nothing there.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

_SPECIFICATION: Final = re.compile(r"(\*?)([0-9]{1,5})([dxoat])")
_INTEGER: Final = re.compile(r"d(-[0-9]{1,3})?|[xob]")
_MAX_TEXT: Final = 65_536  # octets of a text; longer than any value is, shorter than what `*` could make
_MAX_NUMBER: Final = 8  # octets that read as one number


class HintError(ValueError):
    """A text that is no display hint."""


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
            if step >= len(self._parts) and not (part.octets or part.repeats):
                return None  # it takes nothing, for ever
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
