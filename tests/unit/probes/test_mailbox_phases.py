"""The imap and pop3 probes against servers that behave, and that misbehave at each phase in each way."""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

from netmon.errors import Reason
from netmon.mail.trail import LINES
from netmon.model import Observation, Result, Role
from netmon.probes import PROBES
from tests.servers import evil_mailbox as evil
from tests.servers.evil_mailbox import IMAP, POP3, Act, Tongue
from tests.servers.evil_smtp import Peer, Script, Server, serving
from tests.servers.mail_checks import kinds, make_check, make_context, run_on, series, server_context

NAME = "evil.example.test"
DEADLINE = 0.5
SECRET = "swordfish-canary"
TONGUES = {"imap": IMAP, "pop3": POP3}
BOTH = pytest.mark.parametrize("tongue", TONGUES.values(), ids=TONGUES)


class Pki:
    """A CA and what it issued."""

    def __init__(self, folder: Path) -> None:
        ca = trustme.CA()
        self.context = server_context(ca.issue_cert(NAME))
        self.ca_file = str(folder / "ca.pem")
        ca.cert_pem.write_to_path(self.ca_file)


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """One CA for all tests of the file."""
    return Pki(tmp_path_factory.mktemp("pki"))


async def observe(
    tongue: Tongue, script: Script, pki: Pki, *, implicit: ssl.SSLContext | None = None, **settings: Any
) -> tuple[Observation, Server]:
    """One run that goes through all phases."""
    wanted: dict[str, Any] = {
        "tls": "implicit" if implicit else "starttls",
        "tls_name": NAME,
        "ca_file": pki.ca_file,
        "login": {"username": "probe", "password": SECRET},
        **settings,
    }
    async with serving(script, implicit) as server:
        check = make_check(server.port, probe=tongue.probe, deadline=DEADLINE, **wanted)
        return await PROBES[tongue.probe].probe(check, make_context()), server


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@BOTH
def test_server_that_does_all_right(tongue: Tongue, loop: str, pki: Pki) -> None:
    """Every phase is timed, capabilities of all three times and the number of messages are told."""
    seen, server = run_on(loop, observe(tongue, evil.honest(tongue, pki.context), pki))
    assert (seen.result, seen.alive) == (Result.OK, True), seen.trail
    assert [phase.name for phase in seen.phases] == [
        *("resolve", "connect", "greeting", "capability", "starttls", "login"),
        *(tongue.open.lower(), tongue.goodbye.lower()),
    ]
    told = series(seen)
    assert told["netmon_mailbox_messages",] == 3
    assert told["netmon_mailbox_login_success",] == 1
    assert told["netmon_mailbox_auth_mechanism", "PLAIN"] == 1
    for word in (tongue.upgrade, "other", "MOVE" if tongue is IMAP else "UIDL"):
        assert told["netmon_mailbox_capability", word] == 1
    assert told["netmon_tls_chain_valid",] == told["netmon_tls_name_valid",] == 1
    assert told.get(("netmon_mailbox_size_bytes",)) == (None if tongue is IMAP else 4567)
    assert seen.findings == ()
    assert "3 messages" in seen.detail
    assert SECRET not in str(seen)
    assert server.heard[-1].endswith(tongue.goodbye.encode())


@BOTH
def test_implicit_tls(tongue: Tongue, pki: Pki) -> None:
    """TLS comes before the first word, as a phase of its own."""
    work = observe(tongue, evil.honest(tongue, None), pki, implicit=pki.context)
    seen, _ = run_on("uvloop", work)
    assert seen.result is Result.OK, seen.trail
    assert [phase.name for phase in seen.phases][:4] == ["resolve", "connect", "tls", "greeting"]


@BOTH
def test_without_a_login_no_mailbox_is_opened(tongue: Tongue, pki: Pki) -> None:
    """What needs no user is tested all the same."""
    seen, server = run_on("uvloop", observe(tongue, evil.honest(tongue, pki.context), pki, login=None))
    assert seen.result is Result.OK, seen.trail
    assert ("netmon_mailbox_messages",) not in series(seen)
    assert not any(tongue.open.encode() in line for line in server.heard)


def test_role_and_ports() -> None:
    """Both are of the role access; TLS comes first on the ports that are for it."""
    for probe, plain, secure in (("imap", 143, 993), ("pop3", 110, 995)):
        kind = PROBES[probe]
        modes = {port: kind.settings(port=port).mode for port in (plain, secure, 4000)}
        assert modes == {plain: "starttls", secure: "implicit", 4000: "starttls"}
        assert kind.role(kind.settings()) is Role.ACCESS
        assert kind.settings().port == secure


