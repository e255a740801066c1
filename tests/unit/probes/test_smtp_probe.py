"""The smtp probe against servers that behave, and that do not."""

import asyncio
import datetime as dt
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import rsa

from netmon.errors import Reason
from netmon.mail.trail import LINES
from netmon.model import Observation, Result, Role
from netmon.probes import smtp
from netmon.probes.smtp import KIND, SmtpSettings
from netmon.resolver import ResolveError, Resolver
from tests.servers import evil_smtp as evil
from tests.servers.mail_checks import (
    AGENT,
    kinds,
    make_check,
    make_context,
    old_context,
    run_on,
    self_signed,
    series,
    server_context,
)

NAME = "evil.example.test"
BOTH = pytest.mark.parametrize("loop", ["asyncio", "uvloop"])


class Pki:
    """A CA and what it issued."""

    def __init__(self, folder: Path) -> None:
        self.ca = trustme.CA()
        self.cert = self.ca.issue_cert(NAME, "127.0.0.1")
        self.context = server_context(self.cert)
        self.ca_file = str(folder / "ca.pem")
        self.ca.cert_pem.write_to_path(self.ca_file)


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """One CA for all tests of the file."""
    return Pki(tmp_path_factory.mktemp("pki"))


async def observe(
    script: evil.Script, *, implicit: ssl.SSLContext | None = None, **settings: Any
) -> tuple[Observation, evil.Server]:
    """One run against a server that follows `script`."""
    async with evil.serving(script, implicit) as server:
        observation = await smtp.probe(make_check(server.port, **settings), make_context())
    return observation, server


@BOTH
def test_starttls_endpoint_that_does_all_right(loop: str, pki: Pki) -> None:
    """Every phase is timed, every fact is told, and QUIT ends it."""
    seen, server = run_on(
        loop, observe(evil.honest(pki.context), tls="starttls", tls_name=NAME, ca_file=pki.ca_file)
    )
    assert (seen.result, seen.reason, seen.alive) == (Result.OK, Reason.OK, True), seen.trail
    assert [p.name for p in seen.phases] == ["resolve", "connect", "greeting", "ehlo", "starttls", "quit"]
    assert all(0 <= p.seconds <= seen.duration for p in seen.phases)
    told = series(seen)
    assert told.pop(("netmon_tls_info", "TLSv1.3", "TLS_AES_256_GCM_SHA384")) == 1
    assert told.pop(("netmon_tls_certificate_expiry_timestamp_seconds",)) > seen.started
    assert told.pop(("netmon_tls_certificate_not_before_timestamp_seconds",)) < seen.started
    assert told == {
        ("netmon_smtp_backoff_seconds",): 0,
        ("netmon_smtp_banner_info", NAME, "Postfix"): 1,
        ("netmon_smtp_capability", "SIZE"): 1,
        ("netmon_smtp_capability", "STARTTLS"): 1,
        ("netmon_smtp_capability", "other"): 1,
        ("netmon_smtp_max_message_bytes",): 2000,
        ("netmon_tls_certificate_key_size", "ec"): 256,
        ("netmon_tls_certificate_self_signed",): 0,
        ("netmon_tls_chain_valid",): 1,
        ("netmon_tls_name_valid",): 1,
    }
    assert seen.findings == ()
    assert server.heard == [b"EHLO " + AGENT.encode(), b"STARTTLS", b"EHLO " + AGENT.encode(), b"QUIT"]
    assert "S: 250 X-UNHEARD-OF" in seen.trail


@BOTH
def test_implicit_tls(loop: str, pki: Pki) -> None:
    """On an implicit endpoint the handshake is a phase of its own, before the greeting."""
    seen, server = run_on(
        loop, observe(evil.honest(None), implicit=pki.context, tls="implicit", ca_file=pki.ca_file)
    )
    assert seen.reason is Reason.OK, seen.trail
    assert [p.name for p in seen.phases] == ["resolve", "connect", "tls", "greeting", "ehlo", "quit"]
    assert series(seen)["netmon_tls_name_valid",] == 1  # by the certificate's iPAddress
    assert server.heard[-1] == b"QUIT"


