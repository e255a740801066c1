"""Events of traps to webhooks, in batches, in order, each at least once.

The store of events is the queue: a courier remembers the ID of the last event that its receiver took,
over restarts too, and goes on behind it.  A receiver that was away gets what it missed, up to `BEHIND`
events; beyond that the oldest are left out, which is told with the next batch and in a metric, because
a day of storm would otherwise be an hour of requests about what is long over.
"""

import asyncio
import contextlib
import json
import random as random_
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import structlog

from netmon.alerting.couriers import Backoff, Random, Tally
from netmon.alerting.door import Door, Kind, Outcome
from netmon.alerting.service import Sample
from netmon.events import Reader, to_json
from netmon.model import Event
from netmon.model import Kind as MetricKind
from netmon.receivers import EventWebhook

log = structlog.get_logger(__name__)

BATCH: Final = 500  # events in one request
BEHIND: Final = 100_000  # events that a receiver may have missed
_GATHER: Final = 0.5  # seconds in which events are gathered
_NOTE: Final = "events_told"  # the kind of the notes in which it is kept how far a receiver has been told


class EventCouriers:
    """One courier for each webhook.  Make it inside the event loop; nothing is sent before `apply`.

    `reader` gives None where no receiver of traps is configured; `note` and `noted` are those of the
    store.  `poke` is for whenever events were committed.
    """

    def __init__(
        self,
        reader: Callable[[], Reader | None],
        *,
        note: Callable[[str, str, Any], None],
        noted: Callable[[str], Mapping[str, Any]],
        agent: Callable[[], str],
        random: Random | None = None,
    ) -> None:
        self._reader = reader
        self._note = note
        self._told: dict[str, int] = {
            name: at for name, at in noted(_NOTE).items() if isinstance(at, int) and at >= 0
        }
        self._agent = agent
        self._random = random or random_.Random()  # noqa: S311 - jitter is no secret
        self._webhooks: Sequence[EventWebhook] = ()
        self._couriers: dict[str, _Courier] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def apply(self, webhooks: Sequence[EventWebhook]) -> None:
        """Send to these from now on; one that is new is told of what comes, not of what was."""
        if webhooks == self._webhooks and self._tasks:
            return
        await self.stop()
        self._webhooks = webhooks
        known = {webhook.identity for webhook in webhooks}
        for identity in self._told.keys() - known:
            del self._told[identity]
            self._note(_NOTE, identity, None)
        reader = self._reader()
        newest = 0 if reader is None else await asyncio.to_thread(reader.last_id)
        made: dict[str, _Courier] = {}
        for number, webhook in enumerate(webhooks):
            name = webhook.name or f"event-webhook-{number}"
            before = self._couriers.get(name)
            courier = _Courier(self, webhook, Tally(name) if before is None else before.tally)
            courier.skipped = 0 if before is None else before.skipped
            courier.at = min(self._told.get(webhook.identity, newest), newest)
            made[name] = courier
        self._couriers = made
        self._tasks = [asyncio.create_task(courier.run()) for courier in made.values()]

    def poke(self) -> None:
        """Events were committed."""
        for courier in self._couriers.values():
            courier.news.set()

    async def stop(self) -> None:
        """End; what was not told is told by the next life."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        for courier in self._couriers.values():
            await courier.door.close()

    def readings(self) -> Iterator[Sample]:
        """Metrics of their own."""
        told = "Requests with events to webhooks, by how they ended."
        left = "Events that were left out because a webhook was too far behind, or that it refused."
        for name, courier in self._couriers.items():
            for outcome, count in courier.tally.counts.items():
                labels = {"receiver": name, "outcome": outcome.value}
                yield Sample("netmon_event_deliveries_total", told, MetricKind.COUNTER, labels, count)
            yield Sample(
                "netmon_events_skipped_total", left, MetricKind.COUNTER, {"receiver": name}, courier.skipped
            )

    def reader(self) -> Reader | None:
        """The events."""
        return self._reader()

    def body(self, events: Iterable[Event], skipped: int) -> bytes:
        """What a webhook gets."""
        message = {
            "version": "1",
            "agent": self._agent(),
            "skipped": skipped,
            "events": [to_json(event) for event in events],
        }
        return json.dumps(message, separators=(",", ":")).encode()

    def backoff(self) -> Backoff:
        """A new one."""
        return Backoff(self._random)

    def took(self, identity: str, at: int) -> None:
        """A webhook has been told so far."""
        self._told[identity] = at
        self._note(_NOTE, identity, at)


class _Courier:
    def __init__(self, owner: EventCouriers, webhook: EventWebhook, tally: Tally) -> None:
        self._owner = owner
        self._webhook = webhook
        self.door = Door(webhook.url, headers=webhook.headers, ca_file=webhook.ca_file)
        self.tally = tally
        self.news = asyncio.Event()
        self.news.set()
        self.at = 0
        self.skipped = 0
        self._untold = 0  # of the skipped, what the next batch tells

    async def run(self) -> None:
        """For ever, until cancelled; a defect is logged and costs a pause."""
        backoff = self._owner.backoff()
        while True:
            await self.news.wait()
            await asyncio.sleep(_GATHER)
            self.news.clear()
            try:
                while await self._batch(backoff):
                    pass
            except Exception:
                log.exception("a defect in the courier of events; it goes on")

    async def _batch(self, backoff: Backoff) -> bool:
        """Send what is next; whether there may be more."""
        reader = self._owner.reader()
        if reader is None:
            return False
        newest = await asyncio.to_thread(reader.last_id)
        if newest - self.at > BEHIND:
            missed = newest - self.at - BEHIND
            self.skipped += missed
            self._untold += missed
            self.at += missed
        events = await asyncio.to_thread(reader.since, self.at, limit=BATCH)
        if not events:
            return False
        wanted = [event for event in events if event.severity.value in self._webhook.severities]
        if wanted:
            outcome = await self._send(wanted, backoff)
            if outcome.kind is Kind.REFUSED:
                # It would say the same again, and what comes behind must not wait for that.
                self.skipped += len(wanted)
                self._untold += len(wanted)
            else:
                self._untold = 0
        self.at = events[-1].id
        self._owner.took(self._webhook.identity, self.at)
        return len(events) == BATCH

    async def _send(self, events: Sequence[Event], backoff: Backoff) -> Outcome:
        """Until the webhook has answered, one way or the other."""
        while True:
            outcome = await self.door.send(self._owner.body(events, self._untold))
            self.tally.add(outcome)
            if outcome.kind is not Kind.FAILED:
                backoff.worked()
                return outcome
            with contextlib.suppress(TimeoutError):
                await asyncio.sleep(backoff.failed(outcome))
