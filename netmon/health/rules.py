"""The rules: each looks at a host and says what it found, and nothing about the verdict.

To add one: a function ``(HostView, now) -> Iterable[Finding]`` and a row in `RULES`.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from netmon.health.view import PING, SNMP, HostView, column, is_stale, refused_us
from netmon.model import Finding, FindingKind, Result, Severity

STORAGE_FULL: Final = 98.0  # per cent used at which nothing more can be spooled
STORAGE_RISK: Final = 90.0

Rule = Callable[[HostView, float], Iterable[Finding]]


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


def storage(view: HostView, _now: float) -> Iterator[Finding]:
    """HOST-RESOURCES-MIB hrStorageTable and UCD-SNMP-MIB dskTable: a file system full or nearly.

    A full one explains a mail fault (RFC 3463: 4.3.1, mail system full).
    """
    for state in view.checks:
        observation = state.observation
        if observation is None or state.check.key.probe != SNMP:
            continue
        full: dict[str, float] = {
            labels["dskPath"]: float(percent)
            for labels, percent in column(observation, "dskPercent")
            if percent is not None and "dskPath" in labels
        }
        sizes = {labels.get("hrStorageIndex"): size for labels, size in column(observation, "hrStorageSize")}
        for labels, used in column(observation, "hrStorageUsed"):
            path, size = labels.get("hrStorageDescr", ""), sizes.get(labels.get("hrStorageIndex"))
            # File systems only: memory rows of the same table are always nearly full.
            if path.startswith("/") and used is not None and size:
                full.setdefault(path, 100.0 * used / size)
        for path, percent in sorted(full.items()):
            if percent >= STORAGE_RISK:
                severity = Severity.CAUSE if percent >= STORAGE_FULL else Severity.RISK
                kind = FindingKind.STORAGE_FULL if severity is Severity.CAUSE else FindingKind.STORAGE_FILLING
                text = f"{path} is {percent:.0f}% full"
                yield Finding(kind, severity, text, state.check.key, observation.started)


RULES: Final[tuple[Rule, ...]] = (unfinished, not_ok, reported, storage)
