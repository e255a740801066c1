"""RE2 over lines of octets, with the meaning that Go gives it: blackbox_exporter's expressions are Go's.

Go takes an octet that is no UTF-8 for the character U+FFFD and still hands out the octet itself.  So the
line is matched with that character in its place, and groups are cut out of the line as it came.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from netmon.mib.extracts import compile_expression, parse_template

MOST: Final = 1 << 20  # characters of a template with what it stands for
_UNKNOWN: Final = "\ufffd"


class Match:
    """Where an expression matched a line."""

    def __init__(self, match: Any, line: str) -> None:
        self._match = match
        self._line = line

    def group(self, number: int) -> str:
        """What a group matched; empty where it took no part."""
        start, stop = self._match.span(number)
        return self._line[start:stop] if start >= 0 else ""


@dataclass(frozen=True)
class Expression:
    """An expression that a line is searched for.  Making one raises `extracts.ExpressionError`."""

    text: str
    _compiled: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_compiled", compile_expression(self.text))

    def search(self, line: bytes) -> Match | None:
        """The first match in a line."""
        text = as_text(line)
        match = self._compiled.search(text if text.isascii() else "".join(map(_readable, text)))
        return None if match is None else Match(match, text)

    def template(self, text: str) -> tuple[str | int, ...]:
        """The parts of a text with `$1` and `${name}`: texts, and numbers of groups."""
        return tuple(parse_template(text, self._compiled.groupindex, self._compiled.groups))


def expand(template: tuple[str | int, ...], match: Match) -> str:
    """A template with what the groups matched; past `MOST` characters it is left unfinished."""
    parts: list[str] = []
    length = 0
    for part in template:
        parts.append(part if isinstance(part, str) else match.group(part))
        length += len(parts[-1])
        if length > MOST:
            break
    return "".join(parts)


def as_text(octets: bytes) -> str:
    """Octets as a text from which `as_octets` makes the same octets."""
    return octets.decode("utf-8", "surrogateescape")


def as_octets(text: str) -> bytes:
    """The octets of a text of `as_text`, or of any other."""
    return text.encode("utf-8", "surrogateescape")


def _readable(character: str) -> str:
    return _UNKNOWN if "\udc80" <= character <= "\udcff" else character
