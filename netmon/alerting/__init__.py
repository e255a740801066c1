"""Direct alerts, for those who have no Prometheus: verdicts -> Alertmanager, webhooks, a heartbeat.

Alerts are desired state and receivers catch up with it, each at its own pace, so that an outage is told
whatever was down while it lasted: the receiver, the network or netmon itself.  Bottom up: `rules`
(verdict -> alerts, pure), `instances` (the records), `alerts` (what holds and what was), `queues` (what a
receiver is still to be told, pure), `bodies`, `door` (one HTTP request), `couriers` (a task for each
receiver), `service`; `events` brings the events of traps to webhooks.  Formats: Alertmanager's API v2 and
its webhook format version 4.
"""

from netmon.alerting.events import EventCouriers
from netmon.alerting.rules import alert_of
from netmon.alerting.service import Alerting, Sample

__all__ = ["Alerting", "EventCouriers", "Sample", "alert_of"]
