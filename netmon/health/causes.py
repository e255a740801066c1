"""The rules over what SNMP tells of a device: what on the host, or on the way to it, harms its mail.

Each gives its findings the weight that they have alone.  That one of them explains a mail fault is told
by `EXPLAINS`: a full disk beside a server that defers is the cause, beside one that accepts it is a risk.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Final

from netmon.errors import Reason
from netmon.health.device import Device, Port
from netmon.health.view import HostView, Upstream, failing_mail, listening, locally
from netmon.model import Finding, FindingKind, Severity

# What mail looks like from outside when nothing comes through.  Any cause on the way explains it.
SILENCE: Final = frozenset({Reason.TIMEOUT, Reason.UNREACHABLE, Reason.DEADLINE, Reason.GREETING_TIMEOUT})
# What it looks like when its host is in trouble: everything that is about capacity, and silence too.
# Not TLS, policy or protocol, which no full disk explains.  Whatever explains a milder outcome explains
# the worse ones too, so that worse news never gives a better verdict.
TROUBLE: Final = SILENCE | {
    Reason.GREETING_DEFERRED,
    Reason.EHLO_DEFERRED,
    Reason.STARTTLS_DEFERRED,
    Reason.ENVELOPE_DEFERRED,
    Reason.LOGIN_DEFERRED,
    Reason.MAILBOX_DEFERRED,
    Reason.MESSAGE_DEFERRED,
    Reason.SYSTEM_DEFERRED,
    Reason.GREETING_REJECTED,
    Reason.EHLO_REJECTED,
    Reason.ENVELOPE_REJECTED,
    Reason.MAILBOX_REJECTED,
    Reason.MESSAGE_REJECTED,
    Reason.MESSAGE_LOST,
    Reason.REFUSED,
    Reason.CONNECTION_LOST,
}
EXPLAINS: Final[Mapping[str, frozenset[Reason]]] = {
    FindingKind.STORAGE_FULL: TROUBLE,
    FindingKind.MEMORY_EXHAUSTED: TROUBLE,
    FindingKind.LOAD_HIGH: TROUBLE,
    FindingKind.PROCESS_MISSING: TROUBLE,
    FindingKind.PROCESS_MULTIPLIED: TROUBLE,
    FindingKind.REBOOTED: TROUBLE,
    FindingKind.QUEUE_LONG: TROUBLE,
    FindingKind.QUEUE_OLD: TROUBLE,
    FindingKind.MTA_REFUSING: TROUBLE,
    FindingKind.APPLICATION_DOWN: TROUBLE,
    FindingKind.TRAP_STATE: TROUBLE,
    FindingKind.INTERFACE_DOWN: SILENCE,
    FindingKind.INTERFACE_ERRORS: SILENCE,
    FindingKind.UPSTREAM_PORT_DOWN: SILENCE,
    FindingKind.UPSTREAM_PORT_ERRORS: SILENCE,
}

Rule = Callable[[HostView, float], Iterable[Finding]]
_UP: Final = 1  # applOperStatus
_STATUS: Final = {2: "down", 3: "halted", 4: "congested", 5: "restarting", 6: "quiescing"}
_TREND: Final = 600.0  # seconds of samples below which a trend is chance
_LOAD_UNKNOWN: Final = 8  # processors to reckon with where the agent does not tell


def storage(view: HostView, _now: float) -> Iterator[Finding]:
    """A file system full, nearly full, or full soon: HOST-RESOURCES-MIB and UCD-SNMP-MIB dskTable.

    RFC 3463 calls what follows 4.3.1, mail system full.
    """
    device, limits = view.device, view.host.limits
    for path, system in sorted(device.systems.items()) if device else ():
        if any(fnmatchcase(path, pattern) for pattern in limits.storage_ignore):
            continue
        left = time_left(system.samples)
        if system.used >= limits.storage_full:
            kind, text = FindingKind.STORAGE_FULL, f"{path} is {system.used:.0f}% full"
        elif system.inodes is not None and system.inodes >= limits.storage_full:
            kind, text = FindingKind.STORAGE_FULL, f"{path} has {system.inodes:.0f}% of its inodes in use"
        elif left is not None and left <= limits.storage_time_left:
            soon = _length(left)
            kind, text = FindingKind.STORAGE_FILLING, f"{path} is {system.used:.0f}% full, and full in {soon}"
        elif system.used >= limits.storage_filling:
            kind, text = FindingKind.STORAGE_FILLING, f"{path} is {system.used:.0f}% full"
        else:
            continue
        yield _finding(device, kind, Severity.RISK, text, path)


def time_left(samples: tuple[tuple[float, float], ...]) -> float | None:
    """Seconds until a file system is full if it goes on like this; None where nothing tells.

    By the slower of two slopes (least squares), that of all samples and that of the latest third: what
    has stopped growing is not going to be full.
    """
    if len(samples) < 3 or samples[-1][0] - samples[0][0] < _TREND:  # noqa: PLR2004 - a trend needs them
        return None
    recent = samples[-max(2, len(samples) // 3) :]
    slope = min(_slope(samples), _slope(recent))
    return (100.0 - samples[-1][1]) / slope if slope > 0 else None


def _slope(samples: tuple[tuple[float, float], ...]) -> float:
    """Per cent a second."""
    middle = sum(at for at, _ in samples) / len(samples)
    mean = sum(used for _, used in samples) / len(samples)
    spread = sum((at - middle) ** 2 for at, _ in samples)
    return sum((at - middle) * (used - mean) for at, used in samples) / spread if spread else 0.0


def memory(view: HostView, _now: float) -> Iterator[Finding]:
    """Main memory and swap used up (UCD-SNMP-MIB memory).

    memSwapError is no help: net-snmp sets it on every host without swap.
    """
    device, limits = view.device, view.host.limits
    of = device.memory if device else None
    if of is None:
        return
    share = 100.0 * of.available / of.total
    swap = 100.0 * of.swap_available / of.swap_total if of.swap_total else None
    if share < limits.memory_available and (swap is None or swap < limits.swap_available):
        text = f"{share:.0f}% of main memory is available"
        text += ", and there is no swap" if swap is None else f", {swap:.0f}% of swap is free"
        yield _finding(device, FindingKind.MEMORY_EXHAUSTED, Severity.RISK, text)


def load(view: HostView, _now: float) -> Iterator[Finding]:
    """The load average for each processor (UCD-SNMP-MIB laTable, HOST-RESOURCES-MIB hrProcessorTable)."""
    device = view.device
    if device is None or device.load is None:
        return
    if device.load >= view.host.limits.load_per_cpu * (device.processors or _LOAD_UNKNOWN):
        text = f"the load average is {device.load:.1f}"
        text += f" on {_count(device.processors, 'processor')}" if device.processors else ""
        yield _finding(device, FindingKind.LOAD_HIGH, Severity.INFO, text)


def processes(view: HostView, _now: float) -> Iterator[Finding]:
    """Processes that the config names (hrSWRunTable): none of them, or too many."""
    device = view.device
    wanted = {
        one.name: one for state in view.checks for one in getattr(state.check.settings, "processes", ())
    }
    if device is None or device.processes is None:
        return
    for name, count in device.processes.items():
        least, most = (wanted[name].min, wanted[name].max) if name in wanted else (1, None)
        if count < least:
            text = f"no process {name} runs" if not count else f"{count} of {least} processes {name} run"
            yield _finding(device, FindingKind.PROCESS_MISSING, Severity.FAULT, text, name)
        elif most is not None and count > most:
            text = f"{count} processes {name} run, {most} at most are wanted"
            yield _finding(device, FindingKind.PROCESS_MULTIPLIED, Severity.RISK, text, name)


def interfaces(view: HostView, _now: float) -> Iterator[Finding]:
    """The mail host's own interfaces (IF-MIB): one that was up is down, or errs.

    Of other devices only the ports that lead to somebody are told, at the hosts behind them: on an
    access switch somebody pulls a plug all day.
    """
    device = view.device
    if device is None or not view.has_mail:
        return
    for port in device.ports.values():
        if port.wired and port.down_since is not None:
            text = f"interface {_name(port)} is down"
            yield _finding(
                device, FindingKind.INTERFACE_DOWN, Severity.RISK, text, _name(port), at=port.down_since
            )
        elif _errs(port, view):
            text = f"interface {_name(port)} errs: {_errors(port)}"
            yield _finding(device, FindingKind.INTERFACE_ERRORS, Severity.RISK, text, _name(port))


def upstream_ports(view: HostView, _now: float) -> Iterator[Finding]:
    """The ports of the upstreams that lead to this host, by the config or by their ifAlias."""
    for upstream in view.upstreams:
        device = upstream.device
        for port in _leading_here(view, upstream) if device else ():
            what = f"{upstream.name}'s port {_name(port)}"
            if port.down_since is not None:
                yield _finding(
                    device,
                    FindingKind.UPSTREAM_PORT_DOWN,
                    Severity.RISK,
                    f"{what}, which leads here, is down",
                    what,
                    at=port.down_since,
                )
            elif _errs(port, view):
                text = f"{what}, which leads here, errs: {_errors(port)}"
                yield _finding(device, FindingKind.UPSTREAM_PORT_ERRORS, Severity.RISK, text, what)


def _leading_here(view: HostView, upstream: Upstream) -> Iterator[Port]:
    assert upstream.device is not None  # noqa: S101 - asked before
    wanted = view.host.upstream_ports.get(upstream.name)
    name = re.compile(rf"(?<![\w.-]){re.escape(view.host.name)}(?![\w-])", re.IGNORECASE)
    for port in upstream.device.ports.values():
        if wanted in {port.name, port.descr, port.alias} if wanted else name.search(port.alias):
            yield port


def restarts(view: HostView, now: float) -> Iterator[Finding]:
    """The host, or its SNMP agent alone, was started again a short while ago."""
    device = view.device
    restart = device.restart if device else None
    if restart is None or now - restart.begun > view.host.limits.reboot_hold:
        return
    ago = _length(now - restart.begun)
    if restart.host:
        text = "it booted" if restart.certain else "it, or its SNMP agent, was started"
        yield _finding(device, FindingKind.REBOOTED, Severity.INFO, f"{text} {ago} ago", at=restart.at)
    else:
        text = f"its SNMP agent was started {ago} ago"
        yield _finding(device, FindingKind.AGENT_RESTARTED, Severity.INFO, text, at=restart.at)


def listeners(view: HostView, _now: float) -> Iterator[Finding]:
    """TCP-MIB's listeners held against what the outside sees: nobody there, or for loopback alone."""
    device = view.device
    if device is None or device.listeners is None:
        return
    there = listening(view.host, device)
    for state in failing_mail(view.checks):
        port = getattr(state.check.settings, "port", None)
        if state.reason not in TROUBLE or port is None or port in there:
            continue
        if port in locally(device):
            kind, text = FindingKind.LISTENING_LOCALLY, f"TCP port {port} is listened on by loopback alone"
        else:
            kind, text = FindingKind.NOT_LISTENING, f"nothing listens on its TCP port {port}"
        yield _finding(device, kind, Severity.FAULT, text, str(port))