# How a run ends that is rejected or put off at a step.
REFUSED = {
    "greeting": (Reason.GREETING_REJECTED, Reason.GREETING_DEFERRED),
    "CAPABILITY": (Reason.GREETING_REJECTED, Reason.GREETING_DEFERRED),
    "upgrade": (Reason.STARTTLS_REJECTED, Reason.STARTTLS_DEFERRED),
    "login": (Reason.LOGIN_REJECTED, Reason.SYSTEM_DEFERRED),
    "open": (Reason.MAILBOX_REJECTED, Reason.SYSTEM_DEFERRED),
}
STEPS = {
    "imap": {"CAPABILITY": "CAPABILITY", "upgrade": "STARTTLS", "login": "AUTHENTICATE", "open": "EXAMINE"},
    "pop3": {"CAPABILITY": "CAPA", "upgrade": "STLS", "login": "AUTH", "open": "STAT"},
}


WAYS: dict[str, tuple[Callable[[Tongue], Act], Reason | str]] = {
    "silence": (lambda _: evil.says(b""), "silence"),
    "an octet at a time": (evil.drips, "silence"),
    "endless lines": (lambda tongue: evil.floods(tongue.more), "flood"),
    "endless line": (lambda _: evil.floods(b"x" * 5000), Reason.PROTOCOL_ERROR),
    "NUL": (lambda _: evil.says(b"\0\0\0\0\r\n"), Reason.PROTOCOL_ERROR),
    "another protocol": (lambda _: evil.says(b"250 ok\r\n"), Reason.PROTOCOL_ERROR),
    "closed": (lambda _: evil.hangs_up, Reason.CONNECTION_LOST),
    "rejected": (lambda tongue: evil.says(tongue.rejects), "rejected"),
    "put off": (lambda tongue: evil.says(tongue.defers), "put off"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("step", REFUSED)
@BOTH
def test_each_way_at_each_phase(tongue: Tongue, step: str, way: str, pki: Pki) -> None:
    """The run ends by its deadline, with a reason of its own, a bounded trail and no secret in it."""
    how, wanted = WAYS[way]
    name = STEPS[tongue.probe].get(step, step)
    act = how(tongue)
    if step == "greeting" and tongue is IMAP and way in ("rejected", "put off"):
        act = evil.says(b"* BYE [ALERT] no\r\n" if way == "rejected" else b"* BYE [UNAVAILABLE] later\r\n")
    seen, _ = run_on("uvloop", observe(tongue, evil.spoils(tongue, name, act, pki.context), pki))
    rejected, deferred = REFUSED[step]
    silence = Reason.GREETING_TIMEOUT if step == "greeting" else Reason.DEADLINE
    # A line is an answer where one is due; what follows it then is what nobody asked for.
    if wanted == "flood":
        injected = tongue is POP3 and step == "upgrade"
        assert seen.reason is (Reason.STARTTLS_INJECTION if injected else Reason.PROTOCOL_ERROR), seen.trail
    elif tongue is POP3 and step == "CAPABILITY" and way in ("rejected", "put off"):
        assert seen.reason is Reason.STARTTLS_MISSING  # a server older than CAPA says no to it
    else:
        named = {"silence": silence, "rejected": rejected, "put off": deferred}
        assert seen.reason is (wanted if isinstance(wanted, Reason) else named[wanted]), seen.trail
    assert seen.duration < DEADLINE + 0.5
    assert len(seen.trail) <= LINES + 1
    assert all(len(line) < 2000 for line in seen.trail)
    assert seen.alive is True
    assert SECRET not in str(seen)


@BOTH
def test_refused_mailbox_is_an_outage_and_a_refused_user_is_not(tongue: Tongue, pki: Pki) -> None:
    """A mailbox that nobody can read is told from a password that is wrong: the second is netmon's own."""
    broken = evil.spoils(tongue, tongue.open, evil.says(tongue.rejects), pki.context)
    seen, _ = run_on("uvloop", observe(tongue, broken, pki))
    assert (seen.result, kinds(seen)) == (Result.REJECTED, {})
    step = STEPS[tongue.probe]["login"]
    code = b"%t NO [AUTHENTICATIONFAILED] no\r\n" if tongue is IMAP else b"-ERR [AUTH] no\r\n"
    refuses = evil.spoils(tongue, step, evil.says(code), pki.context)
    seen, server = run_on("uvloop", observe(tongue, refuses, pki))
    assert (seen.result, seen.reason) == (Result.REJECTED, Reason.LOGIN_REJECTED)
    assert kinds(seen) == {"probe_rejected": "risk"}
    assert series(seen)["netmon_mailbox_login_success",] == 0
    assert server.heard[-1].endswith(tongue.goodbye.encode())


INJECTED = {
    "imap": b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nN3 OK injected\r\n",
    "pop3": b"+OK\r\nUSER\r\n.\r\n",
}


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@BOTH
def test_injection_before_tls_is_a_finding(tongue: Tongue, loop: str, pki: Pki) -> None:
    """Plain text behind the OK to STARTTLS ends the run: none of it is believed, no secret goes out."""
    act = evil.injects(tongue, INJECTED[tongue.probe], pki.context)
    seen, server = run_on(loop, observe(tongue, evil.spoils(tongue, tongue.upgrade, act, pki.context), pki))
    assert (seen.result, seen.reason) == (Result.FAILED, Reason.STARTTLS_INJECTION), seen.trail
    assert kinds(seen) == {"starttls_injection": "fault"}
    assert not any(b"AUTH" in line for line in server.heard)


@BOTH
def test_answers_sent_ahead_inside_tls_are_not_taken(tongue: Tongue, pki: Pki) -> None:
    """A reply that came before its question is not the answer to it."""

    async def ahead(peer: Peer, tag: bytes) -> None:
        name = STEPS[tongue.probe]["CAPABILITY"]
        answer = tongue.answers[f"{name} inside"].replace(b"%t", tag)
        await peer.say(answer + (b"N9 OK ahead\r\n" if tongue is IMAP else b"+OK ahead\r\n"))

    step = f"{STEPS[tongue.probe]['CAPABILITY']} inside"
    seen, _ = run_on("uvloop", observe(tongue, evil.spoils(tongue, step, ahead, pki.context), pki))
    if tongue is IMAP:
        assert seen.reason is Reason.PROTOCOL_ERROR  # a tag that was not given
    else:
        assert seen.result is Result.OK
        assert any("no command asked for" in line for line in seen.trail)


@pytest.mark.parametrize("size", [b"4294967296", b"65537", b"9" * 40])
@pytest.mark.parametrize("step", ["CAPABILITY inside", "EXAMINE"])
def test_announced_literal_is_refused_at_once(step: str, size: bytes, pki: Pki) -> None:
    """A literal of 4 GB costs neither memory nor time: its announcement ends the run."""
    act = evil.says(b'* LIST () "/" {' + size + b"}\r\nxxxx")
    seen, _ = run_on("uvloop", observe(IMAP, evil.spoils(IMAP, step, act, pki.context), pki))
    assert seen.reason is Reason.PROTOCOL_ERROR, seen.trail
    assert "literal" in seen.detail
    assert seen.duration < DEADLINE


def test_bye_in_the_midst_is_heard(pki: Pki) -> None:
    """A server that says BYE to a command is put off or rejects, by its code."""
    for said, reason in (
        (b"* BYE [UNAVAILABLE] shutting down\r\n", Reason.SYSTEM_DEFERRED),
        (b"%t NO [INUSE] somebody has it\r\n", Reason.MAILBOX_DEFERRED),
        (b"* BYE come back later\r\n", Reason.MAILBOX_DEFERRED),
    ):
        act = evil.says(said)
        seen, _ = run_on("uvloop", observe(IMAP, evil.spoils(IMAP, "EXAMINE", act, pki.context), pki))
        assert (seen.result, seen.reason) == (Result.DEFERRED, reason)


def test_preauth_before_starttls_is_refused(pki: Pki) -> None:
    """A greeting that says that all is done already would keep the session in plain text (CVE-2020-12398)."""
    act = evil.says(b"* PREAUTH welcome\r\n")
    seen, server = run_on("uvloop", observe(IMAP, evil.spoils(IMAP, "greeting", act, pki.context), pki))
    assert seen.reason is Reason.STARTTLS_MISSING, seen.trail
    assert not any(b"AUTHENTICATE" in line for line in server.heard)


@BOTH
def test_login_goes_to_no_stranger(tongue: Tongue, pki: Pki) -> None:
    """Without a certificate that verifies the secret is not sent, and the run says so."""
    script = evil.honest(tongue, pki.context)
    seen, server = run_on("uvloop", observe(tongue, script, pki, tls_name="other.example.test"))
    assert (seen.result, seen.reason) == (Result.UNTESTABLE, Reason.CERTIFICATE_UNTRUSTED)
    assert kinds(seen) == {"certificate_name_mismatch": "fault"}
    assert not any(b"AUTH" in line for line in server.heard)


@BOTH
def test_refused_login_is_not_tried_again_at_once(tongue: Tongue, pki: Pki) -> None:
    """The second run tests all else and tells the first one's refusal."""
    step = STEPS[tongue.probe]["login"]
    code = b"%t NO [AUTHENTICATIONFAILED] no\r\n" if tongue is IMAP else b"-ERR [AUTH] no\r\n"
    script = evil.spoils(tongue, step, evil.says(code), pki.context)

    async def twice() -> tuple[Observation, Server]:
        context = make_context()
        async with serving(script) as server:
            check = make_check(
                server.port, probe=tongue.probe, deadline=DEADLINE, tls="starttls", tls_name=NAME,
                ca_file=pki.ca_file, login={"username": "probe", "password": SECRET},
            )  # fmt: skip
            await PROBES[tongue.probe].probe(check, context)
            return await PROBES[tongue.probe].probe(check, context), server

    seen, server = run_on("uvloop", twice())
    assert (seen.result, seen.reason) == (Result.REJECTED, Reason.LOGIN_REJECTED)
    assert "not tried again" in seen.detail
    assert kinds(seen) == {"probe_rejected": "risk"}
    assert sum(b"AUTH" in line for line in server.heard) == 1


LOGINS: dict[str, tuple[Tongue, bytes, list[bytes]]] = {
    "the protocol's own": (
        IMAP,
        b"* CAPABILITY IMAP4rev1\r\n%t OK\r\n",
        [b'LOGIN "probe" "swordfish-canary"'],
    ),
    "own of POP3": (POP3, b"+OK\r\nUSER\r\n.\r\n", [b"USER probe", b"PASS swordfish-canary"]),
    "without SASL-IR": (
        IMAP,
        b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n%t OK\r\n",
        [b"AUTHENTICATE PLAIN", b"AHByb2JlAHN3b3JkZmlzaC1jYW5hcnk="],
    ),
    "LOGIN": (
        IMAP,
        b"* CAPABILITY IMAP4rev1 AUTH=LOGIN LOGINDISABLED\r\n%t OK\r\n",
        [b"AUTHENTICATE LOGIN", b"cHJvYmU=", b"c3dvcmRmaXNoLWNhbmFyeQ=="],
    ),
    "LOGIN of POP3": (
        POP3,
        b"+OK\r\nSASL LOGIN\r\n.\r\n",
        [b"AUTH LOGIN", b"cHJvYmU=", b"c3dvcmRmaXNoLWNhbmFyeQ=="],
    ),
}


@pytest.mark.parametrize("case", LOGINS)
def test_ways_to_log_in(case: str, pki: Pki) -> None:
    """What is said follows what is offered; a server that repeats it shows no secret in the trail."""
    tongue, offer, wanted = LOGINS[case]

    async def script(peer: Peer) -> None:
        await peer.say(tongue.greeting)
        asked, said = False, 0
        while (line := await peer.hear()) or not peer.gone:
            name, tag = tongue.step(line, secured=True)
            if name.endswith("inside") and not asked:
                asked = True
                await peer.say(offer.replace(b"%t", tag))
            elif line.split(b" ", 1)[-1] == wanted[0] or line == wanted[0] or 0 < said < len(wanted):
                said += 1
                login_tag = tag if said == 1 else login_tag  # noqa: F821 - set by the first
                if said < len(wanted):
                    await peer.say(
                        b"+ say on " + line + b"\r\n" if b"PASS" not in wanted[1][:4] else b"+OK\r\n"
                    )
                else:
                    await peer.say((b"%t OK in" if tongue is IMAP else b"+OK in").replace(b"%t", login_tag))
                    await peer.say(b" " + line + b"\r\n")
            else:
                await peer.say(tongue.answers.get(name, b"%t BAD what?\r\n").replace(b"%t", tag))

    seen, server = run_on("uvloop", observe(tongue, script, pki, implicit=pki.context))
    assert seen.result is Result.OK, seen.trail
    heard = [line.split(b" ", 1)[1] if tongue is IMAP and line[:1] == b"N" else line for line in server.heard]
    at = heard.index(wanted[0])
    assert heard[at : at + len(wanted)] == wanted
    for secret in (SECRET, "AHByb2JlAHN3b3JkZmlzaC1jYW5hcnk=", "c3dvcmRmaXNoLWNhbmFyeQ=="):
        assert secret not in str(seen)
