"""What the status page and its JSON show of a host: records without markup; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from netmon.model import CheckState, Finding, Host, HostVerdict, Result, Severity, VerdictName


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
    findings: tuple[FindingRow, ...]
    life: tuple[CheckRow, ...]
    snmp: tuple[CheckRow, ...]
    mail: tuple[CheckRow, ...]


def row_of(host: Host, verdict: HostVerdict | None, states: Iterable[CheckState]) -> HostRow:
    """What is shown of a host; pure."""
    sides: dict[str, list[CheckRow]] = {"life": [], "snmp": [], "mail": []}
    for state in states:
        check = state.check
        side = "mail" if check.role is not None else "snmp" if check.key.probe == "snmp" else "life"
        sides[side].append(_check_row(state))
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
        findings=tuple(_finding_row(finding) for finding in findings),
        life=tuple(sides["life"]),
        snmp=tuple(sides["snmp"]),
        mail=tuple(sides["mail"]),
    )


def to_json(row: HostRow) -> dict[str, Any]:
    """A host for `/api/hosts`: the fields of `HostRow` by their names."""
    return asdict(row)


def _check_row(state: CheckState) -> CheckRow:
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
