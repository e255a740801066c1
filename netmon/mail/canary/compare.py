"""What came back against what was sent, part by part.

Servers may encode a part anew, fold a header elsewhere or choose another boundary: the content is the
same, and that is said.  What may not be is another content: a letter lost, an attachment cut or
gone, a footer added.  The parser is the library's; what it is given is bounded, and whatever it
stumbles over is a change and never an error.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import policy
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesParser
from typing import Final

from netmon.mail.canary.message import HEADER, WORDS

# Octets of a message that are looked at: forty times what is sent.  The parser of headers takes quadratic
# time over what a hostile server may make of them, and all of netmon waits for it.
MOST: Final = 262_144
_PARTS: Final = 50
_SHOWN: Final = 20  # changes that are told
_HEADERS: Final = ("Subject", "From", "To", "Date", "Message-ID", HEADER, WORDS)
_BROKEN_FORM: Final = {
    "StartBoundaryNotFoundDefect": "a multipart without any of its boundaries",
    "CloseBoundaryNotFoundDefect": "a multipart whose last boundary is missing, as of a message that was cut",
    "NoBoundaryInMultipartDefect": "a multipart that names no boundary",
    "MissingHeaderBodySeparatorDefect": "a header that runs into its body",
}
_SPACE: Final = re.compile(r"\s+")
_BROKEN: Final = (MessageError, ValueError, LookupError, AttributeError, TypeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`changed` are sentences about what is another; `recoded` about what is the same, written otherwise."""

    intact: bool
    changed: tuple[str, ...] = ()
    recoded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Part:
    """A leaf of a message, decoded."""

    kind: str  # text/plain
    name: str  # of a file
    encoding: str
    charset: str
    disposition: str
    content: bytes  # of a text in UTF-8 with LF, if its charset is known
    readable: bool  # in its charset, if it is a text
    description: str

    def told(self, number: int) -> str:
        """What to call it."""
        named = f' "{self.name}"' if self.name else ""
        return f"part {number} ({self.kind}{named}, {self.encoding or '7bit'})"


def compare(sent: bytes, fetched: bytes) -> Comparison:
    """Compare a message as it was sent with one as it was fetched.  Raises nothing."""
    if len(fetched) > MOST:
        return Comparison(False, (f"the message has more than {MOST} octets; {len(sent)} were sent",))
    try:
        before, after = _parsed(sent), _parsed(fetched)
        ours, theirs = _parts(before), _parts(after)
        changed = [*_headers(before, after), *_structure(before, after), *_form(after)]
    except _BROKEN as error:
        return Comparison(False, (f"the message cannot be read any more: {type(error).__name__}",))
    recoded: list[str] = []
    left = list(theirs)
    for number, part in enumerate(ours, 1):
        other = _counterpart(part, left)
        if other is None:
            changed.append(f"{part.told(number)} is gone")
            continue
        left.remove(other)
        changed += _changes(part, other, number)
        recoded += _recodings(part, other, number)
    changed += [f"a part was added: {part.kind} of {len(part.content)} octets" for part in left]
    if not changed and [part.kind for part in ours] != [part.kind for part in theirs]:
        changed.append("the parts came in another order")
    return Comparison(not changed, tuple(changed[:_SHOWN]), tuple(recoded[:_SHOWN]))


def _parsed(data: bytes) -> Message:
    return BytesParser(policy=policy.compat32).parsebytes(data)


def _parts(message: Message) -> list[_Part]:
    found: list[_Part] = []
    for part in _leaves(message):
        if len(found) >= _PARTS:
            raise ValueError("too many parts")
        content = part.get_payload(decode=True)
        octets = content if isinstance(content, bytes) else b""
        charset = str(part.get_content_charset() or "")
        kind = part.get_content_type()
        text = _text(octets, charset) if kind.startswith("text/") else None
        found.append(
            _Part(
                kind,
                _file_name(part),
                str(part.get("Content-Transfer-Encoding", "")).strip().lower(),
                charset,
                str(part.get_content_disposition() or ""),
                octets if text is None else text[0],
                text is None or text[1],
                _unfolded(str(part.get("Content-Description", ""))),
            )
        )
    return found


def _leaves(message: Message) -> Iterator[Message]:
    """Depth first, without recursion: nesting is the sender's choice."""
    waiting: list[Message] = [message]
    seen = 0
    while waiting:
        part = waiting.pop()
        seen += 1
        if seen > 4 * _PARTS:
            raise ValueError("too many parts")
        payload = part.get_payload()
        if part.is_multipart() and isinstance(payload, list):
            waiting += [one for one in reversed(payload) if isinstance(one, Message)]
        else:
            yield part


def _file_name(part: Message) -> str:
    return _unfolded(str(part.get_filename("") or ""))


