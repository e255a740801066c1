"""The rules: each looks at a host and says what it found, and nothing about the verdict.

To add one: a function ``(HostView, now) -> Iterable[Finding]`` and a row in `RULES`; one about SNMP's
facts belongs into `causes`.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from netmon.health.causes import CAUSES, EXPLAINS, Rule
from netmon.health.view import PING, HostView, failing_mail, fresh, is_stale, refused_us
from netmon.model import Finding, FindingKind, Result, Severity

_STARTED: Final = "rebooted"  # what coldStart raises, by data/rules.yml
_TRAPS: Final = 20  # states of one host that become findings
# What says itself when it was; everything else has gone on since it was first found.
DATED: Final = frozenset({FindingKind.REBOOTED, FindingKind.AGENT_RESTARTED})


def unfinished(view: HostView, now: float) -> Iterator[Finding]:
    """A check whose latest outcome is too old to count."""
    for state in view.checks:
        if is_stale(state, view.started, now):
            yield Finding(FindingKind.STALE, Severity.INFO, "no recent run", state.check.key)


def not_ok(view: HostView, _now: float) -> Iterator[Finding]:
    """A check whose latest run was not ok, in its own words."""
    for state in view.checks:
        if state.result in {None, Result.OK}:
            continue
        key = state.check.key
        observation = state.observation
        detail = observation.detail if observation else f"{state.reason.value}, before netmon started"
        severity = Severity.FAULT
        if key.probe == PING or state.result is Result.UNTESTABLE or refused_us(state):
            severity = Severity.INFO
        yield Finding(f"{key.probe}_{state.result}", severity, detail, key, state.since)


def reported(view: HostView, _now: float) -> Iterator[Finding]:
    """What the probes themselves noticed."""
    for state in view.checks:
        if state.observation is not None:
            yield from state.observation.findings


def unsteady(view: HostView, _now: float) -> Iterator[Finding]:
    """The verdict changes to and fro."""
    if view.flapping:
        yield Finding(FindingKind.FLAPPING, Severity.INFO, "its verdict changes to and fro")


def cut_off(view: HostView, _now: float) -> Iterator[Finding]:
    """netmon itself reaches nothing."""
    if view.isolated:
        yield Finding(FindingKind.AGENT_ISOLATED, Severity.INFO, "netmon itself is cut off")


def trapped(view: HostView, _now: float) -> Iterator[Finding]:
    """What notifications have raised.

    One that is not authenticated may come from anybody: it is shown and weighs nothing.  One that is
    makes no outage either: beside a mail fault it is the cause, alone it is a risk, but for a start: that
    is over when it is told.
    """
    for raised in view.traps[:_TRAPS]:
        what = f"{raised.state} {raised.instance}".rstrip()
        if raised.authenticated and raised.cause:
            severity = Severity.INFO if raised.state == _STARTED else Severity.RISK
            kind, text = FindingKind.TRAP_STATE, f"traps say {what}"
        else:
            kind, severity = FindingKind.TRAP_HINT, Severity.INFO
            text = f"traps say {what}" if raised.authenticated else f"unauthenticated traps say {what}"
        yield Finding(kind, severity, text, None, raised.at, what)


RULES: Final[tuple[Rule, ...]] = (unfinished, not_ok, reported, unsteady, cut_off, trapped, *CAUSES)


def findings(view: HostView, now: float) -> tuple[Finding, ...]:
    """What all rules find.  What explains a mail fault weighs as its cause; what goes on keeps its time."""
    failing = {state.reason for state in failing_mail(fresh(view, now))}
    since = {(old.kind, old.key, old.subject): old.at for old in view.earlier}
    found = []
    for rule in RULES:
        for finding in rule(view, now):
            cause = not failing.isdisjoint(EXPLAINS.get(finding.kind, ()))
            at = since.get((finding.kind, finding.key, finding.subject), 0.0) or finding.at or view.wall
            found.append(
                replace(
                    finding,
                    severity=Severity.CAUSE if cause else finding.severity,
                    at=finding.at if finding.kind in DATED else at,
                )
            )
    return tuple(found)
