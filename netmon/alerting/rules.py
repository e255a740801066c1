"""Which alerts a verdict raises: the table of verdicts, pure.

One alert may stand for several verdicts, so that an outage whose cause is found stays the same alert.
"""

from collections.abc import Mapping
from typing import Final

from netmon.explain import URGENCY
from netmon.model import AlertName, FindingKind, HostVerdict, MailState, Urgency, VerdictName

UNKNOWN_AFTER: Final = 900.0  # seconds for which nothing may be known of a host

_ALERTS: Final[Mapping[VerdictName, AlertName]] = {
    VerdictName.HOST_DOWN: AlertName.HOST_DOWN,
    VerdictName.DEVICE_DOWN: AlertName.DEVICE_DOWN,
    VerdictName.MAIL_DOWN: AlertName.MAIL_DOWN,
    VerdictName.PATH_FILTERED: AlertName.MAIL_DOWN,
    VerdictName.MAIL_DEGRADED: AlertName.MAIL_DEGRADED,
    VerdictName.AGENT_DOWN: AlertName.SNMP_AGENT_DOWN,
    VerdictName.DEVICE_DEGRADED: AlertName.DEVICE_DEGRADED,
}
# Those that netmon raises by itself; the others are about the agent, and Prometheus raises them.
RAISED: Final = frozenset(
    {*_ALERTS.values(), AlertName.HOST_UNKNOWN, AlertName.HOST_FLAPPING, AlertName.ISOLATED}
)


def alert_of(verdict: HostVerdict, now: float) -> tuple[AlertName, Urgency] | None:
    """The alert that a host's confirmed verdict raises; `now` is monotonic seconds."""
    if verdict.silenced is not None:
        return None
    confirmed = verdict.confirmed
    name = _ALERTS.get(confirmed.name)
    if confirmed.name is VerdictName.MAIL_STARVED:
        name = AlertName.MAIL_DOWN if confirmed.mail is MailState.DOWN else AlertName.MAIL_DEGRADED
    elif confirmed.name is VerdictName.UNKNOWN and verdict.since:
        name = AlertName.HOST_UNKNOWN if now - verdict.since_begun >= UNKNOWN_AFTER else None
    return None if name is None else (name, URGENCY[name])


def alerts_of(verdict: HostVerdict, now: float) -> dict[AlertName, Urgency]:
    """All that a host raises: the verdict's alert, and that the verdict will not settle."""
    wanted = alert_of(verdict, now)
    raised = {} if wanted is None else dict([wanted])
    if verdict.flapping and verdict.silenced is None:
        raised[AlertName.HOST_FLAPPING] = URGENCY[AlertName.HOST_FLAPPING]
    return raised


def says_nothing(verdict: HostVerdict) -> bool:
    """Whether the verdict is no ground to raise or end anything: what was told before stays told.

    So it is before a host is judged for the first time, and until it is judged anew after the agent
    itself was cut off.  A verdict that came from disk has lost how bad mail was.
    """
    confirmed = verdict.confirmed
    if not verdict.since:
        return True
    if confirmed.name is VerdictName.MAIL_STARVED and confirmed.mail is MailState.NONE:
        return True
    return any(finding.kind == FindingKind.AGENT_ISOLATED for finding in confirmed.findings)


def has_evidence(verdict: HostVerdict) -> bool:
    """Whether it was judged in this life of the agent: one from disk has its sentence alone."""
    return bool(verdict.confirmed.findings or verdict.confirmed.decided_by)
