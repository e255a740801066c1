"""Events on disk: what was committed is there, in order, whatever happens to the files."""

import itertools
import json
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.events import EventsError, Reader, Wanted, to_json
from netmon.events import writer as writer_module
from netmon.events.codec import from_row, line
from netmon.events.files import open_to_write, partitions
from netmon.events.writer import _LOST
from netmon.model import EventSeverity
from tests.unit.events.conftest import Opened
from tests.unit.events.making import DAY, NOON, Wall, row


def test_what_is_committed_is_read(writer: Opened, tmp_path: Path) -> None:
    """Every field, under rising IDs."""
    pen = writer(tmp_path)
    assert pen.commit([row(), row("mx1", inform=True)]) == 1
    assert pen.commit([row("mx2")], durable=True) == 3
    first, second, third = Reader(tmp_path).since(0, limit=10)
    assert (first.id, second.id, third.id) == (1, 2, 3)
    assert (first.host, first.trap, first.severity, first.count) == (
        "sw1",
        "IF-MIB::linkDown",
        EventSeverity.WARNING,
        1,
    )
    assert (first.uptime, first.inform, second.inform, first.authenticated) == (12.5, False, True, False)
    assert first.values[0]._asdict() == {
        "name": "IF-MIB::ifIndex.3",
        "oid": "1.3.6",
        "type": "INTEGER",
        "value": "3",
    }


def test_repeats_change_what_is_there(writer: Opened, tmp_path: Path) -> None:
    """Count and time of the latest, in the file of now and in one before it."""
    wall = Wall()
    pen = writer(tmp_path, wall)
    pen.commit([row(), row()])
    wall.now += DAY
    pen.commit([row()])
    pen.commit([], [(1, NOON + 7, 5), (3, NOON + 8, 2), (99, NOON, 9)])
    assert [(event.count, event.last) for event in Reader(tmp_path).since(0, limit=9)] == [
        (5, NOON + 7),
        (1, NOON),
        (2, NOON + 8),
    ]


