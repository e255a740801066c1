"""Runs checks when they are due, and nothing more: what a run means is the output wing's affair.

APScheduler fires the checks.  It reads the wall clock, so a step of the clock by an hour would
stop everything for an hour; `LoopTime` is therefore the time zone that it is given, whose "now" is
the event loop's monotonic clock.  A clock step does not reach the schedule at all, and a test may
drive it by a loop with a virtual clock.

A due time is a point on the check's own grid: its phase is a hash of its key, its pitch the
interval, so checks spread evenly and never drift.  A run that is still going when its next one is
due is skipped and counted.  A removed or changed check may finish its run; the observation is
dropped, because its generation is gone.
"""

import asyncio
import hashlib
import logging
import traceback
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final, Protocol

import structlog
from apscheduler.executors.base import BaseExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from netmon.errors import Reason
from netmon.model import Check, CheckKey, Observation, Result, Role

log = structlog.get_logger(__name__)

_EPOCH: Final = datetime(2000, 1, 1)  # noqa: DTZ001 - LoopTime counts from here, in no real zone
START_RATE: Final = 200.0  # first runs per second, so that a start is no storm
REQUEST_PAUSE: Final = 10.0  # seconds between two requested runs of one check
_CRASHES_TOLD: Final = 1000  # different crashes remembered; past that each tells its traceback again
ABANDON: Final = 2.0  # seconds for a cancelled run to close what it holds


class LoopTime(tzinfo):
    """A "time zone" whose present is the event loop's monotonic clock.

    `datetime.now(tz)` asks `tz.fromutc` to convert the wall clock's time; this one ignores what it
    is given.  It is the one door through which APScheduler learns what time it is.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock

    def fromutc(self, _dt: datetime) -> datetime:
        """The loop's present, whatever the wall clock says."""
        return self.at(self._clock())

    def at(self, seconds: float) -> datetime:
        """The point that the loop's clock calls `seconds`."""
        return (_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=self)

    def seconds(self, point: datetime) -> float:
        """The loop's clock at `point`."""
        return (point.replace(tzinfo=None) - _EPOCH).total_seconds()

    def utcoffset(self, _dt: datetime | None) -> timedelta:
        """Zero: all points that APScheduler compares are of this zone."""
        return timedelta(0)

    def dst(self, _dt: datetime | None) -> timedelta:
        """Zero."""
        return timedelta(0)

    def tzname(self, _dt: datetime | None) -> str:
        """A name that APScheduler does not mistake for a real zone's."""
        return "loop-time"


