"""An HTTP server for a map of paths to handlers, inside the event loop that is already running.

Starlette finds the handler and uvicorn speaks HTTP/1.1 (RFC 9112); what they leave open is closed
here, since anything may connect to a monitoring port: a request line that never ends, a reader that
never reads, a page of somebody else's that posts to loopback, and a stop that waits for ever.
Knows nothing of netmon.
"""

import asyncio
import contextlib
import ipaddress
import os
import re
import socket
import zlib
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Iterator,
    Mapping,
)
from typing import Any, Final, TypeVar

import h11
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

Handler = Callable[[Request], Awaitable[Response]]
T = TypeVar("T")

HEAD_LIMIT: Final = 16 * 1024  # bytes of request line and headers
HEAD_TIMEOUT: Final = 10.0  # seconds for a request to be complete, from its first byte
WRITE_TIMEOUT: Final = 30.0  # seconds for a peer to read what is buffered for it
KEEP_ALIVE: Final = 75  # seconds; longer than the usual scrape interval
BUSY: Final = 512  # connections, above which requests get 503
FULL: Final = 2 * BUSY  # connections, above which they are closed unheard
_LAST_PORT: Final = 65535
MISSING: Final = "*"  # the key of the handler of all that has none
GZIP_FROM: Final = 1024  # bytes; smaller bodies gain nothing

_HEADERS: Final = (
    (
        b"content-security-policy",
        (
            b"default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
            b"form-action 'self'; frame-ancestors 'none'"
        ),
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_LISTEN: Final = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.%\w]+)\]|(?P<host>[^:\[\]]*)):(?P<port>[0-9]{1,5})")
_GZIP: Final = re.compile(r"(?:^|,)\s*(?:x-)?gzip\s*(?:;\s*q=(?P<q>[0-9.]+)\s*)?(?:,|$)", re.IGNORECASE)


class Server:
    """Binds at once, serves from `start` to `stop`.

    `routes` maps a Starlette path, as ``/hosts/{name}``, to the handler of GET and HEAD; a key
    ``POST /path`` is the handler of POST, which only this machine may ask for (see `refusal`), and
    a key `MISSING` is the handler of what no path fits.
    `listen` is ``ADDRESS:PORT``, ``[IPV6]:PORT`` or ``:PORT``; port 0 takes a free one.
    Raises OSError, with a sentence, if it cannot listen there.
    """

    def __init__(self, routes: Mapping[str, Handler], listen: str) -> None:
        self._socket = _bind(listen)
        config = uvicorn.Config(
            _Hardened(_router(routes)),
            http=_Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="error",  # a warning a bad request would let anyone fill the log
            access_log=False,
            proxy_headers=False,  # the peer is who connects, whatever it says
            server_header=False,
            limit_concurrency=BUSY,
            timeout_keep_alive=KEEP_ALIVE,
            h11_max_incomplete_event_size=HEAD_LIMIT,
        )
        self._engine = uvicorn.Server(config)
        self._loop: asyncio.Task[None] | None = None

    @property
    def address(self) -> str:
        """``HOST:PORT`` where it listens, as in a URL."""
        host, port = self._socket.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    async def start(self) -> None:
        """Accept connections from now on."""
        # The steps of uvicorn.Server.serve but its signal handlers: those are the caller's.
        self._engine.config.load()
        self._engine.lifespan = self._engine.config.lifespan_class(self._engine.config)
        await self._engine.startup(sockets=[self._socket])
        self._loop = asyncio.create_task(self._engine.main_loop())

    async def stop(self, grace: int = 3) -> None:
        """Accept no more, let answers finish for `grace` seconds, then cut what is left."""
        if self._loop is None:
            self._socket.close()
            return
        self._engine.config.timeout_graceful_shutdown = grace
        self._engine.should_exit = True
        await self._loop
        await self._engine.shutdown(sockets=[self._socket])
        for connection in list(self._engine.server_state.connections):
            if isinstance(connection, _Protocol):
                connection.transport.abort()
        self._loop = None


def reply(request: Request, body: bytes | Iterator[bytes], media_type: str, status: int = 200) -> Response:
    """`body` as an answer, compressed if the client takes gzip.

    An iterator is advanced on the event loop, which gets a turn between two chunks; compression
    goes on in a thread.  HEAD gets the headers and advances nothing.
    """
    gzip = accepts_gzip(request.headers.get("accept-encoding", ""))
    headers = {"vary": "accept-encoding"}
    if isinstance(body, bytes):
        if not gzip or len(body) < GZIP_FROM:
            return Response(body, status, headers, media_type)
        body = iter((body,))
    if gzip:
        headers["content-encoding"] = "gzip"
    if request.method == "HEAD":
        bare = Response(None, status, headers, media_type)
        del bare.headers["content-length"]  # RFC 9110 §8.6: GET's length or none
        return bare
    return _Stream(body, status, headers, media_type, gzip=gzip)


