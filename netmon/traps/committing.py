"""Commits, in a thread of their own: a disk that takes its time does not keep datagrams waiting.

One commit runs at a time, so the order of events is that of their IDs and the memory of what is under
way is bounded.  The outcome comes back through a descriptor that the receiver's loop waits for.
"""

import os
import queue
import sqlite3
import threading
import time
from typing import Final, NamedTuple

from netmon.events import Writer
from netmon.traps.handler import Commit

_TIDY: Final = 60.0  # seconds between looks for what is too old


class Done(NamedTuple):
    """The outcome of a commit: the ID of its first row, or what was wrong, and the seconds it took."""

    first_id: int
    error: Exception | None
    seconds: float


class Committer:
    """The thread; `wake` becomes readable when there is an outcome."""

    def __init__(self, writer: Writer) -> None:
        self.wake, self._waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._writer = writer
        self._jobs: queue.SimpleQueue[Commit | tuple[float, int] | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Done] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="commits", daemon=True)
        self._thread.start()

    def start(self, commit: Commit) -> None:
        """Commit this; only after the outcome of the one before."""
        self._jobs.put(commit)

    def configure(self, *, retention: float, max_size: int) -> None:
        """Keep more or less from the next commit on."""
        self._jobs.put((retention, max_size))

    def outcome(self) -> Done | None:
        """The outcome if there is one."""
        try:
            os.read(self.wake, 64)
        except BlockingIOError:
            return None
        try:
            return self._done.get_nowait()
        except queue.Empty:
            return None

    def finish(self, timeout: float) -> Done | None:
        """Wait for the outcome of the commit that runs."""
        try:
            return self._done.get(timeout=timeout)
        except queue.Empty:
            return None

    def close(self, timeout: float) -> None:
        """End the thread and close the store."""
        self._jobs.put(None)
        self._thread.join(timeout)

    def _run(self) -> None:
        tidied = time.monotonic()
        while True:
            try:
                job = self._jobs.get(timeout=_TIDY)
            except queue.Empty:
                job = (-1.0, -1)
            if job is None:
                break
            if isinstance(job, Commit):
                self._done.put(self._commit(job))
                os.write(self._waker, b"\0")
            elif job[0] >= 0:
                self._writer.configure(retention=job[0], max_size=job[1])
            if time.monotonic() - tidied > _TIDY:
                tidied = time.monotonic()
                try:
                    self._writer.tidy()
                except (OSError, sqlite3.Error):
                    continue  # the next commit says what is wrong with the disk
        self._writer.close()

    def _commit(self, commit: Commit) -> Done:
        begun = time.monotonic()
        try:
            first = (
                self._writer.commit(commit.rows, commit.repeats, durable=commit.durable)
                if commit.rows or commit.repeats
                else 0
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, these are not on disk
            return Done(0, error, time.monotonic() - begun)
        return Done(first, None, time.monotonic() - begun)
