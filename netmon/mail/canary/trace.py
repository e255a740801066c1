"""What servers wrote on a message on its way: Received and Authentication-Results.

All of it is what somebody says, in a form that no two servers share (RFC 5321 §4.4), so it is shown and
nothing is concluded from it.
"""

import re
from dataclasses import dataclass
from email.errors import MessageError
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import parsedate_to_datetime
from typing import Final

from netmon.mail.trail import printable

_HEADERS: Final = 262_144  # octets that are looked at
_LONGEST: Final = 2000  # characters of one header
_RESULTS: Final = 10
_WORD: Final = 100  # characters of a name
_BY: Final = re.compile(r"\bby\s+([^\s;()]{1,255})", re.IGNORECASE)
_FROM: Final = re.compile(r"^\s*from\s+([^\s;()]{1,255})", re.IGNORECASE)
_ID: Final = re.compile(r"\bid\s+<?([^\s;()<>]{1,128})", re.IGNORECASE)
_SPACE: Final = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Hop:
    """One Received header: who took the message from whom, when (wall clock), as what."""

    by: str
    source: str
    at: float | None
    queue_id: str


def hops(message: bytes, limit: int = 30) -> tuple[Hop, ...]:
    """The hops of a message, the oldest first; the newest `limit` of them."""
    return tuple(_hop(text) for text in reversed(_all(message, "received")[:limit]))


def authentication_results(message: bytes) -> tuple[str, ...]:
    """The Authentication-Results (RFC 8601) on one line each, the latest first, ready to be shown."""
    return tuple(_shown(text, _LONGEST) for text in _all(message, "authentication-results")[:_RESULTS])


def _all(message: bytes, name: str) -> list[str]:
    try:
        parsed: Message = BytesHeaderParser().parsebytes(message[:_HEADERS])
        found = parsed.get_all(name, [])
    except (MessageError, ValueError, LookupError, AttributeError, RecursionError):
        return []
    return [_SPACE.sub(" ", str(text)[: 2 * _LONGEST]).strip() for text in found]


def _hop(text: str) -> Hop:
    said, _, date = text.rpartition(";")
    return Hop(_found(_BY, said), _found(_FROM, said), _time(date), _found(_ID, said))


def _found(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return _shown(match[1], _WORD) if match else ""


def _time(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text.strip()[:100]).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _shown(text: str, most: int) -> str:
    return printable(text.encode(errors="replace"))[:most]
