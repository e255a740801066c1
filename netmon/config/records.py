"""The records of netmon.yml: what the file may say, and what the agent gets out of it.

The first half are pydantic records, one for each mapping of the file; those of a host and a group are
made from the table of probes, so that a new probe needs no line here.  The second half are the
results: frozen, with groups and defaults merged in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    create_model,
    model_validator,
)
from pydantic_core import PydanticCustomError

from netmon.config.mailflows import MailflowEntry
from netmon.config.settings import SettingsEntry
from netmon.config.shapes import Switch
from netmon.config.traps import TrapsEntry
from netmon.config.values import (
    DAY,
    MAX_PORT,
    Address,
    DnsServer,
    DomainName,
    HostName,
    Interval,
    IpAddress,
    LabelName,
    Listen,
    ListenAddress,
    Network,
    NetworkField,
    Percent,
    ProbeTargetsField,
    Retention,
    Selector,
    Timeout,
    bounded,
)
from netmon.config.windows import WindowEntry
from netmon.fields import Duration, Ref, Settings, Size
from netmon.mib.modules import Modules
from netmon.model import Confirm, Host, Limits
from netmon.probes.base import Auth, ProbeKind
from netmon.receivers import AlertingEntry
from netmon.tcpprobe import ProbeModule
from netmon.windows import Window

# The auth that is always there, for the many devices that still answer to it.
PUBLIC_AUTH: Final = "public_v2"
_LIMITS: Final = Limits()
_MIN_SIZE: Final = 10_000_000  # of the events of traps: some partitions of SQLite
_MAX_SIZE: Final = 10_000_000_000_000


class AgentEntry(Settings):
    """`agent`: `name` is what netmon calls itself in EHLO; the machine's own name where it is left out.

    `references` are addresses that answer pings as long as netmon's own link is sound; the default
    gateways where they are left out.
    """

    name: Address | None = None
    references: tuple[IpAddress, ...] = ()


class ConfirmEntry(Settings):
    """`confirm`: how many runs confirm a change."""

    fail: int = Field(default=3, ge=1, le=1000)
    recover: int = Field(default=2, ge=1, le=1000)
    retry_interval: Interval = 15.0


class StorageLimits(Settings):
    """`limits.storage`: per cent of a file system in use; `time_left` is until full by the trend."""

    full: Percent = _LIMITS.storage_full
    filling: Percent = _LIMITS.storage_filling
    time_left: Interval = _LIMITS.storage_time_left
    ignore: tuple[str, ...] = _LIMITS.storage_ignore  # mount points, as shell patterns


class MemoryLimits(Settings):
    """`limits.memory`: what must be left, in per cent."""

    available: Percent = _LIMITS.memory_available
    swap: Percent = _LIMITS.swap_available


class QueueLimits(Settings):
    """`limits.queue`: of the mail queue."""

    messages: int = Field(default=_LIMITS.queue_messages, ge=1)
    age: Interval = _LIMITS.queue_age


class FlappingLimits(Settings):
    """`limits.flapping`: how many changes of the verdict in what time."""

    changes: int = Field(default=_LIMITS.flapping_changes, ge=2, le=100)
    within: Interval = _LIMITS.flapping_within


class LimitsEntry(Settings):
    """`limits`: from where on a figure is worth telling."""

    storage: StorageLimits = StorageLimits()
    memory: MemoryLimits = MemoryLimits()
    load_per_cpu: float = Field(default=_LIMITS.load_per_cpu, gt=0)
    interface_errors: Percent = _LIMITS.interface_errors
    queue: QueueLimits = QueueLimits()
    reboot_hold: Annotated[
        Duration, AfterValidator(partial(bounded, low=1.0, high=600.0, words="1s to 10m"))
    ] = _LIMITS.reboot_hold
    flapping: FlappingLimits = FlappingLimits()

    def limits(self) -> Limits:
        """As the rules read them."""
        return Limits(
            storage_full=self.storage.full,
            storage_filling=self.storage.filling,
            storage_time_left=self.storage.time_left,
            storage_ignore=self.storage.ignore,
            memory_available=self.memory.available,
            swap_available=self.memory.swap,
            load_per_cpu=self.load_per_cpu,
            interface_errors=self.interface_errors,
            queue_messages=self.queue.messages,
            queue_age=self.queue.age,
            reboot_hold=self.reboot_hold,
            flapping_changes=self.flapping.changes,
            flapping_within=self.flapping.within,
        )


class DefaultsEntry(Settings):
    """`defaults`: for every host whose groups and own keys say nothing else."""

    interval: Interval = 60.0
    timeout: Timeout = 10.0
    retries: int = Field(default=2, ge=0, le=10)
    confirm: ConfirmEntry = ConfirmEntry()
    limits: LimitsEntry = LimitsEntry()


class AuthEntry(Auth):
    """An entry of `auths`; what would silently not be used is a mistake here."""

    @model_validator(mode="after")
    def _nothing_idle(self) -> Self:
        if self.version != 3:  # noqa: PLR2004
            idle = self.model_fields_set - {"version", "community"}
            if idle:
                raise PydanticCustomError(
                    "snmp_version",
                    "only SNMPv3 has {keys}: add version: 3",
                    {"keys": ", ".join(key for key in type(self).model_fields if key in idle)},
                )
        elif self.password.peek() and self.security_level == "noAuthNoPriv":
            raise PydanticCustomError(
                "security_level",
                "the password would not be used: set security_level to authNoPriv or authPriv",
            )
        elif self.priv_password.peek() and self.security_level == "authNoPriv":
            raise PydanticCustomError(
                "security_level", "the priv_password would not be used: set security_level to authPriv"
            )
        return self


class WebEntry(Settings):
    """`web`: the pages, `/snmp` and `/probe`."""

    listen: ListenAddress = Listen("127.0.0.1", 9162)
    probe_targets: Annotated[
        ProbeTargetsField,
        Field(
            description="Whom /snmp and /probe may contact: configured hosts, any, or these networks besides."
        ),
    ] = "configured"


def _enough(size: int) -> int:
    if not _MIN_SIZE <= size <= _MAX_SIZE:
        raise PydanticCustomError("size_range", "is out of range, wanted 10MB to 10TB")
    return size


class StateEntry(Settings):
    """`state`: where the agent keeps what must survive a restart, for how many seconds and bytes."""

    path: Path = Path("/var/lib/netmon")
    retention: Retention = 90 * DAY
    max_size: Annotated[
        Size,
        AfterValidator(_enough),
        Field(description="Of the events of traps on disk, 2GB where it is left out; the oldest go first."),
    ] = 2_000_000_000


class DnsEntry(Settings):
    """`dns`: the servers to ask, each with a port if it is not 53; none means the system's.

    `validating` says that they check DNSSEC and that the way to them is safe: their AD bit is believed.
    """

    servers: tuple[DnsServer, ...] = ()
    validating: bool = False


class DomainEntry(Settings):
    """An entry of `domains`: mail for it is followed by its MX records, and what it publishes is judged.

    `allow` are networks that are not public, where its servers may be all the same.  `tls`, `ca_file` and
    `cert_warn` are as in a host's `smtp`.  `policy`: look at what it publishes about its mail, at most
    hourly; `dane` and `mta_sts` leave one of that out, `dkim` are the selectors that it signs with.
    """

    name: DomainName
    port: int = Field(default=25, ge=1, le=MAX_PORT)
    interval: Interval = 300.0
    timeout: Timeout | None = None  # default: that of `defaults`
    tls: Literal["none", "starttls"] | None = None
    ca_file: Path | None = None
    cert_warn: Duration | None = None
    allow: Annotated[
        tuple[NetworkField, ...],
        Field(description="Networks that are not public, where its servers may be all the same."),
    ] = ()
    policy: Annotated[bool, Field(description="Look hourly at what it publishes about its mail.")] = True
    dane: bool = True
    mta_sts: bool = True
    dkim: Annotated[
        tuple[Selector, ...], Field(max_length=20, description="Selectors of DKIM that it signs with.")
    ] = ()


class GroupEntry(DefaultsEntry):
    """What a group gives its hosts; one key per probe comes on top."""

    labels: dict[LabelName, str] = Field(default_factory=dict)
    depends_on: tuple[Annotated[str, Ref("hosts")], ...] = ()


class HostEntry(GroupEntry):
    """A host; one key per probe comes on top."""

    name: HostName
    address: Address | None = None
    addresses: tuple[IpAddress, ...] = ()
    groups: tuple[Annotated[str, Ref("groups")], ...] = ()
    # ifName, ifDescr or ifAlias of the port that leads here, by the upstream host; else found by ifAlias.
    upstream_ports: dict[str, str] = Field(default_factory=dict)


class TopEntry(Settings):
    """netmon.yml; `groups` and `hosts` come on top."""

    agent: AgentEntry = AgentEntry()
    defaults: DefaultsEntry = DefaultsEntry()
    auths: dict[str, AuthEntry] = Field(default_factory=dict)
    web: WebEntry = WebEntry()
    state: StateEntry = StateEntry()
    dns: DnsEntry = DnsEntry()
    alerting: AlertingEntry = AlertingEntry()
    module_files: Annotated[
        tuple[str, ...],
        Field(description="Modules and auths as in snmp_exporter's snmp.yml; blackbox.yml for /probe."),
    ] = ()
    host_files: Annotated[tuple[str, ...], Field(description="More hosts; * and ? stand for names.")] = ()
    mib_dirs: Annotated[
        tuple[Path, ...], Field(description="Folders with MIB text, for the names of the command line.")
    ] = ()
    settings: SettingsEntry = SettingsEntry()
    windows: tuple[WindowEntry, ...] = ()
    domains: tuple[DomainEntry, ...] = ()
    mailflows: tuple[MailflowEntry, ...] = ()
    traps: TrapsEntry | None = None


@dataclass(frozen=True, slots=True)
class Records:
    """The records that depend on the table of probes."""

    top: type[TopEntry]
    file: type[Settings]  # what `host_files` names: `hosts` and nothing else
    host: type[HostEntry]
    group: type[GroupEntry]


def records(kinds: Mapping[str, ProbeKind]) -> Records:
    """The file's records for a table of probes."""
    keys: dict[str, Any] = {}
    for name, kind in kinds.items():
        if not kind.of_hosts:
            continue
        # Any: a type that is made at run time says nothing to a type checker.
        settings: Any = kind.settings
        keys[name] = (tuple[settings, ...], ()) if kind.many else (Annotated[settings | None, Switch()], None)
    host: Any = create_model("HostEntry", __base__=HostEntry, __doc__="A host.", **keys)
    group: Any = create_model("GroupEntry", __base__=GroupEntry, __doc__="What a group gives.", **keys)
    groups: Any = (dict[str, group], Field(default_factory=dict))
    hosts: Any = (tuple[host, ...], ())
    top = create_model("Netmon", __base__=TopEntry, __doc__="netmon.yml", groups=groups, hosts=hosts)
    file = create_model("HostFile", __base__=Settings, __doc__="More hosts.", hosts=hosts)
    return Records(top, file, host, group)


