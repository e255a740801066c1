"""The records that pass between the wings: no behaviour, no I/O, no clock.

Input (plan, scheduler, probes) makes `Check` and `Observation`; output (store, watch, health,
exposition) reads them.  Device data travels as `Table`: label rows once, values as columns, never
an object per varbind, because a 48-port switch is two thousand values a minute.

Units: durations are seconds on a monotonic clock, timestamps are seconds since the epoch (wall
clock, for people only), unless a field says otherwise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from netmon.errors import Reason

Value = int | float | None


class Result(StrEnum):
    """How a run ended, in every probe (`netmon_check_result{result}`)."""

    OK = "ok"
    REJECTED = "rejected"  # it answered no
    DEFERRED = "deferred"  # it asked to come back
    FAILED = "failed"  # no answer, or a broken one
    UNTESTABLE = "untestable"  # netmon's own side could not test


class Role(StrEnum):
    """What a mail endpoint is for; the verdict asks per role whether any endpoint accepts."""

    INBOUND = "inbound"  # port 25
    SUBMISSION = "submission"  # ports 465 and 587
    ACCESS = "access"  # imap, pop3


class Kind(StrEnum):
    """Prometheus type of a metric family (text format 0.0.4)."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"
    UNTYPED = "untyped"


@dataclass(frozen=True, slots=True)
class Family:
    """A metric family: its name, its type and its help text."""

    name: str
    kind: Kind
    help: str


@dataclass(frozen=True, slots=True)
class Column:
    """The values of one family, one for each row of the table; None where a row has none."""

    family: Family
    values: Sequence[Value]


@dataclass(frozen=True, slots=True)
class Table:
    """Device data as columns.

    `names` are the label names, `rows` one tuple of label values a row (unescaped text, same
    order as `names`), and every column holds `len(rows)` values.  A scalar is a table of one row
    with no labels: ``Table((), ((),), columns)``.
    """

    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    columns: tuple[Column, ...]


class CheckKey(NamedTuple):
    """What names a check for ever: over reloads, restarts and in metric labels."""

    host: str
    probe: str
    endpoint: str  # what was configured: "mx1:25"


