"""What SNMP has told of a device, compactly and with a memory: the ground that the rules stand on.

`follow` reads a run's tables once and keeps what a rule may ask for, and of earlier runs what only a
comparison shows: a port that was up, a disk that fills, a counter that grows, an uptime that fell back.
A run that failed leaves the facts of the one before, which the view lets grow old (`HostView.device`):
a full disk is no less full because the agent has now died of it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple, Self

from netmon.errors import Reason
from netmon.health.tables import Tables
from netmon.health.uptime import Restart, Uptime, restart_of, uptime_of
from netmon.model import CheckKey, Observation

SAMPLES: Final = 60  # of a file system's use
SAMPLE_EVERY: Final = 120.0  # seconds between two of them
# ifType of what has a cable or stands for such; the others come and go with containers and tunnels.
_JITTER: Final = 60.0  # seconds by which a start, reckoned from an uptime, may seem to move
_READ: Final = (
    "systems", "memory", "load", "processors", "listeners", "ports", "processes", "queue", "applications",
)  # fmt: skip
_WIRED: Final = frozenset(
    {"ethernetCsmacd", "fastEther", "fastEtherFX", "gigabitEthernet", "ieee8023adLag", "iso88023Csmacd"}
)


class FileSystem(NamedTuple):
    """Shares in per cent; `samples` are earlier shares by monotonic time, oldest first."""

    used: float
    inodes: float | None = None
    samples: tuple[tuple[float, float], ...] = ()


class Port(NamedTuple):
    """An interface of the device.

    `down_since` is the wall clock's time at which it was first seen down after it had been up, though
    the administrator wants it up; None for a port that nobody ever plugged in.
    """

    name: str
    descr: str
    alias: str
    wired: bool
    up: bool
    down_since: float | None = None
    errors: float | None = None  # since the run before
    error_share: float | None = None  # of the packets since then, in per cent
    erring: int = 0  # runs in a row with more errors than `ERRORS_WORTH_TELLING`
    counted: tuple[float, float] | None = None  # errors and packets so far


class Memory(NamedTuple):
    """In KiB; `available` counts caches and buffers as such."""

    total: float
    available: float
    swap_total: float
    swap_available: float


class Application(NamedTuple):
    """A row of applTable (RFC 2788) or, as far as it goes, of mtaTable (RFC 2789)."""

    name: str
    status: int | None = None  # applOperStatus
    stored: float | None = None  # messages
    oldest: float | None = None  # seconds
    rejected: float | None = None  # inbound associations refused so far
    newly_rejected: float | None = None  # since the run before


@dataclass(frozen=True, slots=True)
class Device:
    """The facts of the latest run that brought any.  `at` is its wall time, `begun` its monotonic one."""

    key: CheckKey
    at: float
    begun: float
    systems: Mapping[str, FileSystem] = field(default_factory=dict)  # by mount point
    memory: Memory | None = None
    load: float | None = None  # average over five minutes
    processors: int = 0
    listeners: frozenset[tuple[str, int]] | None = None  # address and TCP port; None: not read
    ports: Mapping[str, Port] = field(default_factory=dict)  # by ifIndex
    uptime: Uptime | None = None
    restart: Restart | None = None
    processes: Mapping[str, int] | None = None  # by name; None: not counted in this run
    queue: tuple[float, float | None] | None = None  # messages, and seconds of the oldest
    applications: Mapping[str, Application] = field(default_factory=dict)  # by applIndex

    def memory_note(self) -> dict[str, Any]:
        """What must survive a restart of the agent, as JSON holds it; changes only when something happens."""
        note: dict[str, Any] = {}
        down = {index: round(p.down_since) for index, p in self.ports.items() if p.down_since is not None}
        if down:
            note["down"] = down
        if self.uptime is not None:
            note["uptime"] = self.uptime.note(self.at)
        if self.restart is not None and self.restart.host and self.restart.certain:
            note["booted"] = round(self.restart.at)  # it may hold alerts back still
        return note

    @classmethod
    def remembered(cls, key: CheckKey, note: Mapping[str, Any], now: float, wall: float) -> Self | None:
        """A device of which only `memory_note` is known; None where the note makes no sense."""
        try:
            ports = {
                str(index): Port("", "", "", wired=True, up=False, down_since=float(since))
                for index, since in note.get("down", {}).items()
            }
            uptime = Uptime.of_note(note["uptime"], now, wall) if "uptime" in note else None
            booted = float(note["booted"]) if "booted" in note else None
        except (AttributeError, KeyError, TypeError, ValueError):
            return None
        restart = None if booted is None else Restart(booted, now - (wall - booted), host=True, certain=True)
        return cls(key, 0.0, now, ports=ports, uptime=uptime, restart=restart)


def same_note(new: Mapping[str, Any], old: Mapping[str, Any] | None) -> bool:
    """Whether two notes say the same: a minute's difference of a start is a clock's drift."""
    if old is None or new.keys() != old.keys() or new.get("down") != old.get("down"):
        return False
    if abs(new.get("booted", 0.0) - old.get("booted", 0.0)) >= _JITTER:
        return False
    starts, before = new.get("uptime", {}), old.get("uptime", {})
    return starts.keys() == before.keys() and all(
        abs(start - before[name]) < (1 if name == "boots" else _JITTER) for name, start in starts.items()
    )


def follow(earlier: Device | None, observation: Observation) -> Device | None:
    """The device after one more SNMP run; `earlier` itself where the run brought no tables."""
    if not observation.tables:
        return earlier
    tables, own = Tables(observation.tables), Tables(observation.own)
    uptime = uptime_of(tables, observation)
    told = earlier is not None and earlier.restart is not None
    restart = restart_of(earlier.uptime if earlier else None, uptime, observation, told=told)
    device = Device(
        key=observation.key,
        at=observation.started,
        begun=observation.begun,
        systems=dict(_file_systems(tables, earlier, observation.begun)),
        memory=_memory(tables),
        load=_load(tables),
        processors=len(tables.rows("hrProcessorLoad")),
        listeners=_listeners(tables),
        ports=dict(_ports(tables, earlier, observation.started, counted=restart is None)),
        uptime=uptime or (earlier.uptime if earlier else None),
        restart=restart or (earlier.restart if earlier else None),
        processes=_processes(own),
        queue=_queue(own),
        applications=dict(_applications(tables, earlier)),
    )
    if earlier is not None and observation.reason is Reason.MODULE_FAILED:
        return _patched(device, earlier)
    return device


def _patched(device: Device, earlier: Device) -> Device:
    """A run of which some modules failed: what is missing is taken from the last one, and is as old."""
    missing = {
        name: getattr(earlier, name) for name in _READ if not getattr(device, name) and getattr(earlier, name)
    }
    return replace(device, begun=earlier.begun, **missing) if missing else device


def _file_systems(tables: Tables, earlier: Device | None, begun: float) -> Iterator[tuple[str, FileSystem]]:
    """HOST-RESOURCES-MIB hrStorageTable and UCD-SNMP-MIB dskTable."""
    used: dict[str, float] = {}
    inodes: dict[str, float] = {}
    for labels, percent in tables.rows("dskPercent"):
        if "dskPath" in labels:
            used[labels["dskPath"]] = percent
    for labels, percent in tables.rows("dskPercentNode"):
        if "dskPath" in labels:
            inodes[labels["dskPath"]] = percent
    sizes = {labels.get("hrStorageIndex"): size for labels, size in tables.rows("hrStorageSize")}
    for labels, count in tables.rows("hrStorageUsed"):
        path, size = labels.get("hrStorageDescr", ""), sizes.get(labels.get("hrStorageIndex"))
        # File systems only: memory rows of the same table are always nearly full.
        if path.startswith("/") and size:
            used.setdefault(path, 100.0 * count / size)
    known = earlier.systems if earlier else {}
    for path, percent in used.items():
        samples = known[path].samples if path in known else ()
        if not samples or begun - samples[-1][0] >= SAMPLE_EVERY:
            samples = (*samples, (begun, percent))[-SAMPLES:]
        yield path, FileSystem(percent, inodes.get(path), samples)


def _memory(tables: Tables) -> Memory | None:
    """UCD-SNMP-MIB memory, in 64 bits where the agent gives them."""

    def figure(name: str) -> float:
        wide = tables.scalar(f"{name}X")
        return (wide if wide is not None else tables.scalar(name)) or 0.0

    total = figure("memTotalReal")
    if not total:
        return None
    available = figure("memAvailReal") + figure("memBuffer") + figure("memCached")
    return Memory(total, available, figure("memTotalSwap"), figure("memAvailSwap"))


def _load(tables: Tables) -> float | None:
    """UCD-SNMP-MIB laTable: the average over five minutes."""
    for name, scale in (("laLoadFloat", 1.0), ("laLoadInt", 0.01)):
        for labels, value in tables.rows(name):
            if labels.get("laNames") == "Load-5" or labels.get("laIndex") == "2":
                return value * scale
    return None


def _listeners(tables: Tables) -> frozenset[tuple[str, int]] | None:
    """TCP-MIB tcpListenerTable."""
    rows = tables.rows("tcpListenerProcess")
    if not rows:
        return None
    return frozenset(
        (labels.get("tcpListenerLocalAddress", ""), int(labels["tcpListenerLocalPort"]))
        for labels, _ in rows
        if labels.get("tcpListenerLocalPort", "").isdecimal()
    )


_ERRORS: Final = ("ifInErrors", "ifOutErrors")
_PACKETS: Final = (("ifHCInUcastPkts", "ifInUcastPkts"), ("ifHCOutUcastPkts", "ifOutUcastPkts"))
ERRORS_WORTH_TELLING: Final = 10  # of one poll; fewer are chance


def _ports(tables: Tables, earlier: Device | None, at: float, *, counted: bool) -> Iterator[tuple[str, Port]]:
    """IF-MIB: of each interface whether it is up, and its errors since the run before."""
    wanted = tables.by("ifIndex", "ifAdminStatus")
    kinds = {labels.get("ifIndex"): labels.get("ifType") for labels, _ in tables.rows("ifType_info")}
    errors = [tables.by("ifIndex", name) for name in _ERRORS]
    # Row by row: some ports count in 64 bits and some do not, and a wide counter may stand still at 0.
    packets = [
        tables.by("ifIndex", narrow) | {index: n for index, n in tables.by("ifIndex", wide).items() if n}
        for wide, narrow in _PACKETS
    ]
    known = earlier.ports if earlier else {}
    for labels, status in tables.rows("ifOperStatus"):
        index = labels.get("ifIndex", "")
        before = known.get(index)
        up = status == 1
        kind = kinds.get(index)
        down_since = None
        if not up and wanted.get(index, 1) == 1 and before is not None:
            down_since = at if before.up else before.down_since
        port = Port(
            labels.get("ifName", ""),
            labels.get("ifDescr", ""),
            labels.get("ifAlias", ""),
            wired=kind is None or kind in _WIRED,
            up=up,
            down_since=down_since,
            counted=(
                sum(column.get(index, 0.0) for column in errors),
                sum(column.get(index, 0.0) for column in packets),
            ),
        )
        yield index, _compared(port, before if counted else None)


def _compared(port: Port, before: Port | None) -> Port:
    """The port with what its counters have grown by; a counter that fell back says nothing."""
    if before is None or before.counted is None or port.counted is None:
        return port
    errors, packets = (now - then for now, then in zip(port.counted, before.counted, strict=True))
    if errors < 0 or packets < 0:
        return port
    share = 100.0 * errors / (errors + packets) if errors else 0.0
    erring = before.erring + 1 if errors >= ERRORS_WORTH_TELLING else 0
    return port._replace(errors=errors, error_share=share, erring=erring)


def _processes(own: Tables) -> Mapping[str, int] | None:
    """What the probe counted in hrSWRunTable by the names of the config; None where it did not."""
    rows = own.rows("netmon_host_processes")
    return {labels["name"]: int(count) for labels, count in rows if "name" in labels} if rows else None


def _queue(own: Tables) -> tuple[float, float | None] | None:
    """What net-snmp's `extend` told of the mail queue."""
    messages = own.scalar("netmon_mail_queue_messages")
    return None if messages is None else (messages, own.scalar("netmon_mail_queue_oldest_seconds"))


