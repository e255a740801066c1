"""The smtp probe against Debian's Postfix."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from netmon.errors import Reason
from netmon.model import Result
from netmon.probes import smtp
from tests.servers import postfix
from tests.servers.mail_checks import kinds, make_check, make_context, run_on, series

NAME = "mail.example.test"
BOTH = pytest.mark.parametrize("loop", ["asyncio", "uvloop"])


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    """A certificate authority that no system trusts."""
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(ca: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its certificate as a file."""
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    return path


def pem(ca: trustme.CA) -> bytes:
    """Key and chain of a certificate for NAME."""
    return ca.issue_cert(NAME).private_key_and_cert_chain_pem.bytes()


@pytest.fixture(scope="module")
def server(ca: trustme.CA) -> Iterator[postfix.Postfix]:
    """A Postfix with the defaults, for all tests that change nothing."""
    with postfix.running(pem(ca), name=NAME) as running:
        yield running


@BOTH
@pytest.mark.parametrize("door", ["smtp", "submission", "implicit"])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_every_door(loop: str, door: str, address: str, server: postfix.Postfix, ca_file: Path) -> None:
    """Each port of a sound Postfix is ok on both families, with its facts and without a finding."""
    mode = "implicit" if door == "implicit" else "starttls"
    check = make_check(getattr(server, door), address=address, tls=mode, tls_name=NAME, ca_file=str(ca_file))
    seen = run_on(loop, smtp.probe(check, make_context()))
    assert seen.reason is Reason.OK, seen.trail
    assert seen.findings == ()
    told = series(seen)
    assert told["netmon_smtp_banner_info", NAME, "Postfix"] == 1
    assert told["netmon_smtp_max_message_bytes",] == 20480000
    assert told["netmon_smtp_capability", "PIPELINING"] == 1
    assert (told["netmon_tls_chain_valid",], told["netmon_tls_name_valid",]) == (1, 1)


def test_postfix_sees_a_polite_client(server: postfix.Postfix, ca_file: Path) -> None:
    """Postfix's own log has every conversation ending by QUIT, and none lost."""
    before = len(server.log())
    check = make_check(server.smtp, tls_name=NAME, ca_file=str(ca_file))
    seen = run_on("asyncio", smtp.probe(check, make_context()))
    assert seen.reason is Reason.OK
    server.stop()  # flushes its log
    said = server.log()[before:]
    server.start()
    assert "ehlo=2 starttls=1 quit=1 commands=4" in said
    assert "lost connection" not in said


def test_stopped_and_started(server: postfix.Postfix) -> None:
    """A stopped Postfix refuses, which proves its host alive; started again it is ok."""
    check = make_check(server.smtp)
    ctx = make_context()
    server.stop()
    try:
        down = run_on("asyncio", smtp.probe(check, ctx))
    finally:
        server.start()
    assert (down.result, down.reason, down.alive) == (Result.FAILED, Reason.REFUSED, True)
    assert run_on("asyncio", smtp.probe(check, ctx)).reason is Reason.OK


@pytest.mark.parametrize(
    ("settings", "result", "reason"),
    [
        ({"smtpd_tls_security_level": "none"}, Result.FAILED, Reason.STARTTLS_MISSING),
        (
            {"smtpd_client_restrictions": "reject", "smtpd_delay_reject": "no"},
            Result.REJECTED,
            Reason.GREETING_REJECTED,
        ),
        (
            {"smtpd_client_restrictions": "defer", "smtpd_delay_reject": "no"},
            Result.DEFERRED,
            Reason.GREETING_DEFERRED,
        ),
        (
            {"smtpd_helo_restrictions": "reject", "smtpd_delay_reject": "no"},
            Result.REJECTED,
            Reason.EHLO_REJECTED,
        ),
        ({"smtpd_tls_protocols": "TLSv1.1"}, Result.FAILED, Reason.TLS_PROTOCOL_VERSION),
    ],
    ids=["no STARTTLS", "client rejected", "client deferred", "EHLO rejected", "TLS 1.1 only"],
)
def test_postfix_says_no(settings: dict[str, str], result: Result, reason: Reason, ca: trustme.CA) -> None:
    """Postfix's own refusals each have their result and reason."""
    with postfix.running(pem(ca), name=NAME, extra=settings) as server:
        seen = run_on("asyncio", smtp.probe(make_check(server.smtp), make_context()))
    assert (seen.result, seen.reason) == (result, reason), seen.trail
    if reason is Reason.GREETING_REJECTED:
        assert list(kinds(seen)) == ["probe_rejected"]


def test_postscreen(ca: trustme.CA) -> None:
    """The teaser is waited out and the run ok; a recipient that is put off while tests go on is no outage."""
    tests = {
        "postscreen_greet_wait": "1s",
        "postscreen_greet_action": "enforce",
        "postscreen_pipelining_enable": "yes",
        "postscreen_pipelining_action": "enforce",
    }
    with postfix.running(pem(ca), name=NAME, extra=tests, postscreen=True) as server:
        seen = run_on("uvloop", smtp.probe(make_check(server.smtp), make_context()))
        assert seen.reason is Reason.OK, seen.trail
        assert seen.trail[0].startswith("S: 220-")
        assert next(phase.seconds for phase in seen.phases if phase.name == "greeting") > 0.9
        envelope = {"sender": "probe@example.test", "recipient": f"postmaster@{NAME}"}
        seen = run_on("uvloop", smtp.probe(make_check(server.smtp, envelope=envelope), make_context()))
        assert (seen.result, seen.reason) == (Result.DEFERRED, Reason.ENVELOPE_DEFERRED), seen.trail
        assert "450 4.3.2" in seen.detail


def test_rare_tests(server: postfix.Postfix) -> None:
    """Postfix relays for its own networks, of which we are one here, and does nothing else wrong."""
    tests = {"open_relay": True, "vrfy": True, "starttls_injection": True}
    ctx = make_context()
    seen = run_on("uvloop", smtp.probe(make_check(server.smtp, **tests), ctx))
    assert seen.result is Result.OK
    assert kinds(seen)["open_relay"] == "fault"
    assert not {"vrfy_answered", "starttls_keeps_commands"} & kinds(seen).keys(), seen.trail
    for test in tests:
        assert ctx.memory.found(seen.key, test) is not None
