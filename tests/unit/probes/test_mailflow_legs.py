"""What a look into a mailbox takes away, and what it keeps its hands off."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from netmon.errors import Reason
from netmon.mail import canary
from netmon.mail.faults import failed
from netmon.model import Check, CheckKey, Host
from netmon.probes import PROBES
from netmon.probes.mailflow_legs import ImapLook, Wanted
from tests.servers.mail_checks import make_context

CTX = make_context()
FLOW = "example"


def look(token: str = "", *, sweep: bool = True) -> ImapLook:
    """A look into the only mailbox of a mailflow."""
    kind = PROBES["mailflow"]
    entry: dict[str, Any] = {
        "name": FLOW,
        "send": {"host": "mx1"},
        "fetch": [{"host": "mx1", "login": {"username": "a@example.org", "password": "secret"}}],
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
    return ImapLook(check, CTX, Wanted(FLOW, 0, CTX.flows, token, sweep=sweep), until)


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
