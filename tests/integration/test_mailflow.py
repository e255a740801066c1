"""The mailflow probe through Debian's Postfix into Debian's Dovecot, and what may happen between."""

import asyncio
import email
import email.policy
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from netmon.errors import Reason
from netmon.mail.canary import HEADER, Signer
from netmon.model import Check, CheckKey, Host, Observation, Result, Role
from netmon.probes import PROBES
from netmon.probes.base import Context
from netmon.probes.mailflow_report import Outcome
from tests.servers import dovecot, postfix
from tests.servers.agent import agent, wait_for
from tests.servers.command import netmon
from tests.servers.dovecot import Dovecot
from tests.servers.evil_mailbox import IMAP, Act, says, spoils
from tests.servers.evil_smtp import Peer, serving
from tests.servers.mail_checks import kinds, make_context, run_on, series, server_context
from tests.servers.mail_filters import Filter, filtering, greylisting
from tests.servers.postfix import Postfix

NAME = "mail.example.test"
PASSWORD = "sword/fish canary"
USERS = ("anna", "both", "damaged", "full", "gone", "grey", "held", "junk", "kept", "late")
FILTERED = ("recoded", "damaged", "twice")
STRANGER = b"Subject: private\r\nMessage-ID: <1@example.org>\r\n\r\nNobody else's business.\r\n"


@dataclass(frozen=True, slots=True)
class Mail:
    """The servers that a message goes through."""

    postfix: Postfix
    dovecot: Dovecot
    filter: Filter
    cert: trustme.LeafCert
    ca_file: Path


@pytest.fixture(scope="module")
def mail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mail]:
    """A Postfix that delivers into a Dovecot; what happens on the way depends on the recipient."""
    ca = trustme.CA()
    ca_file = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(str(ca_file))
    cert = ca.issue_cert(NAME)
    pem = cert.private_key_and_cert_chain_pem.bytes()
    addresses = {f"{user}@{NAME}": PASSWORD for user in {*USERS, *FILTERED}}
    with ExitStack() as stack:
        store = stack.enter_context(
            dovecot.running(pem, users=addresses, quota={f"full@{NAME}": "1K"}, sieve=True)
        )
        store.sieve(f"junk@{NAME}", 'require "fileinto";\nfileinto "Junk";\n')
        content = stack.enter_context(filtering(store.lmtp))
        policy = stack.enter_context(greylisting(2))
        access = "".join(
            f" {{ {user}@{NAME} = FILTER smtp:[127.0.0.1]:{content.port} }}" for user in FILTERED
        )
        access += f" {{ held@{NAME} = HOLD }} {{ kept@{NAME} = HOLD }}"
        access += f" {{ grey@{NAME} = greylist }} {{ gone@{NAME} = REJECT }}"
        extra = {
            "local_transport": f"lmtp:inet:127.0.0.1:{store.lmtp}",
            "smtpd_restriction_classes": "greylist",
            "greylist": f"check_policy_service inet:127.0.0.1:{policy}",
            "smtpd_recipient_restrictions": f"check_recipient_access inline:{{{access} }}",
            "smtp_host_lookup": "native",
        }
        services = "lmtp unix - - n - - lmtp\nsmtp unix - - n - - smtp\n"
        server = stack.enter_context(
            postfix.running(pem, name=NAME, extra=extra, services=services, doors=("127.0.0.1:",))
        )
        yield Mail(server, store, content, cert, ca_file)


def make_flow(mail: Mail, user: str, *protocols: str, deadline: float = 12.0, **changes: Any) -> Check:
    """A mailflow's check as the config would make it."""
    secure = {"tls": "starttls", "tls_name": NAME, "ca_file": str(mail.ca_file)}
    login = {"username": f"{user}@{NAME}", "password": changes.pop("password", PASSWORD)}
    fetch = [
        {
            "host": "mx1",
            "protocol": protocol,
            "port": changes.pop("port", getattr(mail.dovecot, protocol)),
            "login": login,
            **secure,
        }
        for protocol in protocols or ("imap",)
    ]
    kind = PROBES["mailflow"]
    settings = kind.settings.model_validate(
        {
            "name": user,
            "send": {"host": "mx1", "port": mail.postfix.smtp, **secure},
            "fetch": fetch,
            "sender": f"anna@{NAME}",
            "recipient": f"{user}@{NAME}",
            "deadline": deadline,
            "late_after": changes.pop("late_after", deadline / 2),
            "addresses": ["127.0.0.1"] * (len(fetch) + 1),
        }
    )
    return Check(
        key=CheckKey("mx1", "mailflow", user),
        host=Host("mx1", "127.0.0.1"),
        settings=settings,
        interval=60.0,
        timeout=changes.pop("timeout", 5.0),
        retries=0,
        deadline=deadline,
        role=Role.FLOW,
        digest=user,
    )


