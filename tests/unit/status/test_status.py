"""What the status page shows, and that nothing from the network becomes markup."""

from html.parser import HTMLParser
from typing import Any

import pytest

from netmon.errors import Reason
from netmon.model import (
    CheckKey,
    CheckState,
    Finding,
    Host,
    HostVerdict,
    News,
    Phase,
    Result,
    Role,
    Run,
    Severity,
    Verdict,
    VerdictName,
)
from netmon.status import Frame, View, host_page, more_of, more_to_json, overview, render, row_of, to_json
from tests.servers.pages import system
from tests.unit.exposition.world import World, host, planned, ran

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


def world_of(of: Host, verdict: HostVerdict | None, *states: CheckState) -> World:
    """One host, as the pages read it."""
    world = World(of)
    if verdict is not None:
        world.judged[of.name] = verdict
    for state in states:
        world.add(state)
        if state.observation is not None:
            world.runs[state.check.key] = [Run(Result.OK, 0.2), Run(state.observation.result, 0.25)]
            if state.observation.result is not Result.OK:
                world.failures[state.check.key] = [state.observation]
    return world


def root(world: World, *notices: str, view: View | None = None) -> str:
    """The page of all hosts."""
    return render(overview(world, view or View(), notices), Frame("1.2.3", NOW - 60), NOW)


def alone(world: World, *notices: str) -> str:
    """The page of the only host."""
    (one,) = world.hosts().values()
    return render(host_page(world, one, notices), Frame("1.2.3", NOW - 60), NOW)


def mail_host() -> World:
    """A host with a living agent and a mail server that refuses on 465."""
    mx1 = host("mx1", labels={"site": "waw"}, depends_on=("sw1",))
    finding = Finding(
        "smtp_refused", Severity.FAULT, "465: connection refused", CheckKey("mx1", "smtp", "mx1:465"), NOW
    )
    return world_of(
        mx1,
        judged(VerdictName.MAIL_DEGRADED, "submission on 465 is refused", finding),
        planned(mx1, "ping", 0),
        ran(mx1, "snmp", 161, tables=system("mx1.example.org", "Linux 6.1", "uplink", "desk")),
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
    )


def test_checks_are_sorted_by_what_they_tell_about() -> None:
    """A check with a role is mail, `snmp` is SNMP, the rest are signs of life."""
    world = mail_host()
    row = row_of(world, world.named["mx1"])
    assert [check.endpoint for check in row.mail] == ["mx1:25", "mx1:465"]
    assert [check.endpoint for check in row.snmp] == ["mx1:161"]
    assert [(check.probe, check.result) for check in row.life] == [("ping", None)]


def test_a_host_without_verdict_is_unknown() -> None:
    """Before the first judgement a host is shown as unknown, not left out."""
    world = world_of(host("mx1"), None)
    row = row_of(world, world.named["mx1"])
    assert (row.verdict, row.since, row.alive) == (VerdictName.UNKNOWN, None, None)
    text = Markup(root(world)).text
    assert "mx1" in text
    assert "1 host, nothing is known yet" in text


def test_the_page_says_what_an_administrator_asks() -> None:
    """How many are ill, who, why, since when, and how each check ended."""
    text = Markup(root(mail_host())).text
    for wanted in (
        "1 of 1 host needs attention",
        "mail_degraded",
        "submission on 465 is refused",
        "465",
        "refused",
        "not run yet",
        "60 s ago",
        "netmon 1.2.3, config read 60 s ago",
    ):
        assert wanted in text


def test_a_row_says_a_thing_once() -> None:
    """The sentence stands for the findings; the cells say the reason only."""
    text = Markup(root(mail_host())).text
    assert text.count("submission on 465 is refused") == 1
    assert "mx1:465 refused the connection" not in text


def test_a_hosts_page_has_everything() -> None:
    """Findings with their times, phases, the conversation, when it was last ok, who the device says it is."""
    markup = Markup(alone(mail_host()))
    for wanted in (
        "sw1",
        "site=waw",
        "465: connection refused",
        "connect 192.0.2.1:465",
        "250 ms",
        "submission",
        "last ok",
        "last 2 runs: 1 not ok",
        "mx1.example.org",
        "Linux 6.1",
        "41 d",
        "2 of 2 up",
        "Gi1/0/1 uplink: up",
    ):
        assert wanted in markup.text
    assert "svg" in markup.tags


def test_a_failure_is_shown_after_success() -> None:
    """What was said when it failed stays on the host's page."""
    world = mail_host()
    failed = world.known["mx1"][3].observation
    world.known["mx1"][3] = ran(world.named["mx1"], "smtp", 465, role=Role.SUBMISSION)
    assert failed is not None
    assert "connect 192.0.2.1:465" in Markup(alone(world)).text


