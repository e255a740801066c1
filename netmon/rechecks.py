"""Checks that traps ask for: the host's, soon, and never many.

A trap may come from anybody, so what it can have done is bounded: a host is looked at once in `PAUSE`
seconds, and all of them together `A_MINUTE` times a minute.  One that comes within the pause is not
forgotten: the host is looked at again when it is over, since what it tells of is newer than the last look.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from netmon.model import CheckKey

PAUSE: Final = 10.0  # seconds between two looks at one host for the sake of traps
A_MINUTE: Final = 600.0  # looks at hosts


class Rechecks:
    """For the event loop's thread.  `request` runs a check out of its turn, `checks_of` names a host's."""

    def __init__(
        self,
        request: Callable[[CheckKey, str], object],
        checks_of: Callable[[str], Iterable[CheckKey]],
        *,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._request = request
        self._checks_of = checks_of
        self._loop = loop
        self._last: dict[str, float] = {}  # hosts that were looked at within the pause
        self._waiting: dict[str, asyncio.TimerHandle] = {}
        self._room = A_MINUTE
        self._filled = loop.time()
        self.done = 0  # hosts looked at
        self.refused = 0  # wishes beyond the bound over all hosts

    def wish(self, host: str) -> None:
        """Something happened at a host."""
        now = self._loop.time()
        if host in self._waiting:
            return
        due = self._last.get(host, float("-inf")) + PAUSE
        if due > now:
            self._waiting[host] = self._loop.call_at(due, self._late, host)
            return
        self._look(host, now)

    def close(self) -> None:
        """Look no more."""
        for handle in self._waiting.values():
            handle.cancel()
        self._waiting.clear()

    def _late(self, host: str) -> None:
        del self._waiting[host]
        self._look(host, self._loop.time())

    def _look(self, host: str, now: float) -> None:
        keys = tuple(self._checks_of(host))
        if not keys:
            return
        self._room = min(A_MINUTE, self._room + (now - self._filled) * A_MINUTE / 60)
        self._filled = now
        if self._room < 1:
            self.refused += 1
            return
        self._room -= 1
        self.done += 1
        # No more can lie within the pause than the bound lets through, so this stays small.
        for old in [*self._older(now)]:
            del self._last[old]
        self._last[host] = now
        for key in keys:
            self._request(key, "a trap came from the host")

    def _older(self, now: float) -> Iterator[str]:
        for host, at in self._last.items():  # in the order of time, since each is put in anew
            if at + PAUSE > now:
                return
            yield host
