"""Alerts begin, change and end with the verdicts, and outlive the agent."""

import pytest

from netmon.alerting.alerts import KEPT, KIND, Alerts
from netmon.model import Finding, MailState, Severity
from tests.unit.alerting.making import (
    SILENCED,
    Notebook,
    alertmanager,
    alerts_on,
    heard,
    holding,
    verdict,
    webhook,
)

DOWN = verdict("mail_down", mail=MailState.DOWN)
STARVED = verdict(
    "mail_starved", mail=MailState.DOWN, causes=("/var is 99% full", "/var is 99% full", "no swap")
)


def one(alerts: Alerts) -> tuple[dict[str, str], dict[str, str]]:
    """Labels and annotations of the only alert that holds."""
    (alert,) = [alert for alert in alerts.all().values() if not alert.ends]
    return dict(alert.labels), dict(alert.annotations)


def test_an_outage_whose_cause_is_found_stays_the_same_alert() -> None:
    """Identity are the labels; verdict, cause and sentence are annotations."""
    source = Notebook()
    alerts = alerts_on(source)
    source.put(DOWN)
    assert alerts.look(None, 0.0, 1000.0)
    labels, annotations = one(alerts)
    assert labels == {"alertname": "NetmonMailDown", "host": "mx1", "severity": "page", "site": "waw"}
    assert annotations == {
        "summary": "mx1: mail_down",
        "description": "mx1: mail_down. it is so",
        "verdict": "mail_down",
        "cause": "",
        "since": "1970-01-01T00:16:40.000Z",
        "explain": "netmon explain mail_down",
        "runbook_url": "http://127.0.0.1:9162/explain/mail_down",
    }
    assert not alerts.look(None, 1.0, 1001.0)  # nothing is new
    (before,) = alerts.all()
    source.put(STARVED)
    assert alerts.look(["mx1"], 2.0, 1002.0)
    assert list(alerts.all()) == [before]
    assert one(alerts)[1]["cause"] == "/var is 99% full; no swap"


def test_alert_ends_with_the_verdict_a_silence_or_the_host() -> None:
    """And a new outage is a new episode of the same identity."""
    source, queue = Notebook(), webhook()
    alerts = alerts_on(source, queue)
    for wall, end in ((10.0, verdict("healthy")), (30.0, verdict("mail_down", silenced=SILENCED))):
        source.put(DOWN)
        alerts.look(["mx1"], 0.0, wall)
        assert holding(alerts) == {("NetmonMailDown", "mx1")}
        source.put(end)
        alerts.look(["mx1"], 0.0, wall + 5)
        assert not holding(alerts)
    source.put(DOWN)
    alerts.look(["mx1"], 0.0, 50.0)
    del source.known["mx1"], source.judged["mx1"]
    alerts.look(None, 0.0, 60.0)
    assert not holding(alerts)
    times = [(alert.starts, alert.ends) for alert in alerts.all().values()]
    assert times == [(10.0, 15.0), (30.0, 35.0), (50.0, 60.0)]
    assert len({alert.fingerprint for alert in alerts.all().values()}) == 1


def test_changed_labels_are_another_alert() -> None:
    """A reload that gives the host a label ends the one and begins the other."""
    source = Notebook()
    alerts = alerts_on(source, webhook())
    source.put(DOWN)
    alerts.look(None, 0.0, 10.0)
    source.put(DOWN, labels={"site": "krk", "empty": ""})
    alerts.look(None, 0.0, 20.0)
    assert one(alerts)[0]["site"] == "krk"
    assert "empty" not in one(alerts)[0]
    assert [bool(alert.ends) for alert in alerts.all().values()] == [True, False]


def test_a_standing_clock_makes_no_two_episodes_one() -> None:
    """Begun, ended and begun within a moment: three facts, none lost."""
    source = Notebook()
    alerts = alerts_on(source, webhook())
    for name in ("mail_down", "healthy", "mail_down", "healthy", "mail_down"):
        source.put(verdict(name, mail=MailState.DOWN))
        alerts.look(None, 0.0, 10.0)
    assert len(alerts.all()) == 3
    assert all(alert.ends > alert.starts for alert in alerts.all().values() if alert.ends)


def test_while_isolated_one_alert_speaks_and_no_host_alert_moves() -> None:
    """Nothing begins, changes or ends about hosts, whatever their verdicts become."""
    cut_off = [False]
    source = Notebook()
    alerts = alerts_on(source, webhook(), isolated=lambda: cut_off[0])
    source.put(DOWN, verdict("healthy", "mx2"))
    alerts.look(None, 0.0, 10.0)
    cut_off[0] = True
    blind = (Finding("agent_isolated", Severity.INFO, "cut off"),)
    source.put(verdict("unknown", findings=blind), verdict("host_down", "mx2"))
    assert alerts.look(None, 0.0, 20.0)
    assert not alerts.look(None, 1e6, 30.0)
    assert holding(alerts) == {("NetmonMailDown", "mx1"), ("NetmonIsolated", "")}
    (isolated,) = [alert for alert in alerts.all().values() if not alert.host]
    assert isolated.labels == {"alertname": "NetmonIsolated", "severity": "page", "agent": "probe1"}
    cut_off[0] = False
    alerts.look(None, 2e6, 40.0)
    # mx1 still has the verdict from when netmon was blind: its alert waits for the next judgement.
    assert holding(alerts) == {("NetmonMailDown", "mx1"), ("NetmonHostDown", "mx2")}
    source.put(verdict("healthy"))
    alerts.look(None, 2e6, 50.0)
    assert holding(alerts) == {("NetmonHostDown", "mx2")}


