"""What the tests of alerting share: verdicts made by hand, a store of notes, a receiver that remembers."""

import json
from collections.abc import Mapping
from typing import Any

from netmon.alerting.alerts import Alerts, Interest
from netmon.alerting.instances import Alert
from netmon.alerting.queues import AlertmanagerQueue, WebhookQueue
from netmon.model import (
    CheckKey,
    Finding,
    Host,
    HostVerdict,
    MailState,
    Severity,
    Silenced,
    SilenceKind,
    Urgency,
    Verdict,
    VerdictName,
)

WEB = "http://127.0.0.1:9162"
BOTH = frozenset({Urgency.PAGE, Urgency.TICKET})
SILENCED = Silenced(SilenceKind.SILENCE, "works", 9e9)


def verdict(
    name: str,
    host: str = "mx1",
    *,
    mail: MailState = MailState.NONE,
    causes: tuple[str, ...] = (),
    findings: tuple[Finding, ...] = (),
    sentence: str = "it is so",
    since: float = 1000.0,
    since_begun: float = 0.0,
    flapping: bool = False,
    silenced: Silenced | None = None,
    judged: bool = True,
) -> HostVerdict:
    """A host's confirmed verdict; not `judged` is one that came from disk."""
    said = (*findings, *(Finding("storage_full", Severity.CAUSE, text) for text in causes))
    deciding = (CheckKey(host, "smtp", f"{host}:25"),) if judged else ()
    confirmed = Verdict(VerdictName(name), sentence, said, deciding, mail=mail)
    return HostVerdict(
        host,
        confirmed,
        since,
        confirmed,
        since_begun=since_begun,
        flapping=flapping,
        silenced=silenced,
    )


class Notebook:
    """The store, as far as alerting needs it; notes go through JSON as in the real one."""

    def __init__(self) -> None:
        self.known: dict[str, Host] = {}
        self.judged: dict[str, HostVerdict] = {}
        self.notes: dict[tuple[str, str], str] = {}

    def hosts(self) -> Mapping[str, Host]:
        """As the store's."""
        return self.known

    def verdicts(self) -> Mapping[str, HostVerdict]:
        """As the store's."""
        return self.judged

    def note(self, kind: str, name: str, value: Any) -> None:
        """As the store's."""
        if value is None:
            self.notes.pop((kind, name), None)
        else:
            self.notes[kind, name] = json.dumps(value)

    def noted(self, kind: str) -> Mapping[str, Any]:
        """As the store's, but of this life too."""
        return {name: json.loads(text) for (one, name), text in self.notes.items() if one == kind}

    def put(self, *verdicts: HostVerdict, labels: Mapping[str, str] | None = None) -> None:
        """Take verdicts, and their hosts where they are new."""
        for one in verdicts:
            if labels is not None or one.host not in self.known:
                self.known[one.host] = Host(one.host, "192.0.2.1", labels=labels or {"site": "waw"})
            self.judged[one.host] = one


def alerts_on(source: Notebook, *receivers: Interest, **more: Any) -> Alerts:
    """An agent's alerts, of its first life or a later one."""
    made = Alerts(source, more.pop("isolated", lambda: False), agent="probe1", web=WEB, **more)
    made.receivers(receivers, 0.0)
    return made


def webhook(name: str = "w", urgencies: frozenset[Urgency] = BOTH, repeat: float = 0.0) -> WebhookQueue:
    """A webhook's queue."""
    return WebhookQueue(f"webhook {name}", urgencies, repeat)


def alertmanager(name: str = "a") -> AlertmanagerQueue:
    """An Alertmanager's queue."""
    return AlertmanagerQueue(f"alertmanager {name}")


def holding(alerts: Alerts) -> set[tuple[str, str]]:
    """Name and host of the alerts that hold."""
    return {(alert.name.value, alert.host) for alert in alerts.all().values() if not alert.ends}


def send(
    alerts: Alerts, queue: WebhookQueue | AlertmanagerQueue, now: float = 0.0, wall: float = 0.0
) -> list[tuple[str, str, Alert]]:
    """One batch, taken by the receiver: name and status of each alert, and itself."""
    batch = queue.pick(alerts.all(), now, wall).alerts
    if not batch:
        return []
    alerts.told(queue.identity, queue.taken(batch, now), wall)
    alerts.tidy(wall)
    return [(alert.name.value, alert.status.value, alert) for alert in batch.values()]


def heard(
    alerts: Alerts, queue: WebhookQueue | AlertmanagerQueue, now: float = 0.0, wall: float = 0.0
) -> list[tuple[str, str]]:
    """All that is due, taken: names and statuses in order."""
    told: list[tuple[str, str]] = []
    while batch := send(alerts, queue, now, wall):
        told += [(name, status) for name, status, _ in batch]
    return told
