"""What each kind of receiver is told, and when."""

from netmon.alerting.alerts import Alerts
from netmon.alerting.queues import BATCH, NEVER
from netmon.model import MailState, Urgency
from tests.unit.alerting.making import (
    Notebook,
    alertmanager,
    alerts_on,
    heard,
    send,
    verdict,
    webhook,
)

FIRING, RESOLVED = ("NetmonMailDown", "firing"), ("NetmonMailDown", "resolved")


def turn(source: Notebook, alerts: Alerts, name: str, wall: float, sentence: str = "it is so") -> None:
    """mx1's verdict becomes `name`."""
    source.put(verdict(name, mail=MailState.DOWN, sentence=sentence))
    alerts.look(["mx1"], wall, wall)


def test_webhook_hears_each_beginning_and_end_once() -> None:
    """And nothing of changed annotations, which would page again."""
    source, queue = Notebook(), webhook()
    alerts = alerts_on(source, queue)
    assert queue.pick(alerts.all(), 0.0, 0.0).pause == NEVER
    turn(source, alerts, "mail_down", 10.0)
    assert queue.waiting(alerts.all()) == 1
    assert heard(alerts, queue) == [FIRING]
    turn(source, alerts, "mail_down", 20.0, "it is worse")
    assert heard(alerts, queue) == []
    assert queue.waiting(alerts.all()) == 0
    turn(source, alerts, "healthy", 30.0)
    assert heard(alerts, queue) == [RESOLVED]
    assert heard(alerts, queue) == []


def test_an_outage_within_a_webhooks_own_outage_is_told_with_both_times() -> None:
    """One message; and several outages are several messages, in their order, the last state last."""
    source, queue = Notebook(), webhook()
    alerts = alerts_on(source, queue)
    for start in (10.0, 30.0):
        turn(source, alerts, "mail_down", start)
        turn(source, alerts, "healthy", start + 5)
    turn(source, alerts, "mail_down", 50.0)
    told = []
    while batch := send(alerts, queue):
        told += [(status, alert.starts, alert.ends) for _, status, alert in batch]
    assert told == [("resolved", 10.0, 15.0), ("resolved", 30.0, 35.0), ("firing", 50.0, 0.0)]


def test_webhook_repeats_where_it_is_wished() -> None:
    """By wall clock, since it must survive a restart."""
    source, queue = Notebook(), webhook(repeat=3600.0)
    alerts = alerts_on(source, queue)
    turn(source, alerts, "mail_down", 10.0)
    assert heard(alerts, queue, wall=10.0) == [FIRING]
    assert queue.pick(alerts.all(), 0.0, 1000.0).pause == 2610.0
    later = webhook(repeat=3600.0)
    alerts = alerts_on(source, later)
    assert not later.pick(alerts.all(), 0.0, 3610.0, reminders=False).alerts
    assert heard(alerts, later, wall=3610.0) == [FIRING]
    assert heard(alerts, later, wall=3611.0) == []
    turn(source, alerts, "healthy", 3620.0)
    assert heard(alerts, later, wall=9e9) == [RESOLVED]


def test_webhook_hears_only_of_its_severities() -> None:
    """And nothing is kept for it of the others."""
    source, queue = Notebook(), webhook(urgencies=frozenset({Urgency.PAGE}))
    alerts = alerts_on(source, queue)
    source.put(verdict("mail_degraded"), verdict("host_down", "mx2"))
    alerts.look(None, 0.0, 10.0)
    assert heard(alerts, queue) == [("NetmonHostDown", "firing")]
    assert queue.waiting(alerts.all()) == 0
    source.put(verdict("healthy"))
    alerts.look(None, 0.0, 20.0)
    alerts.tidy(20.0)
    assert len(alerts.all()) == 1


