"""The demo's mailbox, by the standard library's client; test_demo has netmon's own."""

import asyncio
import imaplib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from netmon.demo.certificates import DAY, Authority
from netmon.demo.mailbox import USER, Mailbox

MESSAGE = b"Subject: hello\r\nX-Netmon-Canary: token-1\r\n\r\nbody\r\n"


@asynccontextmanager
async def listening(folder: Path) -> AsyncIterator[tuple[Mailbox, int]]:
    """A mailbox behind TLS on a free port."""
    box = Mailbox("box1.demo.example")
    identity = Authority("test CA", 1_000_000_000.0).issue(("127.0.0.1",), 1e9, 1e9 + 10_000 * DAY)
    port = await box.listen("127.0.0.1", identity.server_context(folder))
    try:
        yield box, port
    finally:
        await box.close()


def talk(port: int, password: str) -> tuple[list[bytes], bytes, list[bytes]]:
    """What another client sees: search, fetch, and what is left after it has deleted."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with imaplib.IMAP4_SSL("127.0.0.1", port, ssl_context=context) as client:
        client.login(USER, password)
        client.select("INBOX")
        found = client.uid("SEARCH", "HEADER", "X-Netmon-Canary", '"token-1"')[1]
        fetched = client.uid("FETCH", "1", "(BODY.PEEK[])")[1]
        client.uid("STORE", "1", "+FLAGS.SILENT", r"(\Deleted)")
        client.uid("EXPUNGE", "1")
        return found, fetched[0][1], client.select("INBOX")[1]


async def test_any_client_may_use_it(tmp_path: Path) -> None:
    """Search, fetch and delete, as the standard library speaks it."""
    async with listening(tmp_path) as (box, port):
        box.deliver(MESSAGE)
        box.deliver(b"Subject: other\r\n\r\nx\r\n")
        found, body, left = await asyncio.to_thread(talk, port, box.password)
        assert (found, body, left) == ([b"1"], MESSAGE, [b"1"])


async def test_a_wrong_password(tmp_path: Path) -> None:
    """Nothing is told without the right one."""
    async with listening(tmp_path) as (_, port):
        with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
            await asyncio.to_thread(talk, port, "guess")


def test_a_queue_that_hangs() -> None:
    """What was taken meanwhile is delivered when it runs again, and the box is bounded."""
    box = Mailbox("box1")
    box.stall()
    box.deliver(MESSAGE)
    assert box.uids() == []
    box.release()
    assert box.search("x-netmon-canary", "token-1") == [1]
    for _ in range(500):
        box.deliver(MESSAGE)
    assert len(box.uids()) == 200
