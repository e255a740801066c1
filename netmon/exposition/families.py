"""netmon's own series about hosts and checks, as tables; pure.

They are there from the first scrape and stay as long as the host or check is configured, since an
alert cannot tell a series that left from one that never was: before the first run a number is NaN
and a state is all zeros.  What each family means to users: docs and `netmon explain`.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import groupby
from typing import Final

from netmon.errors import Reason
from netmon.exposition.text import Labels
from netmon.history import Agreement, agreement
from netmon.model import (
    CheckState,
    Column,
    Family,
    Host,
    HostVerdict,
    Kind,
    MailState,
    Result,
    Severity,
    SilenceKind,
    SnmpState,
    Table,
    Value,
    VerdictName,
)

NAN: Final = float("nan")


def _gauge(name: str, text: str) -> Family:
    return Family(f"netmon_{name}", Kind.GAUGE, text)


CHECK_UP: Final = _gauge("check_up", "1 if the latest run of the check was ok, else 0.")
CHECK_RESULT: Final = _gauge("check_result", "1 at the result of the latest run, 0 at the others.")
CHECK_REASON: Final = _gauge("check_reason_info", "Why the latest run ended as it did.")
CHECK_DURATION: Final = _gauge("check_duration_seconds", "How long the latest run took.")
CHECK_PHASE: Final = _gauge("check_phase_seconds", "How long each phase of the latest run took.")
CHECK_LAST_RUN: Final = _gauge("check_last_run_timestamp_seconds", "When the latest run began.")
CHECK_INTERVAL: Final = _gauge("check_interval_seconds", "Time between two scheduled runs.")
HOST_INFO: Final = _gauge("host_info", "A configured host and its labels.")
HOST_VERDICT: Final = _gauge("host_verdict", "1 at the confirmed verdict over the host, 0 at the others.")
HOST_VERDICT_SINCE: Final = _gauge(
    "host_verdict_since_timestamp_seconds", "When the confirmed verdict took effect."
)
HOST_LAST_HEALTHY: Final = _gauge(
    "host_last_healthy_timestamp_seconds", "When the host was last found healthy, NaN if never."
)
HOST_MAIL_STATE: Final = _gauge(
    "host_mail_state", f"1 at what mail says of the host, 0 at the others: {', '.join(MailState)}."
)
HOST_SNMP_STATE: Final = _gauge(
    "host_snmp_state", f"1 at what SNMP says of the host, 0 at the others: {', '.join(SnmpState)}."
)
HOST_AGREEMENT: Final = _gauge(
    "host_agreement",
    f"1 at what SNMP and mail say of the host together, 0 at the others: {', '.join(Agreement)}.",
)
HOST_FINDING: Final = _gauge("host_finding", "1 for each fact that now speaks for the host's verdict.")
HOST_CAUSE: Final = _gauge(
    "host_cause", "1 for each fact of SNMP that now explains a mail fault of the host."
)
HOST_ALIVE: Final = _gauge("host_alive", "1 if the host shows life, 0 if not, NaN if nothing could be asked.")
HOST_FLAPPING: Final = _gauge("host_flapping", "1 while the host's verdict changes too often, else 0.")
HOST_SILENCED: Final = _gauge("host_silenced", "1 while alerts about the host are silenced, else 0.")
HOST_SILENCED_INFO: Final = _gauge(
    "host_silenced_info", f"What silences alerts about the host, while it does: {', '.join(SilenceKind)}."
)
FAMILIES: Final = (
    CHECK_UP, CHECK_RESULT, CHECK_REASON, CHECK_DURATION, CHECK_PHASE, CHECK_LAST_RUN, CHECK_INTERVAL,
    HOST_INFO, HOST_VERDICT, HOST_VERDICT_SINCE, HOST_LAST_HEALTHY, HOST_MAIL_STATE, HOST_SNMP_STATE,
    HOST_AGREEMENT,
    HOST_FINDING, HOST_CAUSE, HOST_ALIVE, HOST_FLAPPING, HOST_SILENCED, HOST_SILENCED_INFO,
)  # fmt: skip


def check_labels(state: CheckState) -> Labels:
    """The labels that every `netmon_check_` series carries."""
    key = state.check.key
    return (("host", key.host), ("probe", key.probe), ("endpoint", key.endpoint))


def domain_labels(state: CheckState) -> tuple[Labels, ...]:
    """What a check's own series carry besides: for each domain that it is about, that and the MX."""
    check = state.check
    return tuple((("domain", domain), ("mx", check.mx)) for domain in check.domains) or ((),)


