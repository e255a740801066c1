"""Many deadlines on one timer of the event loop.

A deadline for every request is a promise that is hardly ever called in: the answer comes first.  A
timer of the loop for each costs more than sending the request.  Here a deadline is a number that
moves, the nearest ones stand in a heap, and an entry that its alarm has left behind is put in its
new place only when its turn comes.
"""

import asyncio
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import Final, Generic, TypeVar

T = TypeVar("T")

# uvloop's timers and its clock have steps of a millisecond: what is nearer than that is due.
_STEP: Final = 0.001


class Alarm(Generic[T]):
    """A deadline for `owner`; set and cleared by its `Alarms`."""

    __slots__ = ("due", "owner", "queued")

    def __init__(self, owner: T) -> None:
        self.owner: T | None = owner
        self.due = inf  # loop.time()
        self.queued = inf  # when its entry in the heap has its turn; never after `due`


class Alarms(Generic[T]):
    """Calls `ring(owner)` once when an alarm is due, on the loop's clock."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[T], None]) -> None:
        self._loop = loop
        self._ring = ring
        self._heap: list[tuple[float, int, Alarm[T]]] = []
        self._serial = count()
        self._timer: asyncio.TimerHandle | None = None
        self._armed = inf  # what the timer waits for

    def set(self, alarm: Alarm[T], delay: float) -> None:
        """Move an alarm to `delay` seconds from now."""
        alarm.due = due = self._loop.time() + delay
        if due < alarm.queued:
            self._queue(alarm, due)

    def clear(self, alarm: Alarm[T]) -> None:
        """Switch an alarm off for ever, and let its owner go."""
        alarm.due = inf
        alarm.owner = None

    def close(self) -> None:
        """Ring no more."""
        self._heap.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _queue(self, alarm: Alarm[T], due: float) -> None:
        alarm.queued = due
        heappush(self._heap, (due, next(self._serial), alarm))
        if due < self._armed:
            self._arm(due)

    def _arm(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed = due
        self._timer = self._loop.call_at(due, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._armed = -inf  # alarms that are set meanwhile need no timer of their own
        now = self._loop.time() + _STEP
        heap = self._heap
        try:
            while heap and heap[0][0] <= now:
                at, _, alarm = heappop(heap)
                if at != alarm.queued:
                    continue  # it has an earlier entry, or had
                alarm.queued = inf
                if now < alarm.due < inf:
                    self._queue(alarm, alarm.due)
                elif alarm.due <= now and alarm.owner is not None:
                    alarm.due = inf
                    self._ring(alarm.owner)
        finally:
            self._armed = inf
            if heap:
                self._arm(heap[0][0])
