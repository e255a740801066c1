"""The conversation as it went over the wire, for people: bounded, printable, without secrets."""

import base64
from typing import Final

LINES: Final = 120  # of one conversation
WIDTH: Final = 500  # characters of one line
# Arguments of others may be secret.
_OPEN_VERBS: Final = {
    b"EHLO",
    b"HELO",
    b"STARTTLS",
    b"QUIT",
    b"MAIL",
    b"RCPT",
    b"RSET",
    b"DATA",
    b"VRFY",
    b"XNETMON",
}
_SHORTEST: Final = 4  # characters of a secret that is looked for in what a server says


class Trail:
    """Lines marked `S:` (the server said), `C:` (we said) and `*` (what happened)."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._cut = 0
        self._partial = bytearray()
        self._secrets: tuple[str, ...] = ()

    def conceal(self, *secrets: str) -> None:
        """Texts that shall not be seen, even where the server repeats them."""
        forms = [form for text in secrets for form in (text, base64.b64encode(text.encode()).decode())]
        self._secrets += tuple(printable(form.encode()) for form in forms if len(form) >= _SHORTEST)

    def cleaned(self, text: str) -> str:
        """The text without what is to be concealed."""
        for secret in self._secrets:
            text = text.replace(secret, "<secret>")
        return text

    def _shortened(self, text: str) -> str:
        """A text that is cut at its end, without the beginning of a secret there."""
        for secret in self._secrets:
            for length in range(min(len(secret), len(text)), _SHORTEST - 1, -1):
                if text.endswith(secret[:length]):
                    text = f"{text[:-length]}<secret>"
                    break
        return text

    def note(self, text: str) -> None:
        """What happened, in words."""
        self._add(f"* {printable(text.encode(errors='replace'))}")

    def sent(self, *words: bytes, hidden: bool = False) -> None:
        """A command of ours; only verbs that carry no secret are shown with their arguments.

        Of a `hidden` one, part of a login, no more is shown than AUTH and its mechanism.
        """
        verb = words[0].upper()
        if hidden:
            # As it is sent a secret is encoded together with other things, and servers repeat commands.
            secret = words[2:] if verb == b"AUTH" else words
            self._secrets += tuple(printable(word) for word in secret if len(word) >= _SHORTEST)
        shown: tuple[bytes, ...] = (b"<secret>",)
        if verb == b"AUTH":
            shown = (*words[:2], b"<secret>") if len(words) > 2 else words  # noqa: PLR2004 - initial response
        elif verb in _OPEN_VERBS and not hidden:
            shown = words
        self._add(f"C: {printable(b' '.join(shown))}")

    def told(self, shown: bytes, *secrets: bytes) -> None:
        """A command of ours as it may be seen; `secrets` are what it holds besides, as it is sent."""
        self._secrets += tuple(printable(word) for word in secrets if len(word) >= _SHORTEST)
        self._add(f"C: {printable(shown)}")

    def received(self, data: bytes) -> None:
        """Bytes of the server, in pieces as they come."""
        if len(self._lines) >= LINES:
            self._cut += data.count(b"\n")
            return
        if not self._partial and data.isascii() and data.endswith(b"\r\n") and len(data) <= WIDTH:
            # As a rule: whole lines, and nothing strange in them.
            lines = data[:-2].decode().split("\r\n")
            if all(map(str.isprintable, lines)):
                for text in lines:
                    self._add(f"S: {text}")
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
        text = printable(line[:WIDTH])
        if long:
            text = f"{self._shortened(self.cleaned(text))}..."
        self._add(f"S: {text}{mark}")

    def _add(self, line: str) -> None:
        if len(self._lines) < LINES:
            self._lines.append(self.cleaned(line) if self._secrets else line)
        else:
            self._cut += 1


def printable(data: bytes) -> str:
    """Text whose every character prints: control characters, bidi marks and broken UTF-8 escaped."""
    text = data.decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