def _applications(tables: Tables, earlier: Device | None) -> Iterator[tuple[str, Application]]:
    """NETWORK-SERVICES-MIB applTable, with what MTA-MIB says of the same applIndex."""
    names: dict[str, str] = {}
    for family in ("applOperStatus", "mtaStoredMessages", "mtaGroupOldestMessageStored"):
        for labels, _ in tables.rows(family):
            index = labels.get("applIndex", "")
            names.setdefault(index, labels.get("applName") or f"application {index}")
    status, stored, rejected = (
        tables.by("applIndex", family)
        for family in ("applOperStatus", "mtaStoredMessages", "applRejectedInboundAssociations")
    )
    oldest: dict[str, float] = {}  # of all groups of an application
    for labels, hundredths in tables.rows("mtaGroupOldestMessageStored"):
        index = labels.get("applIndex", "")
        oldest[index] = max(hundredths / 100.0, oldest.get(index, 0.0))
    before = earlier.applications if earlier else {}
    for index, name in names.items():
        count, then = rejected.get(index), before[index].rejected if index in before else None
        yield (
            index,
            Application(
                name=name,
                status=int(status[index]) if index in status else None,
                stored=stored.get(index),
                oldest=oldest.get(index),
                rejected=count,
                newly_rejected=None if count is None or then is None or count < then else count - then,
            ),
        )
