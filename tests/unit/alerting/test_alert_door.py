"""One request to a real server on loopback, which may do anything."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from netmon.alerting import door as door_
from netmon.alerting.door import Door, Kind, Outcome
from netmon.fields import Secret
from tests.servers.receiver import Mood, Receiver, receiver

CANARY = "swordfish"


@pytest.fixture
def server() -> Iterator[Receiver]:
    """A receiver."""
    with receiver() as running:
        yield running


async def ask(url: str, body: bytes | None = b"{}", **more: object) -> Outcome:
    """One request, and the door is closed."""
    door = Door(Secret(url), **more)
    try:
        return await door.send(body)
    finally:
        await door.close()


async def test_what_is_sent_arrives_with_its_headers(server: Receiver) -> None:
    """Method, path with its query, body, content type, login and own headers."""
    url = f"{server.url}/hook/{CANARY}?x=1"
    headers = {"X-Token": Secret(CANARY)}
    outcome = await ask(url, b"[]", method="PUT", headers=headers, login=("u", Secret("p")))
    assert outcome == Outcome(Kind.DELIVERED)
    (got,) = server.got
    assert (got.method, got.path, got.body) == ("PUT", f"/hook/{CANARY}?x=1", b"[]")
    assert got.headers["Content-Type"] == "application/json"
    assert got.headers["X-Token"] == CANARY
    assert got.headers["Authorization"] == "Basic dTpw"
    assert got.headers["User-Agent"].startswith("netmon/")


@pytest.mark.parametrize(
    ("mood", "wanted"),
    [
        (Mood.ERROR, Outcome(Kind.FAILED, "it answers 500 Internal Server Error")),
        (Mood.BUSY, Outcome(Kind.FAILED, "it answers 429 Too Many Requests", 77.0)),
        (Mood.REFUSES, Outcome(Kind.REFUSED, "it answers 404 Not Found")),
        (Mood.GARBAGE, Outcome(Kind.FAILED, "it does not answer in HTTP, or closes too soon")),
        (Mood.CLOSES, Outcome(Kind.FAILED, "it does not answer in HTTP, or closes too soon")),
        (Mood.FLOODS, Outcome(Kind.DELIVERED)),
    ],
)
async def test_each_fault_has_its_outcome(server: Receiver, mood: Mood, wanted: Outcome) -> None:
    """And its words; an answer without end is not read to its end."""
    server.mood = mood
    assert await ask(f"{server.url}/{CANARY}") == wanted


async def test_redirects_are_not_followed(server: Receiver) -> None:
    """A token would go wherever the answer says."""
    server.mood = Mood.REDIRECTS
    outcome = await ask(server.url)
    assert outcome.kind is Kind.REFUSED
    assert "redirects are not followed" in outcome.why
    assert len(server.asked) == 1


async def test_proxies_of_the_environment_are_not_used(
    server: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor its netrc."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert (await ask(server.url)).kind is Kind.DELIVERED


@pytest.mark.parametrize(
    ("mood", "wanted"),
    [(Mood.HANGS, Kind.FAILED), (Mood.DRIPS, Kind.DELIVERED)],
)
async def test_nothing_outlives_the_deadline(
    server: Receiver, monkeypatch: pytest.MonkeyPatch, mood: Mood, wanted: Kind
) -> None:
    """No answer has failed; an answer whose body only drips has been given all the same."""
    monkeypatch.setattr(door_, "DEADLINE", 0.3)
    server.mood = mood
    outcome = await ask(server.url)
    assert outcome.kind is wanted


async def test_nobody_there() -> None:
    """The words are ours, and name no URL."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    outcome = await ask(f"http://127.0.0.1:{port}/{CANARY}")
    assert outcome == Outcome(Kind.FAILED, "it refuses the connection")
    outcome = await ask(f"http://{CANARY}.invalid/")
    assert outcome == Outcome(Kind.FAILED, "its name cannot be resolved")


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """A TLS server that says 200 to whoever trusts it, and the file of its authority."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(20)

    def serve() -> None:
        try:
            plain, _ = listener.accept()
            plain.settimeout(20)
            with context.wrap_socket(plain, server_side=True) as peer:
                peer.recv(65536)
                peer.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
                while peer.recv(65536):  # closed with something unread, the kernel would reset it
                    pass
        except OSError:
            pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1], ca_file
    listener.close()
    thread.join()


async def test_certificates_are_verified_with_the_ca_file(tls: tuple[int, Path]) -> None:
    """An authority of one's own is trusted where it is named."""
    port, ca_file = tls
    assert await ask(f"https://127.0.0.1:{port}/", ca_file=ca_file) == Outcome(Kind.DELIVERED)


async def test_an_unknown_authority_is_refused(tls: tuple[int, Path]) -> None:
    """With a word about what to do."""
    outcome = await ask(f"HTTPS://127.0.0.1:{tls[0]}/{CANARY}")
    assert outcome.kind is Kind.FAILED
    assert outcome.why.startswith("its certificate is not trusted: ")
    assert outcome.why.endswith("; set ca_file for an authority of your own")


async def test_a_certificate_for_another_name(tls: tuple[int, Path]) -> None:
    """The name may be part of a secret URL: it is not told."""
    port, ca_file = tls
    outcome = await ask(f"https://localhost:{port}/", ca_file=ca_file)
    assert outcome.why.startswith("its certificate is not trusted: it is for another name")


async def test_a_ca_file_of_no_use_is_a_failure_and_not_a_crash(tmp_path: Path) -> None:
    """It may come later."""
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    for path in (empty, tmp_path / "nothing.pem"):
        outcome = await ask("https://127.0.0.1:1/", ca_file=path)
        assert outcome == Outcome(Kind.FAILED, "its ca_file cannot be read or holds no certificate")


async def test_cancelling_is_not_swallowed(server: Receiver) -> None:
    """The agent can stop in the middle of a request."""
    server.mood = Mood.HANGS
    task = asyncio.create_task(ask(server.url))
    assert await asyncio.to_thread(server.first.wait, 20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
