"""An SMTP server that does what it is told, and mostly what it should not.

A script is a coroutine over one connection; `serving` runs it for every connection on a free
loopback port of the running loop, and keeps what the client said.  The scripts below are the ways
in which real and hostile servers differ from the textbook.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

BANNER = b"220 evil.example.test ESMTP Postfix\r\n"
EHLO = b"250-evil.example.test\r\n250-SIZE 1000\r\n250 STARTTLS\r\n"
EHLO_TLS = b"250-evil.example.test\r\n250-SIZE 2000\r\n250 X-UNHEARD-OF\r\n"


class Peer:
    """The server's end of one connection."""

    def __init__(self, server: "Server", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer

    async def say(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(data)
        await self._writer.drain()

    async def hear(self) -> bytes:
        """A line of the client, without its end; empty when the client has gone."""
        line = (await self._reader.readline()).rstrip(b"\r\n")
        self._server.heard.append(line)
        return line

    @property
    def gone(self) -> bool:
        """Whether the client has hung up; else an empty line is one."""
        return self._reader.at_eof()

    @property
    def raw(self) -> Callable[[bytes], None]:
        """Sends past whatever TLS begins later."""
        transport = self._writer.transport
        assert isinstance(transport, asyncio.WriteTransport)
        return transport.write

    def take_unread(self) -> bytes:
        """A line that has come and was not heard yet, as a careless server keeps it over a handshake."""
        buffer: bytearray = self._reader._buffer  # type: ignore[attr-defined]
        line = bytes(buffer).rstrip(b"\r\n")
        buffer.clear()
        return line

    async def read(self) -> bytes:
        """Some bytes of the client, as they come."""
        return await self._reader.read(65536)

    async def tls(self, context: ssl.SSLContext) -> None:
        """Be the server of a handshake."""
        await self._writer.start_tls(context)

    async def silence(self) -> None:
        """Say nothing until the client goes."""
        while await self.hear():
            pass

    def hang_up(self) -> None:
        """Close without a word."""
        self._writer.close()


Script = Callable[[Peer], Awaitable[None]]


@dataclass(slots=True)
class Server:
    """A running script."""

    port: int = 0
    heard: list[bytes] = field(default_factory=list)
    open: int = 0
    most_open: int = 0
    served: int = 0


@contextlib.asynccontextmanager
async def serving(script: Script, context: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """Run `script` for each connection; with a `context` TLS comes first, as on port 465."""
    state = Server()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        state.open += 1
        state.served += 1
        state.most_open = max(state.most_open, state.open)
        try:
            with contextlib.suppress(OSError, ssl.SSLError, asyncio.CancelledError, ValueError):
                await script(Peer(state, reader, writer))
        finally:
            state.open -= 1
            tasks.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    state.port = server.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        server.close()
        left = list(tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await asyncio.sleep(0)


def greets(banner: bytes) -> Script:
    """Send one banner, then answer QUIT only."""

    async def script(peer: Peer) -> None:
        await peer.say(banner)
        while line := await peer.hear():
            if line == b"QUIT":
                await peer.say(b"221 bye\r\n")
                return

    return script


def answers(replies: dict[bytes, bytes], banner: bytes = BANNER) -> Script:
    """Answer each verb as told; b"" is silence; QUIT is answered unless told otherwise."""

    async def script(peer: Peer) -> None:
        await peer.say(banner)
        while line := await peer.hear():
            verb = line.split(b" ")[0].upper()
            await peer.say(replies.get(verb, b"221 bye\r\n" if verb == b"QUIT" else b"500 what?\r\n"))
            if verb == b"QUIT" and verb not in replies:
                return

    return script


def honest(context: ssl.SSLContext | None, *, after: bytes = EHLO_TLS, banner: bytes = BANNER) -> Script:
    """Do everything right; STARTTLS is offered where there is a `context`."""

    async def script(peer: Peer) -> None:
        await peer.say(banner)
        reply = EHLO if context else after
        while line := await peer.hear():
            verb = line.split(b" ")[0].upper()
            if verb == b"EHLO":
                await peer.say(reply)
            elif verb == b"STARTTLS" and context is not None:
                await peer.say(b"220 2.0.0 go\r\n")
                await peer.tls(context)
                reply = after
            elif verb == b"QUIT":
                await peer.say(b"221 bye\r\n")
                return
            else:
                await peer.say(b"502 what?\r\n")

    return script


def injects(context: ssl.SSLContext, injected: bytes, *, pause: bool = False) -> Script:
    """Say more than 220 to STARTTLS before the handshake (RFC 3207 §6), in one segment or in two."""

    async def script(peer: Peer) -> None:
        await peer.say(BANNER)
        await peer.hear()
        await peer.say(EHLO)
        await peer.hear()
        if pause:
            await peer.say(b"220 go\r\n")
            await peer.say(injected)
        else:
            await peer.say(b"220 go\r\n" + injected)
        await peer.tls(context)
        while await peer.hear():
            await peer.say(b"250 inside\r\n")

    return script


def after_220(then: Script) -> Script:
    """Agree to STARTTLS, and then do something else than a handshake."""

    async def script(peer: Peer) -> None:
        await peer.say(BANNER)
        await peer.hear()
        await peer.say(EHLO)
        await peer.hear()
        await peer.say(b"220 go\r\n")
        await then(peer)

    return script


async def hangs_up(peer: Peer) -> None:
    """Close at once."""
    peer.hang_up()


async def is_silent(peer: Peer) -> None:
    """Never say a word."""
    await peer.silence()


async def talks_garbage(peer: Peer) -> None:
    """Answer the client's first TLS record with something else."""
    await peer.hear()
    await peer.say(b"\x00garbage that is no TLS record\r\n" * 8)
    await peer.silence()


def refuses_handshake(context: ssl.SSLContext) -> Script:
    """Run OpenSSL's side of a handshake that fails, and send its alert, which asyncio's server would not."""

    async def script(peer: Peer) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = context.wrap_bio(incoming, outgoing, server_side=True)
        incoming.write(await peer.read())
        with contextlib.suppress(ssl.SSLError):
            session.do_handshake()
        await peer.say(outgoing.read())
        await peer.silence()

    return script


def repeats(piece: bytes, pause: float) -> Script:
    """Send `piece` again and again, `pause` seconds apart, and never stop."""

    async def script(peer: Peer) -> None:
        while True:
            await peer.say(piece)
            await asyncio.sleep(pause)

    return script


def logs_in(offer: bytes, *answers: bytes, context: ssl.SSLContext | None = None) -> Script:
    """Do everything right, offer `offer`, and answer AUTH's lines one by one, the last again and again."""

    async def script(peer: Peer) -> None:
        await peer.say(BANNER)
        left = list(answers)
        offered = b"250-evil.example.test\r\n250 " + offer + b"\r\n"
        reply = EHLO if context else offered
        while (line := await peer.hear()) or not peer.gone:
            verb = line.split(b" ")[0].upper()
            if verb == b"EHLO":
                await peer.say(reply)
            elif verb == b"STARTTLS" and context is not None:
                await peer.say(b"220 2.0.0 go\r\n")
                await peer.tls(context)
                reply = offered
            elif verb == b"QUIT":
                await peer.say(b"221 bye\r\n")
                return
            else:
                await peer.say(left[0] + b"\r\n" if left[0] else b"")
                left = left[1:] or left

    return script
