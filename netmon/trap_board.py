"""What traps have told of hosts: counts, states that are raised, and the latest of each.

The receiver tells in notices what it has committed.  A state that a notification raised ends by the one
that clears it, or when its time is over.  Times are those of the wall clock, because they must
mean the same after a restart of the machine.

Nobody who cannot authenticate ends what an authenticated sender has raised, nor takes its place: a state
that both have told is kept twice and counts once.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from netmon.model import Kind
from netmon.model.events import Event, EventSeverity, RaisedState

_NOTE: Final = "traps"  # the kind of the notes in which raised states are remembered
OTHER: Final = "other"
_SERIES: Final = 20_000  # of netmon_traps_total; what is beyond counts under no host and OTHER
_INSTANCES: Final = 256  # raised states of one host
_STATES: Final = 64  # different ones of one host in its metrics
_TEXT: Final = 200  # characters of what an event says
_RECENT: Final = 20  # events that are kept for a host's page
_LATEST: Final = 60  # and for that of all hosts
_RANK: Final = {severity.value: rank for rank, severity in enumerate(EventSeverity)}

Reading = tuple[str, str, Kind, Mapping[str, str], float]
_Key = tuple[str, str, bool]  # state, instance, authenticated


@dataclass(frozen=True, slots=True)
class TrapSummary:
    """A host's traps in a line: the latest, and how many states are raised."""

    at: float  # wall clock
    trap: str
    severity: EventSeverity
    raised: int


@dataclass(slots=True)
class _Host:
    raised: dict[_Key, RaisedState] = field(default_factory=dict)
    states: dict[str, None] = field(default_factory=dict)  # that it ever had, for metrics that go back to 0
    latest: tuple[float, str, EventSeverity] | None = None
    events: dict[int, Event] = field(default_factory=dict)


class TrapBoard:
    """For the event loop's thread.  `wall` of its methods is the present.

    `note` and `noted` have raised states survive a restart, as `Store` does it.
    """

    def __init__(
        self,
        *,
        note: Callable[[str, str, Any], None],
        noted: Callable[[str], Mapping[str, Any]],
    ) -> None:
        self._note = note
        self._notes = dict(noted(_NOTE))
        self._hosts: dict[str, _Host] = {}
        self._totals: Counter[tuple[str, str, str]] = Counter()
        self._last: dict[tuple[str, str], float] = {}
        self._latest: dict[int, Event] = {}

    def planned(self, hosts: Collection[str], wall: float) -> None:
        """The hosts of the config: those that left are forgotten, new ones have what is noted of them."""
        for name in self._hosts.keys() - set(hosts):
            del self._hosts[name]
            self._note(_NOTE, name, None)
        for name in self._notes.keys() - set(hosts):
            del self._notes[name]
            self._note(_NOTE, name, None)
        for name in hosts:
            if name not in self._hosts:
                self._hosts[name] = _Host(_remembered(self._notes.pop(name, None), wall))
                self._hosts[name].states.update((raised.state, None) for raised in self.raised_of(name))
        gone = [key for key in self._totals if key[0] and key[0] not in self._hosts]
        for key in gone:
            self._totals["", OTHER, key[2]] += self._totals.pop(key)
        for left in [key for key in self._last if key[0] not in self._hosts]:
            del self._last[left]

    def take(self, notice: Mapping[str, Any], wall: float) -> set[str]:
        """Take a notice of the receiver; the hosts whose raised states are others now."""
        for host, label, severity, count, at in notice.get("traps", ()):
            self._count(host, label, severity, int(count), min(float(at), wall))
        changed, touched = set(), set()
        for change in notice.get("changes", ()):
            name, state, instance, active, ttl, cause, authenticated, at, event_id, text = change
            host = self._hosts.get(name)
            if host is None:
                continue
            if active:
                at = min(float(at), wall)
                until = at + float(ttl) if ttl else 0.0
                raised = RaisedState(
                    state, instance, at, until, bool(cause), bool(authenticated), event_id, text[:_TEXT]
                )
                moved = _raise(host, raised)
            else:
                moved = _clear(host, state, instance, authenticated=bool(authenticated))
            touched.add(name)
            if moved:
                changed.add(name)
        for name in touched:
            self._remember(name)
        return changed

    def tick(self, wall: float) -> set[str]:
        """Forget states whose time is over; the hosts that had one."""
        changed = set()
        for name, host in self._hosts.items():
            over = [key for key, raised in host.raised.items() if raised.until and raised.until <= wall]
            for key in over:
                del host.raised[key]
            if over:
                changed.add(name)
                self._remember(name)
        return changed

    def raised_of(self, name: str) -> tuple[RaisedState, ...]:
        """What is raised of a host, each state and instance once.

        What authenticated senders have told comes first, so that no flood hides it; then the latest.
        """
        host = self._hosts.get(name)
        if host is None:
            return ()
        once = {key[:2]: host.raised[key] for key in sorted(host.raised)}  # the authenticated one is later
        return tuple(
            sorted(once.values(), key=lambda raised: (raised.authenticated, raised.at), reverse=True)
        )

    def show(self, events: Iterable[Event]) -> None:
        """Keep events for the pages: new ones, and known ones with a new count."""
        for event in sorted(events, key=lambda event: event.id):
            _keep(self._latest, event, _LATEST)
            host = self._hosts.get(event.host)
            if host is not None:
                _keep(host.events, event, _RECENT)
                if host.latest is None or event.last >= host.latest[0]:
                    host.latest = (event.last, event.trap, event.severity)

    def recent(self, name: str = "") -> Sequence[Event]:
        """The latest events of a host, or of all senders; newest first."""
        host = self._hosts.get(name)
        kept = self._latest if not name else host.events if host is not None else {}
        return tuple(reversed(kept.values()))

    def summary(self, name: str) -> TrapSummary | None:
        """A host's traps in a line; None where none came."""
        host = self._hosts.get(name)
        raised = self.raised_of(name)
        if host is None or (host.latest is None and not raised):
            return None
        at, trap, severity = host.latest or (raised[0].at, raised[0].text, EventSeverity.INFO)
        return TrapSummary(at, trap, severity, len(raised))

    def readings(self) -> Iterator[Reading]:
        """Metrics: the name, help, kind, labels and value of each."""
        for (host, trap, severity), count in self._totals.items():
            yield (
                "netmon_traps_total",
                "Traps and informs that were accepted and committed, repeats included.",
                Kind.COUNTER,
                {"host": host, "trap": trap, "severity": severity},
                count,
            )
        for (host, trap), at in self._last.items():
            yield (
                "netmon_trap_last_timestamp_seconds",
                "When the latest trap or inform of a kind was received from a host.",
                Kind.GAUGE,
                {"host": host, "trap": trap},
                at,
            )
        for name, host_ in self._hosts.items():
            if not host_.states:
                continue
            now = Counter(raised.state for raised in self.raised_of(name))
            for state in host_.states:
                yield (
                    "netmon_trap_state",
                    "How many instances of a state traps have raised and nothing has ended.",
                    Kind.GAUGE,
                    {"host": name, "state": state},
                    now[state],
                )

    def _count(self, name: str, label: str, severity: str, count: int, at: float) -> None:
        severity = severity if severity in _RANK else EventSeverity.INFO.value
        host = self._hosts.get(name)
        key = (name if host is not None else "", label, severity)
        if key not in self._totals and len(self._totals) >= _SERIES:
            key = ("", OTHER, severity)
        self._totals[key] += count
        if host is not None:
            if host.latest is None or at >= host.latest[0]:
                host.latest = (at, label, EventSeverity(severity))
            if key[0]:
                self._last[name, label] = max(at, self._last.get((name, label), 0.0))

    def _remember(self, name: str) -> None:
        raised = self._hosts[name].raised.values()
        self._note(_NOTE, name, [list(state) for state in raised] or None)


