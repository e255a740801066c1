"""The mailflow probe through Debian's Postfix and Dovecot, with faults that are made for real.

All faults happen at once, each to the mail of a user of its own (`tests.servers.mailpath`), so that the waits
for what never comes are one wait.
"""

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme

from netmon.errors import Reason
from netmon.model import Check, CheckKey, Host, Observation, Result
from netmon.probes import PROBES
from netmon.probes.base import Context
from tests.servers import mailpath
from tests.servers.evil_mailbox import IMAP, spoils
from tests.servers.evil_smtp import Peer, serving
from tests.servers.mail_checks import kinds, make_context, run_on, series, server_context
from tests.servers.mailpath import FAULTS, NAME, PASSWORD, MailPath, user

DEADLINE = 10.0  # seconds of a run: what never comes is waited for as long
OTHER = b"From: a\r\nX-Netmon-Canary: netmon-0123456789abcdef-6553f100-00000000000000000000\r\n\r\nkeep\r\n"
GOOD = ("anna", "ben", "both", "login")  # whose mail simply goes through, each in another way


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
def path(ca: trustme.CA) -> Iterator[MailPath]:
    """The two servers; every mailbox holds a message that only looks like a canary."""
    pem = ca.issue_cert(NAME).private_key_and_cert_chain_pem.bytes()
    with mailpath.running(pem, (*GOOD, "wrong", "hung")) as servers:
        for name in (*GOOD, *FAULTS):
            servers.store.deliver(user(name), OTHER)
        yield servers


@pytest.fixture(scope="module")
def ctx() -> Context:
    """One context for all, as an agent has."""
    return make_context()


@pytest.fixture(scope="module")
def seen(path: MailPath, ctx: Context, ca_file: Path) -> Mapping[str, Observation]:
    """One run for each user, all at once."""
    checks = {name: flow(path, ca_file, name) for name in FAULTS}
    pop3 = mailbox(path, ca_file, "ben", "pop3")
    checks["anna"] = flow(path, ca_file, "anna")
    checks["ben"] = flow(path, ca_file, "ben", fetch=[pop3])
    checks["both"] = flow(
        path, ca_file, "both", fetch=[mailbox(path, ca_file, "both", how) for how in ("imap", "pop3")]
    )
    checks["login"] = flow(
        path,
        ca_file,
        "login",
        send={"port": path.mta.submission, "login": secret("login"), "tls": "starttls"},
    )
    checks["wrong"] = flow(path, ca_file, "wrong", fetch=[mailbox(path, ca_file, "wrong", password="no")])
    before = pooled()
    found = run_on("uvloop", together(checks, ctx))
    assert pooled() == before  # nothing is done in threads, which would still be there
    return found


def pooled() -> set[str]:
    """The threads of pools, as of asyncio's and uvloop's executors."""
    names = (thread.name for thread in threading.enumerate())
    return {name for name in names if name.startswith(("asyncio", "ThreadPoolExecutor"))}


async def together(checks: Mapping[str, Check], ctx: Context) -> dict[str, Observation]:
    """Run all at once."""
    probe = PROBES["mailflow"].probe
    found = await asyncio.gather(*(probe(check, ctx) for check in checks.values()))
    return dict(zip(checks, found, strict=True))


def secret(name: str, password: str = PASSWORD) -> dict[str, str]:
    """Settings of a login."""
    return {"username": user(name), "password": password}


def mailbox(
    path: MailPath, ca_file: Path, name: str, protocol: str = "imap", password: str = PASSWORD
) -> dict[str, Any]:
    """An entry of `fetch`."""
    port = path.store.imaps if protocol == "imap" else path.store.pop3s
    return {
        "host": "store",
        "protocol": protocol,
        "port": port,
        "tls": "implicit",
        "tls_name": NAME,
        "ca_file": str(ca_file),
        "login": secret(name, password),
    }


def flow(
    path: MailPath,
    ca_file: Path,
    name: str,
    *,
    send: Mapping[str, Any] | None = None,
    fetch: list[dict[str, Any]] | None = None,
    deadline: float = DEADLINE,
    late_after: float = 2.0,
) -> Check:
    """The check of a mailflow to this user."""
    kind = PROBES["mailflow"]
    boxes = fetch or [mailbox(path, ca_file, name)]
    entry = {
        "name": name,
        "send": {
            "host": "mta",
            "port": path.mta.smtp,
            "tls_name": NAME,
            "ca_file": str(ca_file),
            **(send or {}),
        },
        "fetch": boxes,
        "sender": "netmon@probe.example.test" if not send else user(name),
        "recipient": user(name),
        "deadline": deadline,
        "late_after": late_after,
        "addresses": ["127.0.0.1"] * (1 + len(boxes)),
    }
    settings = kind.settings.model_validate(entry)
    return Check(
        key=CheckKey("store", "mailflow", name),
        host=Host("store", "127.0.0.1"),
        settings=settings,
        interval=300.0,
        timeout=5.0,
        retries=0,
        deadline=deadline,
        role=kind.role(settings),
    )


