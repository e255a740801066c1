"""The conversation as it went over the wire, for people: bounded, printable, without secrets."""

from typing import Final

LINES: Final = 120  # of one conversation
WIDTH: Final = 500  # characters of one line
_OPEN_VERBS: Final = {b"EHLO", b"HELO", b"STARTTLS", b"QUIT"}  # arguments of others may be secret


class Trail:
    """Lines marked `S:` (the server said), `C:` (we said) and `*` (what happened)."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._cut = 0
        self._partial = bytearray()

    def note(self, text: str) -> None:
        """What happened, in words."""
        self._add(f"* {printable(text.encode(errors='replace'))}")

    def sent(self, *words: bytes) -> None:
        """A command of ours; only verbs that carry no secret are shown with their arguments."""
        verb = words[0].upper()
        shown = (
            words if verb in _OPEN_VERBS else (b"AUTH", b"<secret>") if verb == b"AUTH" else (b"<secret>",)
        )
        self._add(f"C: {printable(b' '.join(shown))}")

    def received(self, data: bytes) -> None:
        """Bytes of the server, in pieces as they come."""
        if len(self._lines) >= LINES:
            self._cut += data.count(b"\n")
            return
        *whole, rest = data.split(b"\n")
        for line in whole:
            self._partial += line[: WIDTH + 1]
            self._flush()
        if len(self._partial) <= WIDTH:
            self._partial += rest[: WIDTH + 1]

    def lines(self) -> tuple[str, ...]:
        """All of it; a line that never ended is included."""
        if self._partial:
            self._flush(" (no end of line)")
        if self._cut:
            return (*self._lines, f"* {self._cut} more lines")
        return tuple(self._lines)

    def _flush(self, mark: str = "") -> None:
        line = bytes(self._partial).removesuffix(b"\r")
        self._partial.clear()
        long = len(line) > WIDTH
        self._add(f"S: {printable(line[:WIDTH])}{'...' if long else ''}{mark}")

    def _add(self, line: str) -> None:
        if len(self._lines) < LINES:
            self._lines.append(line)
        else:
            self._cut += 1


def printable(data: bytes) -> str:
    """Text whose every character prints: control characters, bidi marks and broken UTF-8 escaped."""
    text = data.decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