def _raise(host: _Host, raised: RaisedState) -> bool:
    """Whether that is another state of affairs: one that was raised before keeps its beginning."""
    key = (raised.state, raised.instance, raised.authenticated)
    before = host.raised.get(key)
    if before is not None:
        # Said again, it lasts longer; nothing about it is new.
        host.raised[key] = raised._replace(at=before.at)
        return before.cause is not raised.cause
    if len(host.raised) >= _INSTANCES:
        # Nobody who is not authenticated pushes out what somebody who is has said.
        spare = [old for old in host.raised if raised.authenticated or not old[2]]
        if not spare:
            return False
        del host.raised[min(spare, key=lambda old: (old[2], host.raised[old].at))]
    host.raised[key] = raised
    if len(host.states) < _STATES:
        host.states[raised.state] = None
    return True


def _clear(host: _Host, state: str, instance: str, *, authenticated: bool) -> bool:
    keys = [(state, instance, False), (state, instance, True)][: 1 + authenticated]
    gone = [host.raised.pop(key, None) for key in keys]
    return any(gone)


def _keep(kept: dict[int, Event], event: Event, most: int) -> None:
    if event.id not in kept and len(kept) >= most and event.id < next(iter(kept)):
        return
    kept[event.id] = event
    while len(kept) > most:
        del kept[next(iter(kept))]


def _remembered(note: Any, wall: float) -> dict[_Key, RaisedState]:
    """What is noted of a host and not over; a note of another version is nothing."""
    found: dict[_Key, RaisedState] = {}
    try:
        for state, instance, at, until, cause, authenticated, event_id, text in note or ():
            if not until or float(until) > wall:
                raised = RaisedState(
                    str(state), str(instance), float(at), float(until), bool(cause),
                    bool(authenticated), int(event_id), str(text),
                )  # fmt: skip
                found[raised.state, raised.instance, raised.authenticated] = raised
    except (TypeError, ValueError):
        return {}
    return found
