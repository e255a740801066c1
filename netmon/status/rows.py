"""What the status page and its JSON show of a host: records without markup; pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from netmon.model import (
    CheckKey,
    CheckState,
    Finding,
    Host,
    HostVerdict,
    MailState,
    News,
    Observation,
    Result,
    Run,
    Severity,
    Silenced,
    SnmpState,
    VerdictName,
)
from netmon.status.device import Facts, facts_of


class Source(Protocol):
    """What the pages read; the store is one."""

    def hosts(self) -> Mapping[str, Host]:
        """The configured hosts, in the config's order."""

    def verdicts(self) -> Mapping[str, HostVerdict]:
        """The verdicts by host; one may be missing before the first judgement."""

    def checks_of(self, host: str) -> Sequence[CheckState]:
        """The states of one host's checks, in a stable order."""

    def runs_of(self, key: CheckKey) -> Sequence[Run]:
        """A check's last runs, newest last."""

    def failures_of(self, key: CheckKey) -> Sequence[Observation]:
        """A check's last runs that were not ok, newest last."""

    def news(self) -> Sequence[News]:
        """The last announcements, newest last."""

    def on_change(self, listener: Callable[[str], None]) -> None:
        """Call `listener(host)` when anything about a host is new; with "", about hosts at large."""


@dataclass(frozen=True, slots=True)
class PhaseRow:
    """A phase of a run; `share` is its part of the whole run, 0 to 1."""

    name: str
    seconds: float
    share: float


@dataclass(frozen=True, slots=True)
class CheckRow:
    """A check as shown.  Times are seconds since the epoch, None where there was none."""

    probe: str
    endpoint: str
    role: str | None
    required: bool
    result: Result | None
    reason: str
    detail: str
    last_run: float | None
    since: float | None  # when the present result was first seen
    last_ok: float | None
    duration: float | None  # seconds
    interval: float  # seconds
    phases: tuple[PhaseRow, ...]
    trail: tuple[str, ...]
    runs: tuple[Run, ...]  # the last ones, newest last


@dataclass(frozen=True, slots=True)
class FailureRow:
    """A run that was not ok, kept after success."""

    probe: str
    endpoint: str
    at: float
    result: Result
    reason: str
    detail: str
    trail: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FindingRow:
    """A fact behind a verdict, and the check that said it."""

    kind: str
    severity: Severity
    text: str
    at: float | None
    probe: str | None
    endpoint: str | None


@dataclass(frozen=True, slots=True)
class HostRow:
    """A host as shown: its verdict, and its checks by what they tell about."""

    name: str
    address: str
    labels: Mapping[str, str]
    depends_on: tuple[str, ...]
    alive: bool | None
    verdict: VerdictName
    sentence: str
    since: float | None
    candidate: VerdictName  # what the latest runs say; the verdict follows once it is confirmed
    candidate_sentence: str
    mail_state: MailState
    snmp_state: SnmpState
    last_healthy: float | None
    flapping: bool
    silenced: Silenced | None
    findings: tuple[FindingRow, ...]
    life: tuple[CheckRow, ...]
    snmp: tuple[CheckRow, ...]
    mail: tuple[CheckRow, ...]


@dataclass(frozen=True, slots=True)
class HostMore:
    """What is shown of one host only when it is looked at alone."""

    facts: Facts
    failures: tuple[FailureRow, ...]  # newest first
    news: tuple[News, ...]  # newest last


def row_of(source: Source, host: Host) -> HostRow:
    """What is shown of a host."""
    verdict = source.verdicts().get(host.name)
    sides: dict[str, list[CheckRow]] = {"life": [], "snmp": [], "mail": []}
    for state in source.checks_of(host.name):
        check = state.check
        side = "mail" if check.role is not None else "snmp" if check.key.probe == "snmp" else "life"
        sides[side].append(_check_row(state, source.runs_of(check.key)))
    # Findings of the candidate: they are of now, while the confirmed verdict's may be over.
    findings = () if verdict is None else verdict.candidate.findings
    unseen = "nothing has been judged yet"
    return HostRow(
        name=host.name,
        address=host.address,
        labels=dict(host.labels),
        depends_on=host.depends_on,
        alive=None if verdict is None else verdict.alive,
        verdict=VerdictName.UNKNOWN if verdict is None else verdict.confirmed.name,
        sentence=unseen if verdict is None else verdict.confirmed.sentence,
        since=None if verdict is None else verdict.since or None,
        candidate=VerdictName.UNKNOWN if verdict is None else verdict.candidate.name,
        candidate_sentence=unseen if verdict is None else verdict.candidate.sentence,
        mail_state=MailState.NONE if verdict is None else verdict.confirmed.mail,
        snmp_state=SnmpState.NONE if verdict is None else verdict.confirmed.snmp,
        last_healthy=None if verdict is None else verdict.healthy_at or None,
        flapping=verdict is not None and verdict.flapping,
        silenced=None if verdict is None else verdict.silenced,
        findings=tuple(_finding_row(finding) for finding in findings),
        life=tuple(sides["life"]),
        snmp=tuple(sides["snmp"]),
        mail=tuple(sides["mail"]),
    )


def more_of(source: Source, host: Host) -> HostMore:
    """What is shown of a host besides, when it is looked at alone."""
    states = source.checks_of(host.name)
    failures = [
        FailureRow(
            seen.key.probe,
            seen.key.endpoint,
            seen.started,
            seen.result,
            seen.reason.value,
            seen.detail,
            seen.trail,
        )
        for state in states
        for seen in source.failures_of(state.check.key)
    ]
    failures.sort(key=lambda failure: failure.at, reverse=True)
    news = tuple(news for news in source.news() if news.host == host.name)
    return HostMore(facts_of(states), tuple(failures), news)


def to_json(row: HostRow) -> dict[str, Any]:
    """A host for `/api/hosts`: the fields of `HostRow` by their names."""
    return _without_runs(asdict(row))


def more_to_json(row: HostRow, more: HostMore) -> dict[str, Any]:
    """A host for `/api/hosts/NAME`: the same with what is shown of it alone."""
    shown = to_json(row) | asdict(more)
    for side in ("life", "snmp", "mail"):
        for check, of in zip(shown[side], getattr(row, side), strict=True):
            check["runs"] = [{"result": run.result, "seconds": round(run.seconds, 6)} for run in of.runs]
    return shown


def _without_runs(shown: dict[str, Any]) -> dict[str, Any]:
    for side in ("life", "snmp", "mail"):
        for check in shown[side]:
            del check["runs"]
    return shown


def _check_row(state: CheckState, runs: Sequence[Run]) -> CheckRow:
    check, seen = state.check, state.observation
    whole = seen.duration if seen is not None and seen.duration > 0 else 1.0
    phases = () if seen is None else seen.phases
    return CheckRow(
        probe=check.key.probe,
        endpoint=check.key.endpoint,
        role=None if check.role is None else check.role.value,
        required=check.required,
        result=state.result,
        reason=state.reason.value,
        detail="" if seen is None else seen.detail,
        last_run=state.last_run or None,
        since=state.since or None,
        last_ok=state.last_ok or None,
        duration=None if seen is None else seen.duration,
        interval=check.interval,
        phases=tuple(PhaseRow(name, seconds, min(1.0, seconds / whole)) for name, seconds in phases),
        trail=() if seen is None else seen.trail,
        runs=tuple(runs),
    )


def _finding_row(finding: Finding) -> FindingRow:
    key = finding.key
    return FindingRow(
        finding.kind,
        finding.severity,
        finding.text,
        finding.at or None,
        None if key is None else key.probe,
        None if key is None else key.endpoint,
    )
