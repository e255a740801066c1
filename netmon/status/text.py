"""How text, moments and lengths of time are written into markup.

Much of the text comes from the network: whatever goes into the markup passes `text`.
"""

import re
from datetime import UTC, datetime
from html import escape
from typing import Final
from urllib.parse import quote

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_TIME: Final = re.compile(r'<time datetime="([0-9T:.Z-]+)">[^<]*</time>')


def text(value: str) -> str:
    """Text as HTML text or attribute; what does not print (controls, text direction) as U+FFFD."""
    if not value.isprintable():
        value = "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in value)
    return escape(value)


def identity(kind: str, *names: str) -> str:
    """An element's `id`: any names, without spaces and unmistakable."""
    return f"{kind}-{':'.join(quote(name, safe='') for name in names)}"


def host_path(name: str) -> str:
    """The path of a host's page."""
    return f"/hosts/{quote(name, safe='')}"


def explain_path(name: str) -> str:
    """The path of the page that explains a name."""
    return f"/explain/{quote(name, safe='')}"


def moment(then: float) -> str:
    """A moment, in UTC: markup that stays the same while time passes (see `aged`)."""
    at = datetime.fromtimestamp(then, UTC)
    return (
        f'<time datetime="{at:%Y-%m-%dT%H:%M:%S.}{at.microsecond // 1000:03}Z">{at:%Y-%m-%d %H:%M:%SZ}</time>'
    )


def aged(html: str, now: float) -> str:
    """`html` with its moments as people ask for them: how long ago, or in how long."""

    def ago(match: re.Match[str]) -> str:
        past = now - datetime.fromisoformat(match[1]).timestamp()
        words = f"in {age(-past)}" if past < -1 else f"{age(past)} ago"
        return f'<time datetime="{match[1]}" title="{match[1]}">{words}</time>'

    return _TIME.sub(ago, html)


def age(seconds: float) -> str:
    """A length of time in its largest fitting unit, as status.js writes it too."""
    seconds = max(0.0, seconds)
    if seconds < _MINUTE * 2:
        return f"{seconds:.0f} s"
    if seconds < _HOUR * 2:
        return f"{seconds / _MINUTE:.0f} min"
    if seconds < _DAY * 2:
        return f"{seconds / _HOUR:.0f} h"
    return f"{seconds / _DAY:.0f} d"


def duration(seconds: float) -> str:
    """How long something took."""
    if seconds < 1:
        return f"{seconds * 1000:.1f} ms" if seconds < 0.1 else f"{seconds * 1000:.0f} ms"  # noqa: PLR2004
    return f"{seconds:.2f} s"


def plural(count: int, one: str) -> str:
    """`1 host`, `2 hosts`, `12,000 hosts`."""
    return f"{count:,} {one}{'' if count == 1 else 's'}"
