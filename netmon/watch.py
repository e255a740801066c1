"""Re-judges a host, and those that depend on it, whenever something about it was seen.

Watch owns no facts: it reads the store, asks `health`, and puts the verdict back.  What should
happen elsewhere because of that (look again soon, look at the upstream, tell people) goes out through
`Wishes`, which agent.py connects.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final, Protocol

import structlog

from netmon.health import (
    Device,
    HostView,
    Isolation,
    Upstream,
    confirm,
    follow,
    is_flapping,
    is_local,
    is_stale,
    judge,
    life_of,
)
from netmon.health.device import same_note
from netmon.health.sentence import clock
from netmon.health.view import SNMP, STALE_INTERVALS
from netmon.model import (
    CheckKey,
    CheckState,
    Host,
    HostVerdict,
    News,
    Result,
    Role,
    Silenced,
    SilenceKind,
    VerdictName,
)
from netmon.model.events import RaisedState

log = structlog.get_logger(__name__)

_NOTE: Final = "device"  # the kind of the notes in which devices are remembered
_SILENT: Final = frozenset({VerdictName.HOST_DOWN, VerdictName.DEVICE_DOWN, VerdictName.UNREACHABLE})


class Source(Protocol):
    """The store, as far as watch needs it."""

    def hosts(self) -> Mapping[str, Host]:
        """The configured hosts."""

    def states(self) -> Mapping[CheckKey, CheckState]:
        """Every planned check."""

    def checks_of(self, host: str) -> tuple[CheckState, ...]:
        """One host's checks."""

    def verdicts(self) -> Mapping[str, HostVerdict]:
        """One for every host."""

    def put_verdict(self, verdict: HostVerdict) -> None:
        """Keep a verdict."""

    def tell(self, news: News) -> None:
        """Announce something."""

    def note(self, kind: str, name: str, value: Any) -> None:
        """Have something survive a restart; None forgets it."""

    def noted(self, kind: str) -> Mapping[str, Any]:
        """What of a kind an earlier life left, by name."""


class Wishes(Protocol):
    """What watch would have the input wing do."""

    def look_again(self, key: CheckKey, seconds: float) -> None:
        """An unconfirmed change waits for this check: run it again, in its turn, within `seconds`."""

    def look_too(self, key: CheckKey, why: str) -> None:
        """Another check may explain what was just seen: run it now, out of turn."""

    def test_link(self) -> None:
        """Many hosts fell silent at once: test the agent's own link, then call `Watch.link_tested`."""


class Hush(Protocol):
    """What a person or the config has silenced."""

    def quiet(self, now: float, wall: float) -> bool:
        """Whether nothing at all is silenced now."""

    def of(self, host: Host, now: float, wall: float) -> Silenced | None:
        """What silences a host, the longest if several do."""


