"""`debug=true`: the conversation in words, for people; bounded, printable and without secrets.

Nobody can tell a password in a module's `send` from any other text.  So only commands that are known to
carry none are shown whole, and what was hidden is hidden too where the server repeats it.
"""

from collections.abc import Callable
from typing import Final

from netmon.mail.trail import printable

LINES: Final = 2000
WIDTH: Final = 500  # octets of a line
_OPEN: Final = frozenset(
    [
        "EHLO",
        "HELO",
        "LHLO",
        "STARTTLS",
        "STLS",
        "QUIT",
        "NOOP",
        "RSET",
        "HELP",
        "CAPA",
        "CAPABILITY",
        "LOGOUT",
        "NICK",
        "PING",
        "PONG",
    ]
)
_CLOSED: Final = frozenset(
    ["AUTH", "AUTHENTICATE", "LOGIN", "USER", "PASS", "OPER", "APOP", "XCLIENT", "MAIL", "RCPT", "VRFY"]
)
_MOST_HIDDEN: Final = 500
_REPEATED: Final = 4  # octets from which on a hidden word is looked for in what the server says


class Transcript:
    """Collects lines; `now` gives seconds of a stopwatch."""

    def __init__(self, now: Callable[[], float], limit: int = LINES) -> None:
        self._now = now
        self._begun = now()
        self._limit = limit
        self._lines: list[str] = []
        self._dropped = 0
        self._hidden: list[bytes] = []

    def say(self, text: str) -> None:
        """What happens, in words."""
        self._add(f"* {printable(self._without(text.encode(errors='replace')))}")

    def sent(self, data: bytes) -> None:
        """What was sent."""
        for line in data.removesuffix(b"\n").split(b"\n")[: self._limit]:
            shown = printable(self._masked(line.removesuffix(b"\r")))
            self._add(f"C: {shown}")

    def received(self, line: bytes) -> None:
        """A line, or some octets, of the server."""
        if len(self._lines) >= self._limit:
            self._dropped += 1
            return
        more = "..." if len(line) > WIDTH else ""
        self._add(f"S: {printable(self.shown(line, WIDTH))}{more}")

    def shown(self, line: bytes, width: int) -> bytes:
        """The beginning of what the server said, as it may be shown."""
        # Cut after hiding, lest a part of a hidden word stays at the end.
        longest = max(map(len, self._hidden), default=0)
        return self._without(line[: width + longest])[:width]

    def text(self) -> str:
        """All of it."""
        more = [f"... and {self._dropped} lines more, which are not shown"] if self._dropped else []
        return "\n".join([*self._lines, *more]) + "\n"

    def _masked(self, line: bytes) -> bytes:
        words = line.split()
        verbs = [word.decode("ascii", "replace").upper() for word in words[:2]]
        if verbs and (verbs[0] in _OPEN or (len(verbs) > 1 and len(words[0]) < 8 and verbs[1] in _OPEN)):  # noqa: PLR2004 - an IMAP tag
            return line[:WIDTH]
        if not words:
            return b""
        shown = 1 if verbs[0] in _CLOSED else 2 if len(verbs) > 1 and verbs[1] in _CLOSED else 0
        room = _MOST_HIDDEN - len(self._hidden)
        self._hidden += [word for word in words[shown:] if len(word) >= _REPEATED][:room]
        rest = len(line) - sum(len(word) + 1 for word in words[:shown])
        return b" ".join([*words[:shown], b"<secret>" if rest > 0 else b""]).rstrip()

    def _without(self, text: bytes) -> bytes:
        """The text without what was hidden."""
        for word in self._hidden:
            text = text.replace(word, b"<secret>")
        return text

    def _add(self, line: str) -> None:
        if len(self._lines) >= self._limit:
            self._dropped += 1
            return
        self._lines.append(f"{self._now() - self._begun:8.3f} s  {line}")
