"""Exit codes and the first line, as a monitoring system takes them."""

import re
from dataclasses import replace
from typing import Any, cast

import pytest

from netmon.cli.verdict import Outcome, Status, first_line, look, with_numbers
from netmon.cli.waterfall import render
from netmon.errors import Reason
from netmon.health import HostView, judge
from netmon.mail import report
from netmon.model import Check, CheckKey, CheckState, Host, Observation, Phase, Result, Role
from netmon.store import advance

HOST = Host("mx1", "127.0.0.1")


def state(
    probe: str,
    result: Result = Result.OK,
    reason: Reason = Reason.OK,
    *,
    alive: bool | None = True,
    detail: str = "a sentence",
    port: int = 25,
    role: Role | None = None,
) -> CheckState:
    """A check after its only run."""
    key = CheckKey("mx1", probe, "mx1" if probe == "ping" else f"mx1:{port}")
    if probe == "smtp" and role is None:
        role = Role.INBOUND
    check = Check(key, HOST, None, 60.0, 10.0, 0, 60.0, role)
    seen = Observation(
        key,
        result,
        reason,
        detail,
        started=1000.0,
        duration=0.5,
        begun=10.0,
        phases=(Phase("resolve", 0.1), Phase("two words", 0.3)),
        own=(report.scalar((report.EXPIRY, 1000.0 + 86400 * 3)),),
        alive=alive,
        trail=("S: 220 mx1 ESMTP", "C: EHLO probe"),
    )
    return advance(CheckState(check), seen)


def outcome(*states: CheckState) -> Outcome:
    """As `netmon probe` judges."""
    return Outcome(states, judge(HostView(HOST, states, 10.0), 11.0))


SNMP_SILENT = state("snmp", Result.FAILED, Reason.TIMEOUT, alive=False)
SMTP_REFUSED = state("smtp", Result.FAILED, Reason.REFUSED)


@pytest.mark.parametrize(
    ("states", "status"),
    [
        ([state("smtp"), state("snmp")], Status.OK),
        ([SMTP_REFUSED], Status.CRITICAL),
        ([SMTP_REFUSED, state("snmp")], Status.CRITICAL),
        ([state("smtp", Result.DEFERRED, Reason.GREETING_DEFERRED)], Status.WARNING),
        ([state("smtp", Result.UNTESTABLE, Reason.NO_ROUTE, alive=None)], Status.UNKNOWN),
        ([SNMP_SILENT], Status.CRITICAL),
        ([state("snmp", Result.FAILED, Reason.NO_DATA)], Status.CRITICAL),
        ([state("snmp", Result.FAILED, Reason.MODULE_FAILED)], Status.WARNING),
        ([SNMP_SILENT, state("smtp")], Status.WARNING),
        ([state("ping", Result.FAILED, Reason.TIMEOUT, alive=False)], Status.CRITICAL),
        ([state("ping", Result.FAILED, Reason.TIMEOUT, alive=False), state("smtp")], Status.OK),
        ([state("ping", Result.UNTESTABLE, Reason.LOCAL_ERROR, alive=None)], Status.UNKNOWN),
    ],
)
def test_exit_codes(states: list[CheckState], status: Status) -> None:
    """The verdict decides; what was asked for alone counts in full, beside others only as a part."""
    assert outcome(*states).status is status


def test_the_first_line_is_a_plugins() -> None:
    """State, text, one bar, and performance data without spaces in its labels."""
    line = first_line(
        outcome(state("smtp", Result.FAILED, Reason.PROTOCOL_ERROR, detail="no | \x1b[31m\nno"))
    )
    text, _, data = line.partition(" | ")
    assert text == r"NETMON CRITICAL - mx1 mail_down: SMTP on 25 fails: no ¦ \x1b[31m\nno"
    assert data.split() == [
        "smtp_25_time=0.500000s;;;0",
        "smtp_25_resolve=0.100000s;;;0",
        "smtp_25_two_words=0.300000s;;;0",
        "smtp_25_certificate_days=3.0",
    ]
    assert re.fullmatch(r"[^|\n]*\|[^|\n]*", line)


def test_a_domains_numbers_have_a_label_each() -> None:
    """Servers of a domain have one port: name and address tell them apart; no server, no bar."""
    here, there = (
        replace(one, check=replace(one.check, mx=mx, address=address))
        for one, mx, address in zip(
            (state("smtp"), state("smtp")), ("a.test", "a.test"), ("192.0.2.1", "2001:db8::1"), strict=True
        )
    )
    labels = [pair.partition("=")[0] for pair in with_numbers("", (here, there)).split()]
    assert len(labels) == len(set(labels)) == 8
    assert {labels[0], labels[4]} == {"smtp_a.test_192.0.2.1_time", "smtp_a.test_2001:db8::1_time"}
    assert with_numbers("NETMON CRITICAL - a.test down", ()) == "NETMON CRITICAL - a.test down"


@pytest.mark.parametrize("blocks", [True, False])
def test_the_waterfall(blocks: bool) -> None:  # noqa: FBT001
    """Each phase begins where the one before ended, in blocks or in plain characters."""
    lines = list(render(outcome(SMTP_REFUSED), blocks=blocks))
    first, second = (line for line in lines if line.startswith(("  resolve", "  two words")))
    mark = "█" if blocks else "#"
    assert (first.count(mark), second.count(mark)) == (8, 24)
    assert second.index(mark) == first.index(mark) + 8
    if not blocks:
        assert all(line.isascii() for line in lines)


def test_below_the_first_line() -> None:
    """The dialogue, the reason explained, the findings, and no second bar."""
    text = "\n".join(render(outcome(SMTP_REFUSED), blocks=True))
    for wanted in (
        "S: 220 mx1 ESMTP",
        "C: EHLO probe",
        "refused: The host itself",
        "to do:",
        "netmon explain mail_down",
    ):
        assert wanted in text
    assert "|" not in text


async def test_a_defect_in_a_probe_is_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    """It is contained and told with its traceback, and never looks like a service that is down."""
    context = cast("Any", type("Broken", (), {"wall": staticmethod(lambda: 1000.0)})())
    seen = await look([state("smtp").check], context)
    assert (seen.status, seen.states[0].reason) == (Status.UNKNOWN, Reason.CRASHED)
    assert "Traceback" in capsys.readouterr().err
