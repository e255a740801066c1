"""When a suggested verdict becomes the host's verdict: after enough scheduled runs agree."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from netmon.model import (
    CheckKey,
    CheckState,
    FindingKind,
    HostVerdict,
    Limits,
    Result,
    Severity,
    Verdict,
    VerdictName,
)

_CHANGES: Final = 100  # of the verdict that are remembered; no limit asks for more

# Best to worst; the two that stand outside have no rank.
_RANK: Final = {
    name: rank
    for rank, name in enumerate(
        (
            VerdictName.HEALTHY,
            VerdictName.DEVICE_DEGRADED,
            VerdictName.AGENT_DOWN,
            VerdictName.MAIL_DEGRADED,
            VerdictName.PATH_FILTERED,
            VerdictName.MAIL_DOWN,
            VerdictName.MAIL_STARVED,
            VerdictName.DEVICE_DOWN,
            VerdictName.HOST_DOWN,
        )
    )
}


# Verdicts that may rest on what checks found while they went well.
_BY_FINDINGS: Final = frozenset({VerdictName.DEVICE_DEGRADED, VerdictName.MAIL_DEGRADED})
_NO_LIFE: Final = frozenset({VerdictName.UNREACHABLE, VerdictName.HOST_DOWN, VerdictName.DEVICE_DOWN})


def streak(state: CheckState) -> int:
    """Scheduled runs in a row that agree with the latest outcome; 0 if the latest run disagrees."""
    return state.streak if (state.result is Result.OK) is state.streak_ok else 0


def confirm(
    current: HostVerdict,
    candidate: Verdict,
    checks: Sequence[CheckState],
    *,
    now: float,
    wall: float,
    alive: bool | None,
) -> tuple[HostVerdict, tuple[CheckKey, ...]]:
    """The host's verdict now, and the checks whose next run is awaited (none: it is settled).

    `current` stays until each check that decides for `candidate` has been of its outcome for
    `Confirm.fail` scheduled runs (`Confirm.recover` where the candidate is better).  A first verdict
    that is good needs one run, so that a start does not look like an outage.
    """
    well = VerdictName.HEALTHY
    healthy_at = wall if current.confirmed.name is well is candidate.name else current.healthy_at
    new = replace(current, candidate=candidate, alive=alive, counted={}, healthy_at=healthy_at)
    if candidate.name is current.confirmed.name:
        if not current.since:
            new = replace(new, since=wall, since_begun=now)
        return replace(new, confirmed=candidate), ()
    counted = current.counted
    if candidate.name is not current.candidate.name or not counted:
        counted = {state.check.key: state.runs for state in checks}
    deciding = [state for state in checks if state.check.key in candidate.decided_by]
    awaited = tuple(
        state.check.key
        for state in deciding
        if _agreed(current, candidate, state, counted) < _needed(current, candidate, state)
    )
    if awaited or candidate.waits_for:
        return replace(new, counted=counted), awaited
    changes = current.changes
    if current.since and VerdictName.UNKNOWN not in {current.confirmed.name, candidate.name}:
        changes = (*changes, now)[-_CHANGES:]
    if candidate.name is well:
        healthy_at = wall
    return replace(
        new, confirmed=candidate, since=wall, since_begun=now, changes=changes, healthy_at=healthy_at
    ), ()


def is_flapping(verdict: HostVerdict, limits: Limits, now: float) -> bool:
    """Whether the verdict changes to and fro; once it does, until it has changed but half as often."""
    lately = sum(now - change <= limits.flapping_within for change in verdict.changes)
    return (
        lately >= (limits.flapping_changes + 1) // 2
        if verdict.flapping
        else lately >= limits.flapping_changes
    )


def _agreed(
    current: HostVerdict, candidate: Verdict, state: CheckState, counted: Mapping[CheckKey, int]
) -> int:
    """How many scheduled runs of a check speak for the candidate.

    Failures from a worse time say nothing of what fails now: once the host shows life again, or its
    upstream does, or one of its endpoints answers, what still fails must fail again.  Otherwise
    every recovery would pass through the verdicts between.  What a check found while it went well, a
    full disk say, is found by as many runs as came since.
    """
    before, after = _RANK.get(current.confirmed.name), _RANK.get(candidate.name)
    recovers = before is not None and after is not None and after < before
    since = state.runs - counted.get(state.check.key, state.runs)
    if state.result is Result.OK and candidate.name in _BY_FINDINGS:
        return since + 1
    if candidate.name is VerdictName.HEALTHY:
        told = {
            finding.key for finding in current.confirmed.findings if finding.severity is not Severity.INFO
        }
        gone = current.confirmed.name in _BY_FINDINGS and state.check.key in told
        return min(streak(state), since + 1) if gone else streak(state)
    return min(streak(state), since) if recovers or _was_blind(current) else streak(state)


def _was_blind(current: HostVerdict) -> bool:
    """Whether nothing of the host was seen until now: it showed no life, or netmon was cut off."""
    cut_off = any(finding.kind == FindingKind.AGENT_ISOLATED for finding in current.confirmed.findings)
    return current.confirmed.name in _NO_LIFE or cut_off


def _needed(current: HostVerdict, candidate: Verdict, state: CheckState) -> int:
    confirm_ = state.check.host.confirm
    before, after = _RANK.get(current.confirmed.name), _RANK.get(candidate.name)
    if after is None:  # unknown, unreachable
        return confirm_.fail
    if before is None:  # out of unknown or unreachable
        return 1 if after == 0 else confirm_.fail
    return confirm_.recover if after < before else confirm_.fail