def test_requests_are_bounded_and_of_one_status() -> None:
    """A fleet's outage is several requests; what begins and what ends go apart."""
    source, queue = Notebook(), webhook()
    alerts = alerts_on(source, queue, alertmanager())
    for number in range(BATCH + 6):
        source.put(verdict("host_down", f"h{number}"))
    alerts.look(None, 0.0, 10.0)
    assert [len(send(alerts, queue)) for _ in range(3)] == [BATCH, 6, 0]
    source.put(verdict("healthy", "h0"), verdict("host_down", "new"))
    alerts.look(None, 0.0, 20.0)
    assert [[status for _, status, _ in send(alerts, queue)] for _ in range(2)] == [["firing"], ["resolved"]]
    reminded = alertmanager()
    assert [len(send(alerts, reminded)) for _ in range(3)] == [BATCH, 7, 0]


def test_one_alert_that_is_refused_holds_up_no_other() -> None:
    """After a refusal its alerts go one by one; the refused one comes again after a while."""
    source, queue = Notebook(), webhook()
    alerts = alerts_on(source, queue)
    for number in range(3):
        source.put(verdict("host_down", f"h{number}"))
    alerts.look(None, 0.0, 10.0)
    queue.refused(queue.pick(alerts.all(), 0.0, 0.0).alerts, 0.0)
    (first,) = queue.pick(alerts.all(), 1.0, 0.0).alerts.values()
    queue.refused([first.id], 1.0)
    told = [alert.host for _ in range(2) for _, _, alert in send(alerts, queue, 2.0)]
    assert first.host not in told
    assert len(told) == 2
    batch = queue.pick(alerts.all(), 2.0, 0.0)
    assert (batch.alerts, batch.pause) == ({}, 299.0)
    source.put(verdict("host_down", "new"))
    alerts.look(None, 0.0, 20.0)
    assert [alert.host for _, _, alert in send(alerts, queue, 3.0)] == ["new"]
    assert [alert.host for _, _, alert in send(alerts, queue, 301.0)] == [first.host]


def test_alertmanager_is_reminded_every_minute_and_told_of_changes_at_once() -> None:
    """It forgets what it is not reminded of."""
    source, queue = Notebook(), alertmanager()
    alerts = alerts_on(source, queue)
    turn(source, alerts, "mail_down", 0.0)
    assert heard(alerts, queue, 0.0) == [FIRING]
    assert queue.waiting(alerts.all()) == 0
    assert queue.pick(alerts.all(), 20.0, 20.0).pause == 40.0
    turn(source, alerts, "mail_down", 30.0, "it is worse")
    assert heard(alerts, queue, 30.0) == [FIRING]
    assert heard(alerts, queue, 89.0) == []
    assert heard(alerts, queue, 90.0) == [FIRING]
    assert not queue.pick(alerts.all(), 200.0, 200.0, reminders=False).alerts


def test_alertmanager_is_told_of_the_end_for_five_minutes() -> None:
    """Every minute from when it took it, as Prometheus does; then the alert goes."""
    source, queue = Notebook(), alertmanager()
    alerts = alerts_on(source, queue)
    turn(source, alerts, "mail_down", 0.0)
    heard(alerts, queue)
    turn(source, alerts, "healthy", 10.0)
    told = [now for now in range(10, 600) if heard(alerts, queue, now, now)]
    assert told == [10, 70, 130, 190, 250]
    alerts.tidy(600.0)
    assert not alerts.all()


def test_alertmanager_never_hears_an_old_end_after_a_new_beginning() -> None:
    """It knows alerts by their labels: an episode that it was never told of is not told after the next."""
    source, queue = Notebook(), alertmanager()
    alerts = alerts_on(source, queue)
    turn(source, alerts, "mail_down", 0.0)
    turn(source, alerts, "healthy", 10.0)
    turn(source, alerts, "mail_down", 20.0)
    assert heard(alerts, queue, 20.0, 20.0) == [FIRING]
    assert [heard(alerts, queue, now, now) for now in (79.0, 80.0, 140.0)] == [[], [FIRING], [FIRING]]


def test_alertmanager_is_told_all_again_after_a_restart() -> None:
    """It may have restarted too."""
    source = Notebook()
    alerts = alerts_on(source, alertmanager())
    turn(source, alerts, "mail_down", 0.0)
    heard(alerts, alertmanager())
    later = alertmanager()
    assert heard(alerts_on(source, later), later, 1.0, 1.0) == [FIRING]
