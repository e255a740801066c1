"""IMAP's responses, read from the octets that hold them; pure (RFC 9051 §9, RFC 3501 §9).

A response is given as its pieces: text, literal, text, ...; only the reader of the wire knows where a
literal ends.  Lists are nested at most as deep as a server's own answers to netmon's questions are.
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_LITERAL: Final = re.compile(rb"~?\{([0-9]+)\+?\}$")
_STATUS: Final = frozenset({b"OK", b"NO", b"BAD", b"BYE", b"PREAUTH"})
_CODE: Final = re.compile(rb"\[([A-Za-z0-9/._-]{1,64})(?: ((?:[^\]\"]|\"(?:[^\"\\]|\\.)*\")*))?\] ?")
_DEEPEST: Final = 20
_QUOTABLE: Final = re.compile(rb"[\x20-\x7e]*")
_TAG: Final = re.compile(rb"[A-Za-z0-9.]{1,32}")
_UID: Final = re.compile(rb"[0-9]{1,10}")  # of 32 bits
_ALL: Final = re.compile(rb"(?i)\bALL ([0-9:,]+)")
_RANGES: Final = 1_000  # of a set, and numbers of a range: the last of them
_NUMBER: Final = re.compile(rb"[0-9]{1,20}")

# A piece of a response that is data: an atom, a string, NIL, a list.
Value = bytes | None | tuple["Value", ...]


class NotImapError(ValueError):
    """These octets are no response; says why."""


class Literal(bytes):
    """Octets that came, or are to go, as a literal."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Response:
    """One response.

    `tag` is ``*`` for an untagged one and ``+`` for a request to go on; `kind` is the word in upper case
    (OK, EXISTS, FETCH, ...) and `number` what stood before it.  A status has a `code` (upper case) with
    its `arguments`, and `text`; other data is in `rest`, unread.
    """

    tag: str
    kind: str
    number: int | None = None
    code: str = ""
    arguments: str = ""
    text: str = ""
    rest: tuple[bytes, ...] = ()


def literal(line: bytes) -> int | None:
    """The size of the literal that follows this line, if one does (RFC 9051 §4.3)."""
    found = _LITERAL.search(line[-30:])
    if found is None:
        # More digits than 64 bits hold are a size too.
        return 1 << 64 if re.search(rb"\{[0-9]{20,}\+?\}$", line) else None
    first = line[:64].split(b" ", 3)
    # The text of a status is for people: whatever stands at its end is no literal.
    if first[0] == b"+" or (len(first) > 1 and first[1].upper() in _STATUS):
        return None
    return int(found[1])


def response(pieces: Sequence[bytes]) -> Response:
    """Read one response.  Raises NotImapError."""
    line = pieces[0]
    if line[:1] == b"+":
        return Response("+", "", text=_text(line[1:].removeprefix(b" ")))
    tag, _, after = line.partition(b" ")
    if tag != b"*" and not _TAG.fullmatch(tag):
        raise NotImapError("no tag")
    word, _, rest = after.partition(b" ")
    number = None
    if _NUMBER.fullmatch(word):
        number = int(word)
        word, _, rest = rest.partition(b" ")
    kind = word.upper()
    if not kind.isalnum() and not re.fullmatch(rb"[A-Z][A-Z0-9.-]*", kind):
        raise NotImapError("no word behind the tag")
    if kind in _STATUS:
        code, arguments, text = _coded(rest)
        return Response(tag.decode(), kind.decode(), None, code, arguments, text)
    if tag != b"*":
        raise NotImapError("neither OK, NO nor BAD behind the tag")
    return Response("*", kind[:32].decode(), number, rest=(rest, *pieces[1:]))


def values(pieces: Sequence[bytes]) -> tuple[Value, ...]:
    """Read a response's data: text, literal, text, ...  Raises NotImapError."""
    open_lists: list[list[Value]] = [[]]
    for place, piece in enumerate(pieces):
        if place % 2:
            open_lists[-1].append(bytes(piece))
        else:
            text = _LITERAL.sub(b"", piece) if place + 1 < len(pieces) else piece
            _read(text, open_lists)
    if len(open_lists) != 1:
        raise NotImapError("a list without an end")
    return tuple(open_lists[0])


