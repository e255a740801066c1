"""A STARTTLS server on every loopback address, and beside it a port whose connections nobody ever answers.

Prints the server's port; the other one is written into the file that is given.  A port is a black hole once
the queue of its listening socket is full, since Linux then drops what else knocks.
"""

# ruff: noqa: T201 - stdout is how it talks to the benchmark

import asyncio
import contextlib
import signal
import socket
import ssl
import sys
from pathlib import Path

import trustme
import uvloop

from tests.servers import evil_smtp as evil

EVERYWHERE = "0.0.0.0"
FILLING = 8  # connections that fill a queue of one


async def main(listing: Path) -> None:
    """Serve until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("mail.bench.example").configure_cert(context)
    script = evil.honest(context)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ssl.SSLError):
            await script(evil.Peer(evil.Server(), reader, writer))
        writer.transport.abort()

    server = await asyncio.start_server(serve, EVERYWHERE, 0, backlog=1000)
    with contextlib.ExitStack() as held:
        hole = held.enter_context(socket.socket())
        hole.bind((EVERYWHERE, 0))
        hole.listen(0)
        for _ in range(FILLING):
            knock = held.enter_context(socket.socket())
            knock.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                knock.connect(("127.0.0.1", hole.getsockname()[1]))
        await asyncio.to_thread(listing.write_text, str(hole.getsockname()[1]))
        print(server.sockets[0].getsockname()[1], flush=True)
        await stop.wait()


with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    runner.run(main(Path(sys.argv[1])))
