"""The canary itself (RFC 5322, RFC 2045 to 2049, RFC 2047, RFC 2231), written out by hand.

A library would choose what is safe; this wants what is legal and is often broken: a boundary of odd
characters, soft line breaks in the midst of letters, lines that begin with a full stop or with From, blanks
at the ends of lines, names in scripts of both directions.  Every line is within the 998 octets of
RFC 5322 §2.1.1, and the text in 8bit is there only for a server that offers 8BITMIME (RFC 6152).
"""

import base64
import quopri
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final

HEADER: Final = "X-Netmon-Canary"
WORDS: Final = "X-Netmon-Words"  # encoded words in several scripts
WORDS_TEXT: Final = "Zażółć gęślą jaźń · Ελληνικά · русский · עברית · العربية · 日本語 · 🐤"
FILE_NAME: Final = "wykaz — λίστα — リスト.bin"
_LINE: Final = 76
_CHUNK: Final = 20  # octets of a word before they are encoded: RFC 2047 §2 gives 75 to the whole
_BLANK: Final = 0x20
_OUTER: Final = "=_netmon'()+,-./:=?_outer"  # each of them legal in a boundary (RFC 2046 §5.1.1)
_INNER: Final = "=_netmon'()+,-./:=?_inner"
_TRAPS: Final = (
    "From here on a mailbox in mbox format is tempted to stuff this line.\n"
    ".\n"
    "..two full stops begin this line, one alone stood on the last\n"
    "blanks are at the end of this line   \n"
    "a tab is at the end of this one\t\n"
    "=3D is no encoding here, and =\n"
    "-- \n"
    "--=_netmon is no boundary\n"
)
_LONG: Final = "a long line: " + "0123456789" * 80 + "\n"


def build(*, sender: str, recipient: str, token: str, agent: str, at: float, eight_bit: bool) -> bytes:
    """A message with CRLF line ends, not yet dot-stuffed; the same for the same arguments.

    `at` is the wall clock, `agent` the name for the Message-ID.  All that may be compared is in it but
    what servers add.
    """
    date = format_datetime(datetime.fromtimestamp(int(at), UTC))
    head = [
        f"Date: {date}",
        f"From: {_phrase('netmon · strażnik')} <{sender}>",
        f"To: <{recipient}>",
        f"Subject: netmon canary {token}",
        f"Message-ID: <{token}@{agent}>",
        f"{HEADER}: {token}",
        *_folded(WORDS, WORDS_TEXT),
        "Auto-Submitted: auto-generated",  # RFC 3834 §5: nobody answers it
        "MIME-Version: 1.0",
        f'Content-Type: multipart/mixed;\r\n boundary="{_OUTER}"',
    ]
    parts = [
        "\r\n".join(
            (
                f'Content-Type: multipart/alternative; boundary="{_INNER}"',
                "",
                f"--{_INNER}",
                _quoted("plain", f"Canary {token}.\n{WORDS_TEXT}\n" + _TRAPS + _LONG),
                f"--{_INNER}",
                _quoted("html", f"<!DOCTYPE html>\n<p>Canary {token}.</p>\n<p>{WORDS_TEXT}</p>\n"),
                f"--{_INNER}--",
            )
        ).encode(),
        *((_eight_bit(token),) if eight_bit else ()),
        _base64_text(token),
        _attachment(token),
    ]
    body = b"".join(b"--" + _OUTER.encode() + b"\r\n" + part + b"\r\n" for part in parts)
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body + b"--" + _OUTER.encode() + b"--\r\n"


def _quoted(kind: str, text: str) -> str:
    """A text in quoted-printable (RFC 2045 §6.7)."""
    encoded = quopri.encodestring(text.encode(), quotetabs=False).decode("ascii")
    # A full stop alone, and From at the beginning, are left to be stuffed: that is what they are for.
    lines = encoded.rstrip("\n").replace("\n", "\r\n")
    return "\r\n".join(
        (
            f"Content-Type: text/{kind}; charset=utf-8",
            "Content-Transfer-Encoding: quoted-printable",
            "",
            lines,
        )
    )


def _eight_bit(token: str) -> bytes:
    text = f"Eight bits of {token}:\n{WORDS_TEXT}\n{_TRAPS}"
    head = (
        'Content-Type: text/plain; charset="utf-8"; format=fixed\r\nContent-Transfer-Encoding: 8bit\r\n\r\n'
    )
    return (head + text.rstrip("\n").replace("\n", "\r\n")).encode()


def _base64_text(token: str) -> bytes:
    text = f"Base64 of {token}: zażółć gęślą jaźń\r\n" + "˙" * 100 + "\r\n"
    head = (
        "Content-Type: text/plain; charset=iso-8859-2\r\nContent-Transfer-Encoding: base64\r\n"
        "Content-Disposition: inline\r\n\r\n"
    )
    return head.encode() + _base64(text.encode("iso-8859-2"))


def _attachment(token: str) -> bytes:
    """Every octet there is, under a name of several scripts (RFC 2231)."""
    names = _extended("filename", FILE_NAME)
    head = (
        "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: attachment;\r\n {names}\r\nContent-Description: {token}\r\n\r\n"
    )
    return head.encode() + _base64(bytes(range(256)) * 8 + token.encode())


def _base64(data: bytes) -> bytes:
    encoded = base64.b64encode(data)
    return b"\r\n".join(encoded[at : at + _LINE] for at in range(0, len(encoded), _LINE))


def _phrase(text: str) -> str:
    """An encoded word in base64 (RFC 2047 §4.1)."""
    return f"=?utf-8?B?{base64.b64encode(text.encode()).decode()}?="


def _folded(name: str, text: str) -> list[str]:
    """A header of encoded words, one a line, in Q and B by turns; no letter is cut (RFC 2047 §5 (3))."""
    words: list[str] = []
    chunk = ""
    for letter in text:
        if len((chunk + letter).encode()) > _CHUNK:
            words.append(chunk)
            chunk = ""
        chunk += letter
    words.append(chunk)
    encoded = [_phrase(word) if place % 2 else _q(word) for place, word in enumerate(words)]
    return [f"{name}: {encoded[0]}", *(f" {word}" for word in encoded[1:])]


def _q(text: str) -> str:
    """An encoded word in Q (RFC 2047 §4.2)."""
    octets = "".join("_" if octet == _BLANK else f"={octet:02X}" for octet in text.encode())
    return f"=?UTF-8?Q?{octets}?="


def _extended(name: str, value: str) -> str:
    """A parameter in sections (RFC 2231 §3 and §4)."""
    encoded = "".join(
        chr(octet) if chr(octet).isascii() and chr(octet).isalnum() else f"%{octet:02X}"
        for octet in value.encode()
    )
    sections: list[str] = []
    at = 0
    while at < len(encoded):
        end = min(at + 45, len(encoded))
        while end < len(encoded) and "%" in encoded[max(end - 2, at) : end]:
            end -= 1  # no %XX is cut
        sections.append(encoded[at:end])
        at = end
    sections[0] = f"utf-8''{sections[0]}"
    return ";\r\n ".join(f"{name}*{number}*={section}" for number, section in enumerate(sections))
