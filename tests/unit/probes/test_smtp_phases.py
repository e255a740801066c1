"""Every way to misbehave at every phase: each run ends by its deadline, with a reason of its own."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest
import trustme

from netmon.errors import Reason
from netmon.mail.trail import LINES
from netmon.model import Observation, Result
from netmon.probes import smtp
from tests.servers import evil_smtp as evil
from tests.servers.mail_checks import AGENT, make_check, make_context, run_on, server_context

NAME = "evil.example.test"
DEADLINE = 0.5


@dataclass(frozen=True)
class Phase:
    """A phase, and how a run ends that the server spoils there with silence, a 4yz or a 5yz."""

    silence: Reason
    deferred: Reason
    rejected: Reason


PHASES = {
    "greeting": Phase(Reason.GREETING_TIMEOUT, Reason.GREETING_DEFERRED, Reason.GREETING_REJECTED),
    "EHLO": Phase(Reason.DEADLINE, Reason.EHLO_DEFERRED, Reason.EHLO_REJECTED),
    "STARTTLS": Phase(Reason.DEADLINE, Reason.STARTTLS_DEFERRED, Reason.STARTTLS_REJECTED),
    "EHLO inside": Phase(Reason.DEADLINE, Reason.EHLO_DEFERRED, Reason.EHLO_REJECTED),
    "MAIL": Phase(Reason.DEADLINE, Reason.ENVELOPE_DEFERRED, Reason.ENVELOPE_REJECTED),
    "RCPT": Phase(Reason.DEADLINE, Reason.ENVELOPE_DEFERRED, Reason.ENVELOPE_REJECTED),
    "AUTH": Phase(Reason.DEADLINE, Reason.LOGIN_DEFERRED, Reason.LOGIN_REJECTED),
}
Act = Callable[[evil.Peer], Awaitable[None]]


def says(data: bytes) -> Act:
    """Say it, and go on."""

    async def act(peer: evil.Peer) -> None:
        await peer.say(data)

    return act


async def drips(peer: evil.Peer) -> None:
    """A reply that comes a byte at a time and has no end."""
    await peer.say(b"250-")
    await evil.repeats(b"x", 0.05)(peer)


async def floods(peer: evil.Peer) -> None:
    """Lines without end."""
    await evil.repeats(b"250-and more\r\n" * 100, 0)(peer)


async def hangs_up(peer: evil.Peer) -> None:
    """Close without a word."""
    peer.hang_up()


ACTS: dict[str, tuple[Act, Reason | str]] = {
    "silence": (says(b""), "silence"),
    "a byte at a time": (drips, "silence"),
    "endless lines": (floods, Reason.PROTOCOL_ERROR),
    "a line of 1 MB": (says(b"250 " + b"x" * 1_000_000), Reason.PROTOCOL_ERROR),
    "NUL": (says(b"\0\0\0\0\r\n"), Reason.PROTOCOL_ERROR),
    "421": (says(b"421 4.7.0 not now\r\n"), "deferred"),
    "554": (says(b"554 no\r\n"), "rejected"),
    "354": (says(b"354 what?\r\n"), Reason.PROTOCOL_ERROR),
    "closed": (hangs_up, Reason.CONNECTION_LOST),
}
WELL = {
    "EHLO": b"250-hi\r\n250 STARTTLS\r\n",
    "EHLO inside": b"250-hi\r\n250 AUTH PLAIN\r\n",
    "STARTTLS": b"220 go\r\n",
    "AUTH": b"235 welcome\r\n",
    "QUIT": b"221 bye\r\n",
}


def spoils(phase: str, act: Act, context: ssl.SSLContext) -> evil.Script:
    """Do everything right until `phase`."""

    async def script(peer: evil.Peer) -> None:
        await (act(peer) if phase == "greeting" else peer.say(evil.BANNER))
        inside = ""
        while (line := await peer.hear()) or not peer.gone:
            verb = line[:8].split(b" ")[0].decode() + (inside if line.startswith(b"EHLO") else "")
            if verb == phase:
                await act(peer)
                continue
            await peer.say(WELL.get(verb, b"250 ok\r\n"))
            if verb == "STARTTLS":
                await peer.tls(context)
                inside = " inside"

    return script


@pytest.fixture(scope="module")
def context() -> ssl.SSLContext:
    """A server's."""
    return server_context(trustme.CA().issue_cert(NAME))