async def while_there(request: Request, work: Coroutine[Any, Any, T]) -> T | None:
    """What `work` gives, or None once nobody waits for the answer any more: then it is cancelled.

    The request's body, which a GET has none of, is gone afterwards.
    """
    working = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnect(request.receive))
    try:
        await asyncio.wait((working, gone), return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        for task in (working, gone):
            task.cancel()
        await asyncio.gather(working, gone, return_exceptions=True)


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether the value of Accept-Encoding allows gzip (RFC 9110 §12.5.3)."""
    match = _GZIP.search(accept_encoding)
    if match is None:
        return False
    try:
        return match["q"] is None or float(match["q"]) > 0
    except ValueError:
        return False


def refusal(request: Request) -> str | None:
    """Why this client may not change state, or None if it may.

    Only a process of this machine may, speaking for itself: not through a proxy, and not a browser
    that a foreign page sent here, under a name of its own (DNS rebinding) or under ours.
    """
    if request.client is None or not _is_loopback(request.client.host):
        return "only this machine may ask for that"
    if any(name in request.headers for name in ("forwarded", "x-forwarded-for", "x-real-ip", "via")):
        return "a forwarded request may not ask for that"
    host = request.headers.get("host", "")
    name = re.sub(r":[0-9]*$", "", host).strip("[]")
    if name.lower() != "localhost" and not _is_address(name):
        return f"the Host header must be an address or localhost, not {name!r}"
    origin = request.headers.get("origin")
    if origin is not None and origin.lower() not in (f"http://{host}".lower(), f"https://{host}".lower()):
        return "another site may not ask for that"
    if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return "another site may not ask for that"
    return None


def _router(routes: Mapping[str, Handler]) -> Router:
    missing = routes.get(MISSING)

    async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
        answer: Response = PlainTextResponse("Not Found\n", 404)
        if missing is not None and scope["method"] in ("GET", "HEAD"):
            answer = await missing(Request(scope, receive))
        await answer(scope, receive, send)

    known = [_route(key, handler) for key, handler in routes.items() if key != MISSING]
    return Router(known, redirect_slashes=False, default=nothing)


def _route(key: str, handler: Handler) -> Route:
    method, _, path = key.rpartition(" ")
    if method in ("", "GET"):
        return Route(path, handler, methods=["GET", "HEAD"])

    async def guarded(request: Request) -> Response:
        why = refusal(request)
        return await handler(request) if why is None else PlainTextResponse(why + "\n", 403)

    return Route(path, guarded, methods=[method])


def _bind(listen: str) -> socket.socket:
    match = _LISTEN.fullmatch(listen)
    if match is None or int(match["port"]) > _LAST_PORT:
        raise OSError(f"cannot listen on {listen!r}: wanted ADDRESS:PORT, [IPV6]:PORT or :PORT")
    host, port = match["v6"] or match["host"] or "", int(match["port"])
    try:
        if host == "" and socket.has_dualstack_ipv6():
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
        family, _, _, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address[:2], family=family)
    except OSError as error:
        # create_server puts the address into the text once more: the number alone says what is wrong.
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        raise OSError(error.errno, f"cannot listen on {listen}: {why}") from error


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_loopback(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


class _Stream(Response):
    """Sends an iterator's chunks for as long as somebody is there, and closes it in any case."""

    def __init__(
        self, chunks: Iterator[bytes], status: int, headers: Mapping[str, str], media_type: str, *, gzip: bool
    ) -> None:
        super().__init__(None, status, headers, media_type)
        del self.headers["content-length"]
        self._chunks = chunks
        # Level 1: a page of metrics shrinks tenfold already, and more costs more than the page itself.
        self._packer = zlib.compressobj(level=1, wbits=31) if gzip else None

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        gone = asyncio.create_task(_disconnect(receive))
        rest = b""
        try:
            for chunk in self._chunks:
                body = (
                    chunk if self._packer is None else await asyncio.to_thread(self._packer.compress, chunk)
                )
                if gone.done():
                    return
                if body:
                    await send({"type": "http.response.body", "body": body, "more_body": True})
                await asyncio.sleep(0)  # sending waits only when the peer is slow
            if self._packer is not None:
                rest = await asyncio.to_thread(self._packer.flush)
            await send({"type": "http.response.body", "body": rest, "more_body": False})
        finally:
            gone.cancel()
            if isinstance(self._chunks, Generator):
                self._chunks.close()


class EventStream(Response):
    """Sends server-sent events for as long as there are any and somebody is there."""

    def __init__(self, events: AsyncIterator[bytes]) -> None:
        super().__init__(None, 200, {"cache-control": "no-store"}, "text/event-stream")
        del self.headers["content-length"]
        self._events = events

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send until either side has had enough."""
        sending = asyncio.create_task(self._send(send))
        gone = asyncio.create_task(_disconnect(receive))
        try:
            await asyncio.wait((sending, gone), return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            for task in (sending, gone):
                task.cancel()
            await asyncio.gather(sending, gone, return_exceptions=True)

    async def _send(self, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async for event in self._events:
                await send({"type": "http.response.body", "body": event, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            if isinstance(self._events, AsyncGenerator):
                await self._events.aclose()


async def _disconnect(receive: Receive) -> None:
    """Return when the peer is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


class _Hardened:
    """Adds the security headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def hardened(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        await self._app(scope, receive, hardened)


class _Protocol(H11Protocol):
    """uvicorn's, with an end to slow clients: it has a timeout for idle ones only."""

    _reading: asyncio.TimerHandle | None = None
    _writing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        if len(self.connections) > FULL:
            transport.abort()
            return
        self._reading = self.loop.call_later(HEAD_TIMEOUT, transport.abort)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch_reading()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch_reading()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._writing = self.loop.call_later(WRITE_TIMEOUT, self.transport.abort)

    def resume_writing(self) -> None:
        self._stop_writing()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_reading()
        self._stop_writing()
        self._unset_keepalive_if_required()
        with contextlib.suppress(h11.LocalProtocolError):
            super().connection_lost(exc)

    def _watch_reading(self) -> None:
        state = self.conn.their_state
        begun = state is h11.SEND_BODY or (state is h11.IDLE and self.conn.trailing_data[0])
        if not begun:
            self._stop_reading()
        elif self._reading is None:
            self._reading = self.loop.call_later(HEAD_TIMEOUT, self.transport.abort)

    def _stop_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _stop_writing(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None
