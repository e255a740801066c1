"""The smtp probe against Debian's Exim and OpenSMTPD: what they offer, what they refuse, and logging in."""

import asyncio
import datetime as dt
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import rsa

from netmon.errors import Reason
from netmon.model import Observation, Result
from netmon.probes import smtp
from netmon.probes.base import Context
from tests.servers.agent import wait_for
from tests.servers.mail_checks import kinds, make_check, make_context, run_on, self_signed, series
from tests.servers.mailers import Mailer, exim, opensmtpd

NAME = "mail.example.test"
PASSWORD = "sword/fish-canary"
# Users log in inside TLS only; which mechanism is offered goes by the name in EHLO.
EXIM = f"""\
acl_smtp_rcpt = rcpt
begin acl
rcpt:
  defer
    local_parts = grey
    message = 4.7.1 Greylisted, come again
  accept
    domains = {NAME}
  deny
    message = 5.7.1 relay not permitted
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{probe}}}}{{eq{{$auth3}}{{{PASSWORD}}}}}}}}}
  server_advertise_condition = ${{if and{{{{def:tls_in_cipher}}{{eq{{$sender_helo_name}}{{plain.test}}}}}}}}
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${{if and{{{{eq{{$auth1}}{{probe}}}}{{eq{{$auth2}}{{{PASSWORD}}}}}}}}}
  server_advertise_condition = ${{if and{{{{def:tls_in_cipher}}{{eq{{$sender_helo_name}}{{login.test}}}}}}}}
cram:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = ${{if eq{{$auth1}}{{probe}}{{{PASSWORD}}}fail}}
  server_advertise_condition = ${{if and{{{{def:tls_in_cipher}}{{eq{{$sender_helo_name}}{{cram.test}}}}}}}}
"""


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


@pytest.fixture(scope="module")
def server(ca: trustme.CA) -> Iterator[Mailer]:
    """An Exim with recipients and users."""
    with exim(ca.issue_cert(NAME).private_key_and_cert_chain_pem.bytes(), extra=EXIM) as running:
        yield running


@pytest.fixture(scope="module")
def other(ca: trustme.CA) -> Iterator[Mailer]:
    """An OpenSMTPD."""
    with opensmtpd(ca.issue_cert(NAME).private_key_and_cert_chain_pem.bytes()) as running:
        yield running


def look(server: Mailer, ctx: Context | None = None, *, loop: str = "uvloop", **settings: Any) -> Observation:
    """One run."""
    return run_on(loop, smtp.probe(make_check(server.port, **settings), ctx or make_context()))


def capabilities(seen: Observation) -> set[str]:
    """What the server was seen to offer."""
    return {key[1] for key in series(seen) if key[0] == "netmon_smtp_capability"}


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_exim(loop: str, server: Mailer, ca_file: Path) -> None:
    """Recognised by its banner, which holds the time; facts of its TLS and extensions; nothing amiss."""
    seen = look(server, loop=loop, tls_name=NAME, ca_file=str(ca_file))
    assert (seen.reason, seen.findings) == (Reason.OK, ()), seen.trail
    told = series(seen)
    assert told["netmon_smtp_banner_info", NAME, "Exim"] == 1
    assert {"SIZE", "8BITMIME", "PIPELINING", "STARTTLS"} <= capabilities(seen)
    assert told["netmon_smtp_max_message_bytes",] == 52428800
    assert (told["netmon_tls_chain_valid",], told["netmon_tls_name_valid",]) == (1, 1)
    assert [phase.name for phase in seen.phases] == [
        *("resolve", "connect", "greeting", "ehlo", "starttls", "quit")
    ]