async def observe(script: evil.Script) -> tuple[Observation, evil.Server]:
    """One run that goes through all phases."""
    async with evil.serving(script) as server:
        check = make_check(
            server.port,
            deadline=DEADLINE,
            tls="starttls",
            envelope={"sender": "a@example.test", "recipient": "b@example.test"},
            # The certificate is nobody's concern here.
            login={"username": "probe", "password": "swordfish", "plain_text": True},
        )
        return await smtp.probe(check, make_context()), server


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("phase", PHASES)
def test_each_way_at_each_phase(phase: str, act: str, context: ssl.SSLContext) -> None:
    """The reason tells what happened, the trail is bounded, secrets stay, and QUIT is said if it can be."""
    how, wanted = ACTS[act]
    reason = wanted if isinstance(wanted, Reason) else getattr(PHASES[phase], wanted)
    seen, server = run_on("uvloop", observe(spoils(phase, how, context)))
    assert seen.reason is reason, seen.trail
    assert seen.alive is True
    assert seen.duration < DEADLINE + 0.5
    assert len(seen.trail) <= LINES + 1
    assert "swordfish" not in str(seen)
    if wanted in ("deferred", "rejected"):
        assert b"QUIT" in server.heard[-2:]


@pytest.mark.parametrize("act", ["silence", "a byte at a time", "NUL", "closed", "554"])
def test_what_comes_after_all_is_said_changes_nothing(act: str, context: ssl.SSLContext) -> None:
    """A server that misbehaves at QUIT is ok."""
    seen, _ = run_on("uvloop", observe(spoils("QUIT", ACTS[act][0], context)))
    assert seen.result is Result.OK, seen.trail
    assert seen.duration < DEADLINE + 0.5


AFTER: dict[str, tuple[Act, Reason]] = {
    "silence": (says(b""), Reason.DEADLINE),
    "plain text": (says(b"250 in plain text\r\n"), Reason.TLS_HANDSHAKE),
    "garbage": (says(b"\x16\x03\x03\x00\x05garbage"), Reason.TLS_HANDSHAKE),
    "a record without end": (says(b"\x16\x03\x03\x40\x00"), Reason.DEADLINE),
    "closed": (hangs_up, Reason.CONNECTION_LOST),
}


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("case", AFTER)
def test_instead_of_a_handshake(case: str, loop: str) -> None:
    """What answers the ClientHello otherwise than by TLS ends the run, and QUIT is not said into it."""
    act, reason = AFTER[case]

    async def script(peer: evil.Peer) -> None:
        await peer.say(evil.BANNER)
        await peer.hear()
        await peer.say(evil.EHLO)
        await peer.hear()
        await peer.say(b"220 go\r\n")
        await peer.read()
        await act(peer)
        await peer.silence()

    seen, server = run_on(loop, observe(script))
    assert seen.reason is reason, seen.trail
    assert seen.duration < DEADLINE + 0.5
    assert b"QUIT" not in server.heard
    assert server.heard.count(b"EHLO " + AGENT.encode()) == 1


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_plain_text_in_a_session(loop: str, context: ssl.SSLContext) -> None:
    """Bytes that are no TLS inside TLS break the session, and are no reply."""

    async def script(peer: evil.Peer) -> None:
        await peer.say(evil.BANNER)
        await peer.hear()
        await peer.say(evil.EHLO)
        await peer.hear()
        await peer.say(b"220 go\r\n")
        raw = peer.raw
        await peer.tls(context)
        await peer.hear()
        raw(b"250 in plain text\r\n")
        await asyncio.sleep(0.1)

    seen, _ = run_on(loop, observe(script))
    assert (seen.result, seen.reason) == (Result.FAILED, Reason.CONNECTION_LOST), seen.trail
    assert not any("in plain text" in line for line in seen.trail)