def _read(text: bytes, open_lists: list[list[Value]]) -> None:
    """Take the values in a piece of text into the innermost open list."""
    at = 0
    while at < len(text):
        octet = text[at : at + 1]
        if octet == b" ":
            at += 1
        elif octet == b"(":
            if len(open_lists) > _DEEPEST:
                raise NotImapError("lists nested too deep")
            open_lists.append([])
            at += 1
        elif octet == b")":
            if len(open_lists) == 1:
                raise NotImapError("a list ends that never began")
            done = tuple(open_lists.pop())
            open_lists[-1].append(done)
            at += 1
        elif octet == b'"':
            value, at = _quoted(text, at + 1)
            open_lists[-1].append(value)
        else:
            end = _atom(text, at)
            word = text[at:end]
            open_lists[-1].append(None if word.upper() == b"NIL" else word)
            at = end


_QUOTED: Final = re.compile(rb'((?:[^"\\]|\\.)*)"', re.DOTALL)
_ATOM: Final = re.compile(rb'[^ ()"\[]*(?:\[[^\]]*\])?[^ ()"\[]*')


def _quoted(text: bytes, at: int) -> tuple[bytes, int]:
    found = _QUOTED.match(text, at)
    if found is None:
        raise NotImapError("a string without an end")
    return re.sub(rb"\\(.)", rb"\1", found[1], flags=re.DOTALL), found.end()


def _atom(text: bytes, at: int) -> int:
    found = _ATOM.match(text, at)
    if found is None or found.end() == at:
        raise NotImapError("neither atom, string nor list")
    return found.end()


def _coded(rest: bytes) -> tuple[str, str, str]:
    found = _CODE.match(rest)
    if found is None:
        return "", "", _text(rest)
    return found[1].decode().upper(), _text(found[2] or b""), _text(rest[found.end() :])


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "backslashreplace")


def uids(items: Sequence[Response]) -> list[int]:
    """The numbers in SEARCH, and in the ESEARCH that servers of IMAP4rev2 alone say (RFC 9051 §7.3.4)."""
    found: set[int] = set()
    for item in items:
        if item.kind == "SEARCH":
            found.update(int(word) for word in item.rest[0].split() if _UID.fullmatch(word))
        elif item.kind == "ESEARCH" and (told := _ALL.search(item.rest[-1])):
            for part in told[1].split(b",")[-_RANGES:]:
                ends = sorted(int(end) for end in part.split(b":")[:2] if _UID.fullmatch(end))
                if ends:
                    found.update(range(max(ends[0], ends[-1] - _RANGES + 1), ends[-1] + 1))
    return sorted(found)


def capabilities(words: str) -> dict[str, str]:
    """The words of CAPABILITY as ``word -> arguments``: AUTH=PLAIN and AUTH=LOGIN are AUTH -> PLAIN LOGIN."""
    told: dict[str, str] = {}
    for word in words.upper().split()[:500]:
        name, _, value = word.partition("=")
        told[name] = f"{told.get(name, '')} {value}".strip()
    return told


def astring(text: bytes) -> bytes:
    """An argument as it is sent: quoted where that can hold it, else a literal.  ValueError for NUL."""
    if b"\0" in text:
        raise ValueError("a NUL octet cannot be said in IMAP")
    if len(text) <= 1000 and _QUOTABLE.fullmatch(text):  # noqa: PLR2004 - RFC 2683 §3.2.1.5
        return b'"' + text.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
    return Literal(text)


def encode_mailbox(name: str) -> bytes:
    """A mailbox name in modified UTF-7 (RFC 3501 §5.1.3)."""
    out = bytearray()
    for run in re.findall(r"[\x20-\x7e]+|[^\x20-\x7e]+", name):
        if " " <= run[0] <= "~":
            out += run.replace("&", "&-").encode()
        else:
            octets = run.encode("utf-16-be", "surrogatepass")
            out += b"&" + base64.b64encode(octets).rstrip(b"=").replace(b"/", b",") + b"-"
    return bytes(out)


def decode_mailbox(name: bytes) -> str:
    """The name that modified UTF-7 holds; what is not of that form stays as it is."""

    def decoded(found: re.Match[bytes]) -> bytes:
        if not found[1]:
            return b"&"
        text = found[1].replace(b",", b"/")
        try:
            octets = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
            return octets.decode("utf-16-be").encode()
        except ValueError:
            return found[0]

    return _text(re.sub(rb"&([A-Za-z0-9+,]*)-", decoded, name))