class GridTrigger(BaseTrigger):
    """Fires at ``first`` and then at every point of the grid ``origin + k * interval``.

    All in seconds of the loop's clock.  A grid point closer than half an interval to an extra run
    before it (the first one, or a retry) is left out.
    """

    __slots__ = ("first", "interval", "origin", "zone")

    def __init__(self, zone: LoopTime, first: float, origin: float, interval: float) -> None:
        self.zone = zone
        self.first = first
        self.origin = origin
        self.interval = interval

    def next_after(self, previous: float) -> float:
        """The next due time after a run that was due at `previous`."""
        earliest = previous + self.interval / 2
        steps = -((self.origin - earliest) // self.interval)
        return self.origin + steps * self.interval

    def get_next_fire_time(self, previous_fire_time: datetime | None, _now: datetime) -> datetime:
        """APScheduler's question, answered from the grid."""
        if previous_fire_time is None:
            return self.zone.at(self.first)
        return self.zone.at(self.next_after(self.zone.seconds(previous_fire_time)))


class _Inline(BaseExecutor):
    """Hands a due job over at once: runs are the scheduler's own tasks, not APScheduler's."""

    def _do_submit_job(self, job: Any, run_times: list[datetime]) -> None:
        job.func(*job.args, run_times[-1])
        # BaseExecutor counts the instance after this returns: undo it from the loop.
        asyncio.get_running_loop().call_soon(self._run_job_success, job.id, [])


class Gauges(Protocol):
    """Where the scheduler tells about itself; agent.py connects it with the agent's metrics."""

    def late(self, probe: str, seconds: float) -> None:
        """A scheduled run began `seconds` after it was due."""

    def skipped(self, probe: str) -> None:
        """A due run was left out because the one before still goes on."""

    def crashed(self, probe: str) -> None:
        """A probe raised."""


@dataclass(eq=False, slots=True)
class _Entry:
    """A check in force.  A new entry is a new generation: its identity is the number."""

    check: Check
    trigger: GridTrigger
    task: asyncio.Task[None] | None = None
    requested: float = field(default=float("-inf"))


@dataclass(frozen=True, slots=True)
class Changes:
    """What an `apply` did, by number of checks."""

    added: int
    changed: int
    removed: int
    kept: int


def spread(key: CheckKey) -> float:
    """Where in its interval a check runs, in [0, 1): stable over restarts, even over many checks."""
    digest = hashlib.blake2b("\0".join(key).encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


class Scheduler:
    """Fires `run` for every check of the plan and hands each observation to `sink`.

    Must be made and used inside the running loop.
    """

    def __init__(
        self,
        run: Callable[[Check], Awaitable[Observation]],
        sink: Callable[[Observation], None],
        *,
        wall: Callable[[], float],
        gauges: Gauges,
    ) -> None:
        self._run = run
        self._sink = sink
        self._wall = wall
        self._gauges = gauges
        self._loop = asyncio.get_running_loop()
        self._zone = LoopTime(self._loop.time)
        self._entries: dict[CheckKey, _Entry] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._crashes: set[tuple[object, ...]] = set()
        # Two INFO lines a run would drown the log.
        logging.getLogger("apscheduler").setLevel(logging.WARNING)
        self._engine = AsyncIOScheduler(
            event_loop=self._loop,
            timezone=self._zone,
            executors={"default": _Inline()},
            # A second of lag must not drop a poll, and a backlog runs once.
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 2},
        )

    def start(self) -> None:
        """Begin to fire."""
        self._engine.start()

    async def stop(self) -> None:
        """Fire no more, cancel what runs and wait until it has closed what it holds."""
        if self._engine.running:
            self._engine.shutdown(wait=False)
            await asyncio.sleep(0)  # APScheduler defers its shutdown to the loop
        self._entries.clear()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=ABANDON)

    def apply(self, checks: Iterable[Check]) -> Changes:
        """Make `checks` the plan: an unchanged one keeps its schedule, a removed one is forgotten."""
        wanted = {check.key: check for check in checks}
        gone = self._entries.keys() - wanted.keys()
        for key in gone:
            self._forget(key)
        added = changed = 0
        fresh = [check for key, check in wanted.items() if self._digest(key) != check.digest]
        now = self._loop.time()
        ramp = max(1.0, len(fresh) / START_RATE)
        for check in fresh:
            if check.key in self._entries:
                self._forget(check.key)
                changed += 1
            else:
                added += 1
            self._add(check, now, ramp)
        return Changes(added, changed, len(gone), len(wanted) - len(fresh))

    def request(self, key: CheckKey, why: str) -> bool:
        """Run a check soon, out of its turn; the observation adds evidence, never a streak.

        Coalesced and rate-limited: False if it runs now, ran on request in the last
        `REQUEST_PAUSE` seconds, or is not in the plan.  A mailflow sends a message each time, so one more
        in half of its interval is enough, whoever asks.
        """
        entry = self._entries.get(key)
        now = self._loop.time()
        if entry is None or entry.task is not None:
            return False
        pause = entry.check.interval / 2 if entry.check.role is Role.FLOW else REQUEST_PAUSE
        if now - entry.requested < pause:
            return False
        entry.requested = now
        log.debug("check requested", **_name(key), why=why)
        self._begin(entry, scheduled=False)
        return True

    def hasten(self, key: CheckKey, seconds: float) -> None:
        """Have the next scheduled run no later than `seconds` from now; the grid stays."""
        entry = self._entries.get(key)
        if entry is None:
            return
        soon = self._zone.at(self._loop.time() + seconds)
        job = self._engine.get_job(_job_id(key))
        if job is not None and job.next_run_time > soon:
            job.modify(next_run_time=soon)

    @property
    def running(self) -> int:
        """How many runs are going on."""
        return len(self._tasks)

    def _digest(self, key: CheckKey) -> str | None:
        entry = self._entries.get(key)
        return None if entry is None else entry.check.digest

    def _add(self, check: Check, now: float, ramp: float) -> None:
        share = spread(check.key)
        trigger = GridTrigger(
            self._zone, now + share * min(check.interval, ramp), now + share * check.interval, check.interval
        )
        entry = _Entry(check, trigger)
        self._entries[check.key] = entry
        self._engine.add_job(
            self._due,
            trigger,
            args=(entry,),
            id=_job_id(check.key),
            next_run_time=self._zone.at(trigger.first),
        )

    def _forget(self, key: CheckKey) -> None:
        del self._entries[key]
        try:
            self._engine.remove_job(_job_id(key))
        except JobLookupError:
            log.warning("check had no job", **_name(key))

    def _due(self, entry: _Entry, due: datetime | None = None) -> None:
        # Optional because APScheduler insists that a job can be called with its own arguments alone.
        assert due is not None  # noqa: S101 - _Inline always gives it
        probe = entry.check.key.probe
        if entry.task is not None:
            self._gauges.skipped(probe)
            return
        self._gauges.late(probe, max(0.0, self._loop.time() - self._zone.seconds(due)))
        self._begin(entry, scheduled=True)

    def _begin(self, entry: _Entry, *, scheduled: bool) -> None:
        entry.task = self._loop.create_task(self._observe(entry, scheduled=scheduled))
        self._tasks.add(entry.task)
        entry.task.add_done_callback(self._tasks.discard)

    async def _observe(self, entry: _Entry, *, scheduled: bool) -> None:
        check = entry.check
        started, begun = self._wall(), self._loop.time()
        try:
            observation = await self._contained(check, started, begun)
        finally:
            entry.task = None
        if self._entries.get(check.key) is not entry:
            return  # removed or changed while it ran
        try:
            self._sink(_stamped(observation, started, begun, scheduled=scheduled))
        except Exception:
            # The output wing's defect must not end the input wing's schedule.
            log.exception("observation was not taken", **_name(check.key))

    async def _contained(self, check: Check, started: float, begun: float) -> Observation:
        """The probe's observation, or one that tells how it ended without."""

        def ended(result: Result, reason: Reason, detail: str) -> Observation:
            return Observation(check.key, result, reason, detail, started, self._loop.time() - begun)

        try:
            async with asyncio.timeout(check.deadline) as limit:
                return await self._run(check)
        except TimeoutError as error:
            if limit.expired():
                return ended(Result.FAILED, Reason.DEADLINE, f"did not end within its {check.deadline:g} s")
            return self._crashed(check, error, ended)
        except Exception as error:  # noqa: BLE001 - containment is the point
            return self._crashed(check, error, ended)

    def _crashed(
        self, check: Check, error: Exception, ended: Callable[[Result, Reason, str], Observation]
    ) -> Observation:
        self._gauges.crashed(check.key.probe)
        # A defect that meets every host must not fill the log's disk: its traceback is told once.
        last = traceback.extract_tb(error.__traceback__)[-1:]
        place = (type(error).__name__, *((frame.filename, str(frame.lineno)) for frame in last))
        known = place in self._crashes
        if not known and len(self._crashes) < _CRASHES_TOLD:
            self._crashes.add(place)
        log.error("probe crashed", **_name(check.key), error=place[0], exc_info=None if known else error)
        return ended(
            Result.UNTESTABLE,
            Reason.CRASHED,
            f"netmon's {check.key.probe} probe crashed ({type(error).__name__}); the log has more",
        )


def _stamped(observation: Observation, started: float, begun: float, *, scheduled: bool) -> Observation:
    """The observation with what only the scheduler knows."""
    # A probe may say itself that its run is no evidence for a streak.
    return replace(observation, started=started, begun=begun, scheduled=scheduled and observation.scheduled)


def _job_id(key: CheckKey) -> str:
    return "\0".join(key)


def _name(key: CheckKey) -> dict[str, str]:
    return {"host": key.host, "probe": key.probe, "endpoint": key.endpoint}