def test_a_later_life_goes_on_where_the_first_was_killed() -> None:
    """Nothing is told twice that was taken, and nothing is forgotten that was not."""
    source, queue = Notebook(), webhook()
    first = alerts_on(source, queue)
    source.put(DOWN, verdict("host_down", "mx2"))
    first.look(None, 0.0, 10.0)
    assert len(heard(first, queue, wall=11.0)) == 2
    source.put(verdict("healthy", "mx2"))
    first.look(None, 0.0, 20.0)

    second = alerts_on(source, webhook())
    assert second.all() == first.all()
    second.look(None, 0.0, 30.0)
    assert heard(second, webhook()) == [("NetmonHostDown", "resolved")]
    assert holding(second) == {("NetmonMailDown", "mx1")}


def test_verdicts_from_disk_end_and_change_nothing_that_they_do_not_know() -> None:
    """A restart has lost causes and how bad mail was: what was told stays until the host is judged."""
    source = Notebook()
    first = alerts_on(source, webhook())
    source.put(STARVED)
    first.look(None, 0.0, 10.0)
    told = one(first)
    for restored in (verdict("mail_starved", judged=False), verdict("unknown", since=0.0, judged=False)):
        source.put(restored)
        second = alerts_on(source, webhook())
        assert not second.look(None, 1e6, 20.0)
        assert one(second) == told
    source.put(verdict("mail_down", mail=MailState.DOWN, judged=False))
    second.look(None, 1e6, 30.0)
    assert one(second) == told
    source.put(DOWN)
    second.look(None, 1e6, 40.0)
    assert one(second)[1]["verdict"] == "mail_down"


def test_unknown_from_disk_counts_by_wall_clock() -> None:
    """The monotonic clock of an earlier life says nothing of how long it has been so."""
    source = Notebook()
    alerts = alerts_on(source)
    source.put(verdict("unknown", since=1000.0))
    alerts.look(None, 1e6, 1899.0)
    assert not holding(alerts)
    alerts.look(None, 1e6 + 1, 1900.0)
    assert holding(alerts) == {("NetmonHostUnknown", "mx1")}


def test_notes_of_a_later_version_or_of_nobody_are_dropped() -> None:
    """What cannot be read is no alert, and goes."""
    source = Notebook()
    for name, value in {
        "a": 5,
        "b": {"name": "NetmonFuture"},
        "c": [],
        "d": {"name": "NetmonWatchdog"},
    }.items():
        source.note(KIND, name, value)
    assert not alerts_on(source).all()
    assert not source.noted(KIND)


def test_resolved_alerts_go_when_all_have_them() -> None:
    """Not while one receiver has not; with nobody to tell at once."""
    source, first, second = Notebook(), webhook("1"), webhook("2")
    alerts = alerts_on(source, first, second)
    source.put(DOWN)
    alerts.look(None, 0.0, 10.0)
    source.put(verdict("healthy"))
    alerts.look(None, 0.0, 20.0)
    heard(alerts, first, wall=21.0)
    assert len(alerts.all()) == 1
    heard(alerts, second, wall=22.0)
    assert not alerts.all()
    assert not source.noted(KIND)
    assert alerts.dropped == 0


def test_resolved_alerts_wait_a_day_and_no_more_than_the_limit() -> None:
    """What is given up is counted, the longest resolved first; what holds stays."""
    source = Notebook()
    alerts = alerts_on(source, webhook(), limit=3)
    for number in range(5):
        source.put(verdict("host_down", f"h{number}"))
    alerts.look(None, 0.0, 10.0)
    alerts.tidy(11.0)
    assert len(holding(alerts)) == 5
    for number in range(4):
        source.put(verdict("healthy", f"h{number}"))
        alerts.look(None, 0.0, 20.0 + number)
    alerts.tidy(30.0)
    assert [alert.host for alert in alerts.all().values()] == ["h2", "h3", "h4"]
    assert alerts.dropped == 2
    alerts.tidy(22.5 + KEPT)
    assert [alert.host for alert in alerts.all().values()] == ["h3", "h4"]
    assert alerts.dropped == 3


def test_a_new_receiver_hears_what_holds_and_no_old_stories() -> None:
    """What ended before it was configured is no news to it; after a restart it is an old one."""
    source, old, new = Notebook(), webhook("old"), webhook("new")
    alerts = alerts_on(source, old)
    source.put(DOWN, verdict("host_down", "mx2"))
    alerts.look(None, 0.0, 10.0)
    source.put(verdict("healthy", "mx2"))
    alerts.look(None, 0.0, 20.0)
    alerts.receivers([old, new], 30.0)
    assert heard(alerts, new) == [("NetmonMailDown", "firing")]
    source.put(verdict("healthy"))
    alerts.look(None, 0.0, 40.0)
    later = alerts_on(source, old, new)
    assert heard(later, new) == [("NetmonMailDown", "resolved")]


def test_counts_are_there_before_the_first_alert() -> None:
    """Every alert that netmon itself can raise, from zero."""
    source = Notebook()
    alerts = alerts_on(source)
    assert len(alerts.firing()) == 9
    assert not any(alerts.firing().values())
    source.put(DOWN, verdict("mail_down", "mx2", mail=MailState.DOWN))
    alerts.look(None, 0.0, 10.0)
    assert {name.value: count for name, count in alerts.firing().items() if count} == {"NetmonMailDown": 2}


@pytest.mark.parametrize("text", ["a\r\nb\x1b[31m", "x" * 5000])
def test_hostile_sentences_are_cleaned_and_cut(text: str) -> None:
    """They quote banners and replies."""
    source = Notebook()
    alerts = alerts_on(source, alertmanager())
    source.put(verdict("mail_down", sentence=text))
    alerts.look(None, 0.0, 10.0)
    description = one(alerts)[1]["description"]
    assert description.isprintable()
    assert len(description) <= 1001
