"""The agent's memory of states: told of every verdict, asked by pages and metrics."""

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

import structlog

from netmon.history.agreement import WINDOWS
from netmon.history.disk import Change, Disk, Span
from netmon.history.track import NOTHING, State, Totals, Track
from netmon.model import HostVerdict

log = structlog.get_logger(__name__)

LONGEST: Final = max(WINDOWS.values())
_DELAY: Final = 1.0  # seconds in which changes are gathered for a commit
_BEAT: Final = 30.0  # seconds between two signs of life on disk
_PRUNE: Final = 3600.0
_FRESH: Final = 30.0  # seconds for which the sum over all hosts is good
_MOST: Final = 100_000  # changes that wait for a disk; the oldest go


class History:
    """For the event loop's thread; one thread of its own writes.

    `verdicts` gives the hosts' verdicts as they are, `retention` is in seconds.  A folder that cannot be
    written costs the memory over restarts and nothing else, which is logged once.
    """

    def __init__(
        self,
        folder: Path,
        verdicts: Callable[[], Mapping[str, HostVerdict]],
        *,
        retention: float,
        wall: Callable[[], float],
    ) -> None:
        self._folder = folder
        self._verdicts = verdicts
        self._retention = retention
        self._wall = wall
        self._tracks: dict[str, Track] = {}
        self._summed: dict[str, tuple[float, Totals]] = {}
        self._waiting: list[Change] = []
        self._wake = threading.Condition()
        self._closing = False
        self.failing: str | None = None
        self._disk: Disk | None = None
        self._tidied = wall()
        for span in self._taken_up():
            self._recall(span)
        self._thread = threading.Thread(target=self._write_on, name="history", daemon=True)
        self._thread.start()

    def changed(self, host: str) -> None:
        """Something about a host is new, or with "" about hosts at large; for `Store.on_change`."""
        verdicts = self._verdicts()
        if host:
            verdict = verdicts.get(host)
            if verdict is not None:
                self._look(verdict)
            return
        for verdict in verdicts.values():
            self._look(verdict)
        for name in self._tracks.keys() - verdicts.keys():
            if self._tracks[name].code != NOTHING:
                self._note(name, None)

    def totals(self, host: str, window: float) -> Totals:
        """What is known of a host in the last `window` seconds."""
        now = self._wall()
        track = self._tracks.get(host)
        return Totals() if track is None else track.totals(now - window, now)

    def of_all(self, window: str) -> Totals:
        """The same over all hosts, for one of WINDOWS; half a minute old at most."""
        now = self._wall()
        at, totals = self._summed.get(window, (0.0, Totals()))
        if not 0 <= now - at < _FRESH:
            seconds: dict[int, float] = {}
            begin = now - WINDOWS[window]
            for host in self._verdicts():
                if (track := self._tracks.get(host)) is not None:
                    track.add_to(seconds, begin, now)
            totals = Totals.of(seconds)
            self._summed[window] = now, totals
        return totals

    def spans(self, host: str, window: float) -> list[tuple[float, float, State]]:
        """A host's states in the last `window` seconds, as start, stop and state."""
        now = self._wall()
        track = self._tracks.get(host)
        return [] if track is None else list(track.spans(now - window, now))

    def tidy(self) -> None:
        """Forget what is older than any window; looks once an hour, however often it is called."""
        now = self._wall()
        if 0 <= now - self._tidied < _PRUNE:
            return
        self._tidied = now
        before = now - LONGEST
        known = self._verdicts()
        for track in self._tracks.values():
            track.forget(before)
        for name in [name for name, track in self._tracks.items() if name not in known and len(track) <= 1]:
            del self._tracks[name]

    def close(self) -> None:
        """Write what waits, and that the hosts are not watched from now on."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def _look(self, verdict: HostVerdict) -> None:
        if not verdict.since:
            return  # nothing was judged yet
        confirmed = verdict.confirmed
        state = State(confirmed.name, confirmed.mail, confirmed.snmp)
        track = self._tracks.get(verdict.host)
        if track is None or track.code != state.code:
            self._note(verdict.host, state)

    def _note(self, host: str, state: State | None) -> None:
        at = self._wall()
        self._tracks.setdefault(host, Track()).change(at, NOTHING if state is None else state.code)
        with self._wake:
            first = not self._waiting
            self._waiting.append(Change(host, at, state))
            if len(self._waiting) > _MOST:
                del self._waiting[: _MOST // 10]
            if first:
                self._wake.notify()

    def _recall(self, span: Span) -> None:
        track = self._tracks.setdefault(span.host, Track())
        track.change(span.start, span.state.code)
        if span.stop is not None:
            track.change(span.stop, NOTHING)

    def _taken_up(self) -> Iterable[Span]:
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            disk = Disk(self._folder)
        except (sqlite3.Error, OSError) as error:
            self._fail(error)
            return ()
        try:
            return disk.take_up(self._wall() - LONGEST)
        except sqlite3.Error as error:
            self._fail(error)
            return ()
        finally:
            disk.close()  # the thread opens it anew: a connection belongs to its thread

    def _write_on(self) -> None:
        pruned = self._wall()
        while True:
            with self._wake:
                if not self._closing and not self._waiting:
                    self._wake.wait(_BEAT)
                if not self._closing and self._waiting:
                    self._wake.wait(_DELAY)
                changes, self._waiting = self._waiting, []
                closing = self._closing
            now = self._wall()
            prune = not 0 <= now - pruned < _PRUNE
            if not self._commit(changes, now, prune=prune):
                with self._wake:
                    self._waiting = (changes + self._waiting)[-_MOST:]
                    if not closing:
                        self._wake.wait(_BEAT)
            elif prune:
                pruned = now
            if closing:
                if self._disk is not None:
                    self._disk.close()
                return

    def _commit(self, changes: list[Change], now: float, *, prune: bool) -> bool:
        try:
            if self._disk is None:
                self._disk = Disk(self._folder)
            self._disk.write(changes, now)
            if prune:
                self._disk.prune(now - self._retention)
        except (sqlite3.Error, OSError) as error:
            self._fail(error)
            if self._disk is not None:
                with contextlib.suppress(sqlite3.Error):
                    self._disk.close()
                self._disk = None
            return False
        if self.failing is not None:
            log.info("the history of states is written again")
            self.failing = None
        return True

    def _fail(self, error: Exception) -> None:
        if self.failing is None:
            log.error("the history of states cannot be written; it is kept in memory", why=str(error))
        self.failing = str(error)
