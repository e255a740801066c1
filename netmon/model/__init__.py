"""The records that pass between the wings: no behaviour, no I/O, no clock.

Input (plan, scheduler, probes) makes `Check` and `Observation`; output (store, watch, health,
exposition) reads them.  Device data travels as `Table`: label rows once, values as columns, never
an object per varbind, because a 48-port switch is two thousand values a minute.

Units: durations are seconds on a monotonic clock, timestamps are seconds since the epoch (wall
clock, for people only), unless a field says otherwise.
"""

from netmon.model.checks import (
    Check,
    CheckKey,
    CheckState,
    Column,
    Confirm,
    Family,
    Finding,
    Host,
    Kind,
    Limits,
    News,
    Observation,
    Phase,
    Result,
    Role,
    Route,
    Run,
    Table,
    Value,
)
from netmon.model.domains import DnsState, DomainVerdict, DomainVerdictName, Lookup
from netmon.model.events import Event, EventSeverity, EventValue, TrapChange
from netmon.model.findings import FindingKind, Severity
from netmon.model.verdicts import (
    AlertName,
    HostVerdict,
    MailState,
    Silenced,
    SilenceKind,
    SnmpState,
    Urgency,
    Verdict,
    VerdictName,
)

__all__ = [
    "AlertName",
    "Check",
    "CheckKey",
    "CheckState",
    "Column",
    "Confirm",
    "DnsState",
    "DomainVerdict",
    "DomainVerdictName",
    "Event",
    "EventSeverity",
    "EventValue",
    "Family",
    "Finding",
    "FindingKind",
    "Host",
    "HostVerdict",
    "Kind",
    "Limits",
    "Lookup",
    "MailState",
    "News",
    "Observation",
    "Phase",
    "Result",
    "Role",
    "Route",
    "Run",
    "Severity",
    "SilenceKind",
    "Silenced",
    "SnmpState",
    "Table",
    "TrapChange",
    "Urgency",
    "Value",
    "Verdict",
    "VerdictName",
]
