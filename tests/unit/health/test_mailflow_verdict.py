"""What a mailflow makes of its host's verdict, beside the doors of the same host."""

from dataclasses import replace

import pytest

from netmon.errors import Reason
from netmon.health import HostView, judge
from netmon.model import Check, CheckKey, CheckState, Finding, FindingKind, Result, Role, Severity
from tests.unit.spine.records import check, seen, state

NOW = 1100.0
SMTP = check("smtp", port=25)
IMAP = replace(check("imap", port=993), role=Role.ACCESS)
FLOW = replace(check("mailflow"), key=CheckKey("mx1", "mailflow", "example"), role=Role.FLOW)
LOST = Result.FAILED, Reason.MESSAGE_LOST, FindingKind.MAIL_LOST
UNREADABLE = Result.FAILED, Reason.CONNECTION_LOST, FindingKind.MAILBOX_UNREADABLE
REFUSED = Result.REJECTED, Reason.MESSAGE_REJECTED, None
UNSENT = Result.FAILED, Reason.STARTTLS_MISSING, None
US = Result.REJECTED, Reason.LOGIN_REJECTED, FindingKind.PROBE_REJECTED

Ended = tuple[Result, Reason, FindingKind | None]


def flow(ended: Ended, of: Check = FLOW) -> CheckState:
    """A mailflow whose latest run ended so."""
    result, reason, kind = ended
    severity = Severity.RISK if kind is FindingKind.PROBE_REJECTED else Severity.FAULT
    found = () if kind is None else (Finding(kind, severity, "it says so", of.key),)
    return state(of, seen(of, result, reason, findings=found))


def well(of: Check) -> CheckState:
    """A check that is ok."""
    return state(of, seen(of))


@pytest.mark.parametrize(
    ("states", "verdict"),
    [
        ([well(SMTP), well(IMAP), well(FLOW)], "healthy"),
        ([well(SMTP), well(IMAP), flow(LOST)], "mail_degraded"),
        ([well(SMTP), flow(LOST)], "mail_degraded"),
        ([flow(LOST)], "mail_down"),
        ([well(SMTP), well(IMAP), flow(UNREADABLE)], "mail_degraded"),
        ([well(SMTP), flow(UNREADABLE)], "mail_down"),
        ([well(SMTP), well(IMAP), flow(REFUSED)], "mail_down"),
        ([well(SMTP), well(IMAP), flow(UNSENT)], "mail_degraded"),
        ([well(SMTP), well(IMAP), flow(US)], "unknown"),
    ],
)
def test_verdicts(states: list[CheckState], verdict: str) -> None:
    """Behind open doors a lost message degrades; refused, unreadable for all or the only proof it is down."""
    host = states[0].check.host
    assert judge(HostView(host, tuple(states), 0.0), NOW).name == verdict


def test_a_first_run_that_still_goes_on() -> None:
    """It leaves no blind spot: mail may take minutes, and the doors are judged meanwhile."""
    view = HostView(FLOW.host, (well(SMTP), well(IMAP), CheckState(FLOW)), 1000.0)
    assert judge(view, NOW).name == "healthy"


def test_one_of_two_mailflows_that_works() -> None:
    """Mail comes through: the host is degraded, whatever the doors say."""
    other = replace(FLOW, key=CheckKey("mx1", "mailflow", "other"))
    view = HostView(FLOW.host, (flow(REFUSED), well(other)), 0.0)
    assert judge(view, NOW).name == "mail_degraded"


def test_the_sentence_tells_the_fault_once() -> None:
    """The mailflow is named, with the phase in its own words, and its finding does not repeat it."""
    view = HostView(FLOW.host, (well(SMTP), flow(LOST)), 0.0)
    assert judge(view, NOW).sentence.startswith("mailflow example fails: was failed")
    assert "it says so" not in judge(view, NOW).sentence
    junk = Finding(FindingKind.DELIVERED_TO_JUNK, Severity.FAULT, "it lies in Junk", FLOW.key)
    found = state(FLOW, seen(FLOW, findings=(junk,)))
    assert "mailflow example: it lies in Junk" in judge(HostView(FLOW.host, (found,), 0.0), NOW).sentence
