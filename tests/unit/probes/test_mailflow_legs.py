"""What a look into a mailbox takes away, and what it keeps its hands off."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from netmon.errors import Reason
from netmon.mail import canary
from netmon.mail.faults import failed
from netmon.model import Check, CheckKey, Host
from netmon.probes import PROBES
from netmon.probes.base import Context
from netmon.probes.mailflow_legs import ImapLook, Pop3Look, Wanted
from tests.servers.evil_smtp import Peer, serving
from tests.servers.mail_checks import make_context

CTX = make_context()
FLOW = "example"
LOGIN = {"username": "a@example.org", "password": "secret", "plain_text": True}


def look(token: str = "", *, sweep: bool = True) -> ImapLook:
    """A look into the only mailbox of a mailflow."""
    return ImapLook(*parts(token, sweep=sweep))


def parts(token: str, *, sweep: bool, **box: object) -> tuple[Check, Context, Wanted, float]:
    """What a look is made of."""
    kind = PROBES["mailflow"]
    entry: dict[str, Any] = {
        "name": FLOW,
        "send": {"host": "mx1"},
        "fetch": [{"host": "mx1", "login": {**LOGIN}, **box}],
        "sender": "a@example.org",
        "recipient": "a@example.org",
        "deadline": 10.0,
        "late_after": 5.0,
        "addresses": ["127.0.0.1", "127.0.0.1"],
    }
    settings = kind.settings.model_validate(entry)
    check = Check(
        key=CheckKey("mx1", "mailflow", FLOW),
        host=Host("mx1", "127.0.0.1"),
        settings=settings,
        interval=300.0,
        timeout=5.0,
        retries=0,
        deadline=10.0,
        role=kind.role(settings),
    )
    until = asyncio.get_running_loop().time() + 10
    return check, CTX, Wanted(FLOW, 0, CTX.flows, token, sweep=sweep), until


def message(token: str) -> bytes:
    """A canary with this token."""
    return canary.build(
        sender="a@example.org",
        recipient="a@example.org",
        token=token,
        agent="probe.example.org",
        at=0.0,
        eight_bit=True,
    )


@dataclass
class Mailbox:
    """An open session as a look knows it."""

    held: Mapping[int, bytes]
    validity: str = "1"
    marked: bool = False  # other messages are, on a server without UIDPLUS
    deleted: list[int] = field(default_factory=list)
    read: list[int] = field(default_factory=list)

    async def select(self, _folder: str) -> int:
        """Open it."""
        return len(self.held)

    async def noop(self) -> None:
        """Nothing is new."""

    async def list_mailboxes(self) -> list[object]:
        """There is no other folder."""
        return []

    async def search_header(self, _name: str, value: str) -> list[int]:
        """What holds the value and is still there."""
        return [
            uid for uid, octets in self.held.items() if value.encode() in octets and uid not in self.deleted
        ]

    async def fetch_headers(self, uid: int) -> bytes:
        """All of it does for its header."""
        self.read.append(uid)
        return self.held[uid]

    async def fetch(self, uid: int, _limit: int) -> bytes:
        """All of it."""
        return self.held[uid]

    async def delete(self, uid: int) -> None:
        """As `ImapSession.delete`."""
        if self.marked:
            raise failed(Reason.MAILBOX_REJECTED, "other messages are marked as deleted")
        self.deleted.append(uid)


async def test_what_cannot_be_deleted_is_left_and_no_fault() -> None:
    """A user's messages that are marked keep netmon's own there; the mailbox can be read all the same."""
    token = CTX.flows.signer.make(FLOW, b"12345678", 1e9)
    earlier = CTX.flows.signer.make(FLOW, b"87654321", 1e9)
    mailbox: Any = Mailbox({4: message(earlier), 9: message(token)}, marked=True)
    one = look(token)
    await one._look(mailbox)
    assert [copy.folder for copy in one.copies] == ["INBOX"]
    assert [found.text for found in one.earlier] == [earlier]
    assert one.left
    assert mailbox.deleted == []


async def test_numbers_of_a_mailbox_that_was_made_anew() -> None:
    """UIDs hold under their UIDVALIDITY alone (RFC 9051 §2.3.1.1): another's are looked at anew."""
    forged = b"X-Netmon-Canary: netmon-0123456789abcdef-6553f100-00000000000000000000\r\n\r\n"
    first: Any = Mailbox({7: forged}, validity="1")
    await look()._look(first)
    await look()._look(first)
    assert (first.read, first.deleted) == ([7], [])
    token = CTX.flows.signer.make(FLOW, b"abcdefgh", 1e9)
    second: Any = Mailbox({7: message(token)}, validity="2")
    await look()._look(second)
    assert (second.read, second.deleted) == ([7], [7])


@pytest.mark.parametrize("goodbye", [b"+OK bye", b"-ERR some deleted messages not removed"])
async def test_pop3_takes_away_with_the_goodbye_only(goodbye: bytes) -> None:
    """A QUIT that is refused leaves the message there, and the next run calls it no second copy."""
    token = CTX.flows.signer.make(FLOW, b"ijklmnop", 1e9)
    lines = message(token).replace(b"\r\n.", b"\r\n..")
    answers = {
        b"CAPA": b"+OK\r\nUSER\r\nUIDL\r\n.",
        b"UIDL": b"+OK\r\n1 one\r\n.",
        b"TOP": b"+OK\r\n" + lines + b".",
        b"RETR": b"+OK\r\n" + lines + b".",
        b"QUIT": goodbye,
    }

    async def script(peer: Peer) -> None:
        await peer.say(b"+OK hi\r\n")
        while (line := await peer.hear()) or not peer.gone:
            await peer.say(answers.get(line.split(b" ")[0], b"+OK") + b"\r\n")
            if line == b"QUIT":
                return

    async with serving(script) as server:
        one = Pop3Look(*parts(token, sweep=False, protocol="pop3", port=server.port, tls="none"))
        await one.go()
    assert [copy.message for copy in one.copies] == [message(token)]
    assert b"DELE 1" in server.heard
    assert one.left == goodbye.startswith(b"-ERR")
