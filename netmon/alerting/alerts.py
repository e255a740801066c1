"""The alerts that are or were: raised and ended by verdicts, forgotten when everyone has been told.

They are desired state, as in a reconciler: nothing here waits for a receiver, and each receiver works
off the difference between what holds and what it has taken.  Every alert is a note in the journal, so
that after kill -9 the next life goes on with the same difference.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final, Protocol

import structlog

from netmon.alerting.instances import (
    Alert,
    Status,
    Told,
    from_json,
    host_annotations,
    host_labels,
    isolated_annotations,
)
from netmon.alerting.rules import RAISED, alerts_of, has_evidence, says_nothing
from netmon.explain import URGENCY
from netmon.model import AlertName, Host, HostVerdict

log = structlog.get_logger(__name__)

KIND: Final = "alert"  # of the notes
KNOWN: Final = "alert_receiver"  # notes of the receivers that have been told since their first day
MAX_ALERTS: Final = 10_000
KEPT: Final = 86400.0  # seconds for which a resolved alert waits for a receiver
_MILLISECOND: Final = 0.001


class Source(Protocol):
    """The store, as far as alerting needs it."""

    def hosts(self) -> Mapping[str, Host]:
        """The configured hosts."""

    def verdicts(self) -> Mapping[str, HostVerdict]:
        """One for every host."""

    def note(self, kind: str, name: str, value: Any) -> None:
        """Keep a value over restarts; None forgets it."""

    def noted(self, kind: str) -> Mapping[str, Any]:
        """What an earlier life kept."""


class Interest(Protocol):
    """A receiver, as far as the alerts are concerned."""

    @property
    def identity(self) -> str:
        """Under which it is kept what it has been told."""

    def finished(self, alert: Alert, wall: float) -> bool:
        """Whether a resolved alert need not be kept for it any more."""


class Alerts:
    """All alerts.  No I/O, no clock: `now` is monotonic, `wall` for people and receivers."""

    def __init__(
        self, source: Source, isolated: Callable[[], bool], *, agent: str, web: str, limit: int = MAX_ALERTS
    ) -> None:
        """`agent` is the agent's name, `web` the URL of its pages; alerts of an earlier life are taken up."""
        self._source = source
        self._isolated = isolated
        self.agent, self.web = agent, web
        self._limit = limit
        self._all: dict[str, Alert] = {}  # by id, oldest first
        self._firing: dict[str, dict[AlertName, str]] = {}  # host ("" for the agent) -> ids
        self._receivers: tuple[Interest, ...] = ()
        self._known = set(source.noted(KNOWN))  # identities of the receivers that have been told before
        self.dropped = 0  # resolved alerts that were given up before every receiver had them
        kept = {name: from_json(value) for name, value in source.noted(KIND).items()}
        for name, alert in sorted(kept.items(), key=lambda item: item[1].starts if item[1] else 0.0):
            if alert is None or alert.id != name:
                source.note(KIND, name, None)
            else:
                self._all[name] = alert
                if not alert.ends:
                    self._firing.setdefault(alert.host, {})[alert.name] = name

    def all(self) -> Mapping[str, Alert]:
        """Every alert that is kept, by id, in the order in which they began."""
        return self._all

    def firing(self) -> Mapping[AlertName, int]:
        """How many hold, by name, zeros included."""
        counts = dict.fromkeys(sorted(RAISED), 0)
        for names in self._firing.values():
            for name in names:
                counts[name] += 1
        return counts

    def receivers(self, receivers: Iterable[Interest], wall: float) -> None:
        """From now on these are told.  A new one hears of what holds, not of what was before its time."""
        self._receivers = tuple(receivers)
        present = {one.identity for one in self._receivers}
        for identity in present - self._known:
            self._source.note(KNOWN, identity, True)
            for alert in [alert for alert in self._all.values() if alert.ends]:
                self._keep(alert.heard(identity, Told(Status.RESOLVED, 0.0)))
        for identity in self._known - present:
            self._source.note(KNOWN, identity, None)
        self._known = present
        self.tidy(wall)

    def look(self, hosts: Iterable[str] | None, now: float, wall: float) -> bool:
        """Raise and end what the verdicts of `hosts` (None: of all) demand; whether anything is new."""
        before = dict(self._firing.get("", {}))
        if self._isolated():
            # Nothing is known of any host, so nothing about one begins, changes or ends.
            self._hold(
                "",
                {AlertName.ISOLATED: {"agent": self.agent} | _own(AlertName.ISOLATED)},
                isolated_annotations(self.agent, wall, self.web) if not before else None,
                wall,
            )
            return before != self._firing.get("", {})
        new = self._hold("", {}, None, wall)
        known, verdicts = self._source.hosts(), self._source.verdicts()
        for name in [*known, *(self._firing.keys() - known.keys())] if hosts is None else hosts:
            host, verdict = known.get(name), verdicts.get(name)
            if host is None or verdict is None:
                new |= bool(name) and self._hold(name, {}, None, wall)
            elif not says_nothing(verdict):
                raised = alerts_of(_on_this_clock(verdict, now, wall), now)
                if raised or name in self._firing:
                    wanted = {alert: host_labels(alert, host) for alert in raised}
                    annotations = host_annotations(verdict, self.web)
                    new |= self._hold(name, wanted, annotations, wall, change=has_evidence(verdict))
        return new

    def told(self, receiver: str, ids: Mapping[str, Status], wall: float) -> None:
        """A receiver has taken these alerts in this status."""
        for name, status in ids.items():
            alert = self._all.get(name)
            if alert is not None:
                self._keep(alert.heard(receiver, Told(status, wall)))

    def tidy(self, wall: float) -> None:
        """Forget what every receiver has, what has waited too long, and the oldest of what is too much."""
        for alert in [alert for alert in self._all.values() if alert.ends]:
            if all(receiver.finished(alert, wall) for receiver in self._receivers):
                self._forget(alert)
            elif wall - alert.ends > KEPT:
                self._drop(alert, "nobody took it for a day")
        excess = len(self._all) - self._limit
        if excess > 0:
            resolved = sorted((alert for alert in self._all.values() if alert.ends), key=lambda a: a.ends)
            for alert in resolved[:excess]:
                self._drop(alert, "too many wait")

    def _hold(
        self,
        host: str,
        wanted: Mapping[AlertName, Mapping[str, str]],
        annotations: Mapping[str, str] | None,
        wall: float,
        *,
        change: bool = True,
    ) -> bool:
        """Have exactly the `wanted` alerts (labels by name) hold about a host."""
        new = False
        current = self._firing.get(host, {})
        for name, known in list(current.items()):
            alert = self._all[known]
            if wanted.get(name) != alert.labels:
                # The very moment of its beginning would read as "still holds" to nobody's use.
                self._keep(replace(alert, ends=max(wall, alert.starts + _MILLISECOND)))
                log.info("alert is resolved", alertname=name.value, host=host)
                del current[name]
                new = True
            elif change and annotations is not None and annotations != alert.annotations:
                self._keep(replace(alert, annotations=annotations))
                new = True
        for name, labels in wanted.items():
            if name not in current:
                self._raise(Alert(name, labels, annotations or {}, wall))
                new = True
        if host in self._firing and not self._firing[host]:
            del self._firing[host]
        return new

    def _raise(self, alert: Alert) -> None:
        while alert.id in self._all:  # the clock stands, or was set back
            alert = replace(alert, starts=alert.starts + _MILLISECOND)
        self._keep(alert)
        self._firing.setdefault(alert.host, {})[alert.name] = alert.id
        log.info("alert is raised", alertname=alert.name.value, host=alert.host)

    def _keep(self, alert: Alert) -> None:
        self._all[alert.id] = alert
        self._source.note(KIND, alert.id, alert.as_json())

    def _forget(self, alert: Alert) -> None:
        del self._all[alert.id]
        self._source.note(KIND, alert.id, None)

    def _drop(self, alert: Alert, why: str) -> None:
        self.dropped += 1
        log.warning("resolved alert is dropped", alertname=alert.name.value, host=alert.host, why=why)
        self._forget(alert)


def _on_this_clock(verdict: HostVerdict, now: float, wall: float) -> HostVerdict:
    """A verdict from disk knows its moment by wall clock alone."""
    if verdict.since_begun or not verdict.since:
        return verdict
    return replace(verdict, since_begun=now - max(0.0, wall - verdict.since))


def _own(name: AlertName) -> dict[str, str]:
    return {"alertname": name.value, "severity": URGENCY[name].value}