@dataclass(frozen=True, slots=True)
class Confirm:
    """How many scheduled runs confirm a change, and how soon an unconfirmed one is looked at again."""

    fail: int = 3
    recover: int = 2
    retry_interval: float = 15.0  # seconds


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on a figure is worth telling.  Shares are per cent, times are seconds."""

    storage_full: float = 98.0  # used: nothing more can be spooled
    storage_filling: float = 90.0
    storage_time_left: float = 4 * 3600.0  # until full, by the trend
    storage_ignore: tuple[str, ...] = (
        "/snap/*",
        "/media/*",
        "/cdrom*",
        "/boot/efi",
        "/run/*",
        "/dev*",
        "/sys/*",
    )
    memory_available: float = 5.0  # of main memory, caches counted as available
    swap_available: float = 10.0  # of swap, where there is any
    load_per_cpu: float = 4.0  # load average over five minutes for each processor
    interface_errors: float = 1.0  # of the packets of a poll
    queue_messages: int = 1000
    queue_age: float = 4 * 3600.0
    reboot_hold: float = 600.0  # after a boot, in which no alert is sent
    flapping_changes: int = 6  # of the confirmed verdict ...
    flapping_within: float = 3600.0  # ... in this time


@dataclass(frozen=True, slots=True)
class Host:
    """What a person named in the config."""

    name: str
    address: str
    addresses: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    confirm: Confirm = Confirm()
    limits: Limits = Limits()
    groups: tuple[str, ...] = ()
    upstream_ports: Mapping[str, str] = field(
        default_factory=dict
    )  # upstream's name -> its ifName or ifDescr


@dataclass(frozen=True, slots=True)
class Route:
    """An address of a mail server to which mail for a domain goes, by its MX records."""

    domain: str
    mx: str  # in lower case, without the dot at its end
    address: str  # numeric
    number: int = 1  # among the MX's addresses of that family; stays with the address while it is known


@dataclass(frozen=True, slots=True)
class Check:
    """One probe scheduled on one host.

    `settings` is the probe's own frozen record.  `digest` covers all that changes what a run does
    or when it runs; the scheduler keeps a check whose digest stays.  A check that comes from `domains`
    says for which, by which MX, and at which numeric address.
    """

    key: CheckKey
    host: Host
    settings: Any
    interval: float  # seconds between starts
    timeout: float  # seconds to wait for one answer, an SNMP request's retries included
    retries: int  # further sends of an SNMP request before it counts as unanswered
    deadline: float  # seconds for the whole run; nothing outlives it
    role: Role | None = None
    required: bool = True
    digest: str = ""
    address: str = ""  # where a run goes, if not to whatever the host's address means then
    mx: str = ""
    domains: tuple[str, ...] = ()  # whose mail it is about, in the config's order

    def __hash__(self) -> int:
        # Labels and modules are mappings, which have no hash; the digest covers what a check means.
        return hash((self.key, self.digest))


class Phase(NamedTuple):
    """A named part of a run and how long it took."""

    name: str
    seconds: float


class Severity(StrEnum):
    """What a finding does to a verdict."""

    INFO = "info"  # shown, changes nothing
    RISK = "risk"  # will become a fault: device_degraded
    FAULT = "fault"  # is one: degrades what it is about
    CAUSE = "cause"  # an SNMP fact that explains a mail fault


class FindingKind(StrEnum):
    """The closed list of findings, beside one for each probe and result (`smtp_failed`).

    `netmon_host_finding{finding}`; each has its text in `netmon.explain`.
    """

    STALE = "stale"
    MODULE_EMPTY = "module_empty"
    # What SNMP says of the host.
    STORAGE_FULL = "storage_full"
    STORAGE_FILLING = "storage_filling"
    MEMORY_EXHAUSTED = "memory_exhausted"
    LOAD_HIGH = "load_high"
    PROCESS_MISSING = "process_missing"
    PROCESS_MULTIPLIED = "process_multiplied"
    INTERFACE_DOWN = "interface_down"
    INTERFACE_ERRORS = "interface_errors"
    UPSTREAM_PORT_DOWN = "upstream_port_down"
    UPSTREAM_PORT_ERRORS = "upstream_port_errors"
    REBOOTED = "rebooted"
    AGENT_RESTARTED = "agent_restarted"  # the SNMP agent alone
    NOT_LISTENING = "not_listening"  # its own table has no listener where mail is looked for
    LISTENING_LOCALLY = "listening_locally"  # it has one, on loopback alone
    QUEUE_LONG = "queue_long"
    QUEUE_OLD = "queue_old"
    MTA_REFUSING = "mta_refusing"  # it counts connections or messages that it turned away
    APPLICATION_DOWN = "application_down"  # NETWORK-SERVICES-MIB applOperStatus
    # What DNS says of a domain's mail.
    DNS_FAILED = "dns_failed"
    NULL_MX = "null_mx"
    DOMAIN_WITHOUT_MAIL = "domain_without_mail"
    MX_MISSING = "mx_missing"
    MX_IS_ALIAS = "mx_is_alias"
    MX_IS_ADDRESS = "mx_is_address"
    MX_NAME_INVALID = "mx_name_invalid"
    MX_WITHOUT_ADDRESS = "mx_without_address"
    MX_ADDRESS_REFUSED = "mx_address_refused"
    MX_TOO_MANY = "mx_too_many"
    # What lies over the host's own state.
    FLAPPING = "flapping"
    AGENT_ISOLATED = "agent_isolated"  # netmon itself is cut off
    # What the probes notice.
    PROBE_REJECTED = "probe_rejected"
    CAPABILITY_LOST = "capability_lost"  # STARTTLS or AUTH is not offered any more
    STARTTLS_INJECTION = "starttls_injection"
    STARTTLS_KEEPS_COMMANDS = "starttls_keeps_commands"  # the server's side of it
    OPEN_RELAY = "open_relay"
    VRFY_ANSWERED = "vrfy_answered"
    CERTIFICATE_EXPIRED = "certificate_expired"
    CERTIFICATE_EXPIRING = "certificate_expiring"
    CERTIFICATE_NOT_YET_VALID = "certificate_not_yet_valid"
    CERTIFICATE_SELF_SIGNED = "certificate_self_signed"  # and not trusted
    CERTIFICATE_WEAK = "certificate_weak"  # a short key, or a signature that can be forged
    CERTIFICATE_CHAIN_INVALID = "certificate_chain_invalid"
    CERTIFICATE_NAME_MISMATCH = "certificate_name_mismatch"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact behind a verdict; `text` holds the numbers."""

    kind: str  # a FindingKind, or a probe and its result
    severity: Severity
    text: str
    key: CheckKey | None = None  # the check that said it
    at: float = 0.0  # wall clock: since when it holds
    subject: str = ""  # what it is about, where one check may say it of several: a path, an interface


