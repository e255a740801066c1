"""`login`: users can log in, or cannot; secrets stay secret; nobody is locked out by netmon."""

import asyncio
import base64
import dataclasses
import hmac
from pathlib import Path
from typing import Any

import pytest
import trustme

from netmon.errors import Reason
from netmon.mail.manners import LOGIN_WAIT
from netmon.mail.tokens import Client, TokenError
from netmon.model import Observation, Result
from netmon.probes import smtp
from netmon.probes.base import Context
from tests.servers import evil_smtp as evil
from tests.servers.mail_checks import kinds, make_check, make_context, run_on, series, server_context

USER = {"username": "probe", "password": "sword/fish"}
OAUTH = {
    "username": "probe@example.test",
    "oauth2": {"token_url": "https://login.test/token", "client_id": "netmon", "client_secret": "tops/ecret"},
}
NAME = "evil.example.test"
WELL = b"235 2.7.0 welcome"


def coded(text: str) -> bytes:
    """Base64."""
    return base64.b64encode(text.encode())


async def observe(
    script: evil.Script, login: dict[str, Any], ctx: Context | None = None, **settings: Any
) -> tuple[Observation, list[bytes]]:
    """One run, without TLS unless told otherwise, and what the server heard."""
    async with evil.serving(script) as server:
        given = {"tls": "none", "login": {"plain_text": "tls" not in settings, **login}, **settings}
        return await smtp.probe(make_check(server.port, **given), ctx or make_context()), server.heard


def unseen(seen: Observation, *secrets: str) -> bool:
    """No secret is anywhere in the observation, in no form."""
    text = str(seen)
    return not any(form in text for secret in secrets for form in (secret, coded(secret).decode()))


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_inside_tls(loop: str, tmp_path: Path) -> None:
    """PLAIN inside TLS, told by the sentence, a metric and the phase `auth`; the trail keeps the secret."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = server_context(ca.issue_cert(NAME))
    settings = {"tls": "starttls", "tls_name": NAME, "ca_file": str(tmp_path / "ca.pem")}
    script = evil.logs_in(b"AUTH LOGIN PLAIN X-STRANGE", WELL, context=context)

    async def scene() -> tuple[Observation, list[bytes]]:
        return await observe(script, USER, **settings)

    seen, heard = run_on(loop, scene())
    assert seen.reason is Reason.OK, seen.trail
    assert seen.detail.endswith("the login too (PLAIN)")
    assert heard[-2:] == [b"AUTH PLAIN " + coded("\0probe\0sword/fish"), b"QUIT"]
    assert "C: AUTH PLAIN <secret>" in seen.trail
    assert unseen(seen, "sword/fish", "\0probe\0sword/fish")
    told = series(seen)
    assert told["netmon_smtp_login_success",] == 1
    mechanisms = {name[1] for name in told if name[0] == "netmon_smtp_auth_mechanism"}
    assert mechanisms == {"LOGIN", "PLAIN", "other"}
    assert "auth" in {phase.name for phase in seen.phases}


@pytest.mark.parametrize("case", ["nobody trusts it", "another name"])
async def test_no_secret_for_a_stranger(case: str, tmp_path: Path) -> None:
    """Whoever answers with a certificate that does not verify gets no secret, and that is no refusal."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    settings = {"tls": "starttls", "tls_name": NAME}
    if case == "another name":
        settings["ca_file"] = str(tmp_path / "ca.pem")
    context = server_context(ca.issue_cert("other.example.test" if case == "another name" else NAME))
    seen, heard = await observe(evil.logs_in(b"AUTH PLAIN", WELL, context=context), USER, **settings)
    assert (seen.result, seen.reason) == (Result.UNTESTABLE, Reason.CERTIFICATE_UNTRUSTED), seen.trail
    assert not [line for line in heard if line.startswith(b"AUTH")]
    allowed = {**USER, "plain_text": True}
    open_to_all, _ = await observe(evil.logs_in(b"AUTH PLAIN", WELL, context=context), allowed, **settings)
    assert open_to_all.reason is Reason.OK