@dataclass(frozen=True, slots=True)
class ProbeEntry:
    """One probe of one host, with its own settings."""

    kind: ProbeKind
    settings: Any


@dataclass(frozen=True, slots=True)
class HostConfig:
    """A host with its groups and the defaults merged in; durations in seconds."""

    host: Host
    interval: float
    timeout: float
    retries: int
    probes: tuple[ProbeEntry, ...]


@dataclass(frozen=True, slots=True)
class DomainConfig:
    """A domain whose MX records are followed; durations in seconds.

    `confirm` and `limits` are of hosts that only MX records name.
    """

    name: str
    interval: float
    timeout: float
    probe: ProbeEntry
    confirm: Confirm
    limits: Limits
    allow: tuple[Network, ...] = ()
    policy: ProbeEntry | None = None  # what is looked at of the domain itself


@dataclass(frozen=True, slots=True)
class MailflowConfig:
    """A message's way through mail servers, as a check of the first mailbox's host; durations in seconds."""

    name: str
    host: Host
    interval: float
    timeout: float
    probe: ProbeEntry


@dataclass(frozen=True, slots=True)
class Config:
    """A whole valid config.

    `auths` holds `public_v2` and those of module files besides the configured ones.  `modules` are those of
    module files.  `notices` are what people should know, though it is no mistake.  `public` is the text of
    each file without secrets and comments, by the file's name.
    """

    path: Path
    agent: AgentEntry
    auths: Mapping[str, Auth]
    modules: Modules
    probe_modules: Mapping[str, ProbeModule]
    notices: tuple[str, ...]
    hosts: tuple[HostConfig, ...]  # in file order, those of host_files after netmon.yml's
    web: WebEntry
    state: StateEntry
    dns: DnsEntry
    alerting: AlertingEntry
    mib_dirs: tuple[Path, ...]
    settings: SettingsEntry
    windows: tuple[Window, ...]
    domains: tuple[DomainConfig, ...]  # in the file's order
    mailflows: tuple[MailflowConfig, ...]  # in the file's order
    traps: TrapsEntry | None  # None: no receiver
    public: Mapping[str, str] = field(repr=False)
