"""Hosts, checks and what their runs gave: the records of the input wing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from netmon.errors import Reason
from netmon.model.findings import Severity

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
    FLOW = "flow"  # mailflow: what goes in comes out


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
