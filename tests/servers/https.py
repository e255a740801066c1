"""An HTTPS server on loopback that answers as a test tells it, for MTA-STS policies."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class Https:
    """A running server and what it was asked."""

    port: int = 0
    asked: list[bytes] = field(default_factory=list)


def says(data: bytes) -> Answer:
    """These bytes, and the end."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()

    return answer


def gives(body: bytes, kind: str = "text/plain") -> Answer:
    """200 with a body."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return says(head.encode() + body)


async def silent(writer: asyncio.StreamWriter) -> None:
    """No word, until the client goes."""
    await writer.wait_closed()


async def slow(writer: asyncio.StreamWriter) -> None:
    """The head and the first byte of a body, and no more."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nv")
    await writer.wait_closed()


async def endless(writer: asyncio.StreamWriter) -> None:
    """A body without a length that never ends."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
    while True:
        writer.write(b"mx: a.test\n" * 1000)
        await writer.drain()


@contextlib.asynccontextmanager
async def serving(context: ssl.SSLContext, answer: Answer) -> AsyncIterator[Https]:
    """Answer every request on a free loopback port of the running loop."""
    state = Https()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with contextlib.suppress(
                OSError, ssl.SSLError, asyncio.IncompleteReadError, asyncio.CancelledError
            ):
                state.asked.append(await reader.readuntil(b"\r\n\r\n"))
                await answer(writer)
                writer.close()
                await writer.wait_closed()
        finally:
            tasks.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context, ssl_shutdown_timeout=0.1)
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
