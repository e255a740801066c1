"""Verdicts over hosts, what they are made of, and the alerts that they raise."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from netmon.model.checks import CheckKey, Finding


class VerdictName(StrEnum):
    """The closed list of verdicts; `netmon_host_verdict{verdict}`."""

    UNKNOWN = "unknown"
    UNREACHABLE = "unreachable"
    HOST_DOWN = "host_down"
    DEVICE_DOWN = "device_down"
    MAIL_STARVED = "mail_starved"
    PATH_FILTERED = "path_filtered"
    MAIL_DOWN = "mail_down"
    MAIL_DEGRADED = "mail_degraded"
    AGENT_DOWN = "agent_down"
    DEVICE_DEGRADED = "device_degraded"
    HEALTHY = "healthy"


class MailState(StrEnum):
    """What mail says of a host; `netmon_host_mail_state{state}`."""

    NONE = "none"  # nothing of it is configured
    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"  # no required endpoint of a role accepts
    UNTESTABLE = "untestable"


class SnmpState(StrEnum):
    """What SNMP says of a host; `netmon_host_snmp_state{state}`."""

    NONE = "none"
    OK = "ok"
    DEGRADED = "degraded"  # some modules fail
    REJECTED = "rejected"
    FAILED = "failed"
    UNTESTABLE = "untestable"


class Urgency(StrEnum):
    """How soon a person should act; an alert's label `severity`."""

    NONE = "none"
    TICKET = "ticket"  # in working hours
    PAGE = "page"  # now


class AlertName(StrEnum):
    """The closed list of alerts, those of dashboards/netmon.rules.yml and of netmon's own sending alike.

    One alert may stand for several verdicts, so that an outage whose cause is found is still the same alert.
    """

    HOST_DOWN = "NetmonHostDown"
    DEVICE_DOWN = "NetmonDeviceDown"
    MAIL_DOWN = "NetmonMailDown"  # mail_down, path_filtered, mail_starved with mail down
    MAIL_DEGRADED = "NetmonMailDegraded"  # mail_degraded, mail_starved with mail degraded
    SNMP_AGENT_DOWN = "NetmonSnmpAgentDown"
    DEVICE_DEGRADED = "NetmonDeviceDegraded"
    HOST_UNKNOWN = "NetmonHostUnknown"  # after 15 minutes
    HOST_FLAPPING = "NetmonHostFlapping"
    ISOLATED = "NetmonIsolated"
    # Only Prometheus can raise these: they are about domains, whose servers are hosts with alerts of their
    # own, or about the agent itself.
    DOMAIN_DOWN = "NetmonDomainDown"
    DOMAIN_DEGRADED = "NetmonDomainDegraded"
    DOMAIN_UNTESTABLE = "NetmonDomainUntestable"  # after 15 minutes
    WATCHDOG = "NetmonWatchdog"  # always fires
    ABSENT = "NetmonAbsent"  # no agent is scraped
    CONFIG_NOT_TAKEN = "NetmonConfigNotTaken"
    CHECKS_LATE = "NetmonChecksLate"
    PROBE_CRASHES = "NetmonProbeCrashes"
    STATE_NOT_WRITTEN = "NetmonStateNotWritten"
    ALERTS_NOT_DELIVERED = "NetmonAlertsNotDelivered"
    TRAPS_DROPPED = "NetmonTrapsDropped"  # ones that should have become events
    TRAP_RECEIVER_DOWN = "NetmonTrapReceiverDown"


class SilenceKind(StrEnum):
    """Why alerts about a host are held back; `netmon_host_silenced_info{kind}`."""

    SILENCE = "silence"  # a person asked for it
    WINDOW = "window"  # a maintenance window of the config
    REBOOT = "reboot"  # it has just booted


@dataclass(frozen=True, slots=True)
class Silenced:
    """Alerts about a host are held back: by what, why, and until when (wall clock, for people)."""

    kind: SilenceKind
    why: str
    until: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement over one host.

    `decided_by` are the checks on whose outcome it rests: a change is confirmed when each of
    them has stayed with its outcome for enough scheduled runs.
    """

    name: VerdictName
    sentence: str
    findings: tuple[Finding, ...] = ()
    decided_by: tuple[CheckKey, ...] = ()
    waits_for: tuple[str, ...] = ()  # upstream hosts that must be looked at before it may be confirmed
    mail: MailState = MailState.NONE
    snmp: SnmpState = SnmpState.NONE


@dataclass(frozen=True, slots=True)
class HostVerdict:
    """A host's confirmed verdict and the one that its latest observations suggest."""

    host: str
    confirmed: Verdict
    since: float  # wall clock: when `confirmed` took effect
    candidate: Verdict
    alive: bool | None = None
    counted: Mapping[CheckKey, int] = field(default_factory=dict)  # runs when `candidate` came up
    since_begun: float = 0.0  # the moment of `since`, monotonic
    healthy_at: float = 0.0  # wall clock: when it was last found healthy; 0: never
    changes: tuple[float, ...] = ()  # monotonic: the latest confirmed changes, newest last
    flapping: bool = False
    silenced: Silenced | None = None