CHALLENGE = "<1896.697170952@evil.example.test>"
DIGEST = hmac.new(b"sword/fish", CHALLENGE.encode(), "md5").hexdigest()
DIALOGUES: dict[str, tuple[bytes, list[bytes], list[bytes]]] = {
    "AUTH PLAIN": (b"AUTH PLAIN", [WELL], [b"AUTH PLAIN " + coded("\0probe\0sword/fish")]),
    "AUTH LOGIN": (
        b"AUTH LOGIN",
        [b"334 VXNlcm5hbWU6", b"334 UGFzc3dvcmQ6", WELL],
        [b"AUTH LOGIN", coded("probe"), coded("sword/fish")],
    ),
    "old AUTH=": (b"AUTH=PLAIN", [WELL], [b"AUTH PLAIN " + coded("\0probe\0sword/fish")]),
    "CRAM-MD5 first without TLS": (
        b"AUTH PLAIN CRAM-MD5",
        [b"334 " + coded(CHALLENGE), WELL],
        [b"AUTH CRAM-MD5", coded(f"probe {DIGEST}")],
    ),
}


@pytest.mark.parametrize("case", DIALOGUES)
async def test_mechanisms(case: str) -> None:
    """Each mechanism's dialogue, octet by octet."""
    offer, answers, wanted = DIALOGUES[case]
    seen, heard = await observe(evil.logs_in(offer, *answers), USER)
    assert seen.reason is Reason.OK, seen.trail
    assert heard[1:-1] == wanted
    assert unseen(seen, "sword/fish")


ENDS: dict[str, tuple[bytes, list[bytes], Result, Reason, dict[str, str]]] = {
    "wrong": (
        b"AUTH PLAIN",
        [b"535 5.7.8 no: sword/fish"],
        Result.REJECTED,
        Reason.LOGIN_REJECTED,
        {"probe_rejected": "risk"},
    ),
    "its own trouble": (b"AUTH PLAIN", [b"535 5.3.0 broken"], Result.REJECTED, Reason.LOGIN_REJECTED, {}),
    "not now": (b"AUTH PLAIN", [b"454 4.7.1 try later"], Result.DEFERRED, Reason.LOGIN_DEFERRED, {}),
    "no AUTH": (b"SIZE 1", [b""], Result.FAILED, Reason.AUTH_MISSING, {}),
    "none that we do": (b"AUTH GSSAPI", [b""], Result.UNTESTABLE, Reason.AUTH_MISSING, {}),
    "334 for ever": (b"AUTH LOGIN", [b"334 eA=="], Result.FAILED, Reason.PROTOCOL_ERROR, {}),
    "334 that is no base64": (
        b"AUTH CRAM-MD5",
        [b"334 <>", b"501 no"],
        Result.REJECTED,
        Reason.LOGIN_REJECTED,
        {"probe_rejected": "risk"},
    ),
    "silence": (b"AUTH PLAIN", [b""], Result.FAILED, Reason.DEADLINE, {}),
    "garbage": (b"AUTH PLAIN", [b"\0\xff"], Result.FAILED, Reason.PROTOCOL_ERROR, {}),
}


@pytest.mark.parametrize("case", ENDS)
async def test_logins_that_do_not_work(case: str) -> None:
    """Refused, put off, not offered and broken are told apart; a refusal is about netmon, no outage."""
    offer, answers, result, reason, found = ENDS[case]
    seen, _ = await observe(evil.logs_in(offer, *answers), USER, timeout=0.3)
    assert (seen.result, seen.reason) == (result, reason), seen.trail
    assert kinds(seen) == found
    assert unseen(seen, "sword/fish")


async def test_a_server_that_repeats_the_command() -> None:
    """The secret as it was sent, with others in one base64, is not shown by a server that echoes it."""
    sent = coded("\0probe\0sword/fish")
    long = {**USER, "password": "sword/fish" * 20}
    for login, answer in (
        (USER, b"535 5.7.8 what is AUTH PLAIN " + sent),
        (USER, b"AUTH PLAIN " + sent),
        (long, b"AUTH PLAIN " + coded(f"\0probe\0{long['password']}")),
    ):
        seen, _ = await observe(evil.logs_in(b"AUTH PLAIN", answer), login)
        assert seen.reason in (Reason.LOGIN_REJECTED, Reason.PROTOCOL_ERROR)
        assert sent[:20].decode() not in str(seen)


