"""The HTTP server over real sockets, well and badly treated."""

import asyncio
import errno
import gzip
import signal
import threading
from collections.abc import Iterator

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from netmon import web
from netmon.web import Server, accepts_gzip, reply, while_there
from tests.unit.web.serving import serving

BIG = [bytes([65 + i % 26]) * 50_000 for i in range(40)]


async def hello(_request: Request) -> Response:
    """Answer a short text."""
    return PlainTextResponse("hello\n")


async def big(request: Request) -> Response:
    """Answer two megabytes in chunks."""
    return reply(request, iter(BIG), "text/plain")


async def short(request: Request) -> Response:
    """Answer a body that is not worth compressing."""
    return reply(request, b"short", "text/plain")


async def raw(server: Server, *parts: bytes) -> bytes:
    """What the server says on a connection to `parts`, until it closes."""
    host, port = server.address.rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def test_the_address_is_known_before_it_serves() -> None:
    """Port 0 becomes a real port at once; a server that never started closes cleanly."""
    server = Server({"/": hello}, "127.0.0.1:0")
    assert server.address.startswith("127.0.0.1:")
    assert not server.address.endswith(":0")
    await server.stop()


async def test_every_address_of_this_machine() -> None:
    """`:0` listens on IPv4 and IPv6 alike."""
    server = Server({"/": hello}, ":0")
    await server.start()
    try:
        port = server.address.rsplit(":", 1)[1]
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(f"http://127.0.0.1:{port}/")).text == "hello\n"
    finally:
        await server.stop(grace=1)


@pytest.mark.parametrize("listen", ["9162", "127.0.0.1", "1.2.3.4:http", "127.0.0.1:99999", "::1:9162", ""])
async def test_a_bad_listen_address_is_a_sentence(listen: str) -> None:
    """What cannot be listened on is an OSError that names it."""
    with pytest.raises(OSError, match="cannot listen on"):
        Server({}, listen)


async def test_a_taken_port_is_a_sentence() -> None:
    """The second server on a port says which one is taken, and keeps the error's number."""
    first = Server({}, "127.0.0.1:0")
    with pytest.raises(OSError, match=f"cannot listen on {first.address}") as caught:
        Server({}, first.address)
    assert caught.value.errno == errno.EADDRINUSE
    await first.stop()


async def test_signal_handlers_stay_the_callers() -> None:
    """Serving inside our loop must not take SIGINT and SIGTERM away from us."""
    before = (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))
    async with serving({"/": hello}):
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


async def test_every_answer_carries_the_security_headers() -> None:
    """Found or not, an answer forbids scripts of others, frames, sniffing and referrers."""
    async with serving({"/": hello}) as (_, client):
        for path, status in (("/", 200), ("/nosuch", 404)):
            answer = await client.get(path)
            assert answer.status_code == status
            assert "default-src 'self'" in answer.headers["content-security-policy"]
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
            assert "unsafe" not in answer.headers["content-security-policy"]
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert "server" not in answer.headers


async def test_head_has_headers_and_no_body() -> None:
    """HEAD of a stream advances nothing; HEAD of a known body gives its length."""
    advanced: list[int] = []

    def chunks() -> Iterator[bytes]:
        advanced.append(1)
        yield b"x" * 5000

    async def stream(request: Request) -> Response:
        return reply(request, chunks(), "text/plain")

    async with serving({"/stream": stream, "/short": short}) as (_, client):
        answer = await client.head("/stream")
        assert (answer.status_code, answer.content, advanced) == (200, b"", [])
        assert "content-length" not in answer.headers
        assert (await client.head("/short")).headers["content-length"] == "5"
        assert (await client.get("/stream")).content == b"x" * 5000


async def test_a_stream_is_compressed_when_asked_for() -> None:
    """With gzip accepted the stream is gzip, without it is plain; both are the same text."""
    async with serving({"/": big}) as (_, client):
        packed = await client.get("/", headers={"accept-encoding": "gzip"})
        plain = await client.get("/", headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.num_bytes_downloaded) < len(b"".join(BIG)) / 10
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content == b"".join(BIG)
    assert packed.headers["vary"] == plain.headers["vary"] == "accept-encoding"


