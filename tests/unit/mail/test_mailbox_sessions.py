"""What mailflow does with a session: search, fetch, delete, and the bounds on each."""

import asyncio
import base64
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import pytest

from netmon.errors import Reason
from netmon.mail.faults import MailError
from netmon.mail.imap import ImapSession, Mailbox
from netmon.mail.pop3 import Pop3Session
from netmon.mail.sasl import Credentials
from netmon.mail.trail import Trail
from netmon.model import Result
from tests.servers.evil_smtp import Peer, Server, serving

T = TypeVar("T")


def imap(
    answers: Mapping[bytes, bytes], capability: bytes = b"IMAP4rev1"
) -> Callable[[Peer], Awaitable[None]]:
    """A server that answers a command, without its tag, as told; ``%t`` is the tag."""
    known = {
        b"CAPABILITY": b"* CAPABILITY " + capability + b"\r\n%t OK\r\n",
        b"LOGOUT": b"%t OK\r\n",
        **answers,
    }

    async def script(peer: Peer) -> None:
        await peer.say(b"* OK hi\r\n")
        while (line := await peer.hear()) or not peer.gone:
            tag, _, command = line.partition(b" ")
            await peer.say(known.get(command, b"%t OK\r\n").replace(b"%t", tag))

    return script


async def with_imap(
    work: Callable[[ImapSession], Awaitable[T]],
    answers: Mapping[bytes, bytes],
    capability: bytes = b"IMAP4rev1",
) -> tuple[T, Server]:
    """What `work` gives on a session that is open."""
    limit = asyncio.get_running_loop().time() + 2
    async with serving(imap(answers, capability)) as server:
        async with ImapSession(Trail(), {}, limit=limit, patience=1) as session:
            await session.connect("127.0.0.1", server.port, within=1)
            await session.greet(1)
            await session.ask()
            found = await work(session)
        return found, server


async def test_fetch_gives_the_octets_of_one_message() -> None:
    """The literal is the message, whatever stands in it; other messages' news is not taken for it."""
    body = b"Subject: x\r\n\r\n)\r\nN4 OK not yet\r\n"
    answer = b"* 2 FETCH (FLAGS () UID 8)\r\n* 3 FETCH (UID 9 BODY[] {%d}\r\n%s FLAGS (\\Seen))\r\n%%t OK\r\n"
    said = {b"UID FETCH 9 (BODY.PEEK[])": answer % (len(body), body)}
    found, _ = await with_imap(lambda session: session.fetch(9, 1000), said)
    assert found == body


@pytest.mark.parametrize("announced", [b"1001", b"4294967296"])
async def test_fetch_is_bounded(announced: bytes) -> None:
    """A message that is larger than was allowed is refused by its announcement."""
    said = {b"UID FETCH 9 (BODY.PEEK[])": b"* 3 FETCH (UID 9 BODY[] {" + announced + b"}\r\n"}
    with pytest.raises(MailError, match="octets is announced; 1000 are read at most") as caught:
        await with_imap(lambda session: session.fetch(9, 1000), said)
    assert (caught.value.reason, caught.value.phase) == (Reason.PROTOCOL_ERROR, "fetch")


async def test_fetch_of_what_is_gone() -> None:
    """Another client may have taken it: said, not guessed."""
    with pytest.raises(MailError, match="no message with the UID 9"):
        await with_imap(lambda session: session.fetch(9, 1000), {})


async def test_search_and_list() -> None:
    """UIDs are numbers in order; special uses and names come decoded."""
    said = {
        b'UID SEARCH HEADER "X-Netmon-Canary" "a\\"b"': b"* SEARCH 9 3\r\n* SEARCH x 3\r\n%t OK\r\n",
        b'LIST "" "*" RETURN (SPECIAL-USE)': b'* LIST (\\Junk) "/" "Sp&APw-m"\r\n%t OK\r\n',
    }

    async def work(session: ImapSession) -> tuple[list[int], list[Mailbox]]:
        return await session.search_header("X-Netmon-Canary", 'a"b'), await session.list_mailboxes()

    (uids, boxes), _ = await with_imap(work, said, b"IMAP4rev1 LIST-EXTENDED SPECIAL-USE")
    assert uids == [3, 9]
    assert boxes == [Mailbox("Sp\u00fcm", frozenset({"\\junk"}))]


