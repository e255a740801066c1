"""The imap and pop3 probes against Debian's Dovecot: doors, logins, mailboxes, and their faults."""

import asyncio
import datetime as dt
import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from netmon.errors import Reason
from netmon.model import Observation, Result
from netmon.probes import PROBES
from netmon.probes.base import Context
from tests.servers.agent import wait_for
from tests.servers.command import netmon
from tests.servers.dovecot import Dovecot, running
from tests.servers.mail_checks import kinds, make_check, make_context, run_on, self_signed, series

NAME = "mail.example.test"
PASSWORD = 'sword/"fish\\ canary'
MESSAGE = b"Subject: hello\r\n\r\nHello\r\n"
OPENS = {"imap": "examine", "pop3": "stat"}
BOTH = pytest.mark.parametrize("probe", OPENS)


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
def pem(ca: trustme.CA) -> bytes:
    """A good key and chain."""
    return ca.issue_cert(NAME).private_key_and_cert_chain_pem.bytes()


@pytest.fixture(scope="module")
def server(pem: bytes) -> Iterator[Dovecot]:
    """A Dovecot with users, of whom only anna has mail; of eve it cannot say whether she is one."""
    users = dict.fromkeys(("anna", "ben", "carl", "dora"), PASSWORD)
    one = "".join(f"protocol {name} {{\n  mail_max_userip_connections = 1\n}}\n" for name in OPENS)
    # Whoever is not in the file is asked for at a program that is not there.
    extra = f"{one}passdb {{\n  driver = checkpassword\n  args = /nowhere/checkpassword\n}}\n"
    with running(pem, users=users, mechanisms="plain login cram-md5", extra=extra) as dovecot:
        for _ in range(3):
            dovecot.deliver("anna", MESSAGE)
        yield dovecot


def login(user: str = "anna", password: str = PASSWORD) -> dict[str, str]:
    """Settings of a login."""
    return {"username": user, "password": password}


def look(
    server: Dovecot,
    probe: str,
    ca_file: Path,
    *,
    ctx: Context | None = None,
    loop: str = "uvloop",
    **settings: Any,
) -> Observation:
    """One run with STARTTLS, or as the settings say."""
    secure = settings.get("tls") == "implicit"
    port = getattr(server, f"{probe}s" if secure else probe)
    limits = {key: settings.pop(key) for key in ("timeout", "deadline") if key in settings}
    wanted = {"tls": "starttls", "tls_name": NAME, "ca_file": str(ca_file), **settings}
    check = make_check(port, probe=probe, **limits, **wanted)
    return run_on(loop, PROBES[probe].probe(check, ctx or make_context()))


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("tls", ["starttls", "implicit"])
@BOTH
def test_a_mailbox_that_can_be_read(probe: str, tls: str, loop: str, server: Dovecot, ca_file: Path) -> None:
    """Every phase is timed, the messages are counted, and they are left as they were."""
    seen = look(server, probe, ca_file, loop=loop, tls=tls, login=login())
    assert (seen.reason, seen.findings) == (Reason.OK, ()), seen.trail
    goodbye = "logout" if probe == "imap" else "quit"
    first = ["greeting", "capability", "starttls"] if tls == "starttls" else ["tls", "greeting", "capability"]
    assert [phase.name for phase in seen.phases] == [
        *("resolve", "connect", *first, "login", OPENS[probe], goodbye)
    ]
    told = series(seen)
    assert told["netmon_mailbox_messages",] == 3
    assert (told["netmon_tls_chain_valid",], told["netmon_tls_name_valid",]) == (1, 1)
    assert told["netmon_mailbox_login_success",] == told["netmon_mailbox_auth_mechanism", "PLAIN"] == 1
    words = {key[1] for key in told if key[0] == "netmon_mailbox_capability"}
    assert ({"IDLE", "IMAP4REV1", "MOVE"} if probe == "imap" else {"UIDL", "SASL", "TOP"}) <= words
    assert {"STARTTLS", "STLS"}.isdisjoint(words) == (tls == "implicit")
    assert "other" not in words
    assert PASSWORD not in str(seen)
    assert len(server.messages("anna")) == 3


