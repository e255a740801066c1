"""The records of netmon.yml: what the file may say, and what the agent gets out of it.

The first half are pydantic records, one for each mapping of the file; those of a host and a group are
made from the table of probes, so that a new probe needs no line here.  The second half are the
results: frozen, with groups and defaults merged in.
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, Self, cast

from pydantic import (
    AfterValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
    create_model,
    model_validator,
)
from pydantic_core import PydanticCustomError

from netmon.config.settings import SettingsEntry
from netmon.config.shapes import Switch
from netmon.config.windows import WindowEntry
from netmon.fields import Duration, Ref, Settings
from netmon.mib.modules import Module
from netmon.model import Host, Limits
from netmon.probes.base import Auth, ProbeKind
from netmon.receivers import AlertingEntry
from netmon.tcpprobe import ProbeModule
from netmon.windows import Window

# The auth that is always there, for the many devices that still answer to it.
PUBLIC_AUTH: Final = "public_v2"

# Labels that netmon, its rules or Prometheus set: a host's own label of that name would hide them.
RESERVED_LABELS: Final = frozenset(
    {"alertname", "host", "instance", "job", "probe", "endpoint", "module", "result", "reason", "phase"}
    | {"verdict", "finding", "severity", "trap", "state", "domain", "mx", "mailflow", "le", "quantile"}
)
MAX_PORT: Final = 65535
_DAY: Final = 86400.0
_LIMITS: Final = Limits()
_PORT: Final = re.compile(r"[0-9]{1,5}")
_BRACKETS: Final = re.compile(r"\[(.*)\]")
_HOST_NAME: Final = re.compile(r"\w[\w.:-]{0,252}")
_LABEL_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
# RFC 1123 §2.1 with the underscore that people use; a last label of digits alone is a broken IPv4 address.
_DNS_NAME: Final = re.compile(
    r"(?=.{1,253}$)([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*(?![0-9]+\.?$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.?"
)


def _host_name(text: str) -> str:
    if not _HOST_NAME.fullmatch(text):
        raise PydanticCustomError("host_name", "is not a host's name: letters, digits, . _ : and - make one")
    return text


def _ip_address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise PydanticCustomError("ip_address", "is not an IP address") from None


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        if _DNS_NAME.fullmatch(text):
            return text
    raise PydanticCustomError("address", "is not an IP address or a DNS name (without port and brackets)")


def _label_name(text: str) -> str:
    if not _LABEL_NAME.fullmatch(text) or text.startswith("__"):
        raise PydanticCustomError(
            "label_name", "is not a Prometheus label name: [a-zA-Z_][a-zA-Z0-9_]*, not two _ in front"
        )
    if text in RESERVED_LABELS or text.startswith("exported_"):
        raise PydanticCustomError("label_reserved", "is a label that netmon or Prometheus sets itself")
    return text


def _bounded(seconds: float, *, low: float, high: float, words: str) -> float:
    if not low <= seconds <= high:
        raise PydanticCustomError("duration_range", "is out of range, wanted {words}", {"words": words})
    return seconds


class Listen(NamedTuple):
    """An address to listen on; an empty host means all, port 0 any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _listen(text: object) -> Listen:
    host, _, port = text.rpartition(":") if isinstance(text, str) else ("", "", "")
    bracketed = _BRACKETS.fullmatch(host)
    if not _PORT.fullmatch(port) or int(port) > MAX_PORT or (":" in host and not bracketed):
        raise PydanticCustomError(
            "listen", 'is not an address to listen on like "127.0.0.1:9162" or "[::]:9162"'
        )
    if bracketed:
        return Listen(_ip_address(bracketed[1]), int(port))
    return Listen(_address(host) if host else "", int(port))


Network = ipaddress.IPv4Network | ipaddress.IPv6Network
ProbeTargets = Literal["configured", "any"] | tuple[Network, ...]


def _probe_targets(value: object) -> ProbeTargets:
    if value in ("configured", "any"):
        return cast("ProbeTargets", value)
    if isinstance(value, list | tuple) and value:
        return tuple(map(_network, value))
    raise PydanticCustomError(
        "probe_targets", "is not configured, any or a list of networks like [192.0.2.0/24]"
    )


