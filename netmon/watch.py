"""Re-judges a host, and those that depend on it, whenever something about it was seen.

Watch owns no facts: it reads the store, asks `health`, and puts the verdict back.  What should
happen elsewhere because of that (look again soon, look at the upstream, tell people) goes out through
`Wishes`, which agent.py connects.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import structlog

from netmon.health import HostView, Upstream, confirm, is_stale, judge
from netmon.health.view import life_of
from netmon.model import CheckKey, CheckState, Host, HostVerdict, News, Result, VerdictName

log = structlog.get_logger(__name__)


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


class Wishes(Protocol):
    """What watch would have the input wing do."""

    def look_again(self, key: CheckKey, seconds: float) -> None:
        """An unconfirmed change waits for this check: run it again, in its turn, within `seconds`."""

    def look_too(self, key: CheckKey, why: str) -> None:
        """Another check may explain what was just seen: run it now, out of turn."""


class Watch:
    """Keeps every host's verdict up to date.  `clock` is monotonic, `wall` for people."""

    def __init__(
        self, source: Source, wishes: Wishes, *, clock: Callable[[], float], wall: Callable[[], float]
    ) -> None:
        self._source = source
        self._wishes = wishes
        self._clock = clock
        self._wall = wall
        self._started = clock()
        self._behind: dict[str, tuple[str, ...]] = {}
        self._known: set[str] = set()  # hosts that have had a verdict other than unknown

    def planned(self) -> None:
        """The set of hosts or checks has changed: judge all anew."""
        behind: dict[str, list[str]] = {}
        for host in self._source.hosts().values():
            for upstream in host.depends_on:
                behind.setdefault(upstream, []).append(host.name)
        self._behind = {name: tuple(hosts) for name, hosts in behind.items()}
        self._known.intersection_update(self._source.hosts())
        for name in self._source.hosts():
            self._judge(name)

    def tick(self) -> None:
        """Judge where time alone may change the verdict: a check is overdue, or a server defers on."""
        now = self._clock()
        for name in self._source.hosts():
            if any(
                state.result is Result.DEFERRED or is_stale(state, self._started, now)
                for state in self._source.checks_of(name)
            ):
                self._judge(name)

    def saw(self, before: CheckState, after: CheckState) -> None:
        """An observation was taken."""
        name = after.check.key.host
        if name not in self._source.hosts():
            return
        if after.result is not Result.OK and before.result is not after.result:
            for state in self._source.checks_of(name):
                if state.check.key != after.check.key:
                    self._wishes.look_too(state.check.key, f"{after.check.key.probe} turned {after.result}")
        self._judge(name)
        if _life(before) is not _life(after):
            for dependant in self._behind.get(name, ()):
                self._judge(dependant)

    def _judge(self, name: str) -> None:
        now = self._clock()
        host = self._source.hosts()[name]
        checks = self._source.checks_of(name)
        current = self._source.verdicts()[name]
        # After a restart or a reload a known verdict stands until every check has had its turn.
        if current.since and any(
            state.observation is None and not is_stale(state, self._started, now) for state in checks
        ):
            return
        upstreams = tuple(self._upstreams(host))
        alone = [
            other for other in self._behind.get(name, ()) if self._source.hosts()[other].depends_on == (name,)
        ]
        view = HostView(host, checks, self._started, upstreams, self._answered(alone))
        candidate = judge(view, now)
        fresh = [state for state in checks if not is_stale(state, self._started, now)]
        verdict, awaited = confirm(current, candidate, checks, self._wall(), alive=life_of(fresh))
        self._source.put_verdict(verdict)
        for key in awaited:
            self._wishes.look_again(key, host.confirm.retry_interval)
        for other in candidate.waits_for:
            for state in self._source.checks_of(other):
                if state.check.key not in candidate.decided_by:
                    self._wishes.look_too(state.check.key, f"{candidate.name} of {name} waits for it")
        if verdict.confirmed.name is not current.confirmed.name:
            # That a host is found well at first is no news.
            if name in self._known or verdict.confirmed.name is not VerdictName.HEALTHY:
                self._source.tell(
                    News(self._wall(), f"{verdict.confirmed.name}: {verdict.confirmed.sentence}", name)
                )
            log.info(
                "verdict",
                host=name,
                verdict=verdict.confirmed.name.value,
                before=current.confirmed.name.value,
                sentence=verdict.confirmed.sentence,
            )

        if verdict.confirmed.name is not VerdictName.UNKNOWN:
            self._known.add(name)

    def _upstreams(self, host: Host) -> Iterable[Upstream]:
        for name in host.depends_on:
            checks = self._source.checks_of(name)
            if not checks:  # nothing will ever tell of it: waiting for it would hide an outage
                continue
            yield Upstream(
                name,
                life_of(checks),
                max(state.observation.begun if state.observation else 0.0 for state in checks),
                self._answered(other for other in self._behind.get(name, ()) if other != host.name),
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