class Watch:
    """Keeps every host's verdict up to date.  `clock` is monotonic, `wall` for people."""

    def __init__(
        self,
        source: Source,
        wishes: Wishes,
        *,
        clock: Callable[[], float],
        wall: Callable[[], float],
        hush: Hush | None = None,
        traps: Callable[[str], tuple[RaisedState, ...]] | None = None,
    ) -> None:
        """`traps` gives what notifications have raised of a host."""
        self._source = source
        self._wishes = wishes
        self._clock = clock
        self._wall = wall
        self._hush = hush
        self._traps = traps
        self._started = clock()
        self._behind: dict[str, tuple[str, ...]] = {}
        self._known: set[str] = set()  # hosts that have had a verdict other than unknown
        self._isolation = Isolation()
        self._was_isolated = False
        self._devices: dict[str, Device] = {}
        self._notes: dict[str, Any] = dict(source.noted(_NOTE))

    @property
    def isolated(self) -> bool:
        """Whether the agent itself is cut off."""
        return self._isolation.isolated

    def planned(self) -> None:
        """The set of hosts or checks has changed: judge all anew."""
        hosts = self._source.hosts()
        behind: dict[str, list[str]] = {}
        for host in hosts.values():
            for upstream in host.depends_on:
                behind.setdefault(upstream, []).append(host.name)
        self._behind = {name: tuple(names) for name, names in behind.items()}
        self._known.intersection_update(hosts)
        self._isolation.forget(set(hosts))
        for name in self._notes.keys() - hosts.keys():
            del self._notes[name]
            self._source.note(_NOTE, name, None)
        self._devices = {
            name: device
            for name, device in self._devices.items()
            if name in hosts and device.key in self._source.states()
        }
        for state in self._source.states().values():
            key = state.check.key
            if key.probe == SNMP and key.host not in self._devices and key.host in self._notes:
                known = Device.remembered(key, self._notes[key.host], self._clock(), self._wall())
                if known is not None:
                    self._devices[key.host] = known
        self._judge_all()
        # A verdict that stands from before a restart is not judged yet, and must not be alerted unheld.
        now, wall = self._clock(), self._wall()
        for name in hosts:
            self._hold_back(name, now, wall)

    def tick(self) -> None:
        """Judge where time alone changes something: a check is overdue, a server defers, a silence ends."""
        now, wall = self._clock(), self._wall()
        self._ask_self(now)
        quiet = self._hush is None or self._hush.quiet(now, wall)
        for name, verdict in tuple(self._source.verdicts().items()):
            if verdict.flapping or any(
                state.result is Result.DEFERRED or is_stale(state, self._started, now)
                for state in self._source.checks_of(name)
            ):
                self._judge(name)
            elif not quiet or verdict.silenced is not None:
                self._hold_back(name, now, wall)

    def silences_changed(self) -> None:
        """Something was silenced, or no longer is."""
        self.tick()

    def traps_changed(self, name: str) -> None:
        """A notification has raised or ended a state of a host, or its time is over."""
        if name in self._source.hosts():
            self._judge(name)

    def link_tested(self, *, sound: bool | None, begun: float) -> None:
        """What a test of the agent's own link found; None: it could not tell."""
        self._isolation.told(sound=sound, begun=begun, now=self._clock())
        self._note_isolation()
        for name, verdict in tuple(self._source.verdicts().items()):
            if verdict.candidate.name is not verdict.confirmed.name:
                self._judge(name)  # it may have waited for this

    def saw(self, before: CheckState, after: CheckState) -> None:
        """An observation was taken."""
        key = after.check.key
        name = key.host
        if name not in self._source.hosts():
            return
        seen = after.observation
        if key.probe == SNMP and seen is not None:
            device = follow(self._devices.get(name), seen)
            if device is not None:
                self._devices[name] = device
                self._remember(name, device)
        if after.result is not Result.OK and before.result is not after.result:
            for state in self._source.checks_of(name):
                if state.check.key != key:
                    self._wishes.look_too(state.check.key, f"{key.probe} turned {after.result}")
        if seen is not None and seen.alive and not is_local(after.check.host):
            self._isolation.heard(name, seen.begun)
            self._note_isolation()
        self._judge(name)
        if _life(before) is not _life(after):
            for dependant in self._behind.get(name, ()):
                self._judge(dependant)

    def _judge_all(self) -> None:
        for name in self._source.hosts():
            self._judge(name)

    def _judge(self, name: str) -> None:
        now, wall = self._clock(), self._wall()
        host = self._source.hosts()[name]
        checks = self._source.checks_of(name)
        current = self._source.verdicts()[name]
        # After a restart or a reload a known verdict stands until every check has had its turn, but for
        # mailflows: one may take minutes, and an outage of the doors must not wait for it.
        if current.since and any(
            state.observation is None
            and state.check.role is not Role.FLOW
            and not is_stale(state, self._started, now)
            for state in checks
        ):
            return
        alone = [
            other for other in self._behind.get(name, ()) if self._source.hosts()[other].depends_on == (name,)
        ]
        flapping = is_flapping(current, host.limits, now)
        view = HostView(
            host,
            checks,
            self._started,
            tuple(self._upstreams(host, now)),
            self._answered(alone),
            isolated=self._isolation.isolated and not is_local(host),
            flapping=flapping,
            device=self._device(name, now),
            wall=wall,
            healthy_at=current.healthy_at,
            traps=self._traps(name) if self._traps is not None else (),
            earlier=current.candidate.findings,
        )
        candidate = judge(view, now)
        alive = life_of([state for state in checks if not is_stale(state, self._started, now)])
        if current.alive and not alive and not is_local(host):
            self._isolation.lost(name, now, 2 * max(state.check.interval for state in checks))
        self._ask_self(now)
        verdict, awaited = confirm(current, candidate, checks, now=now, wall=wall, alive=alive)
        if candidate.name in _SILENT and self._isolation.holds(name, now):
            verdict = replace(current, candidate=candidate, alive=alive, counted=verdict.counted)
        flapping = is_flapping(verdict, host.limits, now)
        verdict = replace(verdict, flapping=flapping, silenced=self._silenced(name, now, wall))
        self._source.put_verdict(verdict)
        for key in awaited:
            self._wishes.look_again(key, host.confirm.retry_interval)
        for other in candidate.waits_for:
            for state in self._source.checks_of(other):
                if state.check.key not in candidate.decided_by:
                    self._wishes.look_too(state.check.key, f"{candidate.name} of {name} waits for it")
        if verdict.confirmed.name is not current.confirmed.name:
            self._announce(name, current, verdict)
        if verdict.confirmed.name is not VerdictName.UNKNOWN:
            self._known.add(name)

    def _announce(self, name: str, before: HostVerdict, verdict: HostVerdict) -> None:
        now = verdict.confirmed
        # That a host is found well at first is no news.
        if name in self._known or now.name is not VerdictName.HEALTHY:
            self._source.tell(News(self._wall(), f"{now.name}: {now.sentence}", name))
        log.info(
            "verdict",
            host=name,
            verdict=now.name.value,
            before=before.confirmed.name.value,
            sentence=now.sentence,
        )

    def _ask_self(self, now: float) -> None:
        if self._isolation.must_ask(now):
            self._wishes.test_link()

    def _note_isolation(self) -> None:
        """Tell it, and judge all anew, when the agent was cut off or no longer is."""
        isolated = self._isolation.isolated
        if isolated is self._was_isolated:
            return
        self._was_isolated = isolated
        text = "netmon itself is cut off: its link carries nothing" if isolated else "netmon's link is back"
        self._source.tell(News(self._wall(), text))
        log.warning("isolation", isolated=isolated)
        self._judge_all()

    def _hold_back(self, name: str, now: float, wall: float) -> None:
        """Note what silences a host now."""
        verdict, silenced = self._source.verdicts()[name], self._silenced(name, now, wall)
        if silenced != verdict.silenced:
            self._source.put_verdict(replace(verdict, silenced=silenced))

    def _silenced(self, name: str, now: float, wall: float) -> Silenced | None:
        """What holds alerts about a host back now, the longest of several."""
        host = self._source.hosts()[name]
        found = [self._hush.of(host, now, wall) if self._hush is not None else None]
        device = self._devices.get(name)
        restart = device.restart if device is not None else None
        hold = host.limits.reboot_hold
        if restart is not None and restart.host and restart.certain and now - restart.begun < hold:
            at = wall - (now - restart.begun)
            found.append(Silenced(SilenceKind.REBOOT, f"it booted at {clock(at, wall)}", round(at + hold)))
        return max(filter(None, found), key=lambda silenced: silenced.until, default=None)

    def _device(self, name: str, now: float) -> Device | None:
        """What SNMP told of a host, unless that is too old to count."""
        device = self._devices.get(name)
        state = self._source.states().get(device.key) if device is not None else None
        if device is None or state is None or not device.at:
            return None
        age = now - device.begun
        return device if age <= STALE_INTERVALS * state.check.interval + state.check.deadline else None

    def _remember(self, name: str, device: Device) -> None:
        note = device.memory_note()
        if not same_note(note, self._notes.get(name)):
            self._notes[name] = note
            self._source.note(_NOTE, name, note)

    def _upstreams(self, host: Host, now: float) -> Iterable[Upstream]:
        for name in host.depends_on:
            checks = self._source.checks_of(name)
            if not checks:  # nothing will ever tell of it: waiting for it would hide an outage
                continue
            yield Upstream(
                name,
                life_of(checks),
                max(state.observation.begun if state.observation else 0.0 for state in checks),
                self._answered(other for other in self._behind.get(name, ()) if other != host.name),
                self._device(name, now),
            )

    def _answered(self, hosts: Iterable[str]) -> float:
        """When the latest run that heard of one of these hosts began; 0: none did."""
        states = (state for host in hosts for state in self._source.checks_of(host))
        return max(
            (state.observation.begun for state in states if state.observation and state.observation.alive),
            default=0.0,
        )


def _life(state: CheckState) -> bool | None:
    return None if state.observation is None else state.observation.alive
