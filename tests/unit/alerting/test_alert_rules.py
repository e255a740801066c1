"""Which alert each verdict raises."""

import pytest

from netmon.alerting import alert_of
from netmon.alerting.rules import RAISED, alerts_of, says_nothing
from netmon.explain import URGENCY
from netmon.model import AlertName, Finding, MailState, Severity, Urgency, VerdictName
from tests.unit.alerting.making import SILENCED, verdict

PAGE, TICKET = Urgency.PAGE, Urgency.TICKET


@pytest.mark.parametrize(
    ("name", "mail", "wanted"),
    [
        ("host_down", MailState.NONE, (AlertName.HOST_DOWN, PAGE)),
        ("device_down", MailState.NONE, (AlertName.DEVICE_DOWN, PAGE)),
        ("mail_down", MailState.DOWN, (AlertName.MAIL_DOWN, PAGE)),
        ("path_filtered", MailState.DOWN, (AlertName.MAIL_DOWN, PAGE)),
        ("mail_starved", MailState.DOWN, (AlertName.MAIL_DOWN, PAGE)),
        ("mail_starved", MailState.DEGRADED, (AlertName.MAIL_DEGRADED, TICKET)),
        ("mail_degraded", MailState.DEGRADED, (AlertName.MAIL_DEGRADED, TICKET)),
        ("agent_down", MailState.OK, (AlertName.SNMP_AGENT_DOWN, TICKET)),
        ("device_degraded", MailState.OK, (AlertName.DEVICE_DEGRADED, TICKET)),
        ("unreachable", MailState.NONE, None),
        ("healthy", MailState.OK, None),
    ],
)
def test_verdict_raises_its_alert(
    name: str, mail: MailState, wanted: tuple[AlertName, Urgency] | None
) -> None:
    """The table of the public surface, row by row."""
    assert alert_of(verdict(name, mail=mail), 0.0) == wanted


def test_every_verdict_is_in_the_table() -> None:
    """A new verdict needs a decision: only these three may raise nothing."""
    silent = {name for name in VerdictName if alert_of(verdict(name, since=0.0), 1e6) is None}
    assert silent == {VerdictName.UNKNOWN, VerdictName.UNREACHABLE, VerdictName.HEALTHY}


def test_unknown_is_an_alert_after_a_quarter_of_an_hour() -> None:
    """By the monotonic clock, and never for a host that was not judged at all."""
    unknown = verdict("unknown", since_begun=100.0)
    assert alert_of(unknown, 999.9) is None
    assert alert_of(unknown, 1000.0) == (AlertName.HOST_UNKNOWN, TICKET)
    assert alert_of(verdict("unknown", since=0.0), 1e6) is None
    assert alert_of(verdict("unknown", since=5.0, since_begun=0.0), 900.0) is not None


def test_flapping_is_a_second_alert() -> None:
    """It comes beside the verdict's own, or alone."""
    assert set(alerts_of(verdict("mail_down", flapping=True), 0.0)) == {
        AlertName.MAIL_DOWN,
        AlertName.HOST_FLAPPING,
    }
    assert alerts_of(verdict("healthy", flapping=True), 0.0) == {AlertName.HOST_FLAPPING: TICKET}


def test_silence_holds_back_all() -> None:
    """Whatever the verdict, and flapping too."""
    for name in VerdictName:
        assert alerts_of(verdict(name, flapping=True, silenced=SILENCED), 1e6) == {}


def test_verdicts_that_say_nothing() -> None:
    """Not judged yet, judged while netmon was cut off, or from disk without how bad mail was."""
    cut_off = Finding("agent_isolated", Severity.INFO, "cut off")
    assert says_nothing(verdict("unknown", since=0.0))
    assert says_nothing(verdict("unknown", findings=(cut_off,)))
    assert says_nothing(verdict("mail_starved", judged=False))
    assert not says_nothing(verdict("mail_starved", mail=MailState.DOWN))
    assert not says_nothing(verdict("mail_down", judged=False))


def test_each_alert_has_one_urgency() -> None:
    """Since severity is a label, an alert that changed it would be another alert."""
    assert {URGENCY[name] for name in RAISED} == {PAGE, TICKET}
    assert {name for name in RAISED if URGENCY[name] is PAGE} == {
        AlertName.HOST_DOWN,
        AlertName.DEVICE_DOWN,
        AlertName.MAIL_DOWN,
        AlertName.ISOLATED,
    }
