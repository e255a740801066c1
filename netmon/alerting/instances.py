"""Alerts as records: what is told, since when, and which receiver has heard how much of it.

An alert's identity are its labels (Alertmanager's rule); one outage of it is an episode, which ends
and never begins again.  Records become JSON for the journal and come back, whatever wrote them.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from netmon.alerting.rules import RAISED
from netmon.explain import URGENCY
from netmon.model import AlertName, Host, HostVerdict, Severity, Urgency

MAX_TEXT: Final = 1000  # characters of an annotation; sentences quote the network


class Status(StrEnum):
    """Whether an alert holds, in Alertmanager's words."""

    FIRING = "firing"
    RESOLVED = "resolved"


class Told(NamedTuple):
    """The last that a receiver has taken of an alert, and when (wall clock)."""

    status: Status
    at: float


@dataclass(frozen=True, slots=True)
class Alert:
    """One episode of an alert.  Times are wall clock; `ends` is 0 while it holds.

    `told` is by the receivers' identities.
    """

    name: AlertName
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts: float
    ends: float = 0.0
    told: Mapping[str, Told] = field(default_factory=dict)

    @property
    def urgency(self) -> Urgency:
        """How soon a person should act."""
        return URGENCY[self.name]

    @property
    def status(self) -> Status:
        """Whether it holds."""
        return Status.RESOLVED if self.ends else Status.FIRING

    @property
    def host(self) -> str:
        """The host that it is about, or nothing."""
        return self.labels.get("host", "")

    @property
    def fingerprint(self) -> str:
        """The identity that its labels make, in 16 hexadecimal digits."""
        return fingerprint(self.labels)

    @property
    def id(self) -> str:
        """The name of the episode, under which it is kept."""
        return f"{self.fingerprint}.{self.starts * 1000:.0f}"

    def heard(self, receiver: str, told: Told) -> "Alert":
        """The same after a receiver took it."""
        return replace(self, told={**self.told, receiver: told})

    def as_json(self) -> dict[str, Any]:
        """As it is kept."""
        return {
            "name": self.name.value,
            "labels": dict(self.labels),
            "annotations": dict(self.annotations),
            "starts": self.starts,
            "ends": self.ends,
            "told": {receiver: [told.status.value, told.at] for receiver, told in self.told.items()},
        }


def from_json(kept: Any) -> Alert | None:
    """What `as_json` made, or None where it was something else: a later version may know more alerts."""
    try:
        alert = Alert(
            AlertName(kept["name"]),
            _texts(kept["labels"]),
            _texts(kept["annotations"]),
            float(kept["starts"]),
            float(kept["ends"]),
            {str(name): Told(Status(status), float(at)) for name, (status, at) in kept["told"].items()},
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    return alert if alert.name in RAISED else None


def _texts(kept: Any) -> dict[str, str]:
    return {str(name): str(text) for name, text in kept.items()}


def fingerprint(labels: Mapping[str, str]) -> str:
    """A digest of a label set."""
    text = json.dumps(sorted(labels.items()))
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:16]


def host_labels(name: AlertName, host: Host) -> dict[str, str]:
    """The labels of a host's alert: its own, and the three that netmon sets.  An empty one is none."""
    own = {label: text for label, text in host.labels.items() if text}
    return own | {"alertname": name.value, "host": host.name, "severity": URGENCY[name].value}


def host_annotations(verdict: HostVerdict, web: str) -> dict[str, str]:
    """What may change while the alert stays; `web` is where the agent's pages are."""
    confirmed = verdict.confirmed
    cause = "; ".join(_once(f.text for f in confirmed.findings if f.severity is Severity.CAUSE))
    return {
        "summary": clean(f"{verdict.host}: {confirmed.name.value}"),
        "description": clean(f"{verdict.host}: {confirmed.name.value}. {confirmed.sentence}"),
        "verdict": confirmed.name.value,
        "cause": clean(cause),
        "since": timestamp(verdict.since),
        "explain": f"netmon explain {confirmed.name.value}",
        "runbook_url": f"{web}/explain/{confirmed.name.value}",
    }


def isolated_annotations(agent: str, since: float, web: str) -> dict[str, str]:
    """Of the one alert about netmon itself."""
    return {
        "summary": f"{agent}: netmon itself is cut off",
        "description": f"{agent}: netmon itself is cut off: most hosts fell silent at once. "
        "Alerts about hosts stay as they were until it sees them again.",
        "verdict": "unknown",
        "cause": "",
        "since": timestamp(since),
        "explain": "netmon explain agent_isolated",
        "runbook_url": f"{web}/explain/agent_isolated",
    }


def clean(text: str) -> str:
    """A text without control characters, cut where it is too long."""
    shown = "".join(c if c.isprintable() else " " for c in text[:MAX_TEXT])
    return shown + "…" if len(text) > MAX_TEXT else shown


def timestamp(wall: float) -> str:
    """RFC 3339 in UTC, to the millisecond."""
    moment = datetime.fromtimestamp(wall, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _once(texts: Iterable[str]) -> Iterable[str]:
    return dict.fromkeys(texts)
