"""The verdict over a domain: does mail for it arrive, by what DNS and its servers' checks say.  Pure.

A sender tries one server after the other, so a domain is down only when none accepts.  A failure counts
once it is confirmed, as for hosts; that a server accepts counts at once.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from netmon.errors import Reason
from netmon.health.view import DEFERRAL_LIMIT, is_stale, tested
from netmon.model import (
    CheckState,
    DnsState,
    DomainVerdict,
    DomainVerdictName,
    FindingKind,
    Lookup,
    Result,
    Severity,
)

Judged = tuple[DomainVerdictName, str]
_MOST: Final = 3  # servers that a sentence names
_TEXT: Final = 160  # characters of what a check said


def judge_domain(
    lookup: Lookup, checks: Iterable[CheckState], *, started: float, now: float, wall: float
) -> DomainVerdict:
    """What the latest lookup and runs say; `started` and `now` are monotonic seconds."""
    every = tuple(checks)
    states = [state for state in every if not is_stale(state, started, now)]
    if every and not states:
        stale = DomainVerdictName.UNTESTABLE, "no check of its mail servers has run lately"
    else:
        stale = None
    name, sentence = _by_dns(lookup) or stale or _by_checks(lookup, states, now)
    return DomainVerdict(lookup.domain, name, sentence, lookup.findings, wall, *_sides(lookup, states))


def _by_dns(lookup: Lookup) -> Judged | None:
    """What DNS alone decides."""
    text = lookup.findings[0].text if lookup.findings else ""
    if lookup.dns is DnsState.NOTHING:
        return DomainVerdictName.DOWN, text
    return None if lookup.routes else _without_routes(lookup, text)


def _without_routes(lookup: Lookup, text: str) -> Judged:
    if lookup.dns is DnsState.SILENT or lookup.unsure:
        return DomainVerdictName.UNTESTABLE, text
    if lookup.dns is DnsState.NOT_ASKED:
        return DomainVerdictName.UNKNOWN, "DNS has not answered yet"
    if any(finding.kind == FindingKind.MX_ADDRESS_REFUSED for finding in lookup.findings):
        refused = "no mail server of it has an address that netmon may contact"
        return DomainVerdictName.UNTESTABLE, refused
    if lookup.named:
        return DomainVerdictName.DOWN, text
    return DomainVerdictName.UNKNOWN, f"not confirmed yet: {text}"


def _by_checks(lookup: Lookup, states: Sequence[CheckState], now: float) -> Judged:
    seen = [state for state in states if state.result is not None]
    if not seen:
        return DomainVerdictName.UNKNOWN, "no mail server of it has been checked yet"
    known = tested(seen)
    if not known:
        return DomainVerdictName.UNTESTABLE, f"no mail server of it can be tested: {_said(seen)}"
    failing = [state for state in known if not _accepts(state) or _in_the_clear(state)]
    accepting = {state.check.mx for state in known if _accepts(state)}
    if not accepting and not any(_waits(state, now) for state in failing):
        return DomainVerdictName.DOWN, f"no mail server of it accepts: {_said(failing)}"
    servers = dict.fromkeys(state.check.mx for state in known)
    return _in_part(lookup, failing, len(accepting), len(servers))


def _in_part(lookup: Lookup, failing: Sequence[CheckState], accepting: int, servers: int) -> Judged:
    """Where something accepts, or may soon."""
    count = f"{accepting} of {servers} mail servers accept"
    if lookup.dns is DnsState.SILENT:
        return DomainVerdictName.UNTESTABLE, f"{lookup.findings[0].text}; by that, {count}"
    if failing:
        return DomainVerdictName.DEGRADED, f"{count}: {_said(failing)}"
    faults = [finding.text for finding in lookup.findings if finding.severity is Severity.FAULT]
    if faults:
        return DomainVerdictName.DEGRADED, f"{count}; {faults[0]}"
    every = "its mail server accepts" if servers == 1 else f"all {servers} mail servers accept"
    return DomainVerdictName.HEALTHY, every


def _accepts(state: CheckState) -> bool:
    """Whether it does, or its failure is not confirmed yet."""
    if state.result is Result.OK or _in_the_clear(state):
        return True
    confirmed = not state.streak_ok and state.streak >= state.check.host.confirm.fail
    return not confirmed and state.last_ok > 0


def _in_the_clear(state: CheckState) -> bool:
    """Whether all that is wrong is that it has no TLS: senders do without then (RFC 7435 §1.2)."""
    return state.reason is Reason.STARTTLS_MISSING


def _waits(state: CheckState, now: float) -> bool:
    """Whether a server that defers may still be given time."""
    return state.result is Result.DEFERRED and now - state.since_begun < DEFERRAL_LIMIT


def _sides(lookup: Lookup, states: Sequence[CheckState]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The servers that accept and those that do not, in the order of preference."""
    known = {state.check.mx for state in tested(states)}
    accepting = {state.check.mx for state in tested(states) if _accepts(state)}
    return (
        tuple(mx for mx in lookup.mx if mx in accepting),
        tuple(mx for mx in lookup.mx if mx in known - accepting),
    )


def _said(states: Sequence[CheckState]) -> str:
    """What some checks ended with, in their own words."""
    words = []
    for state in states[:_MOST]:
        detail = state.observation.detail if state.observation else state.reason.value
        words.append(f"{state.check.key.endpoint}: {detail[:_TEXT]}")
    if len(states) > _MOST:
        words.append(f"and {len(states) - _MOST} more")
    return "; ".join(words)