def outcomes(observation: Observation) -> dict[str, float]:
    """The messages of the run by outcome, where there are any."""
    told = series(observation)
    family = "netmon_mailflow_messages_total"
    return {key[2]: value for key, value in told.items() if key[0] == family and value}


def intact(observation: Observation, name: str) -> float | None:
    """The series that says whether the content is as it was."""
    return series(observation).get(("netmon_mailflow_mime_intact", name))


def said(observation: Observation) -> str:
    """The trail as one text."""
    return "\n".join(observation.trail)


@pytest.mark.parametrize("name", GOOD)
def test_mail_that_goes_through(name: str, seen: Mapping[str, Observation], path: MailPath) -> None:
    """By IMAP, POP3 and both, relayed or with a login: delivered intact, and taken away again."""
    run = seen[name]
    assert (run.result, run.reason, run.findings) == (Result.OK, Reason.OK, ()), run.trail
    assert outcomes(run) == {"delivered": 1}
    assert intact(run, name) == 1
    told = series(run)
    assert 0 < told["netmon_mailflow_delivery_seconds", name] < DEADLINE
    assert abs(told["netmon_mailflow_last_delivery_timestamp_seconds", name] - time.time()) < 120
    assert path.store.messages(user(name)) == [OTHER]
    assert PASSWORD not in str(run)


def test_the_way_is_shown(seen: Mapping[str, Observation]) -> None:
    """The trail tells the queue identifier and the hops, the phases all from connect to the goodbye."""
    text = said(seen["anna"])
    queue_id = text.partition("queued as ")[2].split()[0].rstrip(")")
    assert len(queue_id) >= 10
    assert f"id {queue_id}" in text.partition("* received by")[2]
    names = [phase.name for phase in seen["anna"].phases]
    assert names.index("connect") < names.index("data") < names.index("delivery") < names.index("imap_fetch")


def test_a_stopped_queue(seen: Mapping[str, Observation]) -> None:
    """Accepted and not delivered is lost: a failure of its own, which names the queue identifier."""
    run = seen["held"]
    assert (run.result, run.reason) == (Result.FAILED, Reason.MESSAGE_LOST), run.trail
    assert outcomes(run) == {"lost": 1}
    assert kinds(run) == {"mail_lost": "fault"}
    assert "queued as" in run.detail


def test_a_full_mailbox(seen: Mapping[str, Observation], path: MailPath) -> None:
    """Postfix takes mail that Dovecot then refuses for the quota: lost as well."""
    run = seen["full"]
    assert run.reason is Reason.MESSAGE_LOST, run.trail
    assert outcomes(run) == {"lost": 1}
    assert "Quota exceeded" in path.mta.log()


def test_a_filter_that_encodes_anew(seen: Mapping[str, Observation]) -> None:
    """Other transfer encodings with the same content are no fault, and are told."""
    run = seen["recoded"]
    assert (run.result, run.findings) == (Result.OK, ()), run.trail
    assert outcomes(run) == {"delivered": 1}
    assert intact(run, "recoded") == 1
    assert "re-encoded" in run.detail
    assert "came in base64, its content is the same" in said(run)


@pytest.mark.parametrize(("name", "words"), [("damaged", "octet-stream"), ("footed", "footer")])
def test_content_that_was_changed(name: str, words: str, seen: Mapping[str, Observation]) -> None:
    """One bit of an attachment, or a footer: the message arrived, and the finding names the part."""
    run = seen[name]
    assert outcomes(run) == {"damaged": 1}, run.trail
    assert intact(run, name) == 0
    (finding,) = run.findings
    assert finding.kind == "mime_changed"
    assert words in finding.text


def test_a_duplicate(seen: Mapping[str, Observation], path: MailPath) -> None:
    """Two copies are a finding, and both are taken away."""
    run = seen["doubled"]
    assert outcomes(run) == {"duplicated": 1}, run.trail
    assert kinds(run) == {"delivered_twice": "fault"}
    assert path.store.messages(user("doubled")) == [OTHER]


def test_the_folder_for_junk(seen: Mapping[str, Observation], path: MailPath) -> None:
    """What sieve files into Junk is found there, told, and taken away."""
    run = seen["junk"]
    assert outcomes(run) == {"junk": 1}, run.trail
    assert kinds(run) == {"delivered_to_junk": "fault"}
    assert path.store.messages(user("junk"), "Junk") == []


