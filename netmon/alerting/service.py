"""Alerting as the agent sees it: started, told of changes, configured anew, asked for readings, stopped."""

import asyncio
import json
import random as random_
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import structlog

from netmon.alerting.alerts import Alerts, Source
from netmon.alerting.bodies import alertmanager_body, template_variables, webhook_message
from netmon.alerting.couriers import SLOWEST, Courier, HeartbeatCourier, Random, Send, Tally
from netmon.alerting.door import Door, Kind, Outcome
from netmon.alerting.instances import Alert
from netmon.alerting.queues import BATCH, AlertmanagerQueue, Queue, WebhookQueue
from netmon.explain import URGENCY
from netmon.fields import Secret
from netmon.model import Kind as MetricKind
from netmon.receivers import AlertingEntry, Alertmanager, Webhook
from netmon.template import MessageError, MessageTemplate

log = structlog.get_logger(__name__)

LOOK: Final = 15.0  # seconds between two looks at all hosts: time alone raises NetmonHostUnknown
GATHER: Final = 0.5  # seconds in which changes are gathered
_HEARTBEAT: Final = "heartbeat"


class Sample(NamedTuple):
    """One value of a metric of alerting's own; what exposition calls a reading."""

    name: str
    help: str
    kind: MetricKind
    labels: Mapping[str, str]
    value: float