def queue(view: HostView, _now: float) -> Iterator[Finding]:
    """The mail queue, from net-snmp's `extend` or from MTA-MIB: too long, or too old."""
    device, limits = view.device, view.host.limits
    queues = [("mail queue", *device.queue)] if device and device.queue else []
    queues += [
        (f"queue of {of.name}", of.stored or 0.0, of.oldest)
        for of in (device.applications.values() if device else ())
        if of.stored is not None or of.oldest is not None
    ]
    for what, messages, oldest in queues:
        if messages >= limits.queue_messages:
            text = f"the {what} holds {messages:.0f} messages"
            yield _finding(device, FindingKind.QUEUE_LONG, Severity.RISK, text, what)
        if oldest is not None and oldest >= limits.queue_age:
            text = f"the oldest message in the {what} waits for {_length(oldest)}"
            yield _finding(device, FindingKind.QUEUE_OLD, Severity.RISK, text, what)


def applications(view: HostView, _now: float) -> Iterator[Finding]:
    """NETWORK-SERVICES-MIB: an application that is not up, or turns connections away."""
    device = view.device
    for of in device.applications.values() if device else ():
        if of.status is not None and of.status != _UP:
            text = f"{of.name} says of itself that it is {_STATUS.get(of.status, of.status)}"
            yield _finding(device, FindingKind.APPLICATION_DOWN, Severity.FAULT, text, of.name)
        if of.newly_rejected:
            text = (
                f"{of.name} turned {_count(round(of.newly_rejected), 'connection')} away since the last poll"
            )
            yield _finding(device, FindingKind.MTA_REFUSING, Severity.INFO, text, of.name)