def _text(octets: bytes, charset: str) -> tuple[bytes, bool]:
    """A text as UTF-8 with LF at the ends of lines, and whether it is one in its charset.

    A charset that is gone means ASCII (RFC 2045 §5.2): the octets may be the same, and nobody can read them.
    """
    readable = True
    try:
        octets = octets.decode(charset or "ascii").encode()
    except (LookupError, ValueError):
        readable = False
    return octets.replace(b"\r\n", b"\n").rstrip(b"\n"), readable


def _unfolded(text: str) -> str:
    return _SPACE.sub(" ", text).strip()


def _header(message: Message, name: str) -> str:
    """The words of a header, decoded."""
    text = _unfolded(str(message.get(name, "")))
    return _unfolded(str(make_header(decode_header(text))))


def _headers(before: Message, after: Message) -> Iterator[str]:
    for name in _HEADERS:
        ours, theirs = _header(before, name), _header(after, name)
        if len(after.get_all(name, [])) > 1:
            yield f"the header {name} stands there {len(after.get_all(name, []))} times"
        if ours == theirs:
            continue
        if not theirs:
            yield f"the header {name} is gone"
        elif ours in theirs:
            yield f"the header {name} has more in it than was sent"
        else:
            yield f"the header {name} says something else"

    if _header(after, "MIME-Version")[:3] != "1.0":
        yield "the header MIME-Version is gone, so that readers show the parts as they are encoded"


def _form(after: Message) -> Iterator[str]:
    """What of the multiparts is broken or added, though every part may be whole."""
    for part in itertools.islice(after.walk(), 4 * _PARTS):
        for defect in part.defects:
            if told := _BROKEN_FORM.get(type(defect).__name__):
                yield f"the message is malformed: {told}"
        # Before the first part may stand what is for readers without MIME (RFC 2046 §5.1.1).
        if part.is_multipart() and (added := str(part.epilogue or "").strip()):
            yield f"{len(added)} characters were added behind the last part, as a footer"


def _structure(before: Message, after: Message) -> Iterator[str]:
    ours, theirs = _multiparts(before), _multiparts(after)
    if ours != theirs:
        yield f"the structure is {' in '.join(theirs) or 'flat'}, sent was {' in '.join(ours)}"


def _multiparts(message: Message) -> list[str]:
    """The multipart types, the innermost first."""
    found: list[str] = []
    waiting: list[Message] = [message]
    while waiting and len(found) < _PARTS:
        part = waiting.pop()
        payload = part.get_payload()
        if part.is_multipart() and isinstance(payload, list):
            found.insert(0, part.get_content_type())
            waiting += [one for one in payload if isinstance(one, Message)]
    return found


def _counterpart(part: _Part, others: Sequence[_Part]) -> _Part | None:
    """Which of the others it became: that of equal content, else the first of its kind and name."""
    alike = [other for other in others if other.kind == part.kind]
    for other in alike:
        if other.content == part.content and other.name == part.name:
            return other
    for other in alike:
        if other.name == part.name or part.content[:64] == other.content[:64]:
            return other
    return alike[0] if alike else None


def _changes(part: _Part, other: _Part, number: int) -> Iterator[str]:
    told = part.told(number)
    if part.content != other.content:
        yield f"{told}: {_difference(part.content, other.content)}"
    elif part.readable and not other.readable:
        charset = other.charset or "ASCII, for its charset is gone"
        yield f"{told}: its octets are the same, and no text in {charset}"
    if part.description != other.description:
        yield f"{told}: its description {'says something else' if other.description else 'is gone'}"
    if part.name != other.name:
        yield f"{told}: its file name is {other.name!r}" if other.name else f"{told}: its file name is gone"
    if part.disposition != other.disposition:
        ours, theirs = part.disposition or "none", other.disposition or "gone"
        yield f"{told}: its disposition is {theirs}, sent was {ours}"


def _difference(ours: bytes, theirs: bytes) -> str:
    if not theirs:
        return f"its content is gone ({len(ours)} octets)"
    if theirs.startswith(ours):
        return f"{len(theirs) - len(ours)} octets were added at its end, as a footer"
    if theirs.endswith(ours):
        return f"{len(theirs) - len(ours)} octets were added before it"
    if ours.startswith(theirs):
        return f"it is cut: {len(theirs)} of {len(ours)} octets came"
    at = next(
        (place for place, (one, other) in enumerate(zip(ours, theirs, strict=False)) if one != other),
        min(len(ours), len(theirs)),
    )
    return f"its content differs from octet {at} on ({len(ours)} octets were sent, {len(theirs)} came)"


def _recodings(part: _Part, other: _Part, number: int) -> Iterator[str]:
    if part.content != other.content or part.readable != other.readable:
        return
    if part.encoding != other.encoding:
        yield f"{part.told(number)} came in {other.encoding or '7bit'}, its content is the same"
    if part.charset.lower() != other.charset.lower():
        yield f"{part.told(number)} came in {other.charset or 'no charset'}, its text is the same"