async def test_delete_by_uid() -> None:
    """With UIDPLUS exactly one message is expunged."""
    _, server = await with_imap(lambda session: session.delete(9), {}, b"IMAP4rev1 UIDPLUS")
    said = [line.partition(b" ")[2] for line in server.heard]
    assert said[1:3] == [b"UID STORE 9 +FLAGS.SILENT (\\Deleted)", b"UID EXPUNGE 9"]


@pytest.mark.parametrize(
    ("capability", "before", "after", "commands"),
    [
        (b"IMAP4rev1", b"* SEARCH", b"* SEARCH 9", ["?", "+", "?", "EXPUNGE"]),
        (b"IMAP4rev1", b"* SEARCH 4", b"* SEARCH 4 9", ["?"]),
        (b"IMAP4rev1", b"* SEARCH", b"* SEARCH 4 9", ["?", "+", "?", "-"]),
        # An answer of another form, or none, is no proof.
        (b"IMAP4rev1", b"* OK hm", b"* OK hm", ["?", "+", "?", "-"]),
        (b"IMAP4rev1", b"* SEARCH", b"* ESEARCH (TAG x) UID ALL 8:9", ["?", "+", "?", "-"]),
        # RFC 9051 has UID EXPUNGE without a word of UIDPLUS, as long as it is the only protocol.
        (b"IMAP4rev2", b"* SEARCH 4", b"* SEARCH 4 9", ["+", "UID EXPUNGE 9"]),
        (b"IMAP4rev1 IMAP4rev2", b"* SEARCH 4", b"* SEARCH 4 9", ["?"]),
    ],
)
async def test_delete_without_uidplus_takes_nobody_elses(
    capability: bytes, before: bytes, after: bytes, commands: list[str]
) -> None:
    """EXPUNGE takes all marked messages: it is said only where the server says that ours alone is marked."""
    said = {
        "?": "UID SEARCH DELETED",
        "+": "UID STORE 9 +FLAGS.SILENT (\\Deleted)",
        "-": "UID STORE 9 -FLAGS.SILENT (\\Deleted)",
    }
    marked = False

    async def script(peer: Peer) -> None:
        nonlocal marked
        await peer.say(b"* OK hi\r\n")
        while (line := await peer.hear()) or not peer.gone:
            tag, _, command = line.partition(b" ")
            if command == b"CAPABILITY":
                await peer.say(b"* CAPABILITY " + capability + b"\r\n")
            elif command.startswith(b"UID STORE"):
                marked = b"+FLAGS" in command
            elif command.startswith(b"UID SEARCH"):
                await peer.say((after if marked else before) + b"\r\n")
            await peer.say(tag + b" OK\r\n")

    limit = asyncio.get_running_loop().time() + 2
    async with serving(script) as server:
        async with ImapSession(Trail(), {}, limit=limit, patience=1) as session:
            await session.connect("127.0.0.1", server.port, within=1)
            await session.greet(1)
            await session.ask()
            with contextlib.suppress(MailError):
                await session.delete(9)
        heard = [line.partition(b" ")[2].decode() for line in server.heard]
    assert heard[1 : 1 + len(commands)] == [said.get(word, word) for word in commands]
    assert heard[1 + len(commands) :] == ["LOGOUT"]
    assert marked == ("EXPUNGE" in commands[-1])


async def test_search_of_a_flooded_mailbox() -> None:
    """A stranger can send any number of messages with the header: the newest thousand are told, no fault."""
    flood = b"* SEARCH " + b" ".join(b"%d" % uid for uid in range(100_000, 120_000)) + b"\r\n%t OK\r\n"
    found, _ = await with_imap(
        lambda session: session.search_header("X", "y"), {b'UID SEARCH HEADER "X" "y"': flood}
    )
    assert found == list(range(119_000, 120_000))


async def test_literal_waits_for_its_turn() -> None:
    """What quotes cannot hold goes as a literal, once the server has asked for it."""
    heard: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.say(b"* OK hi\r\n")
        heard.append(await peer.hear())
        await peer.say(b"+ go on\r\n")
        heard.append(await peer.hear())
        await peer.say(b"* SEARCH 1\r\nN1 OK\r\n")
        await peer.hear()

    limit = asyncio.get_running_loop().time() + 2
    async with (
        serving(script) as server,
        ImapSession(Trail(), {}, limit=limit, patience=1, goodbye=0) as session,
    ):
        await session.connect("127.0.0.1", server.port, within=1)
        await session.greet(1)
        assert await session.search_header("Subject", "zażółć") == [1]
    assert heard == [b'N1 UID SEARCH HEADER "Subject" {10}', "zażółć".encode()]