@pytest.mark.parametrize("mechanism", ["LOGIN", "CRAM-MD5", "own"])
@BOTH
def test_other_ways_to_log_in(probe: str, mechanism: str, pem: bytes, ca_file: Path) -> None:
    """A real server takes the password by each of netmon's ways."""
    only = {"LOGIN": "login", "CRAM-MD5": "cram-md5", "own": "plain"}[mechanism]
    # Without SASL-IR and with PLAIN hidden, IMAP's own LOGIN remains; POP3 has USER and PASS.
    hidden = "imap_capability = IMAP4rev1 LITERAL+\n" if mechanism == "own" and probe == "imap" else ""
    with running(pem, users={"anna": PASSWORD}, mechanisms=only, extra=hidden) as server:
        seen = look(server, probe, ca_file, login=login())
    assert seen.reason is Reason.OK, seen.trail
    assert "the login too" in seen.detail
    assert PASSWORD not in str(seen)


@BOTH
def test_login_refused(probe: str, pem: bytes, ca_file: Path) -> None:
    """A wrong password is netmon's own affair, and is not tried again for a quarter of an hour."""
    ctx, wrong = make_context(), login(password="wrong-canary")
    with running(pem, users={"anna": PASSWORD}) as server:
        seen = [look(server, probe, ca_file, ctx=ctx, login=wrong) for _ in range(2)]
        log = server.log()
    assert {(one.result, one.reason) for one in seen} == {(Result.REJECTED, Reason.LOGIN_REJECTED)}
    assert all(kinds(one) == {"probe_rejected": "risk"} for one in seen)
    assert "not tried again for 15 min" in seen[1].detail
    assert "wrong-canary" not in str(seen)
    assert log.count("(auth failed, 1 attempts") == 1


@BOTH
def test_user_database_is_away(probe: str, server: Dovecot, ca_file: Path) -> None:
    """A server that cannot look a user up is in trouble itself: that is no refusal of netmon's own."""
    seen = look(server, probe, ca_file, login=login("eve"))
    assert (seen.result, seen.reason) == (Result.DEFERRED, Reason.SYSTEM_DEFERRED), seen.trail
    assert kinds(seen) == {}
    assert series(seen)["netmon_mailbox_login_success",] == 0


@BOTH
def test_too_many_sessions_of_one_user(probe: str, server: Dovecot, ca_file: Path) -> None:
    """A limit for netmon's own user puts it off, and is no outage for others."""
    quoted = PASSWORD.replace("\\", "\\\\").replace('"', '\\"')
    said = {"imap": f'a LOGIN ben "{quoted}"\r\n', "pop3": f"USER ben\r\nPASS {PASSWORD}\r\n"}[probe]
    port, wanted = (server.imaps, b"a OK") if probe == "imap" else (server.pop3s, b"+OK Logged in")
    with session(said.encode(), port, wanted):
        wait_for("the session to count", lambda: server.counts("ben"))
        seen = look(server, probe, ca_file, login=login("ben"))
    assert (seen.result, seen.reason) == (Result.DEFERRED, Reason.LOGIN_DEFERRED), seen.trail
    assert ("[LIMIT]" if probe == "imap" else "[IN-USE]") in seen.detail
    assert kinds(seen) == {"probe_rejected": "risk"}


@contextmanager
def session(said: bytes, port: int, wanted: bytes) -> Iterator[None]:
    """Another client's session, which stays open."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), 10) as plain, context.wrap_socket(plain) as door:
        heard = door.recv(4096)
        for line in said.splitlines(keepends=True):
            door.sendall(line)
            heard = door.recv(4096)
        while wanted not in heard:
            more = door.recv(4096)
            assert more, heard
            heard += more
        yield


@BOTH
def test_mail_store_that_is_broken(probe: str, server: Dovecot, ca_file: Path, tmp_path: Path) -> None:
    """The login works and the mail is not there: nobody can read it, which is an outage of its own name."""
    user = {"imap": "carl", "pop3": "dora"}[probe]
    box = server.base / "mail" / user
    box.mkdir(mode=0o700)  # root's alone, as after a restore by the wrong user
    seen = look(server, probe, ca_file, login=login(user))
    reason = {"imap": Reason.MAILBOX_REJECTED, "pop3": Reason.SYSTEM_DEFERRED}[probe]
    assert seen.reason is reason, seen.trail
    assert "probe_rejected" not in kinds(seen)
    port = getattr(server, f"{probe}s")
    config = tmp_path / "netmon.yml"
    config.write_text(f"""\
