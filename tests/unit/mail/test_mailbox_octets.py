"""Whatever octets a server says, a session ends each step with an answer or with a MailError."""

import asyncio
from contextlib import suppress
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netmon.mail.faults import MailError
from netmon.mail.imap import ImapSession
from netmon.mail.mailbox import MailboxSession
from netmon.mail.pop3 import Pop3Session
from netmon.mail.sasl import Credentials
from netmon.mail.trail import LINES, Trail
from tests.unit.mail.test_stream import Transport

SECRET = "canary-canary"
WORDS = st.sampled_from(
    [
        *(
            b"* ",
            b"N1 ",
            b"N2 ",
            b"N3 ",
            b"N4 ",
            b"N5 ",
            b"N6 ",
            b"+ ",
            b"+OK ",
            b"-ERR ",
            b".",
            b"\r\n",
            b"\n",
        ),
        *(
            b"OK ",
            b"NO ",
            b"BAD ",
            b"BYE ",
            b"PREAUTH ",
            b"[UNAVAILABLE] ",
            b"[CAPABILITY AUTH=PLAIN] ",
            b"[",
        ),
        *(
            b"CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n",
            b"1 EXISTS\r\n",
            b"SEARCH 1 2\r\n",
            b"LIST (\\Junk) ",
            b"(",
            b")",
        ),
        *(b"1 FETCH (UID 1 BODY[] {3}\r\nabc)\r\n", b"{3}\r\n", b"{99999999999}\r\n", b'"', b"NIL ", b"\\"),
        *(b"SASL PLAIN\r\n", b"1 2\r\n", b"\0", b"\xff", b"&AP-", SECRET.encode()),
    ]
)
SAYS = st.lists(st.lists(WORDS | st.binary(max_size=8), max_size=12).map(b"".join), min_size=1, max_size=12)


class Server(Transport):
    """Says one thing after the other, whatever it hears, and then ends."""

    def __init__(self, session: MailboxSession, says: list[bytes]) -> None:
        super().__init__()
        self._stream = session._stream
        self._says = says

    def write(self, data: bytes) -> None:
        """Hear."""

    async def speak(self) -> None:
        """Say everything."""
        for piece in self._says:
            self._stream.data_received(piece)
            for _ in range(3):  # turns of the loop, in which the session goes on
                await asyncio.sleep(0)
        self._stream.eof_received()

    def close(self) -> None:
        """The session closes."""
        self._stream.connection_lost(None)

    abort = close


async def talk(kind: type[MailboxSession], says: list[bytes]) -> Trail:
    """All that a session can be asked, one after the other."""
    trail, limit = Trail(), asyncio.get_running_loop().time() + 5
    trail.conceal(SECRET)
    session = kind(trail, {}, limit=limit, patience=5)
    server = Server(session, says)
    session._stream.connection_made(cast("Any", server))
    speaking = asyncio.ensure_future(server.speak())
    with suppress(MailError):
        async with session:
            await session.greet(5)
            await session.ask()
            await session.log_in(Credentials("me", SECRET))
            if isinstance(session, ImapSession):
                await session.examine()
                await session.search_header("Subject", "x")
                await session.list_mailboxes()
                await session.fetch(1, 1000)
                await session.delete(1)
            elif isinstance(session, Pop3Session):
                await session.stat()
                await session.uidl()
                await session.retr(1, 1000)
    await speaking
    return trail


@pytest.mark.parametrize("kind", [ImapSession, Pop3Session])
@settings(max_examples=200, deadline=None)
@given(says=SAYS)
def test_any_octets(kind: type[MailboxSession], says: list[bytes]) -> None:
    """No other exception, no wait without end, a bounded trail, and no secret in it."""
    lines = asyncio.run(talk(kind, says)).lines()
    assert len(lines) <= LINES + 1
    assert SECRET not in "".join(lines)


OK = [b"* OK hi\r\n", b"* CAPABILITY A AUTH=PLAIN SASL-IR\r\nN1 OK\r\n", b"N2 OK [CAPABILITY UIDPLUS] in\r\n"]


@settings(max_examples=200, deadline=None)
@given(says=SAYS)
def test_any_octets_after_a_login(says: list[bytes]) -> None:
    """The steps behind a login meet them too."""
    asyncio.run(talk(ImapSession, OK + says))
