"""What of a verdict must survive a restart beside its name: findings and since when, changes, last health.

As JSON holds it.  Monotonic moments are written as wall time and read back by the present difference of
the two clocks (`offset`, monotonic minus wall).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from netmon.model import CheckKey, Finding, HostVerdict, MailState, Severity, SnmpState

VERDICT: Final = "verdict"  # the kind of these notes
_MOST: Final = 20  # findings that are kept
_LONGEST: Final = 300  # characters of a text


def known_by(verdict: HostVerdict) -> tuple[object, ...]:
    """What makes a note worth writing anew; not the numbers in it, which change with every run."""
    findings = verdict.candidate.findings
    return (
        {(finding.kind, finding.key, finding.subject) for finding in findings},
        verdict.confirmed.mail,
        verdict.confirmed.snmp,
        verdict.changes,
        verdict.flapping,
    )


def note_of(verdict: HostVerdict, offset: float) -> dict[str, Any]:
    """The note."""
    return {
        "mail": verdict.confirmed.mail.value,
        "snmp": verdict.confirmed.snmp.value,
        "healthy_at": verdict.healthy_at,
        "changes": [round(change - offset, 3) for change in verdict.changes],
        "flapping": verdict.flapping,
        "alive": verdict.alive,
        "findings": [
            [
                finding.kind,
                finding.severity.value,
                finding.text[:_LONGEST],
                list(finding.key or ()),
                finding.at,
                finding.subject,
            ]
            for finding in verdict.candidate.findings[:_MOST]
        ],
    }


def with_note(verdict: HostVerdict, note: Mapping[str, Any] | None, offset: float) -> HostVerdict:
    """The verdict with what its note says; a note that makes no sense says nothing."""
    if note is None:
        return verdict
    try:
        findings = tuple(
            Finding(
                kind,
                Severity(severity),
                str(text),
                CheckKey(*key) if key else None,
                float(at),
                str(subject),
            )
            for kind, severity, text, key, at, subject in note["findings"]
            if isinstance(kind, str)
        )
        judged = replace(
            verdict.confirmed,
            findings=findings,
            mail=MailState(note["mail"]),
            snmp=SnmpState(note["snmp"]),
        )
        return replace(
            verdict,
            confirmed=judged,
            candidate=judged,
            alive=note["alive"] if note["alive"] in {True, False} else None,
            healthy_at=float(note["healthy_at"]),
            changes=tuple(float(change) + offset for change in note["changes"]),
            flapping=bool(note["flapping"]),
        )
    except (KeyError, TypeError, ValueError):
        return verdict