def flow(check: Check, ctx: Context | None = None) -> Observation:
    """One run."""
    return run_on("uvloop", PROBES["mailflow"].probe(check, ctx or make_context()))


def outcomes(seen: Observation) -> dict[str, float]:
    """The counts that are not 0, by outcome."""
    return {
        key[2]: value
        for key, value in series(seen).items()
        if key[0] == "netmon_mailflow_messages_total" and value
    }


def test_a_message_that_arrives(mail: Mail) -> None:
    """It comes as it was sent, is told with its whole way, and is gone afterwards; other mail stays."""
    mail.dovecot.deliver(f"anna@{NAME}", STRANGER)
    forged = Signer(os.urandom(32)).make("anna", os.urandom(8), 0)
    mail.dovecot.deliver(f"anna@{NAME}", f"{HEADER}: {forged}\r\n".encode() + STRANGER)
    before = mail.dovecot.messages(f"anna@{NAME}")
    ctx = make_context()
    seen = flow(make_flow(mail, "anna"), ctx)
    assert (seen.result, seen.findings) == (Result.OK, ()), seen.trail
    assert outcomes(seen) == {"delivered": 1}
    told = series(seen)
    assert told["netmon_mailflow_mime_intact", "anna"] == 1
    assert 0 < told["netmon_mailflow_delivery_seconds", "anna"] < 5
    names = [phase.name for phase in seen.phases]
    assert names[:1] == ["clearing"]
    assert names.index("mail") < names.index("rcpt") < names.index("data") < names.index("message")
    assert names.index("delivery") < names.index("imap_connect") < names.index("imap_fetch")
    trail = "\n".join(seen.trail)
    assert "queued as " in trail
    assert f"received by {NAME}" in trail
    assert PASSWORD not in str(seen)
    assert mail.dovecot.messages(f"anna@{NAME}") == before
    again = flow(make_flow(mail, "anna"), ctx)
    assert outcomes(again) == {"delivered": 2}
    assert next(phase.name for phase in again.phases) == "resolve"


@pytest.mark.parametrize("protocols", [("pop3",), ("imap", "pop3")])
def test_pop3_and_both_protocols_of_one_mailbox(mail: Mail, protocols: tuple[str, ...]) -> None:
    """The message is found by every protocol, and deleted once all have seen it."""
    mail.dovecot.deliver(f"both@{NAME}", STRANGER)
    before = mail.dovecot.messages(f"both@{NAME}")
    seen = flow(make_flow(mail, "both", *protocols))
    assert (seen.result, seen.findings) == (Result.OK, ()), seen.trail
    assert mail.dovecot.messages(f"both@{NAME}") == before


def test_a_message_that_is_accepted_and_never_delivered(mail: Mail) -> None:
    """It is lost, and told with its queue identifier; it is found by a later run, and told as late."""
    ctx = make_context()
    check = make_flow(mail, "held", deadline=4.0)
    seen = flow(check, ctx)
    assert (seen.result, seen.reason) == (Result.FAILED, Reason.MESSAGE_LOST), seen.trail
    assert kinds(seen) == {"mail_lost": "fault"}
    assert outcomes(seen) == {"lost": 1}
    queue_id = seen.detail.partition("queued as ")[2].partition(")")[0]
    assert queue_id in mail.postfix.log()
    release(mail)
    wait_for_mail(mail, f"held@{NAME}")
    later = flow(check, ctx)
    assert outcomes(later) == {"lost": 2, "late": 1}
    assert kinds(later) == {"mail_lost": "fault", "delivered_late": "info"}
    assert mail.dovecot.messages(f"held@{NAME}") == []


def wait_for_mail(mail: Mail, user: str) -> None:
    """Wait until a user has mail."""
    wait_for("mail", lambda: mail.dovecot.messages(user))


def test_a_mailbox_over_its_quota(mail: Mail) -> None:
    """Dovecot refuses it after Postfix has accepted it: lost."""
    seen = flow(make_flow(mail, "full", deadline=4.0))
    assert (seen.result, seen.reason) == (Result.FAILED, Reason.MESSAGE_LOST), seen.trail
    assert "full@" in seen.detail