async def test_compression_happens_off_the_loop() -> None:
    """The thread that compresses is not the event loop's; the chunks are made on the loop."""
    threads: set[int] = set()

    def chunks() -> Iterator[bytes]:
        threads.add(threading.get_ident())
        yield b"x" * 100_000

    async def stream(request: Request) -> Response:
        return reply(request, chunks(), "text/plain")

    async with serving({"/": stream}) as (server, _):
        whole = await raw(
            server, b"GET / HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n"
        )
    assert threads == {threading.get_ident()}
    assert b"content-encoding: gzip" in whole
    assert len(gzip.compress(b"x" * 100_000)) < 1000


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("", False),
        ("gzip", True),
        ("deflate, gzip;q=0.5, br", True),
        ("GZIP", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0, deflate", False),
        ("gzip;q=.", False),
        ("gzipped", False),
        ("br", False),
        ("identity;q=1, x-gzip", True),
    ],
)
def test_accept_encoding(header: str, wanted: bool) -> None:  # noqa: FBT001 - a table
    """gzip is used only where the client names it with a weight above zero."""
    assert accepts_gzip(header) is wanted


async def test_a_wrong_method_is_refused() -> None:
    """A page takes GET and HEAD; nothing else reaches its handler."""
    async with serving({"/": hello, "POST /-/reload": hello}) as (_, client):
        for method in ("POST", "PUT", "DELETE", "TRACE", "OPTIONS"):
            assert (await client.request(method, "/")).status_code == 405
        assert (await client.get("/-/reload")).status_code == 405


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"host": "localhost:9162"}, 200),
        ({"host": "[::1]:9162"}, 200),
        ({"host": "rebound.example.com:9162"}, 403),
        ({"host": "localhost.example.com"}, 403),
        ({"host": ""}, 403),
        ({"origin": "http://evil.example.com"}, 403),
        ({"origin": "null"}, 403),
        ({"host": "127.0.0.1:9162", "origin": "http://127.0.0.1:9162"}, 200),
        ({"host": "127.0.0.1:9162", "origin": "http://127.0.0.1:80"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"x-forwarded-for": "127.0.0.1"}, 403),
        ({"forwarded": "for=127.0.0.1"}, 403),
    ],
)
async def test_who_may_change_state(headers: dict[str, str], status: int) -> None:
    """A local process may; a browser that a foreign page sent, a proxy or a rebound name may not."""
    async with serving({"POST /-/reload": hello}) as (_, client):
        assert (await client.post("/-/reload", headers=headers)).status_code == status


@pytest.mark.parametrize(
    ("peer", "wanted"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("192.0.2.1", False),
    ],
)
def test_only_loopback_may_change_state(peer: str, wanted: bool) -> None:  # noqa: FBT001 - a table
    """The peer's address decides, in every way of writing loopback."""
    scope = {"type": "http", "client": (peer, 1), "headers": [(b"host", b"127.0.0.1")]}
    assert (web.refusal(Request(scope)) is None) is wanted


async def test_headers_without_end_are_cut() -> None:
    """A request head above the limit is answered with 400 and the connection closed."""
    async with serving({"/": hello}) as (server, _):
        answer = await raw(server, b"GET / HTTP/1.1\r\n", b"X: " + b"a" * 2 * web.HEAD_LIMIT)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")