TOKEN = "tok-canary"


async def test_a_token_goes_by_xoauth2() -> None:
    """What a provider wants; after the reason for its no, an empty line, and no secret in the trail."""
    heard: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.say(b"* OK hi\r\n")
        await peer.hear()
        await peer.say(b"* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=XOAUTH2\r\nN1 OK\r\n")
        heard.append(await peer.hear())
        await peer.say(b"+ eyJzdGF0dXMiOiI0MDAifQ==\r\n")
        heard.append(await peer.hear())
        await peer.say(b"N2 NO [AUTHENTICATIONFAILED] " + heard[0] + b"\r\n")
        await peer.hear()

    trail, limit = Trail(), asyncio.get_running_loop().time() + 2
    trail.conceal(TOKEN)
    async with serving(script) as server, ImapSession(trail, {}, limit=limit, patience=1) as session:
        await session.connect("127.0.0.1", server.port, within=1)
        await session.greet(1)
        await session.ask()
        with pytest.raises(MailError) as caught:
            await session.log_in(Credentials("me", TOKEN, token=True))
    sent = base64.b64encode(f"user=me\x01auth=Bearer {TOKEN}\x01\x01".encode())
    assert heard == [b"N2 AUTHENTICATE XOAUTH2 " + sent, b""]
    assert (caught.value.reason, caught.value.phase) == (Reason.LOGIN_REJECTED, "login")
    assert sent.decode() not in f"{caught.value}{trail.lines()}"


async def with_pop3(work: Callable[[Pop3Session], Awaitable[T]], answers: Mapping[bytes, bytes]) -> T:
    """What `work` gives on a session that is open."""

    async def script(peer: Peer) -> None:
        await peer.say(b"+OK hi\r\n")
        while (line := await peer.hear()) or not peer.gone:
            await peer.say(answers.get(line, b"+OK\r\n"))

    limit = asyncio.get_running_loop().time() + 2
    async with serving(script) as server, Pop3Session(Trail(), {}, limit=limit, patience=1) as session:
        await session.connect("127.0.0.1", server.port, within=1)
        await session.greet(1)
        return await work(session)


async def test_retr_takes_the_dots_away() -> None:
    """RFC 1939 §3: a dot that begins a line was added; one alone ends the message."""
    said = {b"RETR 1": b"+OK\r\na\r\n..b\r\n...\r\n.\r\n"}
    assert await with_pop3(lambda session: session.retr(1, 1000), said) == b"a\r\n.b\r\n..\r\n"


@pytest.mark.parametrize("body", [b"x" * 2000, b"xxxxxxx\r\n" * 200])
async def test_retr_is_bounded(body: bytes) -> None:
    """One endless line and endless lines alike."""
    with pytest.raises(MailError) as caught:
        await with_pop3(lambda session: session.retr(1, 1000), {b"RETR 1": b"+OK\r\n" + body})
    assert (caught.value.result, caught.value.phase) == (Result.FAILED, "retr")


async def test_uidl_and_stat() -> None:
    """Numbers and names; lines of another form are passed over."""
    said = {b"UIDL": b"+OK\r\n1 abc\r\nx y\r\n2 d\r\n.\r\n", b"STAT": b"+OK 2 320\r\n"}

    async def work(session: Pop3Session) -> tuple[dict[int, str], tuple[int, int]]:
        return await session.uidl(), await session.stat()

    assert await with_pop3(work, said) == ({1: "abc", 2: "d"}, (2, 320))


async def test_uidl_of_a_large_mailbox() -> None:
    """A hundred thousand messages with long names are many, and no fault of the server."""
    name = b"f" * 70  # RFC 1939 §7: at most so long
    listing = b"".join(b"%d %s\r\n" % (number, name) for number in range(1, 100_001))
    found = await with_pop3(lambda session: session.uidl(), {b"UIDL": b"+OK\r\n" + listing + b".\r\n"})
    assert len(found) == 100_000


@pytest.mark.parametrize("answer", [b"+OK\r\n", b"+OK two 3\r\n", b"+OK -1 3\r\n"])
async def test_stat_without_numbers(answer: bytes) -> None:
    """What counts nothing is no STAT."""
    with pytest.raises(MailError, match="no number of messages"):
        await with_pop3(lambda session: session.stat(), {b"STAT": answer})