CAUSES: Final[tuple[Rule, ...]] = (
    storage, memory, load, processes, applications, restarts, interfaces, upstream_ports, listeners, queue,
)  # fmt: skip


def _finding(
    device: Device | None,
    kind: FindingKind,
    severity: Severity,
    text: str,
    subject: str = "",
    *,
    at: float | None = None,
) -> Finding:
    assert device is not None  # noqa: S101 - no rule finds anything without one
    return Finding(kind, severity, text, device.key, device.at if at is None else at, subject)


def _errs(port: Port, view: HostView) -> bool:
    """For two polls in a row, so that one burst is no news."""
    share = port.error_share
    return port.erring > 1 and share is not None and share >= view.host.limits.interface_errors


def _errors(port: Port) -> str:
    return f"{port.errors or 0:.0f} of its packets since the last poll, {port.error_share or 0:.1f}%"


def _name(port: Port) -> str:
    return port.name or port.descr or "without a name"


def _length(seconds: float) -> str:
    minutes = max(round(seconds / 60), 0)
    if minutes < 1:
        return f"{max(seconds, 0):.0f} s"
    if minutes < 120:  # noqa: PLR2004 - two hours
        return f"{minutes} min"
    length = timedelta(minutes=minutes)
    return f"{length.days} d" if length.days > 1 else f"{length.total_seconds() / 3600:.0f} h"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