@pytest.mark.parametrize(
    ("recipient", "ends", "found"),
    [
        (f"user@{NAME}", (Result.OK, Reason.OK), {}),
        ("user@example.net", (Result.REJECTED, Reason.ENVELOPE_REJECTED), {"probe_rejected": "risk"}),
        (f"grey@{NAME}", (Result.DEFERRED, Reason.ENVELOPE_DEFERRED), {"probe_rejected": "risk"}),
    ],
    ids=["taken", "refused", "greylisted"],
)
def test_envelope_at_exim(
    recipient: str, ends: tuple[Result, Reason], found: dict[str, str], server: Mailer, ca_file: Path
) -> None:
    """A recipient that is taken, refused or greylisted; the latter two are no outage."""
    seen = look(server, tls_name=NAME, ca_file=str(ca_file), envelope={"recipient": recipient})
    assert ((seen.result, seen.reason), kinds(seen)) == (ends, found), seen.trail
    assert not any("DATA" in line for line in seen.trail)


def test_exim_sends_us_away(ca: trustme.CA) -> None:
    """421 while others have its only place: put off, the host alive, and left alone for a while."""
    pem = ca.issue_cert(NAME).private_key_and_cert_chain_pem.bytes()
    with exim(pem, extra="smtp_accept_max_per_host = 1") as server, ExitStack() as held:

        def full() -> bool:
            door = held.enter_context(socket.create_connection(("127.0.0.1", server.port), 10))
            return door.recv(200).startswith(b"220")

        wait_for("the only place", full)  # that of the fixture's own connection
        ctx = make_context()
        first, second = look(server, ctx), look(server, ctx)
    assert (first.result, first.reason, first.alive) == (Result.DEFERRED, Reason.GREETING_DEFERRED, True)
    assert "421" in first.detail
    assert series(first)["netmon_smtp_backoff_seconds",] > 0
    assert (second.result, second.scheduled) == (Result.DEFERRED, False)


def test_opensmtpd(other: Mailer) -> None:
    """Recognised, its extensions told, and its own word about the recipient."""
    envelope = {"recipient": "user@example.net"}
    seen = look(other, tls="none", envelope=envelope)
    assert (seen.result, seen.reason) == (Result.REJECTED, Reason.ENVELOPE_REJECTED), seen.trail
    assert kinds(seen) == {"probe_rejected": "risk"}
    assert series(seen)["netmon_smtp_banner_info", NAME, "OpenSMTPD"] == 1
    assert {"8BITMIME", "SIZE", "DSN", "STARTTLS", "ENHANCEDSTATUSCODES"} <= capabilities(seen)
    taken = look(other, tls="none", envelope=True)
    assert (taken.reason, taken.findings) == (Reason.OK, ()), taken.trail


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_starttls_that_opensmtpd_cannot_do(loop: str, other: Mailer) -> None:
    """Debian 12's ends each handshake with an alert: told as such, and what came before is kept."""
    seen = look(other, loop=loop)
    assert (seen.result, seen.reason, seen.alive) == (Result.FAILED, Reason.TLS_HANDSHAKE, True), seen.trail
    assert "alert" in seen.detail
    assert series(seen)["netmon_smtp_banner_info", NAME, "OpenSMTPD"] == 1
    assert "STARTTLS" in capabilities(seen)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
def test_login(mechanism: str, server: Mailer, ca_file: Path) -> None:
    """A real server takes the right password by each mechanism, inside TLS."""
    ctx = make_context(agent_name=f"{mechanism.partition('-')[0].lower()}.test")
    login = {"username": "probe", "password": PASSWORD}
    seen = look(server, ctx, tls_name=NAME, ca_file=str(ca_file), login=login)
    assert (seen.reason, seen.findings) == (Reason.OK, ()), seen.trail
    assert f"the login too ({mechanism})" in seen.detail
    told = series(seen)
    assert (told["netmon_smtp_login_success",], told["netmon_smtp_auth_mechanism", mechanism]) == (1, 1)
    assert PASSWORD not in str(seen)


