"""SQLite behind one writer thread: what must survive kill -9, and only that.

Rows are keyed, and a row that was not yet written is replaced by its successor, so what waits is
bounded by the number of checks and hosts, whatever the disk does.  A failed commit (disk full, file
locked) keeps its rows and is tried again; it is counted and logged once per outage.

WAL with `synchronous=NORMAL`: a killed process loses at most `DELAY` seconds, a power cut may lose
the last commits but never the file (https://sqlite.org/wal.html).
"""

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import IO, Final

import structlog

from netmon.errors import NetmonError

log = structlog.get_logger(__name__)

DELAY: Final = 0.2  # seconds a row may wait for others to share its commit
RETRY: Final = 5.0  # seconds between attempts while the disk refuses
SCHEMA_VERSION: Final = 1

Cell = str | float | int | bool
Row = tuple[Cell, ...]
Key = tuple[str, ...]

# table -> its key columns and its other columns
_TABLES: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "checks": (
        ("host", "probe", "endpoint"),
        (
            "result TEXT",
            "reason TEXT",
            "last_run REAL",
            "streak INTEGER",
            "streak_ok INTEGER",
            "since REAL",
            "turned REAL",
            "last_ok REAL",
            "answered INTEGER",
        ),
    ),
    "verdicts": (("host",), ("verdict TEXT", "sentence TEXT", "since REAL")),
    # What is too various for columns, as JSON: silences, alerts, what is remembered of a device.
    "notes": (("kind", "name"), ("text TEXT",)),
}


class StateError(NetmonError):
    """The state folder cannot be used; the sentence says why and how to mend it."""


class Journal:
    """Keyed rows on disk, one folder per agent.

    `restored` answers from what was on disk at opening; `write` never blocks.
    """

    def __init__(self, folder: Path) -> None:
        """Open or make the folder.

        Raises StateError if it cannot be used, belongs to a later version, or serves another agent.
        A file that is not a database any more is set aside, because monitoring must go on.
        """
        self._folder = folder
        self._path = folder / "state.db"
        self._lock_file = _own(folder)
        self._pending: dict[tuple[str, Key], Row | None] = {}
        self._wake = threading.Condition()
        self._closing = False
        self.failing: str | None = None  # why the last commit failed; None: it did not
        self.failures = 0
        try:
            self._restored = self._read()
        except BaseException:
            self._lock_file.close()
            raise
        self._thread = threading.Thread(target=self._writer, name="journal", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Rows that are not on disk yet."""
        return len(self._pending)

    def restored(self, table: str, key: Key) -> Row | None:
        """The row that an earlier life of the agent left, or None."""
        return self._restored.get((table, tuple(key)))

    def restored_notes(self, kind: str) -> Mapping[str, str]:
        """The texts of the notes of a kind that an earlier life left, by name."""
        return {
            key[1]: str(row[0])
            for (table, key), row in self._restored.items()
            if table == "notes" and key[0] == kind
        }

    def write(self, table: str, key: Key, row: Row | None) -> None:
        """Have `row` on disk soon; None deletes."""
        with self._wake:
            first = not self._pending
            self._pending[table, tuple(key)] = row
            if row is None:
                self._restored.pop((table, tuple(key)), None)
            if first:
                self._wake.notify()

    def close(self) -> None:
        """Write what waits, once, and stop."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()
        self._lock_file.close()

    def _read(self) -> dict[tuple[str, Key], Row]:
        try:
            return self._load()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise StateError(f"{self._path}: {error}; mend the disk or set state.path") from error
            aside = self._path.with_suffix(f".broken-{int(time.time())}")
            self._path.rename(aside)
            for suffix in ("-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
            log.error(  # noqa: TRY400 - the cause is in the sentence
                "state file was broken: set aside, starting afresh", file=str(aside), why=str(error)
            )
            return self._load()

    def _load(self) -> dict[tuple[str, Key], Row]:
        with closing(self._connect()) as db, db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version > SCHEMA_VERSION:
                raise StateError(
                    f"{self._path} was written by a later netmon (schema {version}, this one knows "
                    f"{SCHEMA_VERSION}); run that version or set state.path to another folder"
                )
            rows: dict[tuple[str, Key], Row] = {}
            for table, (keys, columns) in _TABLES.items():
                definition = ", ".join([f"{key} TEXT NOT NULL" for key in keys] + list(columns))
                definition += f", PRIMARY KEY ({', '.join(keys)})"
                db.execute(f"CREATE TABLE IF NOT EXISTS {table} ({definition}) WITHOUT ROWID")
                for row in db.execute(f"SELECT * FROM {table}"):  # noqa: S608 - names of our own
                    rows[table, row[: len(keys)]] = row[len(keys) :]
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            return rows

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, timeout=1.0)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        return db

    def _writer(self) -> None:
        db: sqlite3.Connection | None = None
        while True:
            with self._wake:
                if not self._pending and not self._closing:
                    self._wake.wait()
                if not self._closing:
                    self._wake.wait(RETRY if self.failing else DELAY)
                batch, self._pending = self._pending, {}
                closing_ = self._closing
            if batch:
                db = self._commit(db, batch)
            if closing_:
                if db is not None:
                    db.close()
                return

    def _commit(
        self, db: sqlite3.Connection | None, batch: dict[tuple[str, Key], Row | None]
    ) -> sqlite3.Connection | None:
        try:
            if db is None:
                db = self._connect()
            with db:
                _apply(db, batch)
        except sqlite3.Error as error:
            self.failures += 1
            if self.failing is None:
                log.error(  # noqa: TRY400 - the cause is in the sentence
                    "state cannot be written; it is kept in memory and tried again", why=str(error)
                )
            self.failing = str(error)
            with self._wake:
                self._pending = batch | self._pending  # what came since is newer
            if db is not None:
                db.close()
            return None
        if self.failing is not None:
            log.info("state is written again")
            self.failing = None
        return db


def _apply(db: sqlite3.Connection, batch: dict[tuple[str, Key], Row | None]) -> None:
    for table, (keys, columns) in _TABLES.items():
        rows = [(key, row) for (name, key), row in batch.items() if name == table]
        marks = ", ".join("?" * (len(keys) + len(columns)))
        db.executemany(
            f"INSERT OR REPLACE INTO {table} VALUES ({marks})",  # noqa: S608 - names of our own
            [(*key, *row) for key, row in rows if row is not None],
        )
        where = " AND ".join(f"{key} = ?" for key in keys)
        db.executemany(
            f"DELETE FROM {table} WHERE {where}",  # noqa: S608 - names of our own
            [key for key, row in rows if row is None],
        )


def _own(folder: Path) -> IO[str]:
    """Make the folder and lock it for this process."""
    if folder.exists() and not folder.is_dir():
        raise StateError(f"state.path {folder} is a file; name a folder in the config")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (folder / "lock").open("a+", encoding="ascii")
    except OSError as error:
        raise StateError(
            f"state.path {folder} cannot be used: {error.strerror}; make it writable for uid {os.getuid()} "
            "or set state.path in the config"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise StateError(
            f"state.path {folder} is in use by another netmon; give each agent its own"
        ) from error
    return lock