async def test_a_refused_login_waits() -> None:
    """For a quarter of an hour the check runs without the login, says so, and stays rejected."""
    ctx = make_context()
    script = evil.logs_in(b"AUTH PLAIN", b"535 5.7.8 no")
    async with evil.serving(script) as server:
        check = make_check(server.port, tls="none", login={**USER, "plain_text": True})
        first = await smtp.probe(check, ctx)
        second = await smtp.probe(check, ctx)
        assert (first.reason, second.reason) == (Reason.LOGIN_REJECTED, Reason.LOGIN_REJECTED)
        assert "not tried again for 15 min" in second.detail
        assert kinds(second) == {"probe_rejected": "risk"}
        assert sum(line.startswith(b"AUTH") for line in server.heard) == 1
        assert server.heard[-2:] == [b"EHLO probe.example.test", b"QUIT"]
        # Another password is no repetition.
        other = make_check(server.port, tls="none", login={**USER, "password": "another", "plain_text": True})
        await smtp.probe(other, ctx)
        assert sum(line.startswith(b"AUTH") for line in server.heard) == 2
        key, remembered = next(iter(ctx.manners._refused.items()))
        ctx.manners.refuse(key, remembered.at - LOGIN_WAIT, remembered.text, remembered.words)
        await smtp.probe(check, ctx)
        assert sum(line.startswith(b"AUTH") for line in server.heard) == 3


async def test_a_refusal_keeps_its_meaning() -> None:
    """A login that broke for the server's own trouble is no refusal of netmon while it waits, either."""
    ctx = make_context()
    async with evil.serving(evil.logs_in(b"AUTH PLAIN", b"535 5.3.0 broken")) as server:
        check = make_check(server.port, tls="none", login={**USER, "plain_text": True})
        for _ in range(2):
            seen = await smtp.probe(check, ctx)
            assert (seen.reason, kinds(seen)) == (Reason.LOGIN_REJECTED, {})


class Tokens:
    """Gives the tokens of a list, or fails."""

    def __init__(self, *given: str | Exception) -> None:
        self.given = list(given)
        self.forgotten: list[Client] = []

    async def token(self, client: Client) -> str:
        """The next one."""
        assert client.client_secret == "tops/ecret"
        one = self.given.pop(0)
        if isinstance(one, Exception):
            raise one
        return one

    def forget(self, client: Client) -> None:
        """It was not taken."""
        self.forgotten.append(client)


async def test_a_token() -> None:
    """XOAUTH2 with the token; a long one waits for the server's 334 (RFC 4954 §4)."""
    for token in ("short", "long" * 500):
        answers = [b"334 "] if len(token) > 100 else []
        ctx = make_context(tokens=Tokens(token))
        seen, heard = await observe(evil.logs_in(b"AUTH XOAUTH2", *answers, WELL), OAUTH, ctx)
        assert seen.reason is Reason.OK, seen.trail
        whole = coded(f"user=probe@example.test\x01auth=Bearer {token}\x01\x01")
        said = [b"AUTH XOAUTH2", whole] if answers else [b"AUTH XOAUTH2 " + whole]
        assert heard[1:-1] == said
        assert unseen(seen, token, "tops/ecret")
        assert "token" in {phase.name for phase in seen.phases}


async def test_a_token_that_is_not_taken() -> None:
    """The server tells why in a 334, is answered nothing, and refuses; the token is not used again."""
    tokens = Tokens("abcdef")
    script = evil.logs_in(b"AUTH XOAUTH2", b"334 eyJzdGF0dXMiOiI0MDEifQ==", b"535 5.7.3 no")
    seen, heard = await observe(script, OAUTH, make_context(tokens=tokens))
    assert seen.reason is Reason.LOGIN_REJECTED
    assert heard[2] == b""
    assert len(tokens.forgotten) == 1


async def test_no_token() -> None:
    """A dead token endpoint makes the login untestable, and all else is still tested."""
    ctx = make_context(tokens=Tokens(TokenError("the token endpoint answers 503")))
    seen, heard = await observe(evil.logs_in(b"AUTH XOAUTH2", WELL), OAUTH, ctx)
    assert (seen.result, seen.reason) == (Result.UNTESTABLE, Reason.TOKEN_UNAVAILABLE)
    assert seen.alive is True
    assert heard == [b"EHLO probe.example.test", b"QUIT"]
    failing = make_context(tokens=Tokens(TokenError("no")))
    worse, _ = await observe(evil.greets(b"554 no\r\n"), OAUTH, failing)
    assert worse.reason is Reason.GREETING_REJECTED


