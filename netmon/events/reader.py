"""Questions about events.  Each call opens what it needs and closes it: files come and go.

A question that matches little would read everything, so it ends after `PATIENCE` seconds with what it
has found by then, and says so.  Calls block: not for an event loop.
"""

import contextlib
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from netmon.events.codec import from_row
from netmon.events.files import Partition, open_to_read, partitions
from netmon.model import Event

PATIENCE: Final = 2.0  # seconds
_STEPS: Final = 10_000  # of SQLite's machine between two looks at the clock


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an event must be; empty is anything.

    `trap` is a name with or without its module, or an OID; `severity` any of several.
    """

    host: str = ""
    trap: str = ""
    severity: tuple[str, ...] = ()
    source: str = ""

    def where(self) -> tuple[str, list[Any]]:
        """As a condition of SQL, and what its marks stand for."""
        parts, values = ["1"], []
        if self.host:
            parts.append("host = ?")
            values.append(self.host)
        if self.source:
            parts.append("source = ?")
            values.append(self.source)
        if self.severity:
            parts.append(f"severity IN ({', '.join('?' * len(self.severity))})")
            values += self.severity
        if self.trap:
            parts.append("(trap = ? OR oid = ? OR substr(trap, instr(trap, '::') + 2) = ?)")
            values += [self.trap, self.trap.removeprefix("."), self.trap]
        return " AND ".join(parts), values


class Found(list[Event]):
    """Events; not `complete` where time ran out before all was looked at."""

    complete: bool = True


class Reader:
    """The events of a folder; any thread, any process.  A folder that is not there holds none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def latest(self, wanted: Wanted = Wanted(), *, limit: int, before: int | None = None) -> Found:
        """The newest events, newest first; with `before`, of those with a lesser ID."""
        known = [one for one in reversed(partitions(self._folder)) if before is None or one.first < before]
        return self._ask(known, wanted, limit, "id < ?", before if before is not None else 1 << 62, "DESC")

    def since(self, event_id: int, wanted: Wanted = Wanted(), *, limit: int) -> Found:
        """The events behind an ID, oldest first."""
        known = partitions(self._folder)
        while len(known) > 1 and known[1].first <= event_id + 1:
            del known[0]
        return self._ask(known, wanted, limit, "id > ?", event_id, "ASC")

    def last_id(self) -> int:
        """The ID of the newest event; 0 if there is none."""
        for one in reversed(partitions(self._folder)):
            with contextlib.suppress(sqlite3.Error), contextlib.closing(open_to_read(one.path)) as db:
                (last,) = db.execute("SELECT max(id) FROM events").fetchone()
                if last is not None:
                    return int(last)
        return 0

    def _ask(  # noqa: PLR0917 - the parts of one question
        self, known: Iterable[Partition], wanted: Wanted, limit: int, bound: str, at: int, order: str
    ) -> Found:
        until = time.monotonic() + PATIENCE
        condition, values = wanted.where()
        question = f"SELECT * FROM events WHERE {bound} AND {condition} ORDER BY id {order} LIMIT ?"  # noqa: S608 - of our own words
        found = Found()
        for one in known:
            if len(found) >= limit:
                break
            if time.monotonic() > until:
                found.complete = False
                break
            # A file may be dropped between the listing and this; one that is broken hides no other.
            try:
                db = open_to_read(one.path)
                try:
                    db.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
                    for row in db.execute(question, (at, *values, limit - len(found))):
                        with contextlib.suppress(ValueError):  # of a later version
                            found.append(from_row(row))
                finally:
                    db.close()
            except sqlite3.Error as error:
                if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
                    found.complete = False
        return found