@pytest.mark.parametrize("at_once", [False, True])
def test_login_refused(at_once: bool, server: Mailer, ca_file: Path) -> None:  # noqa: FBT001
    """A wrong password is refused, said to be netmon's own affair, and not tried again at the server."""
    ctx = make_context(agent_name="plain.test")
    login = {"username": "probe", "password": f"wrong-canary-{at_once}"}
    check = make_check(server.port, tls_name=NAME, ca_file=str(ca_file), login=login)

    async def scene() -> list[Observation]:
        if at_once:  # as the checks of a server's several ports may be
            return list(await asyncio.gather(*(smtp.probe(check, ctx) for _ in range(3))))
        return [await smtp.probe(check, ctx) for _ in range(3)]

    before = server.log().count("authenticator failed")
    seen = run_on("asyncio", scene())
    assert {(one.result, one.reason) for one in seen} == {(Result.REJECTED, Reason.LOGIN_REJECTED)}
    assert all(kinds(one) == {"probe_rejected": "risk"} for one in seen)
    assert all("535" in one.detail for one in seen)
    assert sum("not tried again for 15 min" in one.detail for one in seen) == 2
    assert "wrong-canary" not in str(seen)
    assert server.log().count("authenticator failed") == before + 1


def test_login_where_it_is_not_offered(server: Mailer, other: Mailer, ca_file: Path) -> None:
    """Exim offers AUTH only inside TLS, and OpenSMTPD not at all: the password is not sent."""
    login = {"username": "probe", "password": PASSWORD, "plain_text": True}
    for where in (server, other):
        seen = look(where, make_context(agent_name="plain.test"), tls="none", login=login)
        assert (seen.result, seen.reason) == (Result.FAILED, Reason.AUTH_MISSING), seen.trail
        assert not any("AUTH " in line for line in seen.trail if line.startswith("C:"))


def certificates(ca: trustme.CA) -> dict[str, bytes]:
    """Key and chain of certificates with something wrong, and one with a thousand names."""
    now = dt.datetime.now(dt.UTC)
    day = dt.timedelta(days=1)
    leaves = {
        "expired": ca.issue_cert(NAME, not_before=now - 20 * day, not_after=now - 10 * day),
        "not yet valid": ca.issue_cert(NAME, not_before=now + 10 * day, not_after=now + 20 * day),
        "wrong name": ca.issue_cert("other.example.test"),
        "a thousand names": ca.issue_cert(*(f"mx{n}.example.test" for n in range(999)), NAME),
    }
    return {
        **{case: leaf.private_key_and_cert_chain_pem.bytes() for case, leaf in leaves.items()},
        "self-signed": self_signed(NAME),
        "weak": self_signed(NAME, rsa.generate_private_key(65537, 1024)),  # noqa: S505 - on purpose
    }


FOUND = {
    "expired": {"certificate_expired"},
    "not yet valid": {"certificate_not_yet_valid"},
    "wrong name": {"certificate_name_mismatch"},
    "a thousand names": set(),
    "self-signed": {"certificate_self_signed"},
    "weak": {"certificate_self_signed", "certificate_weak"},
}


@pytest.mark.parametrize("case", FOUND)
def test_certificates_at_exim(case: str, ca: trustme.CA, ca_file: Path) -> None:
    """Each is told apart; on port 25 none stops the mail, for users it is a fault or a risk."""
    with exim(certificates(ca)[case]) as server:
        settings = {"tls_name": NAME, "ca_file": str(ca_file)}

        async def scene() -> list[Observation]:
            ctx = make_context()
            roles = ("inbound", "submission")
            checks = [make_check(server.port, role=role, **settings) for role in roles]
            return list(await asyncio.gather(*(smtp.probe(check, ctx) for check in checks)))

        inbound, submission = run_on("uvloop", scene())
    assert inbound.reason is Reason.OK, inbound.trail
    assert submission.reason is Reason.OK, submission.trail
    assert kinds(inbound) == dict.fromkeys(FOUND[case], "info")
    assert kinds(submission).keys() == FOUND[case]
    assert "info" not in kinds(submission).values()
    assert series(inbound)["netmon_tls_name_valid",] == (case != "wrong name")
