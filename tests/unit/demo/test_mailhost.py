"""The demo's mail server, spoken to over real sockets on loopback."""

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from netmon.demo import mailhost
from netmon.demo.certificates import DAY, Authority
from netmon.demo.mailhost import MailServer, Tls

NAME = "mx1.demo.example"
ADDRESS = "127.0.0.1"
TCP_SYN_SENT = b"\2"  # the first octet of tcp_info (linux/tcp.h)


class Dialogue:
    """A client that says a line and reads a whole reply."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def reply(self) -> list[str]:
        """The lines of one reply; an empty list when the server has closed."""
        lines: list[str] = []
        while line := (await self.reader.readline()).decode():
            assert line.endswith("\r\n")
            lines.append(line[:-2])
            if line[3] == " ":
                break
        return lines

    async def say(self, *lines: str) -> list[str]:
        """Send lines at once and read one reply."""
        self.writer.write("".join(line + "\r\n" for line in lines).encode())
        return await self.reply()

    async def code(self, *lines: str) -> str:
        """The code of the reply to lines."""
        return (await self.say(*lines))[-1][:3]


@pytest.fixture
def contexts(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The client's and the server's TLS context, of one authority."""
    now = time.time()
    authority = Authority("test CA", now)
    identity = authority.issue((NAME,), now - DAY, now + DAY)
    return ssl.create_default_context(cadata=authority.pem.decode()), identity.server_context(tmp_path)