def check_tables(state: CheckState) -> tuple[Table, ...]:
    """The `netmon_check_` families of one check, to be rendered with `check_labels`."""
    seen = state.observation
    up: Value = NAN if state.result is None else int(state.result is Result.OK)
    reason = Reason.NOT_RUN if state.result is None else state.reason
    tables = [
        Table(
            (),
            ((),),
            (
                Column(CHECK_UP, (up,)),
                Column(CHECK_DURATION, (NAN if seen is None else seen.duration,)),
                Column(CHECK_LAST_RUN, (state.last_run or NAN,)),
                Column(CHECK_INTERVAL, (state.check.interval,)),
            ),
        ),
        _stateset(CHECK_RESULT, "result", Result, state.result),
        _info(CHECK_REASON, "reason", (reason.value,)),
    ]
    if seen is not None and seen.phases:
        # A conversation may pass a phase twice (EHLO before and after STARTTLS): its time is the sum.
        by_name = groupby(sorted(seen.phases), key=lambda phase: phase.name)
        phases = {name: sum(phase.seconds for phase in group) for name, group in by_name}
        rows = tuple((name,) for name in phases)
        tables.append(Table(("phase",), rows, (Column(CHECK_PHASE, tuple(phases.values())),)))
    return tuple(tables)


def host_tables(host: Host, verdict: HostVerdict | None) -> tuple[Table, ...]:
    """The `netmon_host_` families of one host, to be rendered with the label `host`."""
    if verdict is None:
        name, mail, snmp, silenced = VerdictName.UNKNOWN, None, None, None
    else:
        confirmed, silenced = verdict.confirmed, verdict.silenced
        name, mail, snmp = confirmed.name, confirmed.mail, confirmed.snmp
    together = None if mail is None or snmp is None else agreement(mail, snmp)
    # The candidate is what the latest observations say; the confirmed verdict may lag behind it.
    findings = () if verdict is None else verdict.candidate.findings
    causes = {finding.kind for finding in findings if finding.severity is Severity.CAUSE}
    alive = None if verdict is None else verdict.alive
    return (
        Table(tuple(host.labels), (tuple(host.labels.values()),), (Column(HOST_INFO, (1,)),)),
        _stateset(HOST_VERDICT, "verdict", VerdictName, name),
        _stateset(HOST_MAIL_STATE, "state", MailState, mail),
        _stateset(HOST_SNMP_STATE, "state", SnmpState, snmp),
        _stateset(HOST_AGREEMENT, "agreement", Agreement, together),
        _info(HOST_FINDING, "finding", sorted({finding.kind for finding in findings})),
        _info(HOST_CAUSE, "finding", sorted(causes)),
        _info(HOST_SILENCED_INFO, "kind", () if silenced is None else (silenced.kind,)),
        Table(
            (),
            ((),),
            (
                Column(HOST_VERDICT_SINCE, ((verdict and verdict.since) or NAN,)),
                Column(HOST_LAST_HEALTHY, ((verdict and verdict.healthy_at) or NAN,)),
                Column(HOST_ALIVE, (NAN if alive is None else int(alive),)),
                Column(HOST_FLAPPING, (int(verdict is not None and verdict.flapping),)),
                Column(HOST_SILENCED, (int(silenced is not None),)),
            ),
        ),
    )


def _stateset(family: Family, label: str, states: Iterable[StrEnum], present: StrEnum | None) -> Table:
    members = tuple(states)
    rows = tuple((member.value,) for member in members)
    return Table((label,), rows, (Column(family, tuple(int(member is present) for member in members)),))


def _info(family: Family, label: str, texts: Sequence[str]) -> Table:
    return Table((label,), tuple((text,) for text in texts), (Column(family, (1,) * len(texts)),))