def test_a_filter_that_encodes_anew(mail: Mail) -> None:
    """Other encodings with the same content are fine, and said."""

    def recode(message: bytes) -> list[bytes]:
        parsed = email.message_from_bytes(message)
        for part in parsed.walk():
            if part.get("Content-Transfer-Encoding") == "8bit":
                text = part.get_payload(decode=True)
                del part["Content-Transfer-Encoding"]
                part.set_payload(text)
                email.encoders.encode_base64(part)
        return [parsed.as_bytes(policy=email.policy.SMTP)]

    mail.filter.changes[f"recoded@{NAME}"] = recode
    seen = flow(make_flow(mail, "recoded"))
    assert mail.filter.failures == []
    assert (seen.result, kinds(seen)) == (Result.OK, {}), seen.trail
    assert "re-encoded" in seen.detail
    assert series(seen)["netmon_mailflow_mime_intact", "recoded"] == 1


def test_a_filter_that_damages_the_attachment(mail: Mail) -> None:
    """What was changed is named, and the message is told as damaged."""

    def damage(message: bytes) -> list[bytes]:
        parsed = email.message_from_bytes(message)
        for part in parsed.walk():
            if part.get_content_disposition() == "attachment":
                octets = part.get_payload(decode=True)
                assert isinstance(octets, bytes)
                part.set_payload(octets.replace(b"\x00", b" "))
                del part["Content-Transfer-Encoding"]
                email.encoders.encode_base64(part)
        return [parsed.as_bytes(policy=email.policy.SMTP)]

    mail.filter.changes[f"damaged@{NAME}"] = damage
    seen = flow(make_flow(mail, "damaged"))
    assert mail.filter.failures == []
    assert kinds(seen) == {"mime_changed": "fault"}, seen.trail
    assert outcomes(seen) == {"damaged": 1}
    assert series(seen)["netmon_mailflow_mime_intact", "damaged"] == 0


def test_a_message_that_comes_twice(mail: Mail) -> None:
    """Both copies are counted, and taken away."""
    mail.filter.changes[f"twice@{NAME}"] = lambda message: [message, message]
    seen = flow(make_flow(mail, "twice"))
    assert kinds(seen) == {"delivered_twice": "fault"}, seen.trail
    assert outcomes(seen) == {"duplicated": 1}
    assert mail.dovecot.messages(f"twice@{NAME}") == []


def test_a_message_that_is_taken_for_junk(mail: Mail) -> None:
    """It is found in the folder for junk, said, and taken away."""
    seen = flow(make_flow(mail, "junk"))
    assert kinds(seen) == {"delivered_to_junk": "fault"}, seen.trail
    assert outcomes(seen) == {"junk": 1}
    assert mail.dovecot.messages(f"junk@{NAME}", "Junk") == []


def test_greylisting_is_waited_out(mail: Mail) -> None:
    """A server that puts the first tries off gets the message in the end; the wait is told, and no fault."""
    seen = flow(make_flow(mail, "grey", deadline=20.0))
    assert seen.result is Result.OK, seen.trail
    assert kinds(seen) == {"mail_deferred": "info"}
    assert outcomes(seen) == {"delivered": 1}
    assert "deferred" in [phase.name for phase in seen.phases]


def test_a_recipient_that_is_refused(mail: Mail) -> None:
    """It is told as refused, at the phase where that was, and nothing is looked for."""
    seen = flow(make_flow(mail, "gone"))
    assert (seen.result, seen.reason) == (Result.REJECTED, Reason.ENVELOPE_REJECTED)
    assert outcomes(seen) == {"refused": 1}
    assert "(rcpt)" in seen.detail


def test_two_runs_of_one_mailflow(mail: Mail) -> None:
    """The second waits for the first, so that neither takes the other's message for an old one."""
    ctx = make_context()

    async def both() -> list[Observation]:
        check = make_flow(mail, "late")
        return await asyncio.gather(*(PROBES["mailflow"].probe(check, ctx) for _ in range(2)))

    first, second = run_on("uvloop", both())
    assert (kinds(first), kinds(second)) == ({}, {})
    assert outcomes(second) == {"delivered": 2}


def test_a_login_that_is_refused(mail: Mail) -> None:
    """No message is sent into a mailbox that cannot be read, and the login is not tried again."""
    ctx = make_context()
    check = make_flow(mail, "late", password="wrong")
    accepted = mail.postfix.log().count("late@")
    for _ in range(2):
        seen = flow(check, ctx)
        assert (seen.result, seen.reason) == (Result.REJECTED, Reason.LOGIN_REJECTED), seen.trail
        assert kinds(seen) == {"probe_rejected": "risk"}
    assert outcomes(seen) == {"unreadable": 2}
    assert mail.postfix.log().count("late@") == accepted
    assert mail.dovecot.log().count("auth failed") <= 1