class TestBeingSentAway:
    """421: the server is left alone for a while, and says so."""

    @staticmethod
    def scene(*banners: bytes) -> evil.Script:
        """A server with another greeting at each connection, the last again and again."""
        left = list(banners)

        async def script(peer: evil.Peer) -> None:
            banner = left.pop(0) if len(left) > 1 else left[0]
            await evil.answers({b"EHLO": b"250 hi\r\n"}, banner)(peer)

        return script

    async def test_it_is_left_alone(self) -> None:
        """For a part of the interval nothing connects, and such a run is no evidence for a streak."""
        ctx = make_context()
        async with evil.serving(self.scene(b"421 4.7.0 busy\r\n", evil.BANNER)) as server:
            check = make_check(server.port, tls="none")
            first = await smtp.probe(check, ctx)
            second = await smtp.probe(check, ctx)
            assert server.served == 1
            assert (first.scheduled, second.scheduled) == (True, False)
            assert (second.result, second.reason) == (Result.DEFERRED, Reason.GREETING_DEFERRED)
            assert second.alive is None
            assert "left alone" in second.detail
            assert series(second)["netmon_smtp_backoff_seconds",] == pytest.approx(13.5)
            place = ("127.0.0.1", server.port)
            ctx.manners._away[place] = dataclasses.replace(ctx.manners._away[place], until=0.0)
            third = await smtp.probe(check, ctx)
            assert third.reason is Reason.OK
            assert series(third)["netmon_smtp_backoff_seconds",] == 0

    async def test_checks_that_wait_for_it_are_sent_away_too(self) -> None:
        """Of several checks of one server at one time the first alone hears 421, and it counts once."""
        ctx = make_context()
        async with evil.serving(self.scene(b"421 4.7.0 busy\r\n")) as server:
            check = make_check(server.port, tls="none")
            seen = await asyncio.gather(*(smtp.probe(check, ctx) for _ in range(3)))
            assert server.served == 1
        assert sorted(one.scheduled for one in seen) == [False, False, True]
        assert {series(one)["netmon_smtp_backoff_seconds",] for one in seen} == {13.5}

    async def test_longer_each_time(self) -> None:
        """The wait grows to five intervals, and not past them; 450 is no 421."""
        ctx = make_context()
        async with evil.serving(self.scene(b"421 busy\r\n")) as server:
            check = make_check(server.port, tls="none")
            place, waits = ("127.0.0.1", server.port), []
            for _ in range(7):
                seen = await smtp.probe(check, ctx)
                waits.append(round(series(seen)["netmon_smtp_backoff_seconds",]))
                ctx.manners._away[place] = dataclasses.replace(ctx.manners._away[place], until=0.0)
            assert waits == [14, 27, 54, 108, 216, 270, 270]
        async with evil.serving(self.scene(b"450 later\r\n")) as server:
            await asyncio.gather(*(smtp.probe(make_check(server.port), ctx) for _ in range(2)))
            assert server.served == 2


async def test_capabilities_that_are_lost_and_found() -> None:
    """What was offered before and is missed in enough runs is a finding with its time, until found again."""
    ctx = make_context()
    with_auth, without = b"250-hi\r\n250 AUTH PLAIN\r\n", b"250 hi\r\n"
    now = 1000.0
    seen: list[dict[str, str]] = []
    for reply in [without, with_auth, without, with_auth, *[without] * 4, *[with_auth] * 2]:
        now += 60
        ctx.wall = lambda: now  # noqa: B023 - called at once
        async with evil.serving(evil.answers({b"EHLO": reply})) as server:
            check = dataclasses.replace(make_check(25, tls="none", role="submission"))
            bound = check.settings.model_copy(update={"port": server.port})
            observation = await smtp.probe(dataclasses.replace(check, settings=bound), ctx)
        seen.append(kinds(observation))
        for finding in observation.findings:
            assert (finding.at, finding.subject) == (1300.0, "AUTH")
    lost = {"capability_lost": "fault"}
    assert seen == [{}, {}, {}, {}, {}, {}, lost, lost, lost, {}]