def _network(value: object) -> Network:
    if isinstance(value, ipaddress.IPv4Network | ipaddress.IPv6Network):
        return value
    try:
        if isinstance(value, str):  # a number would be an address, which nobody means
            return ipaddress.ip_network(value)
    except ValueError as error:
        hint = "; the bits behind the prefix must be 0" if "host bits" in str(error) else ""
        raise PydanticCustomError(
            "network",
            "holds {what}, which is no network like 192.0.2.0/24{hint}",
            {"what": value, "hint": hint},
        ) from None
    raise PydanticCustomError("network", "holds what is no network like 192.0.2.0/24")


HostName = Annotated[str, AfterValidator(_host_name)]
Address = Annotated[str, AfterValidator(_address)]
IpAddress = Annotated[str, AfterValidator(_ip_address)]
LabelName = Annotated[str, AfterValidator(_label_name)]
Interval = Annotated[Duration, AfterValidator(partial(_bounded, low=1.0, high=7 * _DAY, words="1s to 7d"))]
Timeout = Annotated[Duration, AfterValidator(partial(_bounded, low=0.01, high=60.0, words="10ms to 60s"))]
Retention = Annotated[
    Duration, AfterValidator(partial(_bounded, low=_DAY, high=3660 * _DAY, words="1d to 10y"))
]
Percent = Annotated[float, Field(gt=0, le=100)]
ListenAddress = Annotated[
    Listen,
    PlainValidator(_listen),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "examples": ["127.0.0.1:9162", "[::]:9162"]}),
]


ProbeTargetsField = Annotated[
    ProbeTargets,
    PlainValidator(_probe_targets),
    PlainSerializer(lambda rule: rule if isinstance(rule, str) else [str(network) for network in rule]),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": ["configured", "any"]},
                {"type": "array", "items": {"type": "string", "examples": ["192.0.2.0/24"]}, "minItems": 1},
            ]
        }
    ),
]


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
        Duration, AfterValidator(partial(_bounded, low=1.0, high=600.0, words="1s to 10m"))
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
        elif self.password.reveal() and self.security_level == "noAuthNoPriv":
            raise PydanticCustomError(
                "security_level",
                "the password would not be used: set security_level to authNoPriv or authPriv",
            )
        elif self.priv_password.reveal() and self.security_level == "authNoPriv":
            raise PydanticCustomError(
                "security_level", "the priv_password would not be used: set security_level to authPriv"
            )
        return self


class WebEntry(Settings):
    """`web`; `probe_targets`: what `/snmp` and `/probe` may contact: hosts, any, or networks too."""

    listen: ListenAddress = Listen("127.0.0.1", 9162)
    probe_targets: ProbeTargetsField = "configured"


class StateEntry(Settings):
    """`state`: where the agent keeps what must survive a restart, and for how many seconds."""

    path: Path = Path("/var/lib/netmon")
    retention: Retention = 90 * _DAY


class DnsEntry(Settings):
    """`dns`: the servers to ask; none means the system's."""

    servers: tuple[IpAddress, ...] = ()


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
    module_files: tuple[str, ...] = ()  # snmp_exporter's snmp.yml, blackbox_exporter's blackbox.yml
    host_files: tuple[str, ...] = ()
    mib_dirs: tuple[Path, ...] = ()  # MIB text of users' own
    settings: SettingsEntry = SettingsEntry()
    windows: tuple[WindowEntry, ...] = ()


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
class Config:
    """A whole valid config.

    `auths` holds `public_v2` and those of module files besides the configured ones.  `modules` are those of
    module files, `probe_modules` those of blackbox_exporter's.  `notices` are what people should know, though
    it is no mistake.  `public` is the text of each file without secrets and comments, by the file's name.
    """

    path: Path
    agent: AgentEntry
    auths: Mapping[str, Auth]
    modules: Mapping[str, Module]
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
    public: Mapping[str, str] = field(repr=False)
