"""OAuth2 tokens against an endpoint that behaves, and that does not."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import pytest

from netmon.mail import tokens
from netmon.mail.tokens import Client, TokenError, Tokens


class Endpoint:
    """Gives the same answer to every request, or says nothing where there is none."""

    def __init__(self) -> None:
        self.answer: bytes | None = b""
        self.asked: list[bytes] = []
        self.url = ""

    def says(self, status: int, body: object) -> None:
        """Answer so."""
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answer = b"HTTP/1.1 %d x\r\nContent-Length: %d\r\n\r\n%s" % (status, len(text), text)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        self.asked.append(await reader.readexactly(length))
        if self.answer is None:
            await reader.read()
        with contextlib.suppress(OSError):
            writer.write(self.answer or b"")
            await writer.drain()
        writer.close()

    def client(self, **more: str) -> Client:
        """Who asks it."""
        return Client(self.url, "netmon", "tops/ecret", **more)


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    """It runs on loopback."""
    made = Endpoint()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/token"
    made.says(200, {"access_token": "abc", "expires_in": 3600, "token_type": "Bearer"})
    yield made
    server.close()


async def test_a_token_is_kept_until_shortly_before_its_end(endpoint: Endpoint) -> None:
    """One request an hour, a minute early; another secret or a token that was not taken asks anew."""
    now = 0.0
    cache = Tokens(clock=lambda: now)
    client = endpoint.client(scope="smtp.send")
    assert [await cache.token(client) for _ in range(2)] == ["abc", "abc"]
    wanted = b"grant_type=client_credentials&client_id=netmon&client_secret=tops%2Fecret&scope=smtp.send"
    assert endpoint.asked == [wanted]
    now = 3539.0
    await cache.token(client)
    assert len(endpoint.asked) == 1
    now = 3541.0
    await cache.token(client)
    assert len(endpoint.asked) == 2
    cache.forget(client)
    await cache.token(client)
    await cache.token(endpoint.client())
    assert len(endpoint.asked) == 4


async def test_many_ask_once(endpoint: Endpoint) -> None:
    """Checks that need the same token at once share a request, and one that gives up ends no other's."""
    cache = Tokens()
    impatient = asyncio.create_task(cache.token(endpoint.client()))
    patient = [asyncio.create_task(cache.token(endpoint.client())) for _ in range(5)]
    await asyncio.sleep(0)
    impatient.cancel()
    assert await asyncio.gather(*patient) == ["abc"] * 5
    assert len(endpoint.asked) == 1


BAD: dict[str, tuple[int, object, str]] = {
    "down": (503, {}, "answers 503"),
    "redirect": (302, {}, "answers 302"),
    "no JSON": (200, b"<html>", "no access_token"),
    "deep": (200, b"[" * 60_000, "no access_token"),
    "a list": (200, [], "no access_token"),
    "a number": (200, {"access_token": 7}, "no access_token"),
    "control characters": (200, {"access_token": "a\r\nb"}, "no access_token"),
    "too long": (200, b" " * 70_000, "cannot be asked: ValueError"),
    "refused": (401, {"error": "invalid_client\x1b[31m"}, r"answers 401 invalid_client\\x1b"),
}


@pytest.mark.parametrize("case", BAD)
async def test_bad_answers(case: str, endpoint: Endpoint) -> None:
    """Each is a sentence without secrets; a client that was refused waits, other faults are tried again."""
    status, body, why = BAD[case]
    endpoint.says(status, body)
    cache = Tokens(clock=lambda: 0.0)
    for _ in range(2):
        with pytest.raises(TokenError, match=why) as caught:
            await cache.token(endpoint.client())
        assert "ecret" not in str(caught.value)
    assert len(endpoint.asked) == (1 if case == "refused" else 2)


async def test_silence_and_nobody_there(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint that says nothing has its deadline, one that is not there its sentence."""
    monkeypatch.setattr(tokens, "DEADLINE", 0.1)
    endpoint.answer = None
    with pytest.raises(TokenError, match=r"within 0.1 s|ReadTimeout"):
        await Tokens().token(endpoint.client())
    with pytest.raises(TokenError, match="cannot be asked: ConnectError"):
        await Tokens().token(Client("http://127.0.0.1:1/", "netmon", "tops/ecret"))


def test_nothing_secret_prints() -> None:
    """Neither the client's secret nor its token is in a repr."""
    assert "ecret" not in repr(Client("https://a.test/", "netmon", "tops/ecret"))


async def test_a_refusal_is_told_without_its_past(endpoint: Endpoint) -> None:
    """What a refused client is told again and again does not grow by the traces of all who were told."""
    cache = Tokens()
    endpoint.says(401, {"error": "invalid_client"})
    for _ in range(5):
        with pytest.raises(TokenError, match="answers 401 invalid_client") as told:
            await cache.token(endpoint.client())
    assert len(endpoint.asked) == 1
    assert len(told.traceback) == 2
