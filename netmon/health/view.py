"""What a judgement sees: one host's checks, and of its upstreams only what matters to it."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from netmon.health.device import Device
from netmon.model import CheckState, Finding, FindingKind, Host, Result, Role
from netmon.model.events import RaisedState

STALE_INTERVALS: Final = 3.0  # a check that did not end for so many intervals says nothing any more
DEFERRAL_LIMIT: Final = 900.0  # seconds of nothing but 4yz after which a role counts as down
SNMP: Final = "snmp"
PING: Final = "ping"
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Upstream:
    """One of the hosts that the judged one depends on.

    `alive` is its own life; `begun` when its latest run began (monotonic, 0: none yet);
    `behind_begun` when the latest answered run of any other host behind it began; `device` what SNMP
    told of it, unless that is too old.
    """

    name: str
    alive: bool | None
    begun: float = 0.0
    behind_begun: float = 0.0
    device: Device | None = None


@dataclass(frozen=True, slots=True)
class HostView:
    """Everything that a rule may look at.  `started`: when the agent began to watch (monotonic)."""

    host: Host
    checks: tuple[CheckState, ...]
    started: float
    upstreams: tuple[Upstream, ...] = ()
    carries_begun: float = 0.0  # when the latest answered run of a host behind this one alone began
    isolated: bool = False  # the agent itself is cut off
    flapping: bool = False
    device: Device | None = None  # what SNMP told, unless that is too old
    wall: float = 0.0  # the present for people, by which a sentence says "10:02" or "Monday 10:02"
    healthy_at: float = 0.0  # wall clock: when it was last found healthy
    traps: tuple[RaisedState, ...] = ()  # what notifications have raised
    earlier: tuple[Finding, ...] = ()  # of the judgement before: what goes on has its time from there

    @property
    def has_mail(self) -> bool:
        """Whether mail is configured."""
        return any(state.check.role is not None for state in self.checks)


def is_stale(state: CheckState, started: float, now: float) -> bool:
    """Whether its latest outcome is too old to count; after a restart counted from the start."""
    heard = state.observation.begun if state.observation else started
    return now - heard > STALE_INTERVALS * state.check.interval + state.check.deadline


def fresh(view: HostView, now: float) -> tuple[CheckState, ...]:
    """The checks whose outcome still counts."""
    return tuple(state for state in view.checks if not is_stale(state, view.started, now))


def tested(states: Iterable[CheckState]) -> tuple[CheckState, ...]:
    """Those that have an outcome which is about the host and not about netmon's own side.

    A refusal of netmon's own address or sender says nothing of the mail of others.
    """
    return tuple(
        state for state in states if state.result not in {None, Result.UNTESTABLE} and not refused_us(state)
    )


def refused_us(state: CheckState) -> bool:
    """Whether the server said no to netmon itself, by what the probe noticed."""
    if state.result not in {Result.REJECTED, Result.DEFERRED} or state.observation is None:
        return False
    return any(finding.kind == FindingKind.PROBE_REJECTED for finding in state.observation.findings)


def roles(states: Iterable[CheckState]) -> dict[Role, tuple[CheckState, ...]]:
    """The mail checks by role."""
    found: dict[Role, tuple[CheckState, ...]] = {}
    for state in states:
        if state.check.role is not None:
            found[state.check.role] = (*found.get(state.check.role, ()), state)
    return found


def life_of(states: Iterable[CheckState]) -> bool | None:
    """Whether the host is alive: None where nothing tells.

    Any sign of life is life.  Silence of a ping counts only where ping has answered before, because
    many hosts are configured never to answer.
    """
    silent = False
    for state in states:
        observation = state.observation
        if observation is None or observation.alive is None:
            continue
        if observation.alive:
            return True
        silent = silent or state.answered or state.check.key.probe != PING
    return False if silent else None


def failing_mail(states: Iterable[CheckState]) -> tuple[CheckState, ...]:
    """The mail checks that were tested and are not ok."""
    return tuple(
        state for state in tested(states) if state.check.role is not None and state.result is not Result.OK
    )


def listening(host: Host, device: Device | None) -> frozenset[int]:
    """The TCP ports on which the host says that it listens for others (TCP-MIB tcpListenerTable)."""
    # A service on loopback alone is closed from outside, unless that is where netmon looks.
    hidden = _LOOPBACK - {host.address, *host.addresses}
    there = device.listeners if device is not None and device.listeners is not None else ()
    return frozenset(port for address, port in there if _address(address) not in hidden)


def locally(device: Device) -> frozenset[int]:
    """The TCP ports on which it listens on a loopback address, perhaps among others."""
    return frozenset(port for address, port in device.listeners or () if _address(address) in _LOOPBACK)


def _address(text: str) -> str:
    """An address as people write it: a table's IPv6 is not compressed."""
    try:
        return str(ip_address(text))
    except ValueError:
        return text