def test_news_newest_first() -> None:
    """The page of all hosts has all news, a host's page its own."""
    world = mail_host()
    world.told += [News(NOW - 9, "spool fills", "mx1"), News(NOW - 3, "a truck comes")]
    text = Markup(root(world)).text
    assert text.index("a truck comes") < text.index("spool fills")
    assert "a truck comes" not in Markup(alone(world)).text
    assert "spool fills" in Markup(alone(world)).text


def test_an_unconfirmed_verdict_is_shown_beside_the_confirmed_one() -> None:
    """What the latest runs say stands beside the verdict; its findings are on the host's page."""
    finding = Finding("smtp_silent", Severity.FAULT, "25 says nothing")
    coming = Verdict(VerdictName.MAIL_DOWN, "mail is silent", (finding,))
    world = world_of(host("mx1"), judged(VerdictName.HEALTHY, "all is well", candidate=coming))
    for page in (root(world), alone(world)):
        text = Markup(page).text
        assert "healthy" in text
        assert "Not confirmed yet: mail_down: mail is silent" in text
    assert "25 says nothing" in Markup(alone(world)).text


def test_json_has_the_rows_fields() -> None:
    """The JSON of a host is its row: names of enums as text, absent moments as null."""
    world = mail_host()
    mx1 = world.named["mx1"]
    shown = to_json(row_of(world, mx1))
    assert shown["verdict"] == "mail_degraded"
    assert shown["labels"] == {"site": "waw"}
    assert shown["findings"][0]["endpoint"] == "mx1:465"
    assert shown["mail"][1]["reason"] == "refused"
    assert shown["life"][0]["last_run"] is None
    assert "runs" not in shown["mail"][1]
    more = more_to_json(row_of(world, mx1), more_of(world, mx1))
    assert more["mail"][1]["runs"][-1] == {"result": "failed", "seconds": 0.25}
    assert more["facts"]["description"] == "Linux 6.1"
    assert more["failures"][0]["trail"] == ("connect 192.0.2.1:465", "connection refused")


def attacked(attack: str) -> World:
    """A host that says the attack wherever a network or a config can speak."""
    evil = Host(attack, attack, labels={"site": attack}, depends_on=(attack,))
    finding = Finding(attack, Severity.RISK, attack, CheckKey(attack, attack, attack), NOW)
    fields: dict[str, Any] = {"detail": attack, "trail": (attack,), "phases": (Phase(attack, 1.0),)}
    coming = Verdict(VerdictName.MAIL_DOWN, attack, (finding,))
    world = world_of(
        evil,
        judged(VerdictName.HEALTHY, attack, finding, candidate=coming),
        ran(evil, "smtp", 25, role=Role.INBOUND, result=Result.FAILED, **fields),
        ran(evil, attack, 0, **fields),
        ran(evil, "snmp", 161, tables=system(attack, attack, attack)),
    )
    world.told.append(News(NOW, attack, attack))
    return world


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_the_network_says_stays_text(attack: str) -> None:
    """Banner, sysDescr, alias, host name, label, finding, news: none adds a tag or an attribute."""
    for page in (lambda world: root(world, "a", view=View("", label="a")), root, alone):
        plain, evil = Markup(page(attacked("plain"))), Markup(page(attacked(attack)))
        assert evil.tags == plain.tags
        assert [name for name, _ in evil.attributes] == [name for name, _ in plain.attributes]
    for page in (root, alone):
        assert attack in Markup(page(attacked(attack), attack)).text
    sought = View(attack, "problems", attack, 1)
    assert (
        Markup(root(attacked("plain"), view=sought)).tags
        == Markup(root(attacked("plain"), view=View("x", "problems", "x", 1))).tags
    )


def test_unprintable_text_cannot_deceive() -> None:
    """Controls and characters that turn the direction of text are shown as replaced."""
    html = alone(attacked("a\x00b\x1b[31mc\u202ed"))
    assert not set(html) & {"\x00", "\x1b", "\u202e"}


def test_the_pages_ask_nothing_of_others_and_run_nothing() -> None:
    """One script of our own, no inline style, no address but our own: the content security policy holds."""
    for html in (root(mail_host()), alone(mail_host())):
        markup = Markup(html)
        assert markup.tags.count("script") == 1
        assert '<script src="/static/status.js" defer></script>' in html
        assert not {"style", "iframe", "object"} & set(markup.tags)
        assert not any(name.startswith("on") or name == "style" for name, _ in markup.attributes)
        links = [value or "" for name, value in markup.attributes if name in ("href", "src", "action")]
        assert all(link.startswith(("/", "#main")) for link in links)


def test_no_id_is_given_twice() -> None:
    """The live page finds its pieces by their id."""
    for html in (root(mail_host()), alone(mail_host())):
        ids = [value for name, value in Markup(html).attributes if name == "id"]
        assert len(ids) == len(set(ids))
