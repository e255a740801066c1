"""Maintenance windows: which hosts, and when, by the civil time of a place."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from netmon.model import Host
from netmon.windows import DAYS, Once, Selector, Weekly, Window, is_pattern

WARSAW = ZoneInfo("Europe/Warsaw")
MX1 = Host("mx1", "192.0.2.1", labels={"site": "waw", "kind": "mail"}, groups=("mail",))
NIGHTLY = Weekly(time(2), 7200.0, WARSAW)


def at(text: str, zone: ZoneInfo = WARSAW, fold: int = 0) -> float:
    """A civil time as a wall clock's."""
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp()


@pytest.mark.parametrize(
    ("selector", "wanted"),
    [
        (Selector(), True),
        (Selector(hosts=("mx1",)), True),
        (Selector(hosts=("mx2",)), False),
        (Selector(hosts=("MX1",)), False),
        (Selector(hosts=("m*", "sw-?")), True),
        (Selector(hosts=("sw-[0-9]",)), False),
        (Selector(groups=("mail",)), True),
        (Selector(hosts=("sw1",), groups=("mail",)), True),
        (Selector(groups=("switches",)), False),
        (Selector(labels={"site": "waw"}), True),
        (Selector(labels={"site": "waw", "kind": "switch"}), False),
        (Selector(labels={"rack": "3"}), False),
        (Selector(hosts=("mx1",), labels={"site": "krk"}), False),
    ],
)
def test_hosts_and_groups_add_up_and_labels_narrow(selector: Selector, wanted: bool) -> None:  # noqa: FBT001
    """A window covers what it names in any way, of that what has all its labels."""
    assert selector.takes(MX1) is wanted
    window = Window("w", "", selector, Once(10.0, 20.0))
    assert window.covers(MX1, 15.0) == (20.0 if wanted else None)


def test_a_begin_belongs_to_a_window_and_an_end_does_not() -> None:
    """Two windows that meet leave no moment between them and share none."""
    assert NIGHTLY.until(at("2026-12-01 01:59:59")) is None
    assert NIGHTLY.until(at("2026-12-01 02:00")) == at("2026-12-01 04:00")
    assert NIGHTLY.until(at("2026-12-01 03:59:59")) == at("2026-12-01 04:00")
    assert NIGHTLY.until(at("2026-12-01 04:00")) is None
    assert NIGHTLY.changes(at("2026-12-01 02:00")) == at("2026-12-01 04:00")
    assert NIGHTLY.changes(at("2026-12-01 04:00")) == at("2026-12-02 02:00")


def test_days_are_those_on_which_it_begins() -> None:
    """A window over midnight belongs to the evening's day."""
    saturdays = Weekly(time(23), 4 * 3600.0, WARSAW, frozenset({DAYS.index("sat")}))
    assert saturdays.until(at("2026-11-29 02:59")) == at("2026-11-29 03:00")  # a Sunday
    assert saturdays.until(at("2026-11-29 23:30")) is None
    assert saturdays.changes(at("2026-11-29 03:00")) == at("2026-12-05 23:00")


def test_a_begin_that_the_clock_jumps_over_counts_by_the_offset_before() -> None:
    """On 29 March 2026 Warsaw had no 02:30: the window opens at 03:30 for its whole length."""
    hours = Weekly(time(2, 30), 3600.0, WARSAW)
    assert hours.until(at("2026-03-29 03:29:59")) is None
    assert hours.until(at("2026-03-29 03:30")) == at("2026-03-29 04:30")
    assert NIGHTLY.until(at("2026-03-29 03:00")) == at("2026-03-29 05:00")


def test_a_begin_that_comes_twice_is_the_first() -> None:
    """On 25 October 2026 Warsaw had 02:30 twice: the window opens once and lasts as long as ever."""
    hours = Weekly(time(2, 30), 7200.0, WARSAW)
    first, second = at("2026-10-25 02:30"), at("2026-10-25 02:30", fold=1)
    assert second - first == 3600
    assert hours.until(first - 1) is None
    assert hours.until(first) == hours.until(second) == first + 7200 == at("2026-10-25 03:30")
    assert hours.until(first + 7200) is None


