"""The rare tests: what they find, how seldom they are done, and that they spoil nothing."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme
from pydantic import ValidationError

from netmon.mail.memory import RARE
from netmon.model import Observation, Result
from netmon.probes import smtp
from netmon.probes.base import Context
from netmon.probes.smtp import SmtpSettings
from tests.servers import evil_smtp as evil
from tests.servers.mail_checks import kinds, make_check, make_context, server_context

NAME = "evil.example.test"


@pytest.fixture(scope="module")
def context() -> ssl.SSLContext:
    """A server's, with a certificate that nobody trusts."""
    return server_context(trustme.CA().issue_cert(NAME))


async def observe(
    script: evil.Script, ctx: Context | None = None, **settings: Any
) -> tuple[Observation, evil.Server]:
    """One run."""
    async with evil.serving(script) as server:
        given = {"tls": "none", **settings}
        return await smtp.probe(make_check(server.port, **given), ctx or make_context()), server


def says(**replies: bytes) -> evil.Script:
    """A server without TLS that answers so."""
    known = {"EHLO": b"250 hi\r\n", "MAIL": b"250 ok\r\n", "RSET": b"250 ok\r\n", **replies}
    return evil.answers({verb.encode(): reply for verb, reply in known.items()})


async def test_an_open_relay() -> None:
    """A stranger's recipient that is taken is a fault; the transaction is taken back, no DATA is said."""
    seen, server = await observe(says(RCPT=b"250 2.1.5 ok\r\n"), open_relay=True)
    assert seen.result is Result.OK
    assert kinds(seen) == {"open_relay": "fault"}
    assert "netmon-relay-test@example.net" in seen.findings[0].text
    assert [line[:4] for line in server.heard[2:]] == [b"EHLO", b"MAIL", b"RCPT", b"RSET", b"QUIT"]
    assert server.most_open == 1
    assert "C: MAIL FROM:<netmon@probe.example.test>" in seen.trail
    refused, _ = await observe(says(RCPT=b"554 5.7.1 relay access denied\r\n"), open_relay=True)
    assert kinds(refused) == {}


async def test_vrfy() -> None:
    """Only a server that tells users from others is told of."""

    async def script(peer: evil.Peer) -> None:
        await peer.say(evil.BANNER)
        while line := await peer.hear():
            await peer.say(b"550 no\r\n" if line.startswith(b"VRFY netmon-") else b"250 yes\r\n")
            if line == b"QUIT":
                return

    seen, _ = await observe(script, vrfy=True)
    assert kinds(seen) == {"vrfy_answered": "info"}
    for reply in (b"252 perhaps\r\n", b"250 everybody\r\n", b"502 no\r\n"):
        assert kinds((await observe(says(VRFY=reply), vrfy=True))[0]) == {}


def keeps(context: ssl.SSLContext) -> evil.Script:
    """A server that carries out inside TLS what came in plain text behind STARTTLS."""

    async def script(peer: evil.Peer) -> None:
        await peer.say(evil.BANNER)
        await peer.hear()
        await peer.say(evil.EHLO)
        if await peer.hear() != b"STARTTLS":
            return
        kept = peer.take_unread()
        await peer.say(b"220 go\r\n")
        await peer.tls(context)
        while True:
            line, kept = (kept, b"") if kept else (await peer.hear(), b"")
            if not line:
                return
            verb = line[:4]
            await peer.say({b"EHLO": evil.EHLO_TLS, b"QUIT": b"221 bye\r\n"}.get(verb, b"500 what?\r\n"))

    return script


async def test_a_server_that_keeps_commands(context: ssl.SSLContext) -> None:
    """A command behind STARTTLS that is answered inside TLS is a fault; a good server throws it away."""
    settings = {"tls": "starttls", "starttls_injection": True}
    seen, _ = await observe(keeps(context), **settings)
    assert seen.result is Result.OK, seen.trail
    assert kinds(seen)["starttls_keeps_commands"] == "fault", seen.trail

    async def throws_away(peer: evil.Peer) -> None:
        await peer.say(evil.BANNER)
        while line := await peer.hear():
            if line == b"STARTTLS":
                peer.take_unread()
                await peer.say(b"220 go\r\n")
                await peer.tls(context)
            else:
                await peer.say({b"EHLO": evil.EHLO}.get(line[:4], b"221 bye\r\n"))

    sound, server = await observe(throws_away, **settings)
    assert "starttls_keeps_commands" not in kinds(sound)
    assert sound.result is Result.OK
    assert server.served == 2


async def test_once_a_day(tmp_path: Path) -> None:
    """A second run does not test again, and still tells what was found; a day later it does."""
    del tmp_path
    now = 1e9
    ctx = make_context(wall=lambda: now)
    async with evil.serving(says(RCPT=b"250 ok\r\n")) as server:
        check = make_check(server.port, tls="none", open_relay=True)
        first = await smtp.probe(check, ctx)
        now += 3600
        second = await smtp.probe(check, ctx)
        assert server.served == 3
        assert kinds(first) == kinds(second) == {"open_relay": "fault"}
        assert second.findings[0].at == 1e9
        now += RARE
        await smtp.probe(check, ctx)
        assert server.served == 5


async def test_a_server_that_hangs_up_on_it() -> None:
    """What happens in a rare test changes no result, and one that fails for the server is not repeated."""
    ctx = make_context()
    seen_once = 0

    async def script(peer: evil.Peer) -> None:
        nonlocal seen_once
        seen_once += 1
        if seen_once == 2:
            return
        await says()(peer)

    async with evil.serving(script) as server:
        check = make_check(server.port, tls="none", vrfy=True)
        for _ in range(2):
            seen = await smtp.probe(check, ctx)
            assert seen.result is Result.OK
            assert kinds(seen) == {}
        assert server.served == 3


async def test_one_that_does_not_end() -> None:
    """It is done once a day also where the run is ended in the midst of it; what was found before stands."""
    now = 1e9
    ctx = make_context(wall=lambda: now)
    tested = asyncio.Event()
    hangs = False

    async def script(peer: evil.Peer) -> None:
        await peer.say(evil.BANNER)
        while line := await peer.hear():
            if line.startswith(b"MAIL") and hangs:
                tested.set()
                await peer.silence()
            await peer.say(b"250 ok\r\n")

    async with evil.serving(script) as server:
        check = make_check(server.port, tls="none", open_relay=True)
        assert kinds(await smtp.probe(check, ctx)) == {"open_relay": "fault"}
        now, hangs = now + RARE, True
        run = asyncio.create_task(smtp.probe(check, ctx))
        await tested.wait()
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
        served = server.served
        assert kinds(await smtp.probe(check, ctx)) == {"open_relay": "fault"}
        assert server.served == served + 1


def test_settings() -> None:
    """The injection test needs STARTTLS; a recipient must be an address."""
    with pytest.raises(ValidationError, match="starttls_injection"):
        SmtpSettings.model_validate({"port": 465, "starttls_injection": True})
    with pytest.raises(ValidationError, match="mail address"):
        SmtpSettings.model_validate({"open_relay": {"recipient": "nobody"}})
