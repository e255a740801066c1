"""The one who writes events.

A commit with `durable` waits until the disk has it (`synchronous=FULL`, https://sqlite.org/pragma.html):
an inform may be acknowledged after it.  Without, a killed process loses nothing and a power cut may
lose the last commits, which is what a trap's sender, who never asks, can expect.
"""

import fcntl
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, Final

import structlog

from netmon.errors import NetmonError
from netmon.events.codec import COLUMNS, Row
from netmon.events.files import SUFFIXES, Partition, open_to_write, partition, partitions

log = structlog.get_logger(__name__)

_LOCK: Final = "lock"
_LOCK_WAIT: Final = 5.0  # seconds for an earlier writer to end
_DAY: Final = 86_400.0
_SHARE: Final = 16  # of `max_size` is one file
_LEAST, _MOST = 1 << 20, 128 << 20  # bytes of a file
_LOST: Final = 1 << 24  # IDs that are left out behind a broken file; more than one can hold
_INSERT: Final = f"INSERT INTO events VALUES (?{', ?' * len(COLUMNS)})"  # noqa: S608 - marks only
# Many rows in one statement: between two statements SQLite gives Python's lock away and waits to have it
# back, and in a busy process that takes longer than the row.
_TOGETHER: Final = 256
_INSERT_MANY: Final = _INSERT + f", (?{', ?' * len(COLUMNS)})" * (_TOGETHER - 1)
_UPDATE: Final = "UPDATE events SET last = ?2, count = ?3 WHERE id = ?1"

Repeat = tuple[int, float, int]  # an event's ID, and its new `last` and `count`


class EventsError(NetmonError):
    """The folder of events cannot be used; the sentence says why and how to mend it."""


