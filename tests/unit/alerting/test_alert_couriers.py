"""Pacing in virtual time: retries, reminders, the heartbeat, the last try."""

import asyncio
from collections.abc import Callable, Mapping
from itertools import pairwise

import pytest

from netmon.alerting.alerts import Alerts
from netmon.alerting.couriers import Backoff, Courier, HeartbeatCourier, Tally
from netmon.alerting.door import Kind, Outcome
from netmon.alerting.instances import Alert
from netmon.alerting.queues import Queue
from netmon.model import MailState
from tests.unit.alerting.making import Notebook, alertmanager, alerts_on, verdict, webhook
from tests.virtual import run_virtual

OK = Outcome(Kind.DELIVERED)
FAILED = Outcome(Kind.FAILED, "it answers 500")
REFUSED = Outcome(Kind.REFUSED, "it answers 404")


class NoJitter:
    """The longest of each wait."""

    def uniform(self, _low: float, high: float) -> float:
        """The upper end."""
        return high


class Wire:
    """Notes when something was sent, and answers as it is told."""

    def __init__(self) -> None:
        self.answer = OK
        self.times: list[float] = []
        self.takes = 0.0  # seconds
        self.ended = 0.0

    async def __call__(self, _batch: Mapping[str, Alert] | None = None) -> Outcome:
        """One delivery."""
        self.times.append(asyncio.get_running_loop().time())
        answer = self.answer
        await asyncio.sleep(self.takes)
        return answer


def run_courier(queue: Queue, script: Callable[[Wire, Courier, Alerts], object]) -> Wire:
    """Run a courier over one alert while `script`, a coroutine function, goes on."""

    async def main() -> Wire:
        loop = asyncio.get_running_loop()
        source, wire = Notebook(), Wire()
        alerts = alerts_on(source, queue)
        source.put(verdict("mail_down", mail=MailState.DOWN))
        alerts.look(None, 0.0, 1.0)
        courier = Courier(alerts, queue, wire, Tally("w"), clock=loop.time, wall=loop.time, random=NoJitter())
        task = asyncio.create_task(courier.run())
        await script(wire, courier, alerts)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await courier.last_try()
        wire.ended = loop.time()
        return wire

    return run_virtual(main())


def test_failures_are_retried_later_and_later_up_to_five_minutes() -> None:
    """And the alert is taken at the first chance."""

    async def script(wire: Wire, courier: Courier, _alerts: Alerts) -> None:
        wire.answer = FAILED
        await asyncio.sleep(1000)
        assert courier.waiting() == 1
        wire.answer = OK
        await asyncio.sleep(1000)
        assert courier.waiting() == 0

    assert run_courier(webhook(), script).times == [0, 5, 15, 35, 75, 155, 315, 615, 915, 1215]


def test_what_is_refused_is_retried_at_the_slow_pace() -> None:
    """Never lost, and no hammering."""

    async def script(wire: Wire, courier: Courier, _alerts: Alerts) -> None:
        wire.answer = REFUSED
        await asyncio.sleep(1000)
        assert courier.waiting() == 1

    assert run_courier(webhook(), script).times == [0, 300, 600, 900]


def test_the_servers_wish_counts() -> None:
    """Retry-After is waited for, where it is longer."""
    backoff = Backoff(NoJitter())
    assert backoff.failed(Outcome(Kind.FAILED, "429", 77.0)) == 77.0
    assert backoff.failed(Outcome(Kind.FAILED, "429", 1.0)) == 10.0
    backoff.worked()
    assert backoff.failed(FAILED) == 5.0


def test_news_are_sent_at_once_and_reminders_every_minute() -> None:
    """To Alertmanager."""

    async def script(_wire: Wire, courier: Courier, alerts: Alerts) -> None:
        await asyncio.sleep(90)
        courier.wake()  # of nothing that concerns it
        await asyncio.sleep(60)

    assert run_courier(alertmanager(), script).times == [0, 60, 120]


def test_the_last_try_takes_two_seconds_at_most() -> None:
    """A receiver that hangs does not hold up the agent's end."""

    async def script(wire: Wire, _courier: Courier, _alerts: Alerts) -> None:
        wire.takes = 1000.0
        await asyncio.sleep(10)

    wire = run_courier(webhook(), script)
    assert wire.times == [0, 10]
    assert wire.ended == 12


def test_the_last_try_sends_what_waits_once() -> None:
    """And no reminders; a failure ends it."""

    async def script(wire: Wire, _courier: Courier, _alerts: Alerts) -> None:
        wire.answer = FAILED
        await asyncio.sleep(1)

    assert run_courier(webhook(), script).times == [0, 1]

    async def well(_wire: Wire, _courier: Courier, _alerts: Alerts) -> None:
        await asyncio.sleep(61)

    assert run_courier(alertmanager(), well).times == [0, 60]


def test_an_outage_is_few_lines_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """However long it lasts: its beginning, its change of kind, its end.  Each outcome is counted."""
    tally = Tally("chat")
    for outcome in (FAILED, FAILED, REFUSED, REFUSED, OK, OK):
        tally.add(outcome)
    assert tally.counts == {Kind.DELIVERED: 2, Kind.FAILED: 2, Kind.REFUSED: 2}
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR", "INFO"]


def test_heartbeat_beats_while_the_agent_works_and_not_otherwise() -> None:
    """Every interval, slow answers or not; it begins soon after work does."""

    async def main() -> list[float]:
        loop, wire, works = asyncio.get_running_loop(), Wire(), [False]
        wire.takes = 3.0
        beats = HeartbeatCourier(
            wire, 60.0, lambda: works[0], Tally("heartbeat"), clock=loop.time, random=NoJitter()
        )
        task = asyncio.create_task(beats.run())
        await asyncio.sleep(12)
        works[0] = True
        await asyncio.sleep(130)
        works[0] = False
        await asyncio.sleep(200)
        works[0] = True
        wire.answer = FAILED
        await asyncio.sleep(31)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return wire.times

    times = run_virtual(main())
    assert times[:3] == [15, 75, 135]
    assert times[3] >= 342
    assert [later - earlier for earlier, later in pairwise(times[3:])] == [8, 13]