async def test_garbage_is_answered_and_closed() -> None:
    """What is not HTTP gets 400, with a warning for nobody's log."""
    async with serving({"/": hello}) as (server, _):
        assert (await raw(server, b"\x16\x03\x01\x02\x00garbage\r\n\r\n")).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (b"GET / HT",),
        (b"GET / HTTP/1.1\r\nHost: h\r\n",),
        (b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", b"GET / HT"),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n", b"x"),
    ],
)
async def test_a_request_that_does_not_end_is_cut(
    parts: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silence, half a request line, half a head, a half second request, half a body: each is closed."""
    monkeypatch.setattr(web, "HEAD_TIMEOUT", 0.05)
    async with serving({"/": hello}) as (server, _):
        await raw(server, *parts)


async def test_a_reader_that_does_not_read_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer that lets the answer pile up loses the connection, and the stream is closed."""
    monkeypatch.setattr(web, "WRITE_TIMEOUT", 0.05)
    closed = asyncio.Event()

    def endless() -> Iterator[bytes]:
        try:
            while True:
                yield b"x" * 100_000
        finally:
            closed.set()

    async def stream(request: Request) -> Response:
        return reply(request, endless(), "text/plain")

    async with serving({"/": stream}) as (server, _):
        host, port = server.address.rsplit(":", 1)
        reader, writer = await asyncio.open_connection(host, int(port), limit=1000)
        writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        await asyncio.wait_for(closed.wait(), 10)
        writer.close()
        del reader


async def test_a_client_that_leaves_ends_its_stream() -> None:
    """When the peer closes in the middle, no more of the page is made."""
    closed = asyncio.Event()

    def endless() -> Iterator[bytes]:
        try:
            while True:
                yield b"x" * 10_000
        finally:
            closed.set()

    async def stream(request: Request) -> Response:
        return reply(request, endless(), "text/plain")

    async with serving({"/": stream}) as (_, client):
        async with client.stream("GET", "/") as answer:
            await anext(answer.aiter_raw())
        await asyncio.wait_for(closed.wait(), 10)


async def test_too_many_connections_are_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the limit a request gets 503, and far above it a connection is closed unheard."""
    monkeypatch.setattr(web, "BUSY", 2)
    monkeypatch.setattr(web, "FULL", 3)
    async with serving({"/": hello}) as (server, client):
        host, port = server.address.rsplit(":", 1)
        idle = [await asyncio.open_connection(host, int(port)) for _ in range(2)]
        assert (await client.get("/")).status_code == 503
        idle += [await asyncio.open_connection(host, int(port)) for _ in range(2)]
        assert await raw(server, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n") == b""
        for _, writer in idle:
            writer.close()


async def test_a_stop_cuts_what_does_not_end() -> None:
    """Stopping waits no longer than its grace for an answer that never ends."""
    started = asyncio.Event()

    async def never(_request: Request) -> Response:
        started.set()
        await asyncio.Event().wait()
        raise AssertionError

    server = Server({"/": never}, "127.0.0.1:0")
    await server.start()
    host, port = server.address.rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    await started.wait()
    await asyncio.wait_for(server.stop(grace=0), 5)
    await asyncio.wait_for(reader.read(), 5)
    writer.close()
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncio.open_connection(host, int(port))


async def test_a_defect_in_a_handler_is_a_500(caplog: pytest.LogCaptureFixture) -> None:
    """A handler that raises gives 500 without its innards, and the server goes on."""

    async def broken(_request: Request) -> Response:
        raise ValueError("a secret detail")

    async with serving({"/": hello, "/broken": broken}) as (_, client):
        answer = await client.get("/broken")
        assert answer.status_code == 500
        assert "secret" not in answer.text
        assert (await client.get("/")).status_code == 200
    assert "a secret detail" in caplog.text


async def test_work_ends_with_its_reader() -> None:
    """What goes on for a client is cancelled when it leaves; one that stays gets the result."""
    begun, ended = asyncio.Event(), asyncio.Event()

    async def forever() -> str:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return ""

    async def quick() -> str:
        return "done"

    async def endless(request: Request) -> Response:
        return PlainTextResponse(await while_there(request, forever()) or "gone")

    async def short(request: Request) -> Response:
        return PlainTextResponse(await while_there(request, quick()) or "gone")

    async with serving({"/endless": endless, "/short": short}) as (server, client):
        host, _, port = server.address.rpartition(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n")
        async with asyncio.timeout(10):
            await begun.wait()
            assert not ended.is_set()
            writer.close()
            await ended.wait()
        assert (await client.get("/short")).text == "done"
