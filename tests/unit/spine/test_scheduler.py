"""The schedule, on virtual time: whole hours of it in the CPU time of its runs."""

import asyncio
import itertools
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime

from netmon.errors import Reason
from netmon.model import Check, CheckKey, Observation, Result, Role
from netmon.scheduler import REQUEST_PAUSE, LoopTime, Scheduler, spread
from tests.unit.spine.records import check, seen
from tests.virtual import run_virtual


class Tally:
    """What the scheduler tells about itself."""

    def __init__(self) -> None:
        self.lateness: dict[str, list[float]] = defaultdict(list)
        self.skips: Counter[str] = Counter()
        self.crashes: Counter[str] = Counter()

    def late(self, probe: str, seconds: float) -> None:
        """Keep it."""
        self.lateness[probe].append(seconds)

    def skipped(self, probe: str) -> None:
        """Count it."""
        self.skips[probe] += 1

    def crashed(self, probe: str) -> None:
        """Count it."""
        self.crashes[probe] += 1


class Bench:
    """A scheduler with a probe of the test's own and a list for a sink."""

    def __init__(self, probe: Callable[[Check], Awaitable[Observation]] | None = None) -> None:
        self.tally = Tally()
        self.starts: dict[CheckKey, list[float]] = defaultdict(list)
        self.observations: list[Observation] = []
        self._probe = probe
        self.scheduler = Scheduler(self._run, self.observations.append, wall=time.time, gauges=self.tally)

    async def _run(self, of: Check) -> Observation:
        self.starts[of.key].append(asyncio.get_running_loop().time())
        return await self._probe(of) if self._probe else seen(of)

    async def go(self, checks: list[Check], seconds: float) -> None:
        """Apply `checks`, let `seconds` pass, and stop."""
        self.scheduler.apply(checks)
        self.scheduler.start()
        await asyncio.sleep(seconds)
        await self.scheduler.stop()


def gaps(starts: list[float]) -> list[float]:
    """Seconds between one start and the next."""
    return [b - a for a, b in itertools.pairwise(starts)]


def test_runs_keep_their_interval_without_drift() -> None:
    """Over ten hours every gap between two runs is the interval, and none is added up."""

    async def main() -> Bench:
        bench = Bench()
        await bench.go([check(interval=60.0)], 36_000)
        return bench

    bench = run_virtual(main())
    (starts,) = bench.starts.values()
    assert len(starts) in {600, 601}
    assert all(abs(gap - 60.0) < 0.01 for gap in gaps(starts)[1:])
    assert abs((starts[-1] - starts[1]) - 60.0 * (len(starts) - 2)) < 0.01


def test_checks_spread_over_their_interval() -> None:
    """Of 600 checks of one interval no second of it begins many more than its share."""
    shares = Counter(int(spread(CheckKey(f"host{n}", "snmp", "x")) * 60) for n in range(600))
    assert len(shares) == 60
    assert max(shares.values()) < 30


def test_a_clock_step_does_not_reach_the_schedule(monkeypatch: object) -> None:
    """The wall clock steps an hour back, then forward: no run is lost and none is added."""

    async def main() -> Bench:
        bench = Bench()
        bench.scheduler.apply([check(interval=60.0)])
        bench.scheduler.start()
        real = time.time
        for step in (0.0, -3600.0, 3600.0):
            monkeypatch.setattr(time, "time", lambda step=step: real() + step)  # type: ignore[attr-defined]
            await asyncio.sleep(600)
        await bench.scheduler.stop()
        return bench

    bench = run_virtual(main())
    (starts,) = bench.starts.values()
    assert len(starts) in {30, 31}
    assert max(gaps(starts)[1:]) < 60.01


def test_the_schedule_never_asks_the_wall_clock() -> None:
    """APScheduler's present is the loop's: two readings differ by the loop's time, not the wall's."""

    async def main() -> tuple[float, float]:
        loop = asyncio.get_running_loop()
        zone = LoopTime(loop.time)
        before = datetime.now(zone)
        await asyncio.sleep(3600)
        after = datetime.now(zone)
        return (after - before).total_seconds(), after.timestamp() - before.timestamp()

    assert run_virtual(main()) == (3600.0, 3600.0)


def test_an_overrun_is_skipped_and_counted() -> None:
    """A run that is still going when the next is due lets that one pass."""

    async def slow(of: Check) -> Observation:
        await asyncio.sleep(150)
        return seen(of)

    async def main() -> Bench:
        bench = Bench(slow)
        await bench.go([replace(check(interval=60.0), deadline=200.0)], 1800)
        return bench

    bench = run_virtual(main())
    (starts,) = bench.starts.values()
    assert min(gaps(starts)) >= 150
    assert bench.tally.skips["snmp"] >= 2 * (len(starts) - 1)


def test_a_crash_is_contained_and_counted() -> None:
    """A probe that raises gives an observation, and its schedule goes on."""

    async def broken(of: Check) -> Observation:
        raise ZeroDivisionError("secret-canary")

    async def main() -> Bench:
        bench = Bench(broken)
        await bench.go([check(interval=60.0)], 601)
        return bench

    bench = run_virtual(main())
    assert len(bench.observations) >= 10
    assert bench.tally.crashes["snmp"] == len(bench.observations)
    assert {(o.result, o.reason) for o in bench.observations} == {(Result.UNTESTABLE, Reason.CRASHED)}
    assert "secret-canary" not in bench.observations[0].detail


