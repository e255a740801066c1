"""Lines for the log that never keep a datagram waiting.

A thread writes them, one write for all that has gathered.  When whoever reads the log is too slow, lines
are dropped and counted; events are in the store all the same.
"""

import io
import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from netmon.traps.records import Drop

_MOST_OCTETS: Final = 8 << 20  # that wait
_EACH: Final = 1.0  # seconds between two lines of one reason


class Lines(io.TextIOBase):
    """A stream that takes whole lines and never blocks; `lost` counts those that found no room."""

    def __init__(self, descriptor: int) -> None:
        self.lost = 0
        self._descriptor = descriptor
        self._waiting: deque[bytes] = deque()
        self._octets = 0
        self._lock = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, text: str) -> int:
        """Take a piece of text that ends with a line's end."""
        self.put(text.encode(errors="backslashreplace"), text.count("\n"))
        return len(text)

    def put(self, octets: bytes, lines: int) -> None:
        """Take so many whole lines."""
        with self._lock:
            if self._octets + len(octets) > _MOST_OCTETS:
                self.lost += lines
                return
            self._octets += len(octets)
            self._waiting.append(octets)
            self._lock.notify()

    def finish(self, timeout: float) -> None:
        """Write what waits, if it goes in this time."""
        with self._lock:
            self._ended = True
            self._lock.notify()
        self._thread.join(timeout)

    def _run(self) -> None:
        while True:
            with self._lock:
                while not self._waiting and not self._ended:
                    self._lock.wait()
                chunk = b"".join(self._waiting)
                self._waiting.clear()
                self._octets = 0
            if not chunk:
                return
            view = memoryview(chunk)
            try:
                while view:
                    view = view[os.write(self._descriptor, view) :]
            except OSError:
                with self._lock:
                    self.lost += chunk.count(b"\n")


class Refusals:
    """What was refused and why: a line a second for each reason at most, with how many it stands for."""

    def __init__(self, say: Callable[[Drop, str, str, int], None]) -> None:
        """`say` gets the reason, the latest source and why, and the count."""
        self._say = say
        self._counts: dict[Drop, int] = {}
        self._latest: dict[Drop, tuple[str, str]] = {}
        self._said: dict[Drop, float] = {}

    def note(self, reason: Drop, source: str, why: str) -> None:
        """One more."""
        self._counts[reason] = self._counts.get(reason, 0) + 1
        self._latest[reason] = (source, why)

    def tell(self, now: float) -> None:
        """Say what is due."""
        if not self._counts:
            return
        for reason in [each for each in self._counts if now - self._said.get(each, -_EACH) >= _EACH]:
            self._said[reason] = now
            self._say(reason, *self._latest.pop(reason), self._counts.pop(reason))