class Alerting:
    """All of it.  Make it inside the event loop; nothing is sent before `start`."""

    def __init__(
        self,
        source: Source,
        entry: AlertingEntry,
        *,
        agent: str,
        web: str,
        isolated: Callable[[], bool],
        well: Callable[[], bool],
        clock: Callable[[], float],
        wall: Callable[[], float],
        random: Random | None = None,
    ) -> None:
        """`agent` and `web` as `Alerts` has them; `well` says whether the agent really works."""
        self._entry = entry
        self._alerts = Alerts(source, isolated, agent=agent, web=web)
        self._isolated = isolated
        self._well = well
        self._clock = clock
        self._wall = wall
        self._random = random or random_.Random()  # noqa: S311 - jitter is no secret
        self._tallies: dict[str, Tally] = {}
        self._couriers: dict[str, Courier] = {}
        self._doors: list[Door] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._looking: asyncio.Task[None] | None = None
        self._changed: set[str] = set()
        self._news = asyncio.Event()
        self._build()

    def changed(self, host: str) -> None:
        """Something about a host is new, or with "" about hosts at large; for `Store.on_change`."""
        self._changed.add(host)
        self._news.set()

    async def start(self) -> None:
        """Begin; the hosts must be known by now, since the alerts of unknown ones end."""
        self.changed("")
        self._run()
        self._looking = asyncio.create_task(self._look_on())

    async def apply(self, entry: AlertingEntry, *, agent: str, web: str) -> None:
        """Take a new config; the alerts stay."""
        self._alerts.agent, self._alerts.web = agent, web
        self.changed("")
        if entry == self._entry:
            return
        await self._end_tasks()
        await self._close_doors()
        self._entry = entry
        self._build()
        self._run()

    async def stop(self) -> None:
        """Send what waits, for two seconds at most, and end."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
            await self._end_tasks()
            await asyncio.gather(*(courier.last_try() for courier in self._couriers.values()))
        await self._close_doors()

    def readings(self) -> Iterator[Sample]:
        """netmon's metrics about its alerts."""
        for name, count in self._alerts.firing().items():
            labels = {"alertname": name.value, "severity": URGENCY[name].value}
            yield Sample("netmon_alerts", "Alerts that hold at this moment.", MetricKind.GAUGE, labels, count)
        told = "Requests to receivers of alerts, by how they ended."
        for receiver, tally in self._tallies.items():
            for outcome, count in tally.counts.items():
                labels = {"receiver": receiver, "outcome": outcome.value}
                yield Sample("netmon_alert_deliveries_total", told, MetricKind.COUNTER, labels, count)
        waits = "Alerts that a receiver does not know yet as they are."
        for receiver, courier in self._couriers.items():
            labels = {"receiver": receiver}
            yield Sample("netmon_alerts_waiting", waits, MetricKind.GAUGE, labels, courier.waiting())
        yield Sample(
            "netmon_alerts_dropped_total",
            "Resolved alerts that were given up before every receiver had them.",
            MetricKind.COUNTER,
            {},
            self._alerts.dropped,
        )

    async def _look_on(self) -> None:
        last = float("-inf")
        while True:
            try:
                async with asyncio.timeout(LOOK):
                    await self._news.wait()
            except TimeoutError:
                pass
            await asyncio.sleep(GATHER)
            self._news.clear()
            changed, self._changed = self._changed, set()
            now, wall = self._clock(), self._wall()
            everything = "" in changed or now - last >= LOOK
            try:
                new = self._alerts.look(None if everything else sorted(changed), now, wall)
                if everything:
                    last = now
                    self._alerts.tidy(wall)
            except Exception:
                log.exception("a defect in alerting; it goes on")
                continue
            if new:
                for courier in self._couriers.values():
                    courier.wake()

    def _run(self) -> None:
        runs: list[Callable[[], Awaitable[None]]] = [courier.run for courier in self._couriers.values()]
        heartbeat = self._entry.heartbeat
        if heartbeat.url.reveal():
            door = self._kept(Door(heartbeat.url, method="GET", ca_file=heartbeat.ca_file))
            runs.append(
                HeartbeatCourier(
                    door.send,
                    heartbeat.interval,
                    lambda: self._well() and not self._isolated(),
                    self._tallies[_HEARTBEAT],
                    clock=self._clock,
                    random=self._random,
                ).run
            )
        self._tasks = [asyncio.create_task(_contained(run)) for run in runs]

    def _build(self) -> None:
        """A courier for each receiver; counts go on where the name stays."""
        made: dict[str, tuple[Queue, Send]] = {}
        for number, receiver in enumerate(self._entry.alertmanagers):
            made[f"alertmanager-{number}"] = self._alertmanager(receiver)
        for number, webhook in enumerate(self._entry.webhooks):
            name = webhook.name or f"webhook-{number}"
            made[name] = self._webhook(name, webhook)
        names = [*made, *([_HEARTBEAT] if self._entry.heartbeat.url.reveal() else [])]
        self._tallies = {name: self._tallies.get(name) or Tally(name) for name in names}
        self._couriers = {
            name: Courier(
                self._alerts,
                queue,
                send,
                self._tallies[name],
                clock=self._clock,
                wall=self._wall,
                random=self._random,
            )
            for name, (queue, send) in made.items()
        }
        self._alerts.receivers((courier.queue for courier in self._couriers.values()), self._wall())

    def _alertmanager(self, receiver: Alertmanager) -> tuple[Queue, Send]:
        login = None
        if receiver.username is not None and receiver.password is not None:
            login = (receiver.username, receiver.password)
        url = Secret(f"{receiver.url.reveal()}/api/v2/alerts")
        door = self._kept(Door(url, login=login, ca_file=receiver.ca_file))

        async def send(alerts: Mapping[str, Alert]) -> Outcome:
            return await door.send(alertmanager_body(alerts.values(), self._alerts.web, self._wall()))

        return AlertmanagerQueue(receiver.identity), send

    def _webhook(self, name: str, receiver: Webhook) -> tuple[Queue, Send]:
        template = None if receiver.template is None else MessageTemplate(receiver.template.reveal())
        door = self._kept(
            Door(receiver.url, method=receiver.method, headers=receiver.headers, ca_file=receiver.ca_file)
        )

        async def send(alerts: Mapping[str, Alert]) -> Outcome:
            message = webhook_message(alerts, name, self._alerts.web)
            try:
                body = _text(message, template, self._alerts.agent)
            except MessageError as error:
                return Outcome(Kind.REFUSED, str(error))
            return await door.send(body, receiver.content_type)

        size = BATCH if template is None or template.of_all else 1
        return WebhookQueue(receiver.identity, receiver.urgencies, receiver.repeat, size=size), send

    def _kept(self, door: Door) -> Door:
        """The door, which is closed with the others."""
        self._doors.append(door)
        return door

    async def _end_tasks(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _close_doors(self) -> None:
        doors, self._doors = self._doors, []
        await asyncio.gather(*(door.close() for door in doors))


async def _contained(run: Callable[[], Awaitable[None]]) -> None:
    """A defect ends one round of a task and not the telling of alerts."""
    while True:
        try:
            await run()
        except Exception:
            log.exception("a defect in alerting; it goes on later")
        await asyncio.sleep(SLOWEST)


def _text(message: Mapping[str, Any], template: MessageTemplate | None, agent: str) -> bytes:
    if template is None:
        return json.dumps(message).encode()
    return template.render(template_variables(message, agent)).encode(errors="replace")
