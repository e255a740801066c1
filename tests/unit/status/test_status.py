"""What the status page shows, and that nothing from the network becomes markup."""

from html.parser import HTMLParser
from typing import Any

import pytest

from netmon.errors import Reason
from netmon.model import (
    CheckKey,
    Finding,
    Host,
    HostVerdict,
    Phase,
    Result,
    Role,
    Severity,
    Verdict,
    VerdictName,
)
from netmon.status import HostRow, render_host, render_hosts, row_of, to_json
from tests.unit.exposition.world import host, planned, ran

NOW = 1_700_000_060.0
ATTACKS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</pre></td><iframe src=javascript:alert(1)>",
    "&lt;script&gt;",
    "{{7*7}}${7*7}%s",
)


class Markup(HTMLParser):
    """Collects what a browser would make of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag and its attributes."""
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.text += data


def judged(
    name: VerdictName, sentence: str, *findings: Finding, candidate: Verdict | None = None
) -> HostVerdict:
    """A verdict confirmed a minute ago."""
    verdict = Verdict(name, sentence, findings)
    return HostVerdict("mx1", verdict, NOW - 60, candidate or verdict, alive=True)


def mail_host() -> HostRow:
    """A host with a living agent and a mail server that refuses on 465."""
    mx1 = host("mx1", labels={"site": "waw"}, depends_on=("sw1",))
    finding = Finding(
        "smtp_refused", Severity.FAULT, "465: connection refused", CheckKey("mx1", "smtp", "mx1:465"), NOW
    )
    checks = [
        planned(mx1, "ping", 0),
        ran(mx1, "snmp", 161),
        ran(mx1, "smtp", 25, role=Role.INBOUND, detail="220 mx1 ESMTP"),
        ran(
            mx1,
            "smtp",
            465,
            role=Role.SUBMISSION,
            result=Result.FAILED,
            reason=Reason.REFUSED,
            detail="mx1:465 refused the connection",
            phases=(Phase("connect", 0.25),),
            trail=("connect 192.0.2.1:465", "connection refused"),
        ),
    ]
    return row_of(mx1, judged(VerdictName.MAIL_DEGRADED, "submission on 465 is refused", finding), checks)


def test_checks_are_sorted_by_what_they_tell_about() -> None:
    """A check with a role is mail, `snmp` is SNMP, the rest are signs of life."""
    row = mail_host()
    assert [check.endpoint for check in row.mail] == ["mx1:25", "mx1:465"]
    assert [check.endpoint for check in row.snmp] == ["mx1:161"]
    assert [(check.probe, check.result) for check in row.life] == [("ping", None)]


def test_a_host_without_verdict_is_unknown() -> None:
    """Before the first judgement a host is shown as unknown, not left out."""
    row = row_of(host("mx1"), None, [])
    assert (row.verdict, row.since, row.alive) == (VerdictName.UNKNOWN, None, None)
    assert "mx1" in render_hosts([row], NOW)


def test_the_page_says_what_an_administrator_asks() -> None:
    """Verdict, sentence, finding, results, reasons, durations and ages are in the text of the page."""
    text = Markup(render_hosts([mail_host()], NOW)).text
    for wanted in (
        "1 host: ",
        "mail_degraded",
        "submission on 465 is refused",
        "smtp_refused",
        "465: connection refused",
        "failed: refused",
        "mx1:465 refused the connection",
        "not run yet",
        "250.0 ms",
        "60 s ago",
        "alive",
    ):
        assert wanted in text


def test_a_hosts_page_has_phases_and_the_conversation() -> None:
    """The page of a host shows each check's phases, what was said, and when it was last ok."""
    markup = Markup(render_host(mail_host(), NOW))
    for wanted in (
        "depends on sw1",
        "site=waw",
        "connect",
        "connection refused",
        "100%",
        "submission",
        "last ok",
    ):
        assert wanted in markup.text
    assert "meter" in markup.tags


def test_an_unconfirmed_verdict_is_shown_beside_the_confirmed_one() -> None:
    """Until it is confirmed, what the latest runs say stands beside the verdict, with its findings."""
    finding = Finding("smtp_silent", Severity.FAULT, "25 says nothing")
    coming = Verdict(VerdictName.MAIL_DOWN, "mail is silent", (finding,))
    row = row_of(host("mx1"), judged(VerdictName.HEALTHY, "all is well", candidate=coming), [])
    text = Markup(render_hosts([row], NOW)).text
    assert "healthy" in text
    assert "not confirmed yet: mail_down: mail is silent" in text
    assert "25 says nothing" in text


def test_json_has_the_rows_fields() -> None:
    """The JSON of a host is its row: names of enums as text, absent moments as null."""
    shown = to_json(mail_host())
    assert shown["verdict"] == "mail_degraded"
    assert shown["labels"] == {"site": "waw"}
    assert shown["findings"][0]["endpoint"] == "mx1:465"
    assert shown["mail"][1]["reason"] == "refused"
    assert shown["life"][0]["last_run"] is None


def attacked(attack: str) -> HostRow:
    """A host that says the attack wherever a network or a config can speak."""
    evil = Host(attack, attack, labels={"site": attack}, depends_on=(attack,))
    finding = Finding(attack, Severity.RISK, attack, CheckKey(attack, attack, attack), NOW)
    fields: dict[str, Any] = {"detail": attack, "trail": (attack,), "phases": (Phase(attack, 1.0),)}
    checks = [
        ran(evil, "smtp", 25, role=Role.INBOUND, result=Result.FAILED, **fields),
        ran(evil, attack, 0, **fields),
    ]
    return row_of(evil, judged(VerdictName.MAIL_DOWN, attack, finding), checks)


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_the_network_says_stays_text(attack: str) -> None:
    """Banner, sysDescr, host name, label, finding: none adds a tag or an attribute to the page."""
    for render in (lambda row: render_hosts([row], NOW, [row.name]), lambda row: render_host(row, NOW)):
        plain, evil = Markup(render(attacked("plain"))), Markup(render(attacked(attack)))
        assert evil.tags == plain.tags
        assert [name for name, _ in evil.attributes] == [name for name, _ in plain.attributes]
        assert attack in evil.text


def test_unprintable_text_cannot_deceive() -> None:
    """Controls and characters that turn the direction of text are shown as replaced."""
    html = render_host(attacked("a\x00b\x1b[31mc\u202ed"), NOW)
    assert not set(html) & {"\x00", "\x1b", "\u202e"}


def test_the_pages_ask_nothing_of_others_and_run_nothing() -> None:
    """No script, no inline style, no address but our own: the content security policy holds."""
    for html in (render_hosts([mail_host()], NOW), render_host(mail_host(), NOW)):
        markup = Markup(html)
        assert not {"script", "style", "iframe", "object"} & set(markup.tags)
        assert not any(name.startswith("on") or name == "style" for name, _ in markup.attributes)
        links = [value or "" for name, value in markup.attributes if name in ("href", "src", "action")]
        assert all(link.startswith(("/", "data:,")) for link in links)
