"""`envelope`: a transaction that is begun and taken back, and what a refusal of it means."""

from typing import Any

import pytest
from pydantic import ValidationError

from netmon.errors import Reason
from netmon.mail import esmtp
from netmon.model import Observation, Result
from netmon.probes import smtp
from netmon.probes.smtp import SmtpSettings
from tests.servers import evil_smtp as evil
from tests.servers.mail_checks import kinds, make_check, make_context


def answering(mail: bytes, rcpt: bytes = b"250 2.1.5 ok\r\n") -> evil.Script:
    """Answer everything well, but MAIL and RCPT so."""
    said = {b"EHLO": evil.EHLO_TLS, b"MAIL": mail, b"RCPT": rcpt, b"RSET": b"250 ok\r\n"}

    async def script(peer: evil.Peer) -> None:
        await peer.say(evil.BANNER)
        while line := await peer.hear():
            await peer.say(said.get(line[:4].upper(), b"221 bye\r\n"))
            if line == b"QUIT":
                return

    return script


async def observe(script: evil.Script, envelope: Any) -> tuple[Observation, list[bytes]]:
    """One run with `envelope`, and what the server heard."""
    async with evil.serving(script) as server:
        check = make_check(server.port, tls="none", envelope=envelope)
        return await smtp.probe(check, make_context()), server.heard


async def test_a_transaction_is_begun_and_taken_back() -> None:
    """MAIL and RCPT, then RSET and QUIT; never DATA."""
    wanted = {"sender": "probe@example.test", "recipient": "postmaster@example.test"}
    seen, heard = await observe(answering(b"250 ok\r\n"), wanted)
    assert seen.result is Result.OK, seen.trail
    assert [line[:4] for line in heard] == [b"EHLO", b"MAIL", b"RCPT", b"RSET", b"QUIT"]
    assert {"mail", "rcpt", "rset"} <= {phase.name for phase in seen.phases}


async def test_true_names_the_null_sender_alone() -> None:
    """`envelope: true` asks only whether a message would be begun at all."""
    seen, heard = await observe(answering(b"250 ok\r\n"), envelope=True)
    assert seen.result is Result.OK
    assert heard[1:] == [b"MAIL FROM:<>", b"RSET", b"QUIT"]


@pytest.mark.parametrize(
    ("mail", "rcpt", "result", "reason", "found"),
    [
        (b"452 4.3.1 Insufficient system storage\r\n", b"", Result.DEFERRED, Reason.SYSTEM_DEFERRED, []),
        (b"451 4.4.3 try again\r\n", b"", Result.DEFERRED, Reason.ENVELOPE_DEFERRED, []),
        (
            b"250 ok\r\n",
            b"450 4.7.1 Greylisted\r\n",
            Result.DEFERRED,
            Reason.ENVELOPE_DEFERRED,
            ["probe_rejected"],
        ),
        (
            b"250 ok\r\n",
            b"550 5.1.1 no such user\r\n",
            Result.REJECTED,
            Reason.ENVELOPE_REJECTED,
            ["probe_rejected"],
        ),
        (b"552 5.3.4 system is full\r\n", b"", Result.REJECTED, Reason.ENVELOPE_REJECTED, []),
    ],
    ids=["spool full", "deferred", "greylisted", "recipient unknown", "system full"],
)
async def test_refusals(mail: bytes, rcpt: bytes, result: Result, reason: Reason, found: list[str]) -> None:
    """What is about the server's own state is an outage; what is about our names is not."""
    seen, _ = await observe(answering(mail, rcpt), {"recipient": "postmaster@example.test"})
    assert (seen.result, seen.reason) == (result, reason), seen.trail
    assert list(kinds(seen)) == found


async def test_silence_after_mail_ends_by_its_deadline() -> None:
    """A server that never answers MAIL holds nobody up."""

    async def script(peer: evil.Peer) -> None:
        await peer.say(evil.BANNER)
        await peer.hear()
        await peer.say(evil.EHLO_TLS)
        await peer.silence()

    async with evil.serving(script) as server:
        check = make_check(server.port, tls="none", envelope=True, timeout=0.3, deadline=1.0)
        seen = await smtp.probe(check, make_context())
    assert (seen.result, seen.reason) == (Result.FAILED, Reason.DEADLINE)


@pytest.mark.parametrize("address", ["a b@example.test", "x@y>\r\nDATA", "nobody", "@example.test"])
def test_what_is_no_address_is_refused_in_the_config(address: str) -> None:
    """Nothing that a config holds can smuggle a command into the conversation."""
    with pytest.raises(ValidationError):
        SmtpSettings(envelope={"sender": address})


def test_greylisting_is_told_from_trouble() -> None:
    """4.7.1 speaks of policy, 4.3.1 of the server's own state."""
    assert esmtp.about_us("4.7.1 Greylisted")
    assert not esmtp.about_us("4.3.1 Insufficient system storage")