state: {{path: {tmp_path / "state"}}}
hosts:
  - name: mx1
    address: 127.0.0.1
    {probe}: [{{port: {port}, tls: implicit, tls_name: {NAME}, ca_file: {ca_file},
              login: {{username: {user}, password: {json.dumps(PASSWORD)}}}}}]
""")
    done = netmon("probe", "mx1", probe, "--config", str(config), "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["verdict"]) == (2, "mail_down"), told
    assert PASSWORD not in done.stdout


def test_imap_that_hangs_when_the_mailbox_is_opened(pem: bytes, ca_file: Path) -> None:
    """Greeting, TLS and login are well, the store is stuck on a lock: the run ends in time, at that phase."""
    with running(pem, users={"anna": PASSWORD}) as server:
        server.deliver("anna", MESSAGE)
        stuck = server.base / "mail" / "anna" / "dovecot-uidlist.lock"
        stuck.write_text("another host: 1")
        seen = look(server, "imap", ca_file, login=login(), timeout=0.5, deadline=1.5)
        stuck.unlink()
    assert (seen.result, seen.reason, seen.alive) == (Result.FAILED, Reason.DEADLINE, True), seen.trail
    assert "EXAMINE" in seen.detail
    assert [phase.name for phase in seen.phases][-3:] == ["login", "examine", "logout"]
    assert series(seen)["netmon_mailbox_login_success",] == 1
    assert seen.duration < 2.0


def certificates(ca: trustme.CA) -> dict[str, bytes]:
    """Key and chain of certificates with something wrong."""
    now, day = dt.datetime.now(dt.UTC), dt.timedelta(days=1)
    leaves = {
        "expired": ca.issue_cert(NAME, not_before=now - 20 * day, not_after=now - 10 * day),
        "wrong name": ca.issue_cert("other.example.test"),
        "ends soon": ca.issue_cert(NAME, not_after=now + 5 * day),
    }
    found = {case: leaf.private_key_and_cert_chain_pem.bytes() for case, leaf in leaves.items()}
    return {**found, "self-signed": self_signed(NAME)}


FOUND = {
    "expired": ("certificate_expired", "fault"),
    "wrong name": ("certificate_name_mismatch", "fault"),
    "ends soon": ("certificate_expiring", "risk"),
    "self-signed": ("certificate_self_signed", "fault"),
}


@pytest.mark.parametrize("case", FOUND)
def test_certificates(case: str, ca: trustme.CA, ca_file: Path) -> None:
    """Each is told apart, and users' programs refuse it: a fault; no password is told to such a server."""
    with running(certificates(ca)[case], users={"anna": PASSWORD}) as server:

        async def scene() -> list[Observation]:
            checks = [
                make_check(
                    getattr(server, port),
                    probe=probe,
                    tls=tls,
                    tls_name=NAME,
                    ca_file=str(ca_file),
                    login=login(),
                )
                for probe, port, tls in (("imap", "imap", "starttls"), ("pop3", "pop3s", "implicit"))
            ]
            return list(await asyncio.gather(*(PROBES[c.key.probe].probe(c, make_context()) for c in checks)))

        both = run_on("uvloop", scene())
        log = server.log()
    for seen in both:
        assert kinds(seen) == dict([FOUND[case]])
        trusted = case == "ends soon"
        assert seen.reason is (Reason.OK if trusted else Reason.CERTIFICATE_UNTRUSTED), seen.trail
        assert ("Info: Login: user=<anna>" in log) == trusted


@BOTH
def test_plain_text(probe: str, server: Dovecot, ca_file: Path) -> None:
    """Without TLS no login is offered, and none is tried: the server is otherwise tested."""
    seen = look(server, probe, ca_file, tls="none")
    assert seen.reason is Reason.OK, seen.trail
    with_login = look(server, probe, ca_file, tls="none", login={**login(), "plain_text": True})
    assert "CRAM-MD5" in with_login.detail or with_login.reason is Reason.AUTH_MISSING, with_login.trail
    assert not any("AUTHENTICATE PLAIN" in line or "AUTH PLAIN" in line for line in with_login.trail)
    wrong_door = look(server, probe, ca_file, tls="implicit", loop="asyncio")
    assert wrong_door.reason is Reason.OK