def test_nothing_outlives_its_deadline() -> None:
    """A probe that never ends is cancelled at the deadline and says so."""

    async def endless(of: Check) -> Observation:
        await asyncio.Event().wait()
        return seen(of)

    async def main() -> Bench:
        bench = Bench(endless)
        await bench.go([check(interval=30.0)], 300)
        return bench

    bench = run_virtual(main())
    assert bench.observations
    assert {o.reason for o in bench.observations} == {Reason.DEADLINE}
    assert all(abs(o.duration - 30.0) < 0.1 for o in bench.observations)


def test_a_probe_own_timeout_error_is_not_taken_for_the_deadline() -> None:
    """A TimeoutError that escapes a probe is the probe's defect."""

    async def raises(of: Check) -> Observation:
        raise TimeoutError

    async def main() -> Bench:
        bench = Bench(raises)
        await bench.go([check()], 70)
        return bench

    assert run_virtual(main()).observations[0].reason is Reason.CRASHED


def test_apply_keeps_what_did_not_change() -> None:
    """A reload with one host gone, one new and one changed leaves the others' schedule alone."""

    async def main() -> tuple[Bench, object]:
        bench = Bench()
        old = [check(host=f"h{n}") for n in range(10)]
        bench.scheduler.apply(old)
        bench.scheduler.start()
        await asyncio.sleep(90)
        new = [*old[2:], check(host="new"), check(host="h0", digest="2")]
        changes = bench.scheduler.apply(new)
        await asyncio.sleep(600)
        await bench.scheduler.stop()
        return bench, changes

    bench, changes = run_virtual(main())
    assert (changes.added, changes.changed, changes.removed, changes.kept) == (1, 1, 1, 8)
    for n in range(2, 10):
        assert all(abs(gap - 60) < 0.01 for gap in gaps(bench.starts[check(host=f"h{n}").key])[1:])
    assert len(bench.starts[check(host="h1").key]) <= 2
    assert len(bench.starts[check(host="new").key]) >= 9


def test_a_removed_check_may_finish_but_its_observation_is_dropped() -> None:
    """The plan changes in mid-run: the run ends by itself, and nobody sees it."""
    ended: list[str] = []

    async def slow(of: Check) -> Observation:
        await asyncio.sleep(20)
        ended.append(of.digest)
        return seen(of)

    async def main() -> Bench:
        bench = Bench(slow)
        bench.scheduler.apply([check()])
        bench.scheduler.start()
        await asyncio.sleep(5)
        bench.scheduler.apply([check(digest="2")])
        await asyncio.sleep(17)
        assert ended == ["1"]
        assert not bench.observations
        await asyncio.sleep(10)
        await bench.scheduler.stop()
        return bench

    bench = run_virtual(main())
    assert ended == ["1", "2"]
    assert len(bench.observations) == 1


def test_a_request_runs_at_once_is_coalesced_and_marked() -> None:
    """Ten wishes for one check are one run out of turn, which counts for no streak."""

    async def main() -> tuple[Bench, list[bool]]:
        bench = Bench()
        of = check(interval=3600.0)
        bench.scheduler.apply([of])
        bench.scheduler.start()
        await asyncio.sleep(REQUEST_PAUSE)
        wishes = [bench.scheduler.request(of.key, "a trap") for _ in range(10)]
        await asyncio.sleep(REQUEST_PAUSE + 1)
        wishes.append(bench.scheduler.request(of.key, "a trap"))
        wishes.append(bench.scheduler.request(CheckKey("nobody", "snmp", "x"), "a trap"))
        await asyncio.sleep(1)
        await bench.scheduler.stop()
        return bench, wishes

    bench, wishes = run_virtual(main())
    assert wishes == [True] + [False] * 9 + [True, False]
    assert [o.scheduled for o in bench.observations] == [True, False, False]


def test_a_mailflow_is_requested_rarely() -> None:
    """Each run of it sends a message, so whoever asks gets one more in half of its interval."""

    async def main() -> list[bool]:
        bench = Bench()
        of = replace(check("mailflow", interval=600.0), role=Role.FLOW)
        bench.scheduler.apply([of])
        bench.scheduler.start()
        wishes = []
        for _ in range(5):
            await asyncio.sleep(100)
            wishes.append(bench.scheduler.request(of.key, "a trap"))
        await bench.scheduler.stop()
        return wishes

    assert run_virtual(main()) == [True, False, False, True, False]


def test_hasten_brings_the_next_run_forward_and_keeps_the_grid() -> None:
    """A retry comes in its 15 s, and the runs after it are back on their grid."""

    async def main() -> Bench:
        bench = Bench()
        of = check(interval=60.0)
        bench.scheduler.apply([of])
        bench.scheduler.start()
        await asyncio.sleep(200)
        now = asyncio.get_running_loop().time()
        bench.scheduler.hasten(of.key, 15.0)
        await asyncio.sleep(600)
        await bench.scheduler.stop()
        (starts,) = bench.starts.values()
        assert any(start - now <= 15.001 for start in starts if start > now)
        grid = {round((start - starts[1]) % 60.0, 1) % 60.0 for start in starts[-8:]}
        assert grid == {0.0}
        return bench

    bench = run_virtual(main())
    assert all(o.scheduled for o in bench.observations)


def test_a_sink_that_raises_does_not_stop_the_schedule() -> None:
    """The output wing's defect stays in the output wing."""

    async def main() -> int:
        count = 0

        def sink(_: Observation) -> None:
            nonlocal count
            count += 1
            raise RuntimeError("full")

        async def run(of: Check) -> Observation:
            return seen(of)

        scheduler = Scheduler(run, sink, wall=time.time, gauges=Tally())
        scheduler.apply([check()])
        scheduler.start()
        await asyncio.sleep(300)
        await scheduler.stop()
        return count

    assert run_virtual(main()) >= 5