class Writer:
    """For one thread of one process."""

    def __init__(
        self, folder: Path, *, retention: float, max_size: int, wall: Callable[[], float] = time.time
    ) -> None:
        """Open or make the folder.  `retention` in seconds, `max_size` in bytes.  Raises EventsError."""
        self._folder = folder
        self._retention = retention
        self._max_size = max_size
        self._file_size = min(max(max_size // _SHARE, _LEAST), _MOST)
        self._wall = wall
        self._lock = _own(folder)
        self._db: sqlite3.Connection | None = None
        self._durable = True
        self._next = 1
        self._day = 0
        self._current = partition(folder, 1)
        try:
            self._take_up()
        except (sqlite3.Error, OSError) as error:
            self._lock.close()
            raise EventsError(f"{folder}: {error}; mend the disk or set state.path") from error

    @property
    def next_id(self) -> int:
        """The ID that the next event gets."""
        return self._next

    def configure(self, *, retention: float, max_size: int) -> None:
        """Keep more or less from now on."""
        self._retention = retention
        self._max_size = max_size
        self._file_size = min(max(max_size // _SHARE, _LEAST), _MOST)

    def commit(self, rows: Sequence[Row], repeats: Sequence[Repeat] = (), *, durable: bool = False) -> int:
        """Have all of it on disk, or nothing: the ID of the first row, which the others follow.

        Raises sqlite3.Error or OSError; the same may be tried again, behind a broken file in a new one.
        """
        try:
            return self._commit(rows, repeats, durable=durable)
        except sqlite3.DatabaseError as error:
            if _broken(error):
                self._set_aside(self._current, error)
            raise

    def _commit(self, rows: Sequence[Row], repeats: Sequence[Repeat], *, durable: bool) -> int:
        self._turn_over()
        db = self._open()
        if durable is not self._durable:
            db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._durable = durable
        first = self._next
        # First, so that what fails here leaves none of the rows behind: their senders will try again.
        self._repeat_older([repeat for repeat in repeats if repeat[0] < self._current.first])
        try:
            db.execute("BEGIN IMMEDIATE")
            _insert(db, first, rows)
            db.executemany(_UPDATE, [repeat for repeat in repeats if repeat[0] >= self._current.first])
            db.execute("COMMIT")
        except BaseException:
            self._give_up()
            raise
        self._next = first + len(rows)
        return first

    def tidy(self) -> None:
        """Drop what is too old or too much; cheap, for once a minute.  Raises sqlite3.Error or OSError."""
        now = self._wall()
        if now - self._newest(now) > self._retention:
            # No event came since: nothing else would have this file end.
            old = self._current
            self._begin()
            old.drop()
        known = partitions(self._folder)
        sizes = {one: one.size() for one in known}
        total = sum(sizes.values())
        for one in known:
            if one.first == self._current.first:
                break
            try:
                written = one.path.stat().st_mtime
            except OSError:
                continue
            if now - written > self._retention or total > self._max_size:
                one.drop()
                total -= sizes[one]

    def close(self) -> None:
        """Close the file."""
        if self._db is not None:
            self._db.close()
            self._db = None
        self._lock.close()

    def _take_up(self) -> None:
        """Go on with the newest file."""
        known = partitions(self._folder)
        if known:
            self._current = known[-1]
        self._next = self._current.first
        try:
            self._next = self._last_id() + 1
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            self._set_aside(self._current, error)
        self.tidy()

    def _last_id(self) -> int:
        """The newest event's ID; the file's day is that of its first event."""
        last, begun = self._open().execute("SELECT max(id), min(at) FROM events").fetchone()
        if last is None:
            return self._current.first - 1
        self._day = int(begun // _DAY)
        return int(last)

    def _set_aside(self, broken: Partition, error: sqlite3.Error) -> None:
        self._give_up()
        aside = broken.path.with_suffix(f".broken-{int(self._wall())}")
        broken.path.rename(aside)
        for suffix in SUFFIXES[1:]:
            broken.path.with_name(broken.path.name + suffix).unlink(missing_ok=True)
        log.error("a file of events was broken: set aside", file=str(aside), why=str(error))
        self._next = broken.first + _LOST
        self._current = partition(self._folder, self._next)
        self._open()

    def _open(self) -> sqlite3.Connection:
        if self._db is None:
            self._db = open_to_write(self._current.path)
            self._db.execute("PRAGMA synchronous = FULL")
            self._durable = True
        return self._db

    def _turn_over(self) -> None:
        """Begin a new file where the day or the size asks for it."""
        day = int(self._wall() // _DAY)
        if self._next == self._current.first:
            self._day = day
            return
        if day == self._day and self._current.size() < self._file_size:
            return
        self._begin()
        self.tidy()

    def _newest(self, now: float) -> float:
        """When the latest event of this file was received; now if there is none."""
        if self._next == self._current.first:
            return now
        row = self._open().execute("SELECT at FROM events ORDER BY id DESC LIMIT 1").fetchone()
        return now if row is None else float(row[0])

    def _begin(self) -> None:
        """Go on in a new file."""
        new = partition(self._folder, self._next)
        db = open_to_write(new.path)  # before the old one is left
        db.execute("PRAGMA synchronous = FULL")
        if self._db is not None:
            self._db.close()
        self._db, self._current, self._durable = db, new, True
        self._day = int(self._wall() // _DAY)

    def _repeat_older(self, repeats: Sequence[Repeat]) -> None:
        """Repeats of events that stand in a file before this one; of each file all at once."""
        known = partitions(self._folder) if repeats else []
        held: dict[Partition, list[Repeat]] = {}
        for repeat in repeats:
            holder = next((one for one in reversed(known) if one.first <= repeat[0]), None)
            if holder is not None:  # else dropped meanwhile
                held.setdefault(holder, []).append(repeat)
        for holder, ours in held.items():
            try:
                _update(holder, ours)
            except sqlite3.DatabaseError as error:
                if not _broken(error):
                    raise
                # What is new must not wait for a count in a file that nobody can mend.
                log.warning("a file of events is broken", file=str(holder.path), why=str(error))

    def _give_up(self) -> None:
        """After a failure the connection is not trusted any more."""
        if self._db is not None:
            self._db.close()  # rolls back
            self._db = None


def _own(folder: Path) -> IO[str]:
    """Make the folder and lock it for this process, once an earlier one has ended."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (folder / _LOCK).open("a+", encoding="ascii")
    except OSError as error:
        raise EventsError(f"{folder} cannot be used: {error.strerror}; make it writable") from error
    until = time.monotonic() + _LOCK_WAIT
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if time.monotonic() > until:
                lock.close()
                raise EventsError(f"{folder} is in use by another receiver") from error
            time.sleep(0.05)
        else:
            return lock


def _broken(error: sqlite3.DatabaseError) -> bool:
    """Whether the file is no good any more, and not only full or locked (https://sqlite.org/rescode.html)."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF
    return code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def _update(holder: Partition, repeats: Sequence[Repeat]) -> None:
    db = open_to_write(holder.path)
    try:
        db.execute("BEGIN IMMEDIATE")
        db.executemany(_UPDATE, repeats)
        db.execute("COMMIT")
    finally:
        db.close()


def _insert(db: sqlite3.Connection, first: int, rows: Sequence[Row]) -> None:
    """The rows under the IDs from `first` on."""
    whole = len(rows) - len(rows) % _TOGETHER
    for start in range(0, whole, _TOGETHER):
        cells: list[Any] = []
        for place in range(start, start + _TOGETHER):
            cells.append(first + place)
            cells += rows[place]
        db.execute(_INSERT_MANY, cells)
    db.executemany(_INSERT, [(first + place, *rows[place]) for place in range(whole, len(rows))])
