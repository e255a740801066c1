"""What is sent: Alertmanager's API v2, its webhook format version 4, and a template's variables.

The webhook format is Alertmanager's own, so whatever receives that receives this.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from netmon.alerting.instances import Alert, Status, timestamp

HOLDS: Final = 300.0  # seconds for which Alertmanager believes what it was told
_NO_END: Final = "0001-01-01T00:00:00Z"  # Go's zero time, as Alertmanager writes it


def alertmanager_body(alerts: Iterable[Alert], web: str, wall: float) -> bytes:
    """The body of POST /api/v2/alerts."""
    rows = [
        {
            "labels": dict(alert.labels),
            "annotations": {name: text for name, text in alert.annotations.items() if text},
            "startsAt": timestamp(alert.starts),
            "endsAt": timestamp(alert.ends or wall + HOLDS),
            "generatorURL": _page(alert, web),
        }
        for alert in alerts
    ]
    return json.dumps(rows).encode()


def webhook_message(alerts: Mapping[str, Alert], receiver: str, web: str) -> dict[str, Any]:
    """Alertmanager's webhook format."""
    several = list(alerts.values())
    status = Status.FIRING if any(not alert.ends for alert in several) else Status.RESOLVED
    return {
        "version": "4",
        "groupKey": "{}:{}",
        "truncatedAlerts": 0,
        "status": status.value,
        "receiver": receiver,
        "groupLabels": {},
        "commonLabels": _common([alert.labels for alert in several]),
        "commonAnnotations": _common([alert.annotations for alert in several]),
        "externalURL": web,
        "alerts": [
            {
                "status": alert.status.value,
                "labels": dict(alert.labels),
                "annotations": dict(alert.annotations),
                "startsAt": timestamp(alert.starts),
                "endsAt": timestamp(alert.ends) if alert.ends else _NO_END,
                "generatorURL": _page(alert, web),
                "fingerprint": alert.fingerprint,
            }
            for alert in several
        ],
    }


def template_variables(message: Mapping[str, Any], agent: str) -> dict[str, Any]:
    """A message as templates see it: `status`, `alerts`, and flat names of the first alert.

    The names are those of `netmon.template.VARIABLES`.
    """
    first = message["alerts"][0]
    return {
        "host": "",
        "agent": agent,
        **{
            name: first["labels"][name]
            for name in ("alertname", "host", "severity")
            if name in first["labels"]
        },
        **first["annotations"],
        **{name: first[name] for name in ("labels", "annotations", "startsAt", "endsAt", "generatorURL")},
        "fingerprint": first["fingerprint"],
        "status": message["status"],
        "alerts": message["alerts"],
        "externalURL": message["externalURL"],
    }


def _common(several: list[Mapping[str, str]]) -> dict[str, str]:
    first, *others = several
    return {name: text for name, text in first.items() if all(one.get(name) == text for one in others)}


def _page(alert: Alert, web: str) -> str:
    return f"{web}/hosts/{alert.host}" if alert.host else f"{web}/"
