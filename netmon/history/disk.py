"""The spans on disk (SQLite, WAL): one file beside the state's, for its own writer and any reader."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

from netmon.history.track import State
from netmon.model import MailState, SnmpState, VerdictName

FILE: Final = "history.db"
_VERSION: Final = 2  # 1 left the earlier of two changes in one write without an end
_WAIT: Final = 2.0  # seconds for a lock that another connection holds


class Change(NamedTuple):
    """A host is in another state from `at` on; `state` is None where nothing is known any more."""

    host: str
    at: float
    state: State | None


class Span(NamedTuple):
    """A host's state for a time; `stop` is None for the one that lasts."""

    host: str
    start: float
    stop: float | None
    state: State


class Disk:
    """For one thread of one process."""

    def __init__(self, folder: Path) -> None:
        """Open or make the file.  Raises sqlite3.Error."""
        self._db = sqlite3.connect(folder / FILE, timeout=_WAIT, isolation_level=None)
        try:
            self._prepare()
        except BaseException:
            self._db.close()
            raise

    def _prepare(self) -> None:
        db = self._db
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version > _VERSION:
            raise sqlite3.DatabaseError("it was written by a later netmon")
        db.execute(
            "CREATE TABLE IF NOT EXISTS spans (host TEXT NOT NULL, start REAL NOT NULL, stop REAL, "
            "verdict TEXT NOT NULL, mail TEXT NOT NULL, snmp TEXT NOT NULL, PRIMARY KEY (host, start)) "
            "WITHOUT ROWID"
        )
        db.execute(
            "CREATE TABLE IF NOT EXISTS seen (one INTEGER PRIMARY KEY CHECK (one = 1), at REAL NOT NULL)"
        )
        if version == 1:
            # No span of a host lasts beyond the beginning of its next one.
            db.execute(
                "UPDATE spans SET stop = later.start FROM (SELECT host, start AS begun, lead(start) OVER "
                "(PARTITION BY host ORDER BY start) AS start FROM spans) AS later "
                "WHERE spans.host = later.host AND spans.start = later.begun "
                "AND later.start IS NOT NULL AND (stop IS NULL OR stop > later.start)"
            )
        db.execute(f"PRAGMA user_version = {_VERSION}")

    def take_up(self, since: float) -> list[Span]:
        """End what an earlier life left open, at the last sign of that life; the spans that ended later."""
        seen = self._db.execute("SELECT at FROM seen").fetchone()
        last = float(seen[0]) if seen else 0.0
        self._db.execute("UPDATE spans SET stop = max(start, ?) WHERE stop IS NULL", (last,))
        return list(spans(self._db, since))

    def write(self, changes: Sequence[Change], now: float) -> None:
        """Have the changes on disk, and that there was life at `now`."""
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            for host, at, state in changes:  # one by one: two of one host may be among them
                db.execute(
                    "UPDATE spans SET stop = max(start, ?2) WHERE host = ?1 AND stop IS NULL", (host, at)
                )
                if state is not None:
                    db.execute(
                        "INSERT OR REPLACE INTO spans VALUES (?, ?, NULL, ?, ?, ?)",
                        (host, at, state.verdict, state.mail, state.snmp),
                    )
            db.execute("INSERT OR REPLACE INTO seen VALUES (1, ?)", (now,))
            db.execute("COMMIT")
        except BaseException:
            db.execute("ROLLBACK")
            raise

    def prune(self, before: float) -> None:
        """Forget the spans that ended before."""
        self._db.execute("DELETE FROM spans WHERE stop < ?", (before,))

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def read(folder: Path, since: float, host: str = "") -> list[Span]:
    """The spans that lasted beyond `since`, of one host or of all, in their order.

    For who is not the agent.  A folder without the file holds none.  Raises sqlite3.Error.
    """
    path = folder / FILE
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_WAIT)) as db:
        return list(spans(db, since, host))


def last_seen(folder: Path) -> float:
    """When the agent that writes there last showed life (wall clock); 0 if never.  Raises sqlite3.Error."""
    path = folder / FILE
    if not path.exists():
        return 0.0
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_WAIT)) as db:
        row = db.execute("SELECT at FROM seen").fetchone()
    return float(row[0]) if row else 0.0


def spans(db: sqlite3.Connection, since: float, host: str = "") -> Iterator[Span]:
    """See `read`; what a later version wrote is left out."""
    rows: Iterable[Sequence[object]] = db.execute(
        "SELECT host, start, stop, verdict, mail, snmp FROM spans "
        "WHERE (stop IS NULL OR stop > ?1) AND (?2 = '' OR host = ?2) ORDER BY host, start",
        (since, host),
    )
    for name, start, stop, verdict, mail, snmp in rows:
        try:
            state = State(VerdictName(str(verdict)), MailState(str(mail)), SnmpState(str(snmp)))
        except ValueError:
            continue
        yield Span(str(name), float(str(start)), None if stop is None else float(str(stop)), state)