@dataclass(frozen=True, slots=True)
class Observation:
    """The outcome of one check run.

    `tables` are device series: they leave `/metrics` with the first failed run.  `own` are
    netmon's series about the run (`netmon_tls_...`): the last known ones stay.  `alive` is
    evidence of life: True if anything at all was heard from the host, False if it was silent
    though it was asked, None if it could not be asked.
    """

    key: CheckKey
    result: Result
    reason: Reason
    detail: str  # one sentence for people; may quote the network, so escape it on output
    started: float  # wall clock
    duration: float
    begun: float = 0.0  # monotonic, for comparing runs with each other
    phases: tuple[Phase, ...] = ()
    tables: tuple[Table, ...] = ()
    own: tuple[Table, ...] = ()
    findings: tuple[Finding, ...] = ()
    alive: bool | None = None
    trail: tuple[str, ...] = ()  # the conversation, secrets already removed
    scheduled: bool = True  # False: on demand or requested; adds evidence, never a streak


class Run(NamedTuple):
    """What stays of a run for its check's short history."""

    result: Result
    seconds: float  # how long it took


@dataclass(frozen=True, slots=True)
class News:
    """An announcement for people: a verdict has changed, a demo's fault begins."""

    at: float  # wall clock
    text: str  # may quote the network, so escape it on output
    host: str = ""  # the host that it is about, if it is about one


@dataclass(frozen=True, slots=True)
class CheckState:
    """What is known of a check: its latest observation and how long that outcome has lasted.

    All but `observation` and `own` survive a restart of the agent.
    """

    check: Check
    observation: Observation | None = None  # of this process
    own: tuple[Table, ...] = ()  # the last known own series
    result: Result | None = None  # of the latest run; None: never run
    reason: Reason = Reason.NOT_RUN
    last_run: float = 0.0  # wall clock: start of the latest run
    streak: int = 0  # scheduled runs in a row that were ok, or in a row that were not
    streak_ok: bool = False  # which of the two the streak is of
    runs: int = 0  # scheduled runs in this process
    since: float = 0.0  # wall clock: when the present result was first seen
    since_begun: float = 0.0  # the same moment, monotonic: rules use this one
    turned: float = 0.0  # wall clock: when ok last became not ok, or the reverse
    turned_begun: float = 0.0  # the same moment, monotonic
    last_ok: float = 0.0  # wall clock: start of the latest run that was ok; 0: never
    answered: bool = False  # has ever shown life (silence of ping counts only then)


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


class DomainVerdictName(StrEnum):
    """The closed list of verdicts over domains; `netmon_domain_verdict{verdict}`."""

    UNKNOWN = "unknown"  # nothing is known yet
    UNTESTABLE = "untestable"  # DNS is silent, or no server of it can be tested from here
    DOWN = "down"  # no mail server accepts, or DNS says that there is none
    DEGRADED = "degraded"  # some accept
    HEALTHY = "healthy"


class DnsState(StrEnum):
    """What DNS says of a domain, once it is certain."""

    NOT_ASKED = "not_asked"
    ANSWERS = "answers"
    NOTHING = "nothing"  # several times in a row: nobody takes its mail
    SILENT = "silent"  # several times in a row, or from the start


@dataclass(frozen=True, slots=True)
class Lookup:
    """What DNS says of where a domain's mail goes.

    `mx` in the order of preference; `named`: the latest answer names servers, if none that could be used;
    `unsure`: DNS did not answer for the addresses of all of them.  `good`: when it last answered, wall
    clock; 0: never.
    """

    domain: str
    dns: DnsState
    mx: tuple[str, ...] = ()
    routes: tuple[Route, ...] = ()
    findings: tuple["Finding", ...] = ()  # what weighs most, or decides, stands first
    named: bool = False
    unsure: bool = False
    good: float = 0.0


@dataclass(frozen=True, slots=True)
class DomainVerdict:
    """The judgement over one domain; `since` is wall clock; `accepting` are the MX that take mail."""

    domain: str
    name: DomainVerdictName
    sentence: str
    findings: tuple["Finding", ...] = ()
    since: float = 0.0
    accepting: tuple[str, ...] = ()


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
