"""Alarms in virtual time: each rings once, when it is due, on one timer of the loop."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import uvloop

from netmon.snmp.alarms import Alarm, Alarms
from tests.virtual import VirtualLoop


class Bell:
    """Alarms that note when they rang, and how many timers the loop was asked for."""

    def __init__(self) -> None:
        self.loop = VirtualLoop()
        self.rang: list[tuple[str, float]] = []
        self.timers = 0
        self.alarms: Alarms[str] = Alarms(self.loop, lambda name: self.rang.append((name, self.loop.time())))
        call_at = self.loop.call_at

        def counted(*arguments: Any, **more: Any) -> asyncio.TimerHandle:
            self.timers += 1
            return call_at(*arguments, **more)

        self.loop.call_at = counted  # type: ignore[method-assign]

    def set(self, name: str, delay: float) -> Alarm[str]:
        """A new alarm."""
        alarm = Alarm(name)
        self.alarms.set(alarm, delay)
        return alarm

    def run(self, seconds: float) -> list[tuple[str, float]]:
        """What rings within so many seconds, with the times rounded to milliseconds."""
        self.rang.clear()
        self.loop.run_until_complete(asyncio.sleep(seconds))
        return [(name, round(at, 3)) for name, at in self.rang]


@pytest.fixture
def bell() -> Iterator[Bell]:
    """See there."""
    bell = Bell()
    yield bell
    bell.loop.close()


def test_each_rings_once_in_the_order_of_time(bell: Bell) -> None:
    """Whatever the order in which they were set."""
    for name, delay in (("c", 3.0), ("a", 1.0), ("b", 2.0), ("a too", 1.0)):
        bell.set(name, delay)
    assert bell.run(9) == [("a", 1.0), ("a too", 1.0), ("b", 2.0), ("c", 3.0)]
    assert bell.run(9) == []


def test_an_alarm_moves_both_ways(bell: Bell) -> None:
    """Later and earlier than it was, also after it has rung."""
    later, earlier = bell.set("later", 1.0), bell.set("earlier", 5.0)
    bell.alarms.set(later, 4.0)
    bell.alarms.set(earlier, 2.0)
    assert bell.run(10) == [("earlier", 2.0), ("later", 4.0)]
    bell.alarms.set(later, 1.0)
    assert bell.run(10) == [("later", 11.0)]


def test_a_cleared_alarm_never_rings(bell: Bell) -> None:
    """And does not keep its owner alive until its time would have come."""
    alarm = bell.set("a", 1.0)
    bell.alarms.clear(alarm)
    assert alarm.owner is None
    assert bell.run(9) == []


def test_moving_on_costs_no_timer(bell: Bell) -> None:
    """A thousand requests that are answered in time arm the loop once."""
    alarm = bell.set("a", 1.0)
    for _ in range(1_000):
        bell.alarms.set(alarm, 1.0)
    assert bell.timers == 1
    assert bell.run(1.5) == [("a", 1.0)]


def test_an_alarm_may_be_set_by_one_that_rings(bell: Bell) -> None:
    """As a retransmission does."""
    ring = bell.alarms._ring
    alarm = bell.set("again", 1.0)
    bell.set("other", 2.5)

    def again(name: str) -> None:
        ring(name)
        if name == "again":
            bell.alarms.set(alarm, 2.0)

    bell.alarms._ring = again
    assert bell.run(6) == [("again", 1.0), ("other", 2.5), ("again", 3.0), ("again", 5.0)]


def test_one_that_raises_stops_no_other(bell: Bell) -> None:
    """The loop hears of it, and the rest ring on."""
    failures: list[Any] = []
    bell.loop.set_exception_handler(lambda _, context: failures.append(context["exception"]))
    ring = bell.alarms._ring

    def failing(name: str) -> None:
        ring(name)
        if name == "bad":
            raise ValueError(name)

    bell.alarms._ring = failing
    for name, delay in (("bad", 1.0), ("good", 1.0), ("later", 2.0)):
        bell.set(name, delay)
    assert [name for name, _ in bell.run(5)] == ["bad", "good", "later"]
    assert [str(failure) for failure in failures] == ["bad"]


def test_closed_alarms_are_silent(bell: Bell) -> None:
    """Closing takes the timer too."""
    bell.set("a", 1.0)
    bell.alarms.close()
    assert bell.run(5) == []


def test_uvloops_coarse_clock_is_borne() -> None:
    """Its timers may come a millisecond early: then the alarm rings, and the loop does not spin."""

    async def scene() -> tuple[int, float]:
        loop = asyncio.get_running_loop()
        done = asyncio.Event()
        alarms: Alarms[str] = Alarms(loop, lambda _: done.set())
        calls = 0
        on_timer = alarms._on_timer

        def counted() -> None:
            nonlocal calls
            calls += 1
            on_timer()

        alarms._on_timer = counted  # type: ignore[method-assign]
        began = loop.time()
        alarms.set(Alarm("a"), 0.0137)
        await asyncio.wait_for(done.wait(), 5)
        return calls, loop.time() - began

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        calls, took = runner.run(scene())
    assert calls == 1
    assert took >= 0.0127
