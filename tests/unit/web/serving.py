"""A server on a free port for the time of a test."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx

from netmon.web import Handler, Server


@asynccontextmanager
async def serving(routes: Mapping[str, Handler]) -> AsyncIterator[tuple[Server, httpx.AsyncClient]]:
    """The server, started, and a client whose base URL it is."""
    server = Server(routes, "127.0.0.1:0")
    await server.start()
    try:
        async with httpx.AsyncClient(base_url=f"http://{server.address}", trust_env=False) as client:
            yield server, client
    finally:
        await server.stop(grace=1)