def test_a_slow_filter(seen: Mapping[str, Observation]) -> None:
    """Mail that comes after `late_after` is late, and not lost."""
    run = seen["slow"]
    assert outcomes(run) == {"late": 1}, run.trail
    assert kinds(run) == {"delivered_late": "fault"}
    assert series(run)["netmon_mailflow_delivery_seconds", "slow"] > 2


def test_greylisting_that_ends(seen: Mapping[str, Observation], path: MailPath) -> None:
    """A server that puts a stranger off is asked again, and the time until then is no delivery time."""
    run = seen["grey"]
    assert (run.result, outcomes(run)) == (Result.OK, {"delivered": 1}), run.trail
    assert kinds(run) == {"mail_deferred": "info"}
    assert path.tries["grey"] == 3
    assert series(run)["netmon_mailflow_delivery_seconds", "grey"] < DEADLINE / 2


def test_greylisting_that_does_not_end(seen: Mapping[str, Observation], path: MailPath) -> None:
    """Put off until the deadline is deferred, not lost; it was asked a few times only."""
    run = seen["never"]
    assert (run.result, run.reason) == (Result.DEFERRED, Reason.ENVELOPE_DEFERRED), run.trail
    assert outcomes(run) == {"deferred": 1}
    assert 2 <= path.tries["never"] <= 10
    assert "mail_lost" not in kinds(run)


def test_mail_that_is_refused(seen: Mapping[str, Observation]) -> None:
    """A refusal is told from mail that was accepted and lost."""
    run = seen["unwanted"]
    assert (run.result, run.reason) == (Result.REJECTED, Reason.ENVELOPE_REJECTED), run.trail
    assert outcomes(run) == {"refused": 1}
    assert "mail_lost" not in kinds(run)


def test_a_login_that_is_refused(seen: Mapping[str, Observation], path: MailPath) -> None:
    """Where the mailbox cannot be read no message is sent that nobody could take away."""
    run = seen["wrong"]
    assert (run.result, run.reason) == (Result.REJECTED, Reason.LOGIN_REJECTED), run.trail
    assert outcomes(run) == {"unreadable": 1}
    assert path.store.messages(user("wrong")) == []


def test_other_mail_is_left_alone(seen: Mapping[str, Observation], path: MailPath) -> None:
    """A message that has the header and no valid signature stays, whatever the run came to."""
    assert seen
    for name in (*GOOD, *FAULTS):
        if name != "full":
            assert OTHER in path.store.messages(user(name)), name


def test_what_comes_after_its_run(
    seen: Mapping[str, Observation], path: MailPath, ctx: Context, ca_file: Path
) -> None:
    """A canary that a stopped queue lets go later counts as late in the next run, and is taken away."""
    assert outcomes(seen["held"]) == {"lost": 1}
    path.release()
    until = time.monotonic() + 10
    while len(path.store.messages(user("held"))) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    check = flow(path, ca_file, "held", deadline=2.0, late_after=1.0)
    run = run_on("uvloop", together({"held": check}, ctx))["held"]
    assert outcomes(run) == {"lost": 2, "late": 1}, run.trail
    assert kinds(run) == {"mail_lost": "fault", "delivered_late": "info"}
    assert path.store.messages(user("held")) == [OTHER]


def test_imap_that_hangs_after_select(path: MailPath, ctx: Context, ca: trustme.CA, ca_file: Path) -> None:
    """Accepted mail in a mailbox that hangs is not lost but unread, and taken away next time."""
    context = server_context(ca.issue_cert(NAME))
    good = flow(path, ca_file, "hung")

    async def hangs(_peer: Peer, _tag: bytes) -> None:
        await asyncio.Event().wait()

    async def twice() -> tuple[Observation, Observation]:
        probe = PROBES["mailflow"].probe
        await probe(good, ctx)
        async with serving(spoils(IMAP, "SELECT", hangs, context)) as evil:
            box = {**mailbox(path, ca_file, "hung"), "port": evil.port, "tls": "starttls"}
            bad = flow(path, ca_file, "hung", fetch=[box], deadline=3.0, late_after=1.0)
            begun = time.monotonic()
            first = await probe(bad, ctx)
            assert time.monotonic() - begun < 3.0
        return first, await probe(good, ctx)

    first, second = run_on("uvloop", twice())
    assert first.result is Result.FAILED, first.trail
    assert outcomes(first) == {"delivered": 1, "unreadable": 1}
    assert "mail_lost" not in kinds(first)
    assert "accepted" in first.detail
    assert "(select)" in first.detail
    assert second.result is Result.OK, second.trail
    assert outcomes(second) == {"delivered": 2, "unreadable": 1, "late": 1}
    assert path.store.messages(user("hung")) == []
