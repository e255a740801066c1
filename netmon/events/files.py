"""The files of the folder: their names, their order, and how they are opened."""

import re
import sqlite3
from pathlib import Path
from typing import Final, NamedTuple

from netmon.events.codec import COLUMNS

_NAME: Final = re.compile(r"events-([0-9]{16})\.db")
SUFFIXES: Final = ("", "-wal", "-shm")
_WAIT: Final = 1.0  # seconds for a lock that another connection holds


class Partition(NamedTuple):
    """A file, and the least ID that an event in it has."""

    first: int
    path: Path

    def size(self) -> int:
        """Bytes on disk, with what SQLite keeps beside it."""
        total = 0
        for suffix in SUFFIXES:
            try:
                total += self.path.with_name(self.path.name + suffix).stat().st_size
            except OSError:
                continue
        return total

    def drop(self) -> None:
        """Remove it; who reads it just now goes on reading."""
        for suffix in SUFFIXES:
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)


def partitions(folder: Path) -> list[Partition]:
    """Those of the folder, oldest first; none if it is not there."""
    try:
        names = [entry.name for entry in folder.iterdir()]
    except OSError:
        return []
    found = [(match, name) for name in names if (match := _NAME.fullmatch(name))]
    return sorted(Partition(int(match[1]), folder / name) for match, name in found)


def partition(folder: Path, first: int) -> Partition:
    """The file that begins with this ID."""
    return Partition(first, folder / f"events-{first:016}.db")


def open_to_write(path: Path) -> sqlite3.Connection:
    """A connection that begins no transaction by itself; the table is there."""
    db = sqlite3.connect(path, timeout=_WAIT, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        # At 20,000 events a second the default of 1,000 pages would be a checkpoint every half second.
        db.execute("PRAGMA wal_autocheckpoint = 8000")
        db.execute("PRAGMA journal_size_limit = 67108864")
        db.execute(f"CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY, {', '.join(COLUMNS)})")
        db.execute("CREATE INDEX IF NOT EXISTS by_host ON events (host)")
    except BaseException:
        db.close()
        raise
    return db


def open_to_read(path: Path) -> sqlite3.Connection:
    """A connection that cannot write."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_WAIT, check_same_thread=False
    )