def test_a_message_that_is_late(mail: Mail) -> None:
    """It is delivered, later than it should be."""
    seen = flow(make_flow(mail, "late", late_after=0.001))
    assert kinds(seen) == {"delivered_late": "fault"}, seen.trail
    assert outcomes(seen) == {"late": 1}


EMPTY = {
    **IMAP.answers,
    "SELECT": b"* 0 EXISTS\r\n%t OK done\r\n",
    "UID": b"* SEARCH\r\n%t OK done\r\n",
    "LIST": b"%t OK done\r\n",
}


def scripted(mail: Mail, step: str, act: Act, *, deadline: float) -> Observation:
    """A run whose mailbox is an empty one, on a server that goes wrong at one step."""

    async def run() -> Observation:
        script = spoils(replace(IMAP, answers=EMPTY), step, act, server_context(mail.cert))
        async with serving(script) as server, asyncio.timeout(deadline):
            check = make_flow(mail, "anna", port=server.port, deadline=deadline, timeout=1.0)
            return await PROBES["mailflow"].probe(check, make_context())

    return run_on("uvloop", run())


def test_a_mailbox_server_that_hangs_after_select(mail: Mail) -> None:
    """The message is accepted, and the run ends in time: the mailbox cannot be read."""
    asked: list[bytes] = []

    async def silent_at_last(peer: Peer, tag: bytes) -> None:
        asked.append(tag)
        if len(asked) > 1:  # the look before the message is sent goes well
            await asyncio.sleep(60)
        await peer.say(EMPTY["SELECT"].replace(b"%t", tag))

    seen = scripted(mail, "SELECT", silent_at_last, deadline=5.0)
    assert (seen.result, seen.reason) == (Result.FAILED, Reason.DEADLINE), seen.trail
    assert kinds(seen) == {"mailbox_unreadable": "fault"}
    assert outcomes(seen) == {"unreadable": 1}
    assert "queued as" in seen.detail
    assert "(select)" in seen.detail


def test_a_server_that_tells_no_folders(mail: Mail) -> None:
    """A junk folder that cannot be found does not make the mailbox unreadable."""
    seen = scripted(mail, "LIST", says(b"%t NO [NOPERM] no\r\n"), deadline=3.0)
    assert (seen.result, seen.reason) == (Result.FAILED, Reason.MESSAGE_LOST), seen.trail
    assert any("junk is not looked into" in line for line in seen.trail)


@pytest.mark.parametrize(
    ("said", "kind"),
    [(b"NO [LIMIT] too many sessions", "probe_rejected"), (b"NO [SERVERBUG] no", "mailbox_unreadable")],
)
def test_a_login_that_is_not_taken_now(said: bytes, kind: str, mail: Mail) -> None:
    """What the `imap` probe calls a refusal of netmon itself is none of the mail's faults here either."""
    seen = scripted(mail, "AUTHENTICATE", says(b"%t " + said + b"\r\n"), deadline=3.0)
    assert list(kinds(seen)) == [kind], seen.trail
    assert outcomes(seen) == {"unreadable": 1}


def test_a_search_that_finds_what_is_not_there(mail: Mail) -> None:
    """Another's message that a broken server names is no delivery, and is not deleted."""
    said: list[bytes] = []

    async def confused(peer: Peer, tag: bytes) -> None:
        said.append(tag)
        header = b"X-Netmon-Canary: netmon-0123456789abcdef-00000000-0123456789abcdef0123\r\n\r\n"
        body = b"* 1 FETCH (UID 7 BODY[] {%d}\r\n%s BODY[HEADER] {%d}\r\n%s)\r\n"
        fetched = body % (len(header), header, len(header), header)
        await peer.say(b"* SEARCH 7\r\n" + fetched + tag + b" OK done\r\n")

    seen = scripted(mail, "UID", confused, deadline=3.0)
    assert seen.reason is Reason.MESSAGE_LOST, seen.trail
    assert said
    assert not any("STORE" in line or "EXPUNGE" in line for line in seen.trail)


