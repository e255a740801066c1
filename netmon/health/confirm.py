"""When a suggested verdict becomes the host's verdict: after enough scheduled runs agree."""

from collections.abc import Mapping, Sequence
from typing import Final

from netmon.model import CheckKey, CheckState, HostVerdict, Result, Verdict, VerdictName

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


_NO_LIFE: Final = frozenset({VerdictName.UNREACHABLE, VerdictName.HOST_DOWN, VerdictName.DEVICE_DOWN})


def streak(state: CheckState) -> int:
    """Scheduled runs in a row that agree with the latest outcome; 0 if the latest run disagrees."""
    return state.streak if (state.result is Result.OK) is state.streak_ok else 0


def confirm(
    current: HostVerdict,
    candidate: Verdict,
    checks: Sequence[CheckState],
    wall: float,
    *,
    alive: bool | None,
) -> tuple[HostVerdict, tuple[CheckKey, ...]]:
    """The host's verdict now, and the checks whose next run is awaited (none: it is settled).

    `current` stays until each check that decides for `candidate` has been of its outcome for
    `Confirm.fail` scheduled runs (`Confirm.recover` where the candidate is better).  A first verdict
    that is good needs one run, so that a start does not look like an outage.
    """
    if candidate.name is current.confirmed.name:
        since = current.since or wall
        return HostVerdict(current.host, candidate, since, candidate, alive), ()
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
        pending = HostVerdict(current.host, current.confirmed, current.since, candidate, alive, counted)
        return pending, awaited
    return HostVerdict(current.host, candidate, wall, candidate, alive), ()


def _agreed(
    current: HostVerdict, candidate: Verdict, state: CheckState, counted: Mapping[CheckKey, int]
) -> int:
    """How many scheduled runs of a check speak for the candidate.

    Failures from a worse time say nothing of what fails now: once the host shows life again, or its
    upstream does, or one of its endpoints answers, what still fails must fail again.  Otherwise
    every recovery would pass through the verdicts between.
    """
    before, after = _RANK.get(current.confirmed.name), _RANK.get(candidate.name)
    recovers = before is not None and after is not None and after < before
    if (recovers or current.confirmed.name in _NO_LIFE) and candidate.name is not VerdictName.HEALTHY:
        return min(streak(state), state.runs - counted.get(state.check.key, 0))
    return streak(state)


def _needed(current: HostVerdict, candidate: Verdict, state: CheckState) -> int:
    confirm_ = state.check.host.confirm
    before, after = _RANK.get(current.confirmed.name), _RANK.get(candidate.name)
    if after is None:  # unknown, unreachable
        return confirm_.fail
    if before is None:  # out of unknown or unreachable
        return 1 if after == 0 else confirm_.fail
    return confirm_.recover if after < before else confirm_.fail
