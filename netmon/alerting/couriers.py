"""The tasks that bring alerts to receivers, one each, so that no receiver waits for another.

A courier asks its queue what is due, sends it, and says so; where that fails it comes back later and
later.  Nothing is lost by a failure, because the queue is only told of what was taken.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol

import structlog

from netmon.alerting.alerts import Alerts
from netmon.alerting.door import Kind, Outcome
from netmon.alerting.instances import Alert
from netmon.alerting.queues import Queue

log = structlog.get_logger(__name__)

FIRST: Final = 5.0  # seconds before the second attempt
SLOWEST: Final = 300.0
LAST_TRY: Final = 2.0  # seconds for what waits when the agent stops
LOOK_AGAIN: Final = 5.0  # seconds between two looks whether the agent works, while it does not


class Random(Protocol):
    """random.Random, as far as it is needed."""

    def uniform(self, a: float, b: float, /) -> float:
        """A number between the two."""


class Backoff:
    """Exponential, with jitter so that several agents do not come at once."""

    def __init__(self, random: Random, slowest: float = SLOWEST) -> None:
        self._random = random
        self._slowest = slowest
        self._failures = 0

    def __bool__(self) -> bool:
        """Whether the last attempt failed."""
        return self._failures > 0

    def failed(self, outcome: Outcome) -> float:
        """Seconds until the next attempt."""
        self._failures += 1
        if outcome.kind is Kind.REFUSED and self._failures > 1:
            wanted = self._slowest  # it would say the same again
        else:
            wanted = min(FIRST * 2.0 ** min(self._failures - 1, 10), self._slowest)
        return max(wanted * self._random.uniform(0.75, 1.0), outcome.retry_after)

    def worked(self) -> None:
        """The next failure is a first one."""
        self._failures = 0


class Tally:
    """Deliveries of one receiver by outcome, and a line in the log when an outage begins and ends."""

    def __init__(self, receiver: str) -> None:
        self._receiver = receiver
        self.counts = dict.fromkeys(Kind, 0)
        self._failing: Kind | None = None

    def add(self, outcome: Outcome) -> None:
        """Count a delivery."""
        self.counts[outcome.kind] += 1
        if outcome.kind is Kind.DELIVERED:
            if self._failing is not None:
                log.info("receiver of alerts takes them again", receiver=self._receiver)
            self._failing = None
        elif outcome.kind is not self._failing:
            log.error(
                "receiver of alerts does not take them; they wait", receiver=self._receiver, why=outcome.why
            )
            self._failing = outcome.kind


Send = Callable[[Mapping[str, Alert]], Awaitable[Outcome]]


class Courier:
    """Works off one queue."""

    def __init__(
        self,
        alerts: Alerts,
        queue: Queue,
        send: Send,
        tally: Tally,
        *,
        clock: Callable[[], float],
        wall: Callable[[], float],
        random: Random,
    ) -> None:
        self.queue = queue
        self._alerts = alerts
        self._send = send
        self._tally = tally
        self._clock = clock
        self._wall = wall
        self._backoff = Backoff(random)
        self._new = asyncio.Event()

    def wake(self) -> None:
        """Something is new."""
        self._new.set()

    def waiting(self) -> int:
        """How many alerts the receiver does not know as they are."""
        return self.queue.waiting(self._alerts.all())

    async def run(self) -> None:
        """For ever, until cancelled."""
        while True:
            self._new.clear()
            batch = self.queue.pick(self._alerts.all(), self._clock(), self._wall())
            if batch.alerts:
                await asyncio.sleep(await self._deliver(batch.alerts))
                continue
            try:
                async with asyncio.timeout(None if batch.pause == float("inf") else batch.pause):
                    await self._new.wait()
            except TimeoutError:
                pass

    async def last_try(self) -> None:
        """Send what the receiver does not know; for when the agent stops, once `run` is cancelled."""
        try:
            async with asyncio.timeout(LAST_TRY):
                while True:
                    batch = self.queue.pick(self._alerts.all(), self._clock(), self._wall(), reminders=False)
                    if not batch.alerts or await self._deliver(batch.alerts):
                        return
        except TimeoutError:
            return

    async def _deliver(self, batch: Mapping[str, Alert]) -> float:
        """Send a batch; seconds to wait before the next."""
        outcome = await self._send(batch)
        self._tally.add(outcome)
        if outcome.kind is Kind.DELIVERED:
            self._backoff.worked()
            self._alerts.told(self.queue.identity, self.queue.taken(batch, self._clock()), self._wall())
            self._alerts.tidy(self._wall())
            return 0.0
        if outcome.kind is Kind.REFUSED:
            self.queue.refused(batch, self._clock())
        return self._backoff.failed(outcome)


class HeartbeatCourier:
    """Says that the agent lives and works, for as long as it does: silence is the alarm."""

    def __init__(
        self,
        send: Callable[[], Awaitable[Outcome]],
        interval: float,
        well: Callable[[], bool],
        tally: Tally,
        *,
        clock: Callable[[], float],
        random: Random,
    ) -> None:
        self._send = send
        self._interval = interval
        self._well = well
        self._tally = tally
        self._clock = clock
        self._backoff = Backoff(random, min(interval, SLOWEST))

    async def run(self) -> None:
        """For ever, until cancelled."""
        due = self._clock()
        while True:
            if not self._well():
                await asyncio.sleep(min(self._interval, LOOK_AGAIN))
                due = self._clock()
                continue
            outcome = await self._send()
            self._tally.add(outcome)
            if outcome.kind is Kind.DELIVERED:
                self._backoff.worked()
                # From when it was due, so that slow answers do not stretch the interval.
                due = max(due + self._interval, self._clock())
                await asyncio.sleep(due - self._clock())
            else:
                await asyncio.sleep(self._backoff.failed(outcome))
                due = self._clock()