def test_a_repeat_that_fails_takes_the_whole_commit_with_it(writer: Opened, tmp_path: Path) -> None:
    """All or nothing over two files as well: an inform that is sent again must not be an event twice."""
    wall = Wall()
    pen = writer(tmp_path, wall)
    pen.commit([row()])
    wall.now += DAY
    pen.commit([row()])
    with closing(sqlite3.connect(partitions(tmp_path)[0].path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError):
            pen.commit([row()], [(1, NOON + 7, 5)], durable=True)
    assert [event.id for event in Reader(tmp_path).since(0, limit=9)] == [1, 2]
    assert pen.commit([row()], [(1, NOON + 7, 5)], durable=True) == 3
    assert [event.count for event in Reader(tmp_path).since(0, limit=9)] == [5, 1, 1]


def test_repeats_of_a_file_before_are_one_transaction(
    writer: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At midnight all that still repeats stands in the file before, and must not hold up commits."""
    wall = Wall()
    pen = writer(tmp_path, wall)
    pen.commit([row() for _ in range(50)])
    wall.now += DAY
    pen.commit([row()])
    opened: list[Path] = []

    def opening(path: Path) -> sqlite3.Connection:
        opened.append(path)
        return open_to_write(path)

    monkeypatch.setattr(writer_module, "open_to_write", opening)
    pen.commit([], [(number, NOON, 2) for number in range(1, 51)])
    assert len(opened) == 1
    assert sum(event.count for event in Reader(tmp_path).since(0, limit=99)) == 101


def test_ids_rise_over_restarts_and_files(writer: Opened, tmp_path: Path) -> None:
    """Whoever asks what came after an ID gets just that."""
    wall = Wall()
    for day in range(3):
        wall.now = NOON + day * DAY
        pen = writer(tmp_path, wall)
        pen.commit([row(), row()])
        pen.close()
    reader = Reader(tmp_path)
    assert [event.id for event in reader.since(2, limit=9)] == [3, 4, 5, 6]
    assert [event.id for event in reader.latest(limit=3)] == [6, 5, 4]
    assert [event.id for event in reader.latest(limit=3, before=4)] == [3, 2, 1]
    assert reader.last_id() == 6
    assert len(partitions(tmp_path)) == 3


def test_questions(writer: Opened, tmp_path: Path) -> None:
    """By host, by notification with or without its module or in numbers, by severity, by source."""
    pen = writer(tmp_path)
    pen.commit(
        [
            row("sw1"),
            row("sw2", "IF-MIB::linkUp", oid="1.3.6.1.6.3.1.1.5.4", severity="info"),
            row("sw1", "1.3.6.1.4.1.9.0.1", oid="1.3.6.1.4.1.9.0.1", severity="critical", source="192.0.2.9"),
        ]
    )
    reader = Reader(tmp_path)

    def ids(wanted: Wanted) -> list[int]:
        return [event.id for event in reader.latest(wanted, limit=9)]

    assert ids(Wanted(host="sw1")) == [3, 1]
    assert ids(Wanted(trap="linkUp")) == ids(Wanted(trap="IF-MIB::linkUp")) == [2]
    assert ids(Wanted(trap=".1.3.6.1.6.3.1.1.5.4")) == [2]
    assert ids(Wanted(severity=("critical", "info"))) == [3, 2]
    assert ids(Wanted(source="192.0.2.9", host="sw1")) == [3]
    assert ids(Wanted(trap="linkUp' OR '1")) == []


def test_what_is_too_old_goes(writer: Opened, tmp_path: Path) -> None:
    """By whole files."""
    wall = Wall(time.time())
    pen = writer(tmp_path, wall, retention=2 * DAY)
    pen.commit([row()])
    wall.now += DAY
    pen.commit([row()])
    first = partitions(tmp_path)[0]
    os.utime(first.path, (wall.now - 3 * DAY, wall.now - 3 * DAY))
    pen.tidy()
    assert [event.id for event in Reader(tmp_path).since(0, limit=9)] == [2]


def test_the_last_event_goes_in_time_too(writer: Opened, tmp_path: Path) -> None:
    """Also where none comes after it; the IDs go on behind it, after a restart too."""
    wall = Wall()
    pen = writer(tmp_path, wall)
    pen.commit([row()] * 3)
    wall.now += 89 * DAY
    pen.tidy()
    assert Reader(tmp_path).last_id() == 3
    wall.now += 2 * DAY
    pen.tidy()
    assert Reader(tmp_path).latest(limit=9) == []
    assert len(partitions(tmp_path)) == 1
    pen.tidy()
    pen.close()
    again = writer(tmp_path, wall)
    assert again.commit([row()]) == 4
    assert [event.id for event in Reader(tmp_path).since(0, limit=9)] == [4]


def test_what_is_too_much_goes(writer: Opened, tmp_path: Path) -> None:
    """The oldest files first; what remains is within the bound by one file at most."""
    pen = writer(tmp_path, max_size=4 << 20)
    long = (("x" * 500, "y" * 500),)
    for _ in range(60):
        pen.commit([row(values=long)] * 200)
    pen.tidy()
    assert sum(one.size() for one in partitions(tmp_path)) < 8 << 20
    assert Reader(tmp_path).last_id() == 12_000
    assert Reader(tmp_path).since(0, limit=1)[0].id > 1


def test_a_reader_outlives_a_file(writer: Opened, tmp_path: Path) -> None:
    """A file that is dropped between two questions is simply not there."""
    wall = Wall()
    pen = writer(tmp_path, wall)
    pen.commit([row()])
    wall.now += DAY
    pen.commit([row()])
    reader = Reader(tmp_path)
    partitions(tmp_path)[0].drop()
    assert [event.id for event in reader.since(0, limit=9)] == [2]


def test_a_broken_file_is_set_aside(writer: Opened, tmp_path: Path) -> None:
    """Receiving goes on, with IDs beyond all that the file can have held; nothing is deleted."""
    pen = writer(tmp_path)
    pen.commit([row()])
    pen.close()
    path = partitions(tmp_path)[0].path
    path.write_bytes(b"no database" * 1000)
    pen = writer(tmp_path)
    assert pen.commit([row()]) == 1 + _LOST
    assert [entry.name for entry in tmp_path.iterdir() if "broken" in entry.name]
    assert Reader(tmp_path).last_id() == 1 + _LOST


def test_a_file_that_breaks_under_the_writer(writer: Opened, tmp_path: Path) -> None:
    """The commit fails once; tried again, it stands in a new file."""
    pen = writer(tmp_path)
    pen.commit([row()])
    pen._give_up()  # as after any failed commit: what SQLite has in memory would hide the damage
    spoil(tmp_path)
    with pytest.raises(sqlite3.DatabaseError):
        pen.commit([row("mx1")], durable=True)
    assert pen.commit([row("mx1")], [(1, NOON, 5)], durable=True) == 1 + _LOST
    assert [event.host for event in Reader(tmp_path).since(0, limit=9)] == ["mx1"]
    assert [entry.name for entry in tmp_path.iterdir() if "broken" in entry.name]


def test_a_repeat_in_a_broken_file_stops_nothing(writer: Opened, tmp_path: Path) -> None:
    """What is new is committed without that count."""
    wall = Wall()
    pen = writer(tmp_path, wall)
    pen.commit([row()])
    wall.now += DAY
    pen.commit([row("sw2")])
    spoil(tmp_path)
    assert pen.commit([row("mx1")], [(1, NOON, 5)]) == 3
    assert [event.id for event in Reader(tmp_path).since(0, limit=9)] == [2, 3]


def spoil(folder: Path) -> None:
    """Write over the oldest file and what stands beside it."""
    path = partitions(folder)[0].path
    for one in (path, path.with_name(path.name + "-wal")):
        if one.exists():
            with one.open("r+b") as file:
                file.write(b"no database" * 10_000)


def test_a_failed_commit_leaves_nothing_behind(writer: Opened, tmp_path: Path) -> None:
    """The same may be tried again, and the IDs have no gap."""
    pen = writer(tmp_path)
    pen.commit([row()])
    assert pen._db is not None
    pen._db.execute("PRAGMA max_page_count = 6")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        pen.commit([row(values=(("x" * 5000, "y" * 5000),))] * 9)
    assert pen.commit([row()]) == 2
    assert [event.id for event in Reader(tmp_path).since(0, limit=9)] == [1, 2]


def test_a_locked_file_delays(writer: Opened, tmp_path: Path) -> None:
    """Another process that writes into it makes the commit fail in time, and the next one works."""
    pen = writer(tmp_path)
    pen.commit([row()])
    assert pen._db is not None
    pen._db.execute("PRAGMA busy_timeout = 1")
    other = sqlite3.connect(partitions(tmp_path)[0].path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        pen.commit([row()])
    other.execute("ROLLBACK")
    other.close()
    assert pen.commit([row()]) == 2


def test_one_writer_at_a_time(writer: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second one waits a while for the first to end, and says so if it does not."""
    monkeypatch.setattr("netmon.events.writer._LOCK_WAIT", 0.0)
    pen = writer(tmp_path)
    with pytest.raises(EventsError, match="in use"):
        writer(tmp_path)
    pen.close()
    writer(tmp_path).close()


def test_a_folder_that_cannot_be(writer: Opened, tmp_path: Path) -> None:
    """It is told where and why."""
    (tmp_path / "file").write_text("")
    with pytest.raises(EventsError, match="file/events"):
        writer(tmp_path / "file" / "events")


def test_durable_means_on_disk(writer: Opened, tmp_path: Path) -> None:
    """An inform's commit is synchronous=FULL (2), a trap's NORMAL (1), and each sets it for itself."""
    pen = writer(tmp_path)

    def synchronous() -> int:
        assert pen._db is not None
        return int(pen._db.execute("PRAGMA synchronous").fetchone()[0])

    for durable, level in ((False, 1), (True, 2), (False, 1), (True, 2)):
        pen.commit([row()], durable=durable)
        assert synchronous() == level


def test_nothing_is_no_folder(tmp_path: Path) -> None:
    """A folder that is not there holds no events."""
    reader = Reader(tmp_path / "none")
    assert reader.latest(limit=5) == reader.since(0, limit=5) == []
    assert reader.last_id() == 0


def test_a_question_ends_in_time(writer: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that matches nothing does not read for ever, and says that it has not read all."""
    pen = writer(tmp_path)
    pen.commit([row()] * 20_000)
    reader = Reader(tmp_path)
    assert reader.latest(Wanted(trap="nothing"), limit=1).complete
    times = itertools.chain([0.0, 0.0], itertools.repeat(10.0))  # it is over as soon as rows are looked at
    with monkeypatch.context() as patched:
        patched.setattr("netmon.events.reader.time.monotonic", lambda: next(times))
        found = reader.latest(Wanted(trap="nothing"), limit=1)
    assert (found, found.complete) == ([], False)
    monkeypatch.setattr("netmon.events.reader.PATIENCE", -1.0)
    found = reader.latest(Wanted(trap="nothing"), limit=1)
    assert (found, found.complete) == ([], False)


@given(st.text(), st.text(), st.text())
def test_the_line_of_the_log_is_the_json_of_the_event(host: str, trap: str, value: str) -> None:
    """Made by joining, it is the same, and one line, whatever the network sent."""
    cells = row(host, trap, values=((trap, value),))
    made = line(7, cells)
    assert "\n" not in made
    assert json.loads(made) == to_json(from_row((7, *cells)))


def test_rows_of_a_later_version_are_left_out(writer: Opened, tmp_path: Path) -> None:
    """A severity that this version does not know hides no other event."""
    pen = writer(tmp_path)
    pen.commit([row(severity="apocalyptic"), row()])
    assert [event.id for event in Reader(tmp_path).latest(limit=5)] == [2]
    pen.commit([row(severity="apocalyptic")])
    assert Reader(tmp_path).last_id() == 3
