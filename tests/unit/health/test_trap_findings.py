"""What traps do to a verdict: they explain, and never make or end an outage."""

import pytest

from netmon.errors import Reason
from netmon.health import judge
from netmon.model import Severity, VerdictName
from netmon.model.events import RaisedState
from tests.unit.health.facts import NOW, found, refusing, view, well


def raised(*, authenticated: bool, cause: bool, state: str = "on_battery") -> RaisedState:
    """A state since a minute."""
    return RaisedState(state, "", NOW - 60, 0.0, cause, authenticated, 1, "UPS-MIB::upsTrapOnBattery")


@pytest.mark.parametrize("cause", [True, False])
def test_an_unauthenticated_trap_changes_no_verdict(*, cause: bool) -> None:
    """Anybody may have sent it: it is shown, whatever mail does."""
    told = (raised(authenticated=False, cause=cause),)
    for mail in (well(), refusing()):
        with_trap, without = view(None, mail, traps=told), view(None, mail)
        assert judge(with_trap, NOW).name is judge(without, NOW).name
        assert found(with_trap)["trap_hint"].severity is Severity.INFO


def test_an_authenticated_cause_explains_a_mail_fault() -> None:
    """Mail that fails while the host is on battery is starved, and the sentence says why."""
    verdict = judge(view(None, refusing(), traps=(raised(authenticated=True, cause=True),)), NOW)
    assert verdict.name is VerdictName.MAIL_STARVED
    assert "on_battery" in verdict.sentence


def test_an_authenticated_cause_explains_no_bad_certificate() -> None:
    """A power failure makes no certificate expire."""
    of = view(None, refusing(reason=Reason.STARTTLS_MISSING), traps=(raised(authenticated=True, cause=True),))
    assert judge(of, NOW).name is not VerdictName.MAIL_STARVED


def test_an_authenticated_cause_alone_is_a_risk() -> None:
    """Mail is well: no outage, but worth a look."""
    of = view(None, well(), traps=(raised(authenticated=True, cause=True),))
    assert found(of)["trap_state"].severity is Severity.RISK
    assert judge(of, NOW).name is VerdictName.DEVICE_DEGRADED


def test_an_ordinary_start_raises_no_alert() -> None:
    """A host that has just booted and whose mail is well has no risk; beside a mail fault it is the cause."""
    started = raised(authenticated=True, cause=True, state="rebooted")
    assert judge(view(None, well(), traps=(started,)), NOW).name is VerdictName.HEALTHY
    assert judge(view(None, refusing(), traps=(started,)), NOW).name is VerdictName.MAIL_STARVED


def test_an_authenticated_state_that_is_no_cause_is_shown_only() -> None:
    """A port of an access switch goes down when somebody goes home."""
    of = view(None, well(), traps=(raised(authenticated=True, cause=False, state="link_down"),))
    assert judge(of, NOW).name is VerdictName.HEALTHY
    assert found(of)["trap_hint"].text == "traps say link_down"


def test_a_finding_has_the_time_of_its_trap() -> None:
    """Not that of the judgement."""
    of = view(None, well(), traps=(raised(authenticated=True, cause=True),))
    assert found(of)["trap_state"].at == NOW - 60