@pytest.fixture
def client_tls(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> ssl.SSLContext:
    """What a client trusts."""
    return contexts[0]


@pytest.fixture
async def server(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> AsyncIterator[MailServer]:
    """A mail server without ports yet, closed behind the test."""
    server = MailServer(NAME, ADDRESS, contexts[1])
    yield server
    await server.close()


@contextlib.asynccontextmanager
async def dialogue(port: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[Dialogue]:
    """A conversation whose greeting has been read."""
    reader, writer = await asyncio.open_connection(
        ADDRESS, port, ssl=tls, server_hostname=NAME if tls else None
    )
    try:
        talk = Dialogue(reader, writer)
        assert await talk.reply() == [f"220 {NAME} ESMTP"]
        yield talk
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def test_a_whole_delivery_is_taken_and_dropped(server: MailServer) -> None:
    """EHLO, MAIL, RCPT, DATA and QUIT each get the reply that RFC 5321 wants."""
    async with dialogue(server.listen(Tls.NONE)) as talk:
        hello = await talk.say("EHLO client.example")
        assert hello[0] == f"250-{NAME}"
        assert hello[-1] == "250 8BITMIME"
        assert not any("STARTTLS" in line for line in hello)
        assert await talk.code("MAIL FROM:<a@example.org>") == "250"
        assert await talk.code("RCPT TO:<b@example.org>") == "250"
        assert await talk.code("DATA") == "354"
        assert await talk.code("Subject: hello", "", "..", ".") == "250"
        assert await talk.say("QUIT") == ["221 2.0.0 Bye"]
        assert await talk.reply() == []


async def test_commands_out_of_order_are_refused(server: MailServer) -> None:
    """MAIL before EHLO, RCPT before MAIL and DATA before RCPT are 503; unknown words are 502."""
    async with dialogue(server.listen(Tls.NONE)) as talk:
        assert await talk.code("MAIL FROM:<a@example.org>") == "503"
        assert await talk.code("EHLO") == "501"
        assert await talk.code("HELO client.example") == "250"
        assert await talk.code("RCPT TO:<b@example.org>") == "503"
        assert await talk.code("MAIL a@example.org") == "501"
        assert await talk.code("MAIL FROM:<>") == "250"
        assert await talk.code("DATA") == "503"
        assert await talk.code("RSET") == "250"
        assert await talk.code("RCPT TO:<b@example.org>") == "503"
        assert [await talk.code(word) for word in ("NOOP", "VRFY a", "EXPN a", "STARTTLS")] == [
            "250", "252", "502", "502",
        ]  # fmt: skip


async def test_pipelined_commands_are_answered_in_order(server: MailServer) -> None:
    """Commands that come in one packet are answered one by one (RFC 2920)."""
    async with dialogue(server.listen(Tls.NONE)) as talk:
        await talk.say("EHLO client.example")
        codes = [
            await talk.code("MAIL FROM:<a@b>", "RCPT TO:<c@d>", "QUIT"),
            await talk.code(),
            await talk.code(),
        ]
        assert codes == ["250", "250", "221"]


async def test_starttls_encrypts_and_starts_anew(server: MailServer, client_tls: ssl.SSLContext) -> None:
    """STARTTLS is offered, verifies under the authority, is offered no more, and forgets the EHLO."""
    async with dialogue(server.listen(Tls.STARTTLS)) as talk:
        assert "250-STARTTLS" in await talk.say("EHLO client.example")
        assert await talk.code("STARTTLS") == "220"
        await talk.writer.start_tls(client_tls, server_hostname=NAME)
        assert talk.writer.get_extra_info("ssl_object").version() == "TLSv1.3"
        assert await talk.code("MAIL FROM:<a@b>") == "503"
        assert "250-STARTTLS" not in await talk.say("EHLO client.example")
        assert await talk.code("QUIT") == "221"


async def test_commands_behind_starttls_end_the_conversation(server: MailServer) -> None:
    """Plain text that follows STARTTLS in the same packet is never taken for encrypted."""
    async with dialogue(server.listen(Tls.STARTTLS)) as talk:
        await talk.say("EHLO client.example")
        assert await talk.say("STARTTLS", "MAIL FROM:<a@b>") == []


async def test_implicit_tls_speaks_tls_first(server: MailServer, client_tls: ssl.SSLContext) -> None:
    """The greeting of an implicit TLS port comes inside TLS, and STARTTLS is not offered there."""
    async with dialogue(server.listen(Tls.IMPLICIT), client_tls) as talk:
        assert not any("STARTTLS" in line for line in await talk.say("EHLO client.example"))
        assert await talk.code("QUIT") == "221"


async def test_a_line_without_end_is_refused(server: MailServer) -> None:
    """A line beyond the limit gets 500 and the connection closes."""
    async with dialogue(server.listen(Tls.NONE)) as talk:
        assert await talk.say("x" * (2 * mailhost.LINE)) == ["500 5.5.2 Line too long"]


async def test_a_message_beyond_the_size_is_refused(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message above SIZE is read to its end and refused with 552."""
    monkeypatch.setattr(mailhost, "MESSAGE", 1000)
    async with dialogue(server.listen(Tls.NONE)) as talk:
        await talk.say("EHLO client.example")
        await talk.say("MAIL FROM:<a@b>")
        await talk.say("RCPT TO:<c@d>")
        await talk.say("DATA")
        assert await talk.code(*["x" * 100] * 15, ".") == "552"


async def test_recipients_and_silence_are_bounded(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too many recipients get 452, and an idle client is told 421."""
    monkeypatch.setattr(mailhost, "RECIPIENTS", 1)
    async with dialogue(server.listen(Tls.NONE)) as talk:
        await talk.say("EHLO client.example")
        await talk.say("MAIL FROM:<a@b>")
        assert [await talk.code("RCPT TO:<c@d>") for _ in range(2)] == ["250", "452"]
    monkeypatch.setattr(mailhost, "SILENCE", 0.01)
    async with dialogue(server.listen(Tls.NONE)) as talk:
        assert await talk.reply() == [f"421 4.4.2 {NAME} Timeout, closing"]


async def test_sessions_are_bounded(server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client above the limit of sessions is cut off; those within it go on."""
    monkeypatch.setattr(mailhost, "SESSIONS", 1)
    port = server.listen(Tls.NONE)
    async with dialogue(port) as first:
        reader, writer = await asyncio.open_connection(ADDRESS, port)
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        assert await first.code("NOOP") == "250"


async def test_close_cuts_open_conversations(server: MailServer) -> None:
    """Closing the server ends its sessions at once and leaves no task behind."""
    port = server.listen(Tls.NONE)
    async with dialogue(port) as talk:
        await server.close()
        with contextlib.suppress(ConnectionResetError):
            assert await talk.reply() == []
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_rubbish_instead_of_a_handshake_harms_nobody(server: MailServer) -> None:
    """A client that breaks off in the TLS handshake ends its own session only."""
    port = server.listen(Tls.STARTTLS)
    async with dialogue(port) as talk:
        await talk.say("EHLO client.example")
        await talk.say("STARTTLS")
        talk.writer.write(b"\0" * 100)
        with contextlib.suppress(ConnectionResetError):
            await talk.reader.read()
    async with dialogue(port) as talk:
        assert await talk.code("NOOP") == "250"


async def test_a_stopped_server_refuses_and_comes_back(server: MailServer) -> None:
    """Stopped, its port resets connections and is not among those that listen; started, it is the same."""
    port = server.listen(Tls.NONE)
    server.stop()
    assert list(server.listening) == []
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(ADDRESS, port)
    server.start()
    assert list(server.listening) == [port]
    async with dialogue(port) as talk:
        assert await talk.code("NOOP") == "250"


async def test_behind_a_filter_there_is_silence(server: MailServer) -> None:
    """A SYN gets no answer of any kind while the program goes on listening; afterwards all is well."""
    port = server.listen(Tls.NONE)
    async with dialogue(port):
        server.swallow()
        assert list(server.listening) == [port]
        for _ in range(3):
            with socket.socket() as client:
                client.setblocking(False)
                client.connect_ex((ADDRESS, port))
                # Loopback has delivered whatever answer there is before connect(2) returns.
                assert client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) == TCP_SYN_SENT
    server.start()
    async with dialogue(port) as talk:
        assert await talk.code("NOOP") == "250"


async def test_whoever_is_refused_may_only_leave(server: MailServer) -> None:
    """A refusal stands in the greeting's place, and whatever is said then ends the conversation."""
    port = server.listen(Tls.NONE)
    server.refusal = "554 5.7.1 Not you"
    reader, writer = await asyncio.open_connection(ADDRESS, port)
    talk = Dialogue(reader, writer)
    assert await talk.reply() == ["554 5.7.1 Not you"]
    assert await talk.say("EHLO client.example") == ["221 2.0.0 Bye"]
    assert await talk.reply() == []
    writer.close()
    await writer.wait_closed()


async def test_connections_that_have_just_come_are_closed_too(server: MailServer) -> None:
    """Closing the moment after a connection was made leaves neither task nor socket behind."""
    port = server.listen(Tls.IMPLICIT)
    with socket.socket() as client:
        client.connect((ADDRESS, port))
        await asyncio.sleep(0)
        await server.close()
        client.settimeout(5)
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""
    assert asyncio.all_tasks() == {asyncio.current_task()}