def test_one_window_over_a_change_of_the_clock_takes_the_later_end() -> None:
    """An end that comes twice is the second; one that is jumped over counts by the offset before."""
    twice = Once.civil(datetime(2026, 10, 25, 1), datetime(2026, 10, 25, 2, 30), WARSAW)  # noqa: DTZ001
    assert twice.end == at("2026-10-25 02:30", fold=1)
    jumped = Once.civil(datetime(2026, 3, 29, 1), datetime(2026, 3, 29, 2, 30), WARSAW)  # noqa: DTZ001
    assert jumped.end == at("2026-03-29 03:30")
    assert (jumped.until(jumped.begin - 1), jumped.until(jumped.begin)) == (None, jumped.end)
    assert [jumped.changes(t) for t in (0.0, jumped.begin, jumped.end)] == [
        jumped.begin,
        jumped.end,
        float("inf"),
    ]


def oracle(hours: Weekly, wall: float) -> float | None:
    """Day by day over weeks, the begin found by walking through the minutes of the world's clock."""
    ends = []
    today = datetime.fromtimestamp(wall, hours.zone).date()
    for ago in range(-3, 14):
        on = today - timedelta(days=ago)
        if on.weekday() not in hours.days:
            continue
        begin = slow_begin(on, hours.start, hours.zone)
        if begin <= wall < begin + hours.duration:
            ends.append(begin + hours.duration)
    return max(ends, default=None)


def slow_begin(on: date, start: time, zone: ZoneInfo) -> float:
    """The first moment whose civil time is the wanted one; if none has it, by the offset of a day before."""
    civil = datetime.combine(on, start)
    utc = (civil - datetime(1970, 1, 1)).total_seconds()  # noqa: DTZ001
    for minutes in range(-26 * 60, 26 * 60):
        moment = utc + 60 * minutes
        if datetime.fromtimestamp(moment, zone).replace(tzinfo=None) == civil:
            return moment
    # A jump is at hand: the offset before it is that of the last moment whose civil time is earlier.
    earlier = max(
        moment
        for minutes in range(-26 * 60, 26 * 60)
        if datetime.fromtimestamp(moment := utc + 60 * minutes, zone).replace(tzinfo=None) < civil
    )
    offset = datetime.fromtimestamp(earlier, zone).utcoffset()
    assert offset is not None
    return utc - offset.total_seconds()


# Half an hour, a whole day, the southern half, none at all.
ZONES = ("Europe/Warsaw", "Australia/Lord_Howe", "Pacific/Apia", "America/Santiago", "Asia/Kolkata", "UTC")


@settings(max_examples=60, deadline=None)
@given(
    wall=st.integers(at("1980-01-01 00:00") // 60, at("2100-01-01 00:00") // 60),
    start=st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    hours=st.sampled_from((1 / 60, 1, 24, 25, 100, 168)),
    zone=st.sampled_from(ZONES),
    days=st.frozensets(st.integers(0, 6), min_size=1),
)
@example(at("2026-03-29 03:10") // 60, time(2, 30), 1, "Europe/Warsaw", frozenset(range(7)))
@example(at("2026-10-25 02:10", fold=1) // 60, time(2, 30), 1, "Europe/Warsaw", frozenset(range(7)))
@example(1325239200 // 60, time(12), 24, "Pacific/Apia", frozenset({4}))  # the Friday that Samoa had not
def test_any_wall_time_agrees_with_slow_civil_time(
    wall: float, start: time, hours: float, zone: str, days: frozenset[int]
) -> None:
    """Whether it is open, until when, and that nothing changes before `changes` says so."""
    weekly = Weekly(start, hours * 3600.0, ZoneInfo(zone), days)
    now = wall * 60.0
    assert weekly.until(now) == oracle(weekly, now)
    change = weekly.changes(now)
    assert now < change
    assert weekly.until(change - 1) == weekly.until(now)


def test_what_is_a_pattern() -> None:
    """Only characters that no host's name holds make one."""
    assert [is_pattern(name) for name in ("mx1", "a.b:c_d-e", "m*", "m?", "m[12]")] == [False] * 2 + [
        True
    ] * 3
