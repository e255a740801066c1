"""What is remembered of hosts' states: spans, and what they add up to."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.cli.report import added_up
from netmon.history import Agreement, History, agreement
from netmon.history.disk import FILE, Change, Disk, read
from netmon.history.track import MOST, NOTHING, State, Track
from netmon.model import HostVerdict, MailState, SnmpState, Verdict, VerdictName

NOON = 1_800_000_000.0
HOUR = 3600.0
WELL = State(VerdictName.HEALTHY, MailState.OK, SnmpState.OK)
NO_MAIL = State(VerdictName.MAIL_DOWN, MailState.DOWN, SnmpState.OK)
NO_SNMP = State(VerdictName.AGENT_DOWN, MailState.DEGRADED, SnmpState.FAILED)
GONE = State(VerdictName.HOST_DOWN, MailState.DOWN, SnmpState.REJECTED)
DEVICE = State(VerdictName.HEALTHY, MailState.NONE, SnmpState.OK)


class World:
    """Hosts with verdicts, and a clock."""

    def __init__(self) -> None:
        self.now = NOON
        self.verdicts: dict[str, HostVerdict] = {}

    def say(self, host: str, state: State) -> None:
        """A confirmed verdict."""
        verdict = Verdict(state.verdict, "", mail=state.mail, snmp=state.snmp)
        self.verdicts[host] = HostVerdict(host, verdict, self.now, verdict)


@pytest.fixture
def world() -> World:
    """Empty."""
    return World()


@pytest.fixture
def history(world: World, tmp_path: Path) -> Iterator[History]:
    """Over the world."""
    made = History(tmp_path, lambda: world.verdicts, retention=90 * 24 * HOUR, wall=lambda: world.now)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("state", "name"),
    [
        (WELL, Agreement.BOTH), (NO_MAIL, Agreement.ONLY_SNMP), (NO_SNMP, Agreement.ONLY_MAIL),
        (GONE, Agreement.NEITHER), (DEVICE, Agreement.UNTOLD),
        (State(VerdictName.UNKNOWN, MailState.UNTESTABLE, SnmpState.FAILED), Agreement.UNTOLD),
        (State(VerdictName.HEALTHY, MailState.OK, SnmpState.DEGRADED), Agreement.BOTH),
    ],
)  # fmt: skip
def test_the_four_ways(state: State, name: Agreement) -> None:
    """What works in part works; where one of the two says nothing, nothing is said."""
    assert agreement(state.mail, state.snmp) is name


@given(st.sampled_from(VerdictName), st.sampled_from(MailState), st.sampled_from(SnmpState))
def test_a_state_is_a_small_number(verdict: VerdictName, mail: MailState, snmp: SnmpState) -> None:
    """And back."""
    state = State(verdict, mail, snmp)
    assert State.of(state.code) == state
    assert 0 <= state.code < NOTHING


@given(st.lists(st.tuples(st.floats(0, 1000), st.sampled_from([WELL, NO_MAIL, GONE])), max_size=30))
def test_spans_fill_their_time(changes: list[tuple[float, State]]) -> None:
    """However the clock was set: what is known adds up to the time since the first change, and no more."""
    track = Track()
    for at, state in changes:
        track.change(at, state.code)
    totals = track.totals(0.0, 2000.0)
    assert totals.known <= 2000.0 * (1 + 1e-12)  # sums of floats in another order differ in their last digit
    assert sum(totals.agreements.values()) == pytest.approx(totals.known)
    if changes:
        assert totals.known == pytest.approx(2000.0 - changes[0][0])


def test_a_window_cuts_what_began_before() -> None:
    """Half of a span counts half."""
    track = Track()
    track.change(0.0, WELL.code)
    track.change(90.0, GONE.code)
    totals = track.totals(50.0, 100.0)
    assert totals.agreements[Agreement.BOTH] == 40.0
    assert totals.agreements[Agreement.NEITHER] == 10.0
    assert (totals.mail, totals.share(Agreement.NEITHER)) == (0.8, 0.2)


def test_a_host_that_flaps_for_ever_is_bounded() -> None:
    """The oldest spans go."""
    track = Track()
    for at in range(3 * MOST):
        track.change(float(at), (WELL if at % 2 else GONE).code)
    assert len(track) == MOST
    track.forget(2.9 * MOST)
    assert len(track) <= MOST / 5


def test_the_agents_memory(world: World, history: History) -> None:
    """A change begins a span; looking again at the same verdict does not."""
    world.say("mx1", WELL)
    for _ in range(5):
        history.changed("mx1")
    world.now += 3 * HOUR
    world.say("mx1", NO_MAIL)
    history.changed("")
    world.now += HOUR
    totals = history.totals("mx1", 24 * HOUR)
    assert (totals.known, totals.mail_works) == (4 * HOUR, 3 * HOUR)
    assert [state for _, _, state in history.spans("mx1", 24 * HOUR)] == [WELL, NO_MAIL]
    assert history.of_all("24h").share(Agreement.ONLY_SNMP) == 0.25


def test_it_survives_a_restart_and_knows_nothing_of_the_time_between(world: World, tmp_path: Path) -> None:
    """What no agent saw is neither up nor down."""

    def life() -> History:
        return History(tmp_path, lambda: world.verdicts, retention=90 * 24 * HOUR, wall=lambda: world.now)

    world.say("mx1", WELL)
    first = life()
    first.changed("mx1")
    world.now += HOUR
    first.close()
    world.now += HOUR
    second = life()
    second.changed("mx1")
    world.now += HOUR
    totals = second.totals("mx1", 24 * HOUR)
    second.close()
    assert totals.known == pytest.approx(2 * HOUR)
    spans = read(tmp_path, 0.0)
    assert [(span.start - NOON, span.stop and span.stop - NOON) for span in spans] == [
        (0.0, HOUR),
        (2 * HOUR, None),
    ]


def test_a_host_that_leaves_the_config(world: World, history: History) -> None:
    """Its time ends then; what was stays for the report."""
    world.say("mx1", WELL)
    history.changed("")
    world.now += HOUR
    del world.verdicts["mx1"]
    history.changed("")
    world.now += HOUR
    assert history.totals("mx1", 24 * HOUR).known == HOUR


def test_before_anything_was_judged_nothing_is_known(world: World, history: History) -> None:
    """The verdict unknown of an agent that has just started is no state of the host."""
    unseen = Verdict(VerdictName.UNKNOWN, "")
    world.verdicts["mx1"] = HostVerdict("mx1", unseen, 0.0, unseen)
    history.changed("")
    world.now += HOUR
    assert history.totals("mx1", HOUR).known == 0.0


def test_a_disk_that_refuses(world: World, tmp_path: Path) -> None:
    """Memory goes on without it."""
    (tmp_path / "file").write_text("")
    made = History(tmp_path / "file", lambda: world.verdicts, retention=HOUR, wall=lambda: world.now)
    world.say("mx1", WELL)
    made.changed("mx1")
    world.now += HOUR
    assert made.totals("mx1", HOUR).known == HOUR
    assert made.failing
    made.close()


def test_a_broken_file(world: World, tmp_path: Path) -> None:
    """So does it with a file that is no database."""
    (tmp_path / FILE).write_bytes(b"x" * 5000)
    made = History(tmp_path, lambda: world.verdicts, retention=HOUR, wall=lambda: world.now)
    assert made.failing
    made.close()


def test_retention(tmp_path: Path) -> None:
    """What ended before is forgotten; what lasts is not, however long ago it began."""
    disk = Disk(tmp_path)
    disk.write([Change("a", 0.0, WELL), Change("b", 0.0, WELL)], 1.0)
    disk.write([Change("a", 100.0, GONE)], 101.0)
    disk.prune(500.0)
    disk.close()
    assert [(span.host, span.start, span.stop) for span in read(tmp_path, 0.0)] == [
        ("a", 100.0, None),
        ("b", 0.0, None),
    ]


def test_what_a_later_version_wrote(tmp_path: Path) -> None:
    """A verdict that this version does not know is left out."""
    disk = Disk(tmp_path)
    disk.write([Change("a", 0.0, WELL)], 1.0)
    disk.close()
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute("INSERT INTO spans VALUES ('b', 0.0, NULL, 'splendid', 'ok', 'ok')")
    db.close()
    assert [span.host for span in read(tmp_path, 0.0)] == ["a"]


def test_the_report_of_an_agent_that_died(tmp_path: Path) -> None:
    """What lasted, lasted until its last sign of life."""
    disk = Disk(tmp_path)
    disk.write([Change("mx1", NOON, WELL)], NOON)
    disk.write([], NOON + HOUR)
    disk.close()
    dead = added_up(tmp_path, "", ["24h"], now=NOON + 5 * HOUR, longest=24 * HOUR)
    alive = added_up(tmp_path, "", ["24h"], now=NOON + HOUR + 30, longest=24 * HOUR)
    assert dead["mx1"]["24h"].known == HOUR
    assert alive["mx1"]["24h"].known == HOUR + 30


def test_two_changes_of_one_host_in_one_write(tmp_path: Path) -> None:
    """Each ends where the next begins, on disk as in memory."""
    disk = Disk(tmp_path)
    changes = [Change("a", NOON, NO_MAIL), Change("a", NOON + 0.5, WELL), Change("a", NOON + 0.7, None)]
    disk.write([*changes, Change("a", NOON + 0.9, WELL)], NOON + 1)
    disk.write([], NOON + 5000)
    disk.close()
    again = Disk(tmp_path)
    found = [(span.start - NOON, (span.stop or 0.0) - NOON, span.state) for span in again.take_up(0.0)]
    again.close()
    assert found == [(0.0, 0.5, NO_MAIL), (0.5, pytest.approx(0.7), WELL), (pytest.approx(0.9), 5000.0, WELL)]


def test_spans_that_the_first_version_left_open_are_ended(tmp_path: Path) -> None:
    """Once: where the next of the host began; also those that a restart has ended too late."""
    disk = Disk(tmp_path)
    disk.write([Change("a", NOON, NO_MAIL), Change("a", NOON + 1, WELL), Change("b", NOON, WELL)], NOON + 60)
    disk.write([Change("a", NOON + 90, NO_MAIL)], NOON + 99)
    disk.close()
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute("UPDATE spans SET stop = NULL WHERE host = 'a' AND start = ?", (NOON,))
        db.execute("UPDATE spans SET stop = ? WHERE host = 'a' AND start = ?", (NOON + 99, NOON + 1))
        db.execute("PRAGMA user_version = 1")
    db.close()
    Disk(tmp_path).close()
    spans = [(span.host, span.start - NOON, span.stop and span.stop - NOON) for span in read(tmp_path, 0.0)]
    assert spans == [("a", 0.0, 1.0), ("a", 1.0, 90.0), ("a", 90.0, None), ("b", 0.0, None)]
