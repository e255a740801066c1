"""What a receiver is still to be told: the difference between the alerts and what it has taken.

Pure: a queue is asked with the time as an argument and told how its batch fared.  Two kinds, since
Alertmanager wants to be reminded and people do not.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from netmon.alerting.instances import Alert, Status
from netmon.model import Urgency

BATCH: Final = 64  # alerts in one request
RESEND: Final = 60.0  # seconds after which Alertmanager is told again what holds, as Prometheus does
REPEATED: Final = 300.0  # seconds for which it is told again what does not hold any more
ASIDE: Final = 300.0  # seconds that an alert stands back which alone was refused
NEVER: Final = float("inf")


class Batch(NamedTuple):
    """Alerts for one request, by id, all of one status for people; or how long nothing is due."""

    alerts: Mapping[str, Alert]
    pause: float = NEVER  # seconds


class _Sent(NamedTuple):
    """What Alertmanager took in this life of the agent."""

    at: float  # monotonic
    alert: Alert


class _Refusals:
    """Which alerts a receiver may have refused: one that it cannot take must not hold up the others.

    After a refusal the alerts of that request go one by one, when no others wait.
    """

    def __init__(self) -> None:
        self._suspects: dict[str, float] = {}  # id -> from when it may be tried again

    def refused(self, ids: Iterable[str], now: float) -> None:
        """The receiver said no to a request with these alerts."""
        ids = tuple(ids)
        self._suspects.update(dict.fromkeys(ids, now + ASIDE if len(ids) == 1 else now))

    def taken(self, ids: Iterable[str]) -> None:
        """The receiver took these."""
        for name in ids:
            self._suspects.pop(name, None)

    def choose(self, due: Mapping[str, Alert], size: int, now: float) -> Batch:
        """At most `size` of what is due."""
        clear = [name for name in due if name not in self._suspects]
        if clear:
            return Batch({name: due[name] for name in clear[:size]})
        if not due:
            return Batch({})
        name = min(due, key=self._suspects.__getitem__)
        wait = self._suspects[name] - now
        return Batch({name: due[name]}) if wait <= 0 else Batch({}, wait)

    def keep(self, alerts: Mapping[str, Alert]) -> None:
        """Forget what is no alert any more."""
        self._suspects = {name: at for name, at in self._suspects.items() if name in alerts}


@dataclass(slots=True)
class _Due:
    """What a look over all alerts found."""

    alerts: dict[str, Alert]
    pause: float = NEVER

    def add(self, name: str, alert: Alert, wait: float = 0.0) -> None:
        """It is due in `wait` seconds."""
        if wait <= 0:
            self.alerts[name] = alert
        else:
            self.pause = min(self.pause, wait)


class AlertmanagerQueue:
    """Alertmanager forgets an alert that it is not reminded of, and groups and repeats by itself."""

    def __init__(self, identity: str) -> None:
        self.identity = identity
        self._sent: dict[str, _Sent] = {}
        self._followed: dict[str, list[str]] = {}  # id -> earlier episodes that were never told to their end
        self._refusals = _Refusals()

    def finished(self, alert: Alert, wall: float) -> bool:
        """Whether it knows of the end, and has been told so for a while."""
        told = alert.told.get(self.identity)
        return told is not None and told.status is Status.RESOLVED and wall - told.at >= REPEATED

    def waiting(self, alerts: Mapping[str, Alert]) -> int:
        """How many alerts it does not know as they are."""
        newest = {_labels(name): name for name in alerts}
        return sum(self._unknown(alerts[name]) for name in newest.values())

    def pick(self, alerts: Mapping[str, Alert], now: float, wall: float, *, reminders: bool = True) -> Batch:
        """What to send next; without `reminders` only what it does not know."""
        self._refusals.keep(alerts)
        self._sent = {name: sent for name, sent in self._sent.items() if name in alerts}
        newest = {_labels(name): name for name in alerts}
        self._followed = {}
        due = _Due({})
        for name, alert in alerts.items():
            sent = self._sent.get(name)
            if newest[_labels(name)] != name:
                # It knows alerts by their labels: told now, an episode would end the one that followed it.
                if self._unknown(alert):
                    self._followed.setdefault(newest[_labels(name)], []).append(name)
            elif self._unknown(alert) or (not alert.ends and (sent is None or _differ(sent.alert, alert))):
                due.add(name, alert)
            elif reminders and (not alert.ends or not self.finished(alert, wall)):
                due.add(name, alert, 0.0 if sent is None else sent.at + RESEND - now)
        batch = self._refusals.choose(due.alerts, BATCH, now)
        return batch if batch.alerts else Batch({}, min(batch.pause, due.pause))

    def taken(self, batch: Mapping[str, Alert], now: float) -> dict[str, Status]:
        """It took the batch; what is new about that, by id."""
        self._refusals.taken(batch)
        self._sent.update((name, _Sent(now, alert)) for name, alert in batch.items())
        new = {name: alert.status for name, alert in batch.items() if self._unknown(alert)}
        # With the newest episode it has the state of the labels, and the earlier ones are told.
        return new | {old: Status.RESOLVED for name in batch for old in self._followed.pop(name, ())}

    def refused(self, batch: Iterable[str], now: float) -> None:
        """It said no to the batch."""
        self._refusals.refused(batch, now)

    def _unknown(self, alert: Alert) -> bool:
        told = alert.told.get(self.identity)
        return told is None or told.status is not alert.status


class WebhookQueue:
    """A webhook is told of each beginning and each end once, in order; a beginning again if wished.

    What began and ended before it could be told is one message, with both times.
    """

    def __init__(
        self, identity: str, urgencies: frozenset[Urgency], repeat: float, *, size: int = BATCH
    ) -> None:
        """`repeat` in seconds, 0 for never; `size` alerts at most in a request."""
        self.identity = identity
        self._urgencies = urgencies
        self._repeat = repeat
        self._size = size
        self._refusals = _Refusals()

    def finished(self, alert: Alert, wall: float) -> bool:  # noqa: ARG002 - what a queue is asked with
        """Whether it knows of the end."""
        told = alert.told.get(self.identity)
        return alert.urgency not in self._urgencies or (told is not None and told.status is Status.RESOLVED)

    def waiting(self, alerts: Mapping[str, Alert]) -> int:
        """How many alerts it does not know as they are."""
        return sum(1 for _ in self._unknown(alerts))

    def pick(self, alerts: Mapping[str, Alert], now: float, wall: float, *, reminders: bool = True) -> Batch:
        """What to send next; without `reminders` only what it does not know."""
        self._refusals.keep(alerts)
        due = _Due({})
        behind: set[str] = set()  # label sets with an earlier episode that is not told to its end
        for name, alert in self._unknown(alerts):
            if _labels(name) not in behind:
                due.add(name, alert)
            behind.add(_labels(name))
        if reminders and self._repeat:
            for name, alert in alerts.items():
                told = alert.told.get(self.identity)
                if told is not None and told.status is alert.status is Status.FIRING:
                    due.add(name, alert, told.at + self._repeat - wall)
        # One request has one status, which is the first thing that its reader looks at.
        for status in Status:
            of_one = {name: alert for name, alert in due.alerts.items() if alert.status is status}
            batch = self._refusals.choose(of_one, self._size, now)
            if batch.alerts:
                return batch
            due.pause = min(due.pause, batch.pause)
        return Batch({}, due.pause)

    def taken(self, batch: Mapping[str, Alert], now: float) -> dict[str, Status]:  # noqa: ARG002
        """It took the batch; what is new about that, by id."""
        self._refusals.taken(batch)
        return {name: alert.status for name, alert in batch.items()}

    def refused(self, batch: Iterable[str], now: float) -> None:
        """It said no to the batch."""
        self._refusals.refused(batch, now)

    def _unknown(self, alerts: Mapping[str, Alert]) -> Iterator[tuple[str, Alert]]:
        for name, alert in alerts.items():
            told = alert.told.get(self.identity)
            if alert.urgency in self._urgencies and (told is None or told.status is not alert.status):
                # A receiver that came after the end was told so in advance.
                yield name, alert


Queue = AlertmanagerQueue | WebhookQueue


def _labels(name: str) -> str:
    """What stands for the labels in an alert's id."""
    return name.partition(".")[0]


def _differ(sent: Alert, alert: Alert) -> bool:
    return sent.annotations != alert.annotations
