"""What a judgement sees: one host's checks, and of its upstreams only what matters to it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from netmon.model import CheckState, FindingKind, Host, Observation, Result, Role, Value

STALE_INTERVALS: Final = 3.0  # a check that did not end for so many intervals says nothing any more
DEFERRAL_LIMIT: Final = 900.0  # seconds of nothing but 4yz after which a role counts as down
SNMP: Final = "snmp"
PING: Final = "ping"
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Upstream:
    """One of the hosts that the judged one depends on.

    `alive` is its own life; `begun` when its latest run began (monotonic, 0: none yet);
    `behind_begun` when the latest answered run of any other host behind it began.
    """

    name: str
    alive: bool | None
    begun: float = 0.0
    behind_begun: float = 0.0


@dataclass(frozen=True, slots=True)
class HostView:
    """Everything that a rule may look at.  `started`: when the agent began to watch (monotonic)."""

    host: Host
    checks: tuple[CheckState, ...]
    started: float
    upstreams: tuple[Upstream, ...] = ()
    carries_begun: float = 0.0  # when the latest answered run of a host behind this one alone began
    isolated: bool = False  # the agent itself is cut off


def is_stale(state: CheckState, started: float, now: float) -> bool:
    """Whether its latest outcome is too old to count; after a restart counted from the start."""
    heard = state.observation.begun if state.observation else started
    return now - heard > STALE_INTERVALS * state.check.interval + state.check.deadline


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


def column(observation: Observation | None, name: str) -> Sequence[tuple[dict[str, str], Value]]:
    """The labels and values of one metric family in an observation's device tables."""
    if observation is None:
        return ()
    return [
        (dict(zip(table.names, row, strict=True)), value)
        for table in observation.tables
        for column in table.columns
        if column.family.name == name
        for row, value in zip(table.rows, column.values, strict=True)
    ]


def listening(host: Host, states: Iterable[CheckState]) -> frozenset[int]:
    """The TCP ports on which the host says that it listens for others (TCP-MIB tcpListenerTable)."""
    # A service on loopback alone is closed from outside, unless that is where netmon looks.
    hidden = _LOOPBACK - {host.address, *host.addresses}
    return frozenset(
        int(labels["tcpListenerLocalPort"])
        for state in states
        for labels, _ in column(state.observation, "tcpListenerProcess")
        if labels.get("tcpListenerLocalPort", "").isdecimal()
        and _address(labels.get("tcpListenerLocalAddress", "")) not in hidden
    )


def _address(text: str) -> str:
    """An address as people write it: a table's IPv6 is not compressed."""
    try:
        return str(ip_address(text))
    except ValueError:
        return text
