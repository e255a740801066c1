"""A message on its way out: dot-stuffing, the queue identifier in the last reply."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.mail.sending import queue_id
from netmon.mail.smtp import stuffed


@pytest.mark.parametrize(
    ("message", "wire"),
    [
        (b"a\r\nb\r\n", b"a\r\nb\r\n.\r\n"),
        (b"no end", b"no end\r\n.\r\n"),
        (b".\r\n..\r\n.a\r\nb.\r\n", b"..\r\n...\r\n..a\r\nb.\r\n.\r\n"),
        (b"", b"\r\n.\r\n"),
    ],
)
def test_dots(message: bytes, wire: bytes) -> None:
    """A line that begins with a dot gets another one, and one alone ends it (RFC 5321 §4.5.2)."""
    assert stuffed(message) == wire


@given(st.lists(st.text("ab. ", max_size=5).map(str.encode), max_size=8))
def test_dots_come_off_again(lines: list[bytes]) -> None:
    """What a server makes of it is the message, whose end comes nowhere before its end."""
    message = b"".join(line + b"\r\n" for line in lines) or b"\r\n"
    *body, end, nothing = stuffed(message).split(b"\r\n")
    assert (end, nothing) == (b".", b"")
    assert b"." not in body
    assert b"".join(line.removeprefix(b".") + b"\r\n" for line in body) == message


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("2.0.0 Ok: queued as 4XyZ1q2w3e", "4XyZ1q2w3e"),
        ("2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 4B1F2A3C", "4B1F2A3C"),
        ("OK id=1rAbCd-00000003Xyz-1Qab", "1rAbCd-00000003Xyz-1Qab"),
        ("2.0.0 5ANDxYz0012345 Message accepted for delivery", "5ANDxYz0012345"),
        ("2.0.0 1a2b3c4d Message accepted for delivery", "1a2b3c4d"),
        (
            "2.6.0 <x@a.example> [InternalId=51234567890, Hostname=A.B] 9 bytes Queued mail for delivery",
            "51234567890",
        ),
        ("2.0.0 OK  1700000000 4fb4d7f45d1cf-5 - gsmtp", "4fb4d7f45d1cf-5"),
        ("ok 1700000000 qp 31337", "31337"),
        ("first\n2.0.0 Ok: queued as ABCDEF12", "ABCDEF12"),
        ("2.0.0 Ok: thank you, delivered", ""),
        ("", ""),
        ("queued as \u202eevil", ""),
    ],
)
def test_queue_identifiers(text: str, known: str) -> None:
    """The identifier is found in the words of the servers that tell one."""
    assert queue_id(text) == known


@given(st.text())
def test_any_words(text: str) -> None:
    """Whatever is said, an identifier is short and plain."""
    found = queue_id(text)
    assert len(found) <= 64
    assert found.isascii()