def test_many_at_once(mail: Mail) -> None:
    """Mailflows through one server at the same time end well, one connection at a time."""
    ctx = make_context()

    async def all_of_them() -> list[Observation]:
        checks = [make_flow(mail, "anna", deadline=30.0) for _ in range(20)]
        named = [
            Check(
                **{
                    **{name: getattr(check, name) for name in Check.__dataclass_fields__},
                    "settings": check.settings.model_copy(update={"name": f"flow{number}"}),
                    "key": CheckKey("mx1", "mailflow", f"flow{number}"),
                }
            )
            for number, check in enumerate(checks)
        ]
        return await asyncio.gather(*(PROBES["mailflow"].probe(check, ctx) for check in named))

    seen = run_on("uvloop", all_of_them())
    assert [one.result for one in seen] == [Result.OK] * 20, [one.detail for one in seen]


def test_an_agent_with_mailflows(mail: Mail, tmp_path: Path) -> None:
    """It tells every outcome from the first scrape on, judges by them, and keeps its key over a restart."""

    def flow_of(user: str, more: str = "") -> str:
        return f"""\
  - name: {user}
    send: {{host: mx1, port: {mail.postfix.smtp}, from: anna@{NAME}, to: {user}@{NAME}}}
    fetch:
      host: mx1
      port: {mail.dovecot.imap}
      tls: starttls
      tls_name: {NAME}
      ca_file: {mail.ca_file}
      login: {{username: {user}@{NAME}, password: "${{env:PASSWORD}}"}}
    interval: 30s
{more}"""

    config = f"""\
agent: {{name: probe.example.test}}
web: {{listen: "127.0.0.1:0"}}
state: {{path: {tmp_path / "state"}}}
defaults: {{timeout: 5s, confirm: {{fail: 1, recover: 1, retry_interval: 1s}}}}
hosts:
  - {{name: mx1, address: 127.0.0.1, smtp: [{{port: {mail.postfix.smtp}, role: inbound}}]}}
mailflows:
{flow_of("kept")}{flow_of("late", "    late_after: 1ms")}
"""

    def count(user: str, outcome: Outcome) -> str:
        return f'netmon_mailflow_messages_total{{mailflow="{user}",outcome="{outcome}"}}'

    def holds() -> int:
        return mail.postfix.log().count(f"to=<kept@{NAME}>") + mail.postfix.log().count(": hold: ")

    before = holds()
    with agent(tmp_path, config, PASSWORD=PASSWORD) as running:
        page = running.get("/metrics").text
        assert all(f"{count('kept', outcome)} 0\n" in page for outcome in Outcome)
        running.await_verdict("mx1", "mail_degraded", patience=20)
        assert "mailflow late: the message took " in running.host("mx1")["sentence"]
        assert f"{count('late', Outcome.LATE)} 1\n" in running.get("/metrics").text
        wait_for("the message to be held", lambda: holds() > before, 20)
        running.stop()  # in the midst of its run
        release(mail)
        wait_for_mail(mail, f"kept@{NAME}")
        running.start()
        wait_for("the agent to know it again", lambda: not mail.dovecot.messages(f"kept@{NAME}"), 20)
        assert PASSWORD not in running.get("/api/hosts").text + running.get("/config").text


def release(mail: Mail) -> None:
    """Let what Postfix holds go on."""
    etc = str(mail.postfix.base / "etc")
    mail.postfix.run("postsuper", "-c", etc, "-H", "ALL")
    mail.postfix.run("postqueue", "-c", etc, "-f")


def test_by_hand(mail: Mail, tmp_path: Path) -> None:
    """`netmon probe mailflow://NAME` shows the whole way, phases and all, and takes the message away."""
    config = tmp_path / "netmon.yml"
    config.write_text(f"""\
agent: {{name: probe.example.test}}
hosts: [{{name: mx1, address: 127.0.0.1}}]
mailflows:
  - name: example
    send: {{host: mx1, port: {mail.postfix.smtp}, to: both@{NAME}}}
    fetch:
      host: mx1
      protocol: pop3
      port: {mail.dovecot.pop3}
      tls_name: {NAME}
      ca_file: {mail.ca_file}
      login: {{username: both@{NAME}, password: "${{env:PASSWORD}}"}}
""")
    before = mail.dovecot.messages(f"both@{NAME}")
    done = netmon("probe", "mailflow://example", "--config", str(config), PASSWORD=PASSWORD)
    assert done.returncode == 0, done
    assert "delivered after" in done.stdout
    assert "_delivery=" in done.stdout.splitlines()[0]
    lines = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")]
    assert lines.index("message") < lines.index("delivery") < lines.index("pop3_connect")
    assert PASSWORD not in done.stdout
    assert mail.dovecot.messages(f"both@{NAME}") == before
