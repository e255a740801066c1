"""Fetching a policy from servers that behave, and that do not."""

import ssl
from pathlib import Path

import pytest
import trustme

from netmon.mail.policy.https import FetchError, client_context, fetch
from tests.servers.https import Answer, endless, gives, says, serving, silent, slow
from tests.servers.mail_checks import run_on, server_context

HOST = "mta-sts.example.test"
BODY = b"version: STSv1\nmode: none\nmax_age: 1\n"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
LARGEST = 65_536
CHUNKS = b"5\r\n%b\r\n%x;a=b\r\n%b\r\n0\r\n\r\n" % (BODY[:5], len(BODY) - 5, BODY[5:])


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    """A certificate authority that no system trusts."""
    return trustme.CA()


@pytest.fixture(scope="module")
def trust(ca: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A client that trusts it."""
    path = tmp_path_factory.mktemp("https") / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    return client_context(str(path))


async def fetched(
    answer: Answer, cert: trustme.LeafCert, trust: ssl.SSLContext, seconds: float = 5.0
) -> tuple[bytes, list[bytes]]:
    """The body, and what the server was asked."""
    async with serving(server_context(cert), answer) as server:
        body = await fetch(
            HOST,
            "/x.txt",
            address="127.0.0.1",
            port=server.port,
            context=trust,
            seconds=seconds,
            largest=LARGEST,
        )
        return body, server.asked


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize(
    "answer",
    [
        gives(BODY),
        gives(BODY, "text/plain; charset=utf-8"),
        says(HEAD + b"\r\n" + BODY),
        says(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS),
    ],
    ids=["length", "charset", "until the end", "chunked"],
)  # fmt: skip
def test_bodies(loop: str, answer: Answer, ca: trustme.CA, trust: ssl.SSLContext) -> None:
    """A body by its length, in chunks or until the end; one request that names the host."""
    body, asked = run_on(loop, fetched(answer, ca.issue_cert(HOST), trust))
    assert body == BODY
    assert asked[0].startswith(b"GET /x.txt HTTP/1.1\r\nHost: mta-sts.example.test\r\n")


@pytest.mark.parametrize(
    ("answer", "why", "network"),
    [
        (says(b"HTTP/1.1 301 Moved\r\nLocation: https://x/\r\n\r\n"), "the redirect 301", False),
        (says(b"HTTP/1.1 404 Not Found\r\n\r\n"), "answers 404", False),
        (says(b"HTTP/1.1 304 x\r\n\r\n"), "redirect 304", False),
        (gives(BODY, "text/html"), '"text/html"; wanted text/plain', False),
        (says(b"HTTP/1.1 200 OK\r\n\r\n" + BODY), "not told", False),
        (gives(b"x" * (LARGEST + 1)), "at most 65536", False),
        (says(HEAD + b"Content-Length: -1\r\n\r\n"), "at most", False),
        (says(HEAD + b"Content-Length: " + b"9" * 99 + b"\r\n\r\n"), "at most", False),
        (says(HEAD + b"Content-Encoding: gzip\r\n\r\n"), "compressed", False),
        (says(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"), "malformed", False),
        (says(HEAD + b"Transfer-Encoding: chunked\r\n\r\nfffff\r\n"), "larger than", False),
        (says(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1" * 20_000), "malformed", False),
        (says(HEAD + b"X: " + b"y" * 20_000), "headers are larger", False),
        (says(b"SSH-2.0-x\r\n\r\n"), "no answer in HTTP", False),
        (endless, "larger than 65536", False),
        (says(HEAD + b"Content-Length: 99\r\n\r\nshort"), "too early", True),
        (says(b""), "too early", True),
    ],
)
async def test_bad_answers(
    answer: Answer,
    why: str,
    network: bool,  # noqa: FBT001
    ca: trustme.CA,
    trust: ssl.SSLContext,
) -> None:
    """Each ends at once, by what is wrong with it."""
    with pytest.raises(FetchError, match=why) as caught:
        await fetched(answer, ca.issue_cert(HOST), trust)
    assert caught.value.network is network


@pytest.mark.parametrize("answer", [silent, slow])
async def test_silence_ends_by_the_deadline(answer: Answer, ca: trustme.CA, trust: ssl.SSLContext) -> None:
    """A server that says nothing, or stops in its body, gets no more than its time."""
    with pytest.raises(FetchError, match=r"no whole answer in 0\.2 s"):
        await fetched(answer, ca.issue_cert(HOST), trust, seconds=0.2)


async def test_bad_certificates(ca: trustme.CA, trust: ssl.SSLContext) -> None:
    """The name and the issuer must be right."""
    with pytest.raises(FetchError, match="is not valid: Hostname mismatch"):
        await fetched(gives(BODY), ca.issue_cert("www.example.test"), trust)
    with pytest.raises(FetchError, match="is not valid: unable to get"):
        await fetched(gives(BODY), trustme.CA().issue_cert(HOST), trust)


async def test_nobody_there(trust: ssl.SSLContext) -> None:
    """A refused connection is told with its address; an unreadable CA file too."""
    with pytest.raises(FetchError, match=r"127\.0\.0\.1 port 1"):
        await fetch(HOST, "/", address="127.0.0.1", port=1, context=trust, seconds=5, largest=1)
    with pytest.raises(FetchError, match="cannot read"):
        client_context(str(Path("/nonexistent/ca.pem")))