async def test_no_tls() -> None:
    """With `tls: none` nothing is upgraded and nothing is said of TLS."""
    seen, server = await observe(evil.honest(None), tls="none")
    assert seen.reason is Reason.OK
    assert not any(name[0].startswith("netmon_tls") for name in series(seen))
    assert server.heard == [b"EHLO " + AGENT.encode(), b"QUIT"]


REPLIES: dict[str, tuple[evil.Script, Result, Reason]] = {
    "greeting 421": (evil.greets(b"421 come later\r\n"), Result.DEFERRED, Reason.GREETING_DEFERRED),
    "its system is full": (evil.greets(b"421 4.3.1 no room\r\n"), Result.DEFERRED, Reason.SYSTEM_DEFERRED),
    "greeting 554": (evil.greets(b"554 no\r\n"), Result.REJECTED, Reason.GREETING_REJECTED),
    "teaser, then 554": (evil.greets(b"220-hi\r\n554 no\r\n"), Result.REJECTED, Reason.GREETING_REJECTED),
    "another protocol": (evil.greets(b"SSH-2.0-OpenSSH_9.2\r\n"), Result.FAILED, Reason.PROTOCOL_ERROR),
    "HTTP": (evil.greets(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Result.FAILED, Reason.PROTOCOL_ERROR),
    "a code of no meaning": (evil.greets(b"999 hello\r\n"), Result.FAILED, Reason.PROTOCOL_ERROR),
    "250 as greeting": (evil.greets(b"250 hello\r\n"), Result.FAILED, Reason.PROTOCOL_ERROR),
    "NUL lines": (evil.greets(b"\0\0\0\0\r\n" * 9), Result.FAILED, Reason.PROTOCOL_ERROR),
    "a line of 1 MB": (evil.greets(b"220 " + b"x" * 1_000_000), Result.FAILED, Reason.PROTOCOL_ERROR),
    "endless banner": (evil.repeats(b"220-and more\r\n" * 50, 0), Result.FAILED, Reason.PROTOCOL_ERROR),
    "tiny lines": (evil.repeats(b"220-\n" * 7000, 0), Result.FAILED, Reason.PROTOCOL_ERROR),
    "closed at once": (evil.hangs_up, Result.FAILED, Reason.CONNECTION_LOST),
    "EHLO 550": (evil.answers({b"EHLO": b"550 no\r\n"}), Result.REJECTED, Reason.EHLO_REJECTED),
    "EHLO and HELO 502": (
        evil.answers({b"EHLO": b"502 no\r\n", b"HELO": b"502 no\r\n"}),
        Result.REJECTED,
        Reason.EHLO_REJECTED,
    ),
    "EHLO 421": (evil.answers({b"EHLO": b"421 busy\r\n"}), Result.DEFERRED, Reason.EHLO_DEFERRED),
    "no STARTTLS": (evil.answers({b"EHLO": b"250 hi\r\n"}), Result.FAILED, Reason.STARTTLS_MISSING),
    "STARTTLS 502": (
        evil.answers({b"EHLO": evil.EHLO, b"STARTTLS": b"502 no\r\n"}),
        Result.REJECTED,
        Reason.STARTTLS_REJECTED,
    ),
    "STARTTLS 454": (
        evil.answers({b"EHLO": evil.EHLO, b"STARTTLS": b"454 4.7.0 TLS not available\r\n"}),
        Result.DEFERRED,
        Reason.STARTTLS_DEFERRED,
    ),
    "closed after 220": (evil.after_220(evil.hangs_up), Result.FAILED, Reason.CONNECTION_LOST),
    "garbage for TLS": (evil.after_220(evil.talks_garbage), Result.FAILED, Reason.TLS_HANDSHAKE),
}


@BOTH
@pytest.mark.parametrize("case", REPLIES)
def test_each_bad_answer_has_its_own_reason(loop: str, case: str) -> None:
    """Whatever the server answers: the right result and reason, life, and QUIT where one can be said."""
    script, result, reason = REPLIES[case]
    seen, server = run_on(loop, observe(script))
    assert (seen.result, seen.reason) == (result, reason), seen.trail
    assert seen.alive is True
    assert seen.duration < 5
    assert len(seen.trail) <= LINES + 1
    assert all(line.isprintable() and len(line) < 600 for line in seen.trail)
    if seen.result in (Result.REJECTED, Result.DEFERRED):
        assert server.heard[-1] == b"QUIT"


SILENCES: dict[str, tuple[evil.Script, Reason, str]] = {
    "greeting": (evil.is_silent, Reason.GREETING_TIMEOUT, "greeting"),
    "teaser only": (evil.greets(b"220-wait\r\n"), Reason.GREETING_TIMEOUT, "greeting"),
    "banner, a byte at a time": (evil.repeats(b"2", 0.02), Reason.GREETING_TIMEOUT, "greeting"),
    "banner, a line at a time": (evil.repeats(b"220-x\r\n", 0.02), Reason.GREETING_TIMEOUT, "greeting"),
    "EHLO": (evil.answers({b"EHLO": b""}), Reason.DEADLINE, "ehlo"),
    "half of EHLO": (evil.answers({b"EHLO": b"250-evil\r\n"}), Reason.DEADLINE, "ehlo"),
    "STARTTLS": (evil.answers({b"EHLO": evil.EHLO, b"STARTTLS": b""}), Reason.DEADLINE, "starttls"),
    "handshake": (evil.after_220(evil.is_silent), Reason.DEADLINE, "starttls"),
}


@BOTH
@pytest.mark.parametrize("case", SILENCES)
def test_silence_in_each_phase_ends_by_the_deadline(loop: str, case: str) -> None:
    """A server that falls silent or drips is told by its phase, within the deadline."""
    script, reason, phase = SILENCES[case]
    seen, _ = run_on(loop, observe(script, deadline=0.4, timeout=0.3))
    assert (seen.result, seen.reason, seen.alive) == (Result.FAILED, reason, True), seen.trail
    assert phase in [p.name for p in seen.phases]
    assert seen.duration < 0.6


@BOTH
def test_silence_in_implicit_tls(loop: str) -> None:
    """A port that accepts and never answers a handshake fails in that phase."""
    seen, _ = run_on(loop, observe(evil.is_silent, tls="implicit", deadline=0.4))
    assert (seen.reason, seen.alive) == (Reason.TLS_HANDSHAKE, True)


@BOTH
def test_silence_after_the_handshake(loop: str, pki: Pki) -> None:
    """The certificate's facts are kept when the server says nothing inside TLS."""
    seen, _ = run_on(
        loop, observe(evil.honest(pki.context, after=b""), deadline=0.5, ca_file=pki.ca_file, tls_name=NAME)
    )
    assert (seen.result, seen.reason) == (Result.FAILED, Reason.DEADLINE)
    assert series(seen)["netmon_tls_chain_valid",] == 1


async def test_unanswered_quit_changes_nothing() -> None:
    """A server that ignores QUIT is still ok, and the run still ends by its deadline."""
    script = evil.answers({b"EHLO": b"250 hi\r\n", b"QUIT": b""})
    seen, _ = await observe(script, tls="none", deadline=0.5)
    assert seen.reason is Reason.OK
    assert seen.duration < 0.7
    assert "* no answer to QUIT" in seen.trail


async def test_greeting_has_its_own_budget() -> None:
    """`greeting_timeout` bounds the wait for the banner where the deadline would allow more."""
    seen, _ = await observe(evil.is_silent, greeting_timeout="50ms")
    assert seen.reason is Reason.GREETING_TIMEOUT
    assert seen.duration < 3


@BOTH
@pytest.mark.parametrize("pause", [False, True])
@pytest.mark.parametrize(
    "injected",
    [b"250-SIZE 9\r\n250 AUTH PLAIN\r\n", b"250-no end of line", b"x"],
    ids=["reply", "half", "byte"],
)
def test_plain_text_after_220_is_refused(loop: str, injected: bytes, pause: bool, pki: Pki) -> None:  # noqa: FBT001
    """Bytes before the handshake never become a reply inside TLS: the run fails and says why."""
    seen, server = run_on(loop, observe(evil.injects(pki.context, injected, pause=pause)))
    assert seen.result is Result.FAILED
    if not pause:
        assert seen.reason is Reason.STARTTLS_INJECTION
    # In a segment of its own it may arrive after the handshake's start, which it then breaks.
    assert seen.reason in (Reason.STARTTLS_INJECTION, Reason.TLS_HANDSHAKE, Reason.TLS_PROTOCOL_VERSION)
    if seen.reason is Reason.STARTTLS_INJECTION:
        assert kinds(seen) == {"starttls_injection": "fault"}
    assert not any(family[0].startswith("netmon_tls") for family in series(seen))
    assert ("netmon_smtp_capability", "AUTH") not in series(seen)
    assert server.heard.count(b"EHLO " + AGENT.encode()) == 1


async def test_teaser_banner_is_waited_for() -> None:
    """A banner of several lines (postscreen's teaser) is heard whole before the first word."""

    async def script(peer: evil.Peer) -> None:
        await peer.say(b"220-evil.example.test waits\r\n")
        await asyncio.sleep(0.05)
        await peer.say(b"220 evil.example.test ESMTP Exim 4.96 Mon, 23 Nov 2026 10:00:00 +0000\r\n")
        await peer.hear()
        await peer.say(b"250 hi\r\n")
        await peer.hear()
        await peer.say(b"221 bye\r\n")

    seen, _ = await observe(script, tls="none")
    assert seen.reason is Reason.OK
    assert series(seen)["netmon_smtp_banner_info", NAME, "Exim"] == 1  # and no time stamp
    assert seen.trail.index("C: EHLO " + AGENT) > 1


async def test_server_that_knows_no_ehlo() -> None:
    """A server of RFC 821 is spoken to with HELO; it offers nothing."""
    seen, server = await observe(
        evil.answers({b"EHLO": b"500 what?\r\n", b"HELO": b"250 hi\r\n"}), tls="none"
    )
    assert seen.reason is Reason.OK
    assert b"HELO " + AGENT.encode() in server.heard
    assert not any(family[0] == "netmon_smtp_capability" for family in series(seen))


async def test_refusal_of_ourselves_is_a_finding() -> None:
    """A policy rejection of our address is told apart from a server that takes no mail."""
    blocked = evil.greets(b"554 5.7.1 Service unavailable; client [192.0.2.1] blocked using zen\r\n")
    seen, _ = await observe(blocked)
    assert seen.result is Result.REJECTED
    assert list(kinds(seen)) == ["probe_rejected"]
    closed, _ = await observe(evil.greets(b"554 5.3.2 No mail service here\r\n"))
    assert kinds(closed) == {}


async def test_escapes_in_the_trail() -> None:
    """Control characters of the network reach no terminal and no page."""
    seen, _ = await observe(evil.answers({b"EHLO": b"250 hi\r\n"}, b"220 a\0\x1b[31m\xff\r\n"), tls="none")
    assert seen.reason is Reason.OK
    assert seen.trail[0] == r"S: 220 a\x00\x1b[31m\xff"


@BOTH
def test_tls_of_another_age(loop: str, pki: Pki) -> None:
    """A server without a common TLS version is told apart from a broken handshake."""
    script = evil.after_220(evil.refuses_handshake(old_context(pki.cert)))
    seen, _ = run_on(loop, observe(script, tls_name=NAME))
    assert (seen.result, seen.reason) == (Result.FAILED, Reason.TLS_PROTOCOL_VERSION), seen.trail


@BOTH
def test_plain_smtp_on_an_implicit_port(loop: str) -> None:
    """A server that speaks first on an implicit endpoint is recognised, and its words are not used."""
    seen, _ = run_on(loop, observe(evil.greets(evil.BANNER), tls="implicit"))
    assert (seen.result, seen.reason) == (Result.FAILED, Reason.TLS_HANDSHAKE)
    assert series(seen) == {("netmon_smtp_backoff_seconds",): 0}


@BOTH
def test_a_name_that_sni_cannot_hold(loop: str, pki: Pki) -> None:
    """A name too long for TLS ends the run with a sentence, not with a crash."""
    seen, _ = run_on(loop, observe(evil.honest(pki.context), tls_name="a" * 64 + ".test"))
    assert (seen.result, seen.reason) == (Result.FAILED, Reason.TLS_HANDSHAKE)


@BOTH
def test_a_line_a_segment_is_read(loop: str) -> None:
    """A greeting that dribbles in by thousands of lines is a greeting all the same."""

    async def script(peer: evil.Peer) -> None:
        for _ in range(3000):
            await peer.say(b"220-\n")
            await asyncio.sleep(0)
        await peer.say(b"220 end\n")
        await evil.is_silent(peer)

    seen, _ = run_on(loop, observe(script, tls="none", timeout=0.1))
    assert seen.reason is Reason.DEADLINE  # of EHLO: the greeting came through


class TestCertificates:
    """A bad certificate is a finding; the run stays ok and its metrics stay."""

    @staticmethod
    async def with_cert(context: ssl.SSLContext, pki: Pki, **settings: Any) -> Observation:
        """An ok run on an endpoint with that certificate."""
        given = {"tls_name": NAME, "ca_file": pki.ca_file, **settings}
        seen, _ = await observe(evil.honest(context), **given)
        assert seen.reason is Reason.OK, seen.trail
        return seen

    @staticmethod
    def dated(pki: Pki, days: float) -> ssl.SSLContext:
        """A certificate that ends in `days`."""
        now = dt.datetime.now(dt.UTC)
        cert = pki.ca.issue_cert(
            NAME, not_before=now - dt.timedelta(days=90), not_after=now + dt.timedelta(days=days)
        )
        return server_context(cert)

    async def test_expired(self, pki: Pki) -> None:
        """Expired: one finding, a fault for submission and information on port 25."""
        context = self.dated(pki, -2)
        submission = await self.with_cert(context, pki, role="submission")
        assert kinds(submission) == {"certificate_expired": "fault"}
        assert series(submission)["netmon_tls_chain_valid",] == 0
        assert series(submission)["netmon_tls_name_valid",] == 1
        expiry = series(submission)["netmon_tls_certificate_expiry_timestamp_seconds",]
        assert expiry == pytest.approx(submission.started - 2 * 86400, abs=60)
        assert kinds(await self.with_cert(context, pki)) == {"certificate_expired": "info"}

    async def test_expiring(self, pki: Pki) -> None:
        """Within cert_warn of its end a good certificate is a risk, on port 25 too."""
        context = self.dated(pki, 3)
        assert kinds(await self.with_cert(context, pki)) == {"certificate_expiring": "risk"}
        assert kinds(await self.with_cert(context, pki, role="submission")) == {
            "certificate_expiring": "risk"
        }
        assert kinds(await self.with_cert(context, pki, cert_warn="1d")) == {}

    async def test_wrong_name(self, pki: Pki) -> None:
        """A valid chain for another name: only the name is wrong."""
        seen = await self.with_cert(pki.context, pki, tls_name="other.example.test", role="submission")
        assert kinds(seen) == {"certificate_name_mismatch": "fault"}
        assert series(seen)["netmon_tls_chain_valid",] == 1
        assert series(seen)["netmon_tls_name_valid",] == 0
        assert "other.example.test" in seen.findings[0].text

    async def test_self_signed(self, pki: Pki, tmp_path: Path) -> None:
        """Self-signed is normal among servers, and a fault for users."""
        pem = tmp_path / "self.pem"
        pem.write_bytes(self_signed(NAME))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        assert kinds(await self.with_cert(context, pki)) == {"certificate_self_signed": "info"}
        seen = await self.with_cert(context, pki, role="submission")
        assert kinds(seen) == {"certificate_self_signed": "fault"}
        assert series(seen)["netmon_tls_certificate_self_signed",] == 1
        assert kinds(await self.with_cert(context, pki, ca_file=str(pem), role="submission")) == {}

    async def test_not_yet_valid(self, pki: Pki) -> None:
        """Before its time a certificate is told apart from one that ended."""
        now = dt.datetime.now(dt.UTC)
        day = dt.timedelta(days=1)
        context = server_context(pki.ca.issue_cert(NAME, not_before=now + 3 * day, not_after=now + 9 * day))
        seen = await self.with_cert(context, pki, role="submission")
        assert kinds(seen) == {"certificate_not_yet_valid": "fault"}
        begins = series(seen)["netmon_tls_certificate_not_before_timestamp_seconds",]
        assert begins == pytest.approx(seen.started + 3 * 86400, abs=60)
        assert series(seen)["netmon_tls_chain_valid",] == 0
        assert kinds(await self.with_cert(context, pki)) == {"certificate_not_yet_valid": "info"}

    async def test_a_weak_key(self, pki: Pki, tmp_path: Path) -> None:
        """A short key is a risk where clients verify, information elsewhere; size and kind are metrics."""
        pem = tmp_path / "weak.pem"
        weak = rsa.generate_private_key(65537, 1024)  # noqa: S505 - on purpose
        pem.write_bytes(self_signed(NAME, weak))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.load_cert_chain(pem)
        seen = await self.with_cert(context, pki)
        assert kinds(seen) == {"certificate_self_signed": "info", "certificate_weak": "info"}
        assert series(seen)["netmon_tls_certificate_key_size", "rsa"] == 1024
        assert kinds(await self.with_cert(context, pki, role="submission"))["certificate_weak"] == "risk"

    async def test_a_thousand_names(self, pki: Pki) -> None:
        """All names are searched, and a few are told."""
        cert = pki.ca.issue_cert(*(f"h{number}.example.test" for number in range(1000)))
        context = server_context(cert)
        assert kinds(await self.with_cert(context, pki, tls_name="h999.example.test")) == {}
        seen = await self.with_cert(context, pki)
        assert kinds(seen) == {"certificate_name_mismatch": "info"}
        assert "and 996 more, not for evil.example.test" in seen.findings[0].text

    async def test_the_name_that_is_asked_for(self, pki: Pki) -> None:
        """SNI holds tls_name, without a dot at its end."""
        asked: list[str | None] = []

        def note(_session: object, name: str | None, _context: object) -> None:
            asked.append(name)

        context = server_context(pki.cert)
        context.sni_callback = note
        await self.with_cert(context, pki, tls_name=f"{NAME}.")
        assert asked == [NAME]

    async def test_system_store(self, pki: Pki) -> None:
        """Without ca_file the system's store counts, and a private CA is not in it."""
        assert kinds(await self.with_cert(pki.context, pki, ca_file=None)) == {
            "certificate_chain_invalid": "info"
        }

    async def test_unreadable_ca_file(self, pki: Pki) -> None:
        """A ca_file that is not there is our own fault, not the server's."""
        seen, _ = await observe(evil.honest(pki.context), ca_file="/nowhere/ca.pem")
        assert (seen.result, seen.reason) == (Result.UNTESTABLE, Reason.LOCAL_ERROR)
        assert "/nowhere/ca.pem" in seen.detail


class TestTheWayThere:
    """Before the first word: names, routes, sockets."""

    @staticmethod
    async def go(addresses: tuple[str, ...] | Reason, port: int, **settings: Any) -> Observation:
        """One run whose resolver gives these addresses, or fails for this reason."""

        class Fixed(Resolver):
            async def addresses(self, name: str) -> tuple[str, ...]:
                if isinstance(addresses, Reason):
                    raise ResolveError(addresses, f"{name}: no")
                return addresses

        check = make_check(port, address="mx1.example.test", tls="none", **settings)
        return await smtp.probe(check, make_context(resolver=Fixed()))

    async def test_refused(self) -> None:
        """A reset fails the check and proves the host alive."""
        async with evil.serving(evil.hangs_up) as server:
            port = server.port
        seen = await self.go(("127.0.0.1",), port)
        assert (seen.result, seen.reason, seen.alive) == (Result.FAILED, Reason.REFUSED, True)

    async def test_dead_dns(self) -> None:
        """A resolver that does not answer is our own side."""
        seen = await self.go(Reason.RESOLVE_FAILED, 25)
        assert (seen.result, seen.reason, seen.alive) == (Result.UNTESTABLE, Reason.RESOLVE_FAILED, None)

    async def test_name_not_found(self) -> None:
        """A name that does not exist is a failure."""
        seen = await self.go(Reason.NAME_NOT_FOUND, 25)
        assert (seen.result, seen.reason, seen.alive) == (Result.FAILED, Reason.NAME_NOT_FOUND, None)

    async def test_next_address(self) -> None:
        """The first address that accepts is spoken to; the others are noted in the trail."""
        async with evil.serving(evil.honest(None)) as server:
            seen = await self.go(("::1", "127.0.0.1"), server.port)
        assert seen.reason is Reason.OK
        assert seen.trail[0] == f"* ::1 port {server.port} refuses the connection"

    async def test_slot_that_never_comes(self) -> None:
        """A check that other connections of ours kept waiting is untestable, not failed."""
        async with evil.serving(evil.is_silent) as server:
            ctx = make_context()
            async with ctx.slots.hold("127.0.0.1", until=asyncio.get_running_loop().time() + 9):
                seen = await smtp.probe(make_check(server.port, deadline=0.2), ctx)
        assert (seen.result, seen.reason) == (Result.UNTESTABLE, Reason.LOCAL_ERROR)


@BOTH
def test_one_connection_at_a_time_per_address(loop: str) -> None:
    """Checks of one server wait for each other."""

    async def scene() -> evil.Server:
        async with evil.serving(evil.honest(None)) as server:
            ctx = make_context()
            check = make_check(server.port, tls="none")
            seen = await asyncio.gather(*(smtp.probe(check, ctx) for _ in range(8)))
            assert all(one.reason is Reason.OK for one in seen)
        return server

    server = run_on(loop, scene())
    assert (server.served, server.most_open) == (8, 1)


@BOTH
@pytest.mark.parametrize("heard", [0, 1, 2])
def test_cancelled_run_leaves_nothing_open(loop: str, heard: int, pki: Pki) -> None:
    """A run that is cancelled in any phase closes its connection, and the slot is free again."""

    async def scene() -> None:
        reached = asyncio.Event()
        gone = asyncio.Event()

        async def script(peer: evil.Peer) -> None:
            for reply in (evil.BANNER, evil.EHLO, b"220 go\r\n")[:heard]:
                await peer.say(reply)
                await peer.hear()
            reached.set()
            await peer.silence()
            gone.set()

        async with evil.serving(script) as server:
            ctx = make_context()
            task = asyncio.create_task(smtp.probe(make_check(server.port), ctx))
            await asyncio.wait_for(reached.wait(), 5)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.wait_for(gone.wait(), 5)
            until = asyncio.get_running_loop().time() + 1
            async with ctx.slots.hold("127.0.0.1", until=until):
                pass

    run_on(loop, scene())


def test_settings_by_port() -> None:
    """Mode and role follow the port unless they are said."""
    modes = {port: SmtpSettings(port=port).mode for port in (25, 465, 587, 2525)}
    assert modes == {25: "starttls", 465: "implicit", 587: "starttls", 2525: "starttls"}
    roles = {port: KIND.role(SmtpSettings(port=port)) for port in (25, 465, 587)}
    assert roles == {25: Role.INBOUND, 465: Role.SUBMISSION, 587: Role.SUBMISSION}
    assert KIND.role(SmtpSettings(port=2525, role=Role.SUBMISSION)) is Role.SUBMISSION
    assert KIND.endpoint("mx1", SmtpSettings()) == "mx1:25"


async def test_another_name_at_every_run() -> None:
    """A server that calls itself otherwise each time makes no series without end."""
    ctx, names = make_context(), set()
    greeted = 0

    async def script(peer: evil.Peer) -> None:
        nonlocal greeted
        greeted += 1
        await evil.answers({b"EHLO": b"250 hi\r\n"}, f"220 h{greeted}.test ESMTP Postfix\r\n".encode())(peer)

    async with evil.serving(script) as server:
        check = make_check(server.port, tls="none")
        for _ in range(15):
            told = series(await smtp.probe(check, ctx))
            names |= {key[1] for key in told if key[0] == "netmon_smtp_banner_info"}
    assert len(names) == 11
    assert "" in names


async def test_a_flood_at_the_end_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that floods in the place of its goodbye is hung up on, and was fine until then."""
    monkeypatch.setattr("netmon.mail.wire._MOST", 400)
    script = evil.answers({b"EHLO": b"250 hi\r\n", b"QUIT": b"221-more\r\n" * 60})
    async with evil.serving(script) as server:
        seen = await smtp.probe(make_check(server.port, tls="none"), make_context())
    assert seen.result is Result.OK, seen.trail
