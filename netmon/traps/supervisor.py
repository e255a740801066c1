"""The receiver's process as its parent has it: begun, begun again when it dies, told of settings, ended.

The sockets and the counters are the parent's, so a receiver that dies loses what it had in hand and
nothing else: what the kernel holds waits for the next one, and what was in hand is counted.
"""

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import structlog

from netmon.traps import handshake
from netmon.traps.child import Child, spawn
from netmon.traps.counters import Counters, make
from netmon.traps.funnel import Sample, count, funnel, gauge
from netmon.traps.listeners import Listener, Listeners, Move
from netmon.traps.records import Drop, Settings, Stage

log = structlog.get_logger(__name__)

SHORTEST: Final = 0.1  # seconds before a receiver that died is begun again; doubled each time
LONGEST: Final = 10.0
_WELL: Final = 30.0  # seconds of life after which a death is the first one again
Noticed = Callable[[Mapping[str, Any]], None]


class Supervisor:
    """One receiver, for the life of an agent.  Make it inside the event loop.

    `noticed` is called with every notice of the receiver, `changed` when it comes or goes, and `died` with
    why, but not again and again for one that does not come up.
    """

    def __init__(
        self,
        listeners: Listeners,
        *,
        noticed: Noticed,
        changed: Callable[[], None],
        died: Callable[[str], None] = lambda _why: None,
        clock: Callable[[], float],
        command: Callable[..., Sequence[str]] = handshake.command,
    ) -> None:
        self._listeners = listeners
        self._noticed = noticed
        self._changed = changed
        self._died = died
        self._clock = clock
        self._command = command
        self._memory = make()
        self.counters = Counters(self._memory)
        self._settings: Settings | None = None
        self._child: Child | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._again = asyncio.Event()  # the present child ends because it was told to: begin the next
        self._stopping = False
        self._pause = SHORTEST
        self.restarts = 0
        self.fault = ""  # why no receiver works, in a sentence
        self._retired: list[Listener] = []

    @property
    def up(self) -> bool:
        """Whether a receiver works by the settings that it was given."""
        return self._child is not None and self._child.ready

    @property
    def pid(self) -> int | None:
        """The receiver's process, while there is one."""
        return None if self._child is None else self._child.process.pid

    def start(self, settings: Settings) -> None:
        """Have traps received by these settings, on the current listeners."""
        self._settings = settings
        self._stopping = False
        self._keeping = asyncio.create_task(self._keep())

    async def configure(self, settings: Settings) -> None:
        """Work by other settings; nothing that arrives meanwhile is lost."""
        if settings == self._settings:
            return
        before, self._settings = self._settings, settings
        if before is not None and before.mib_dirs != settings.mib_dirs:
            await self._replace()  # the tree of names is made when it begins
        elif self._child is not None:
            await self._child.send(handshake.settings_line(settings))

    async def move(self, move: Move) -> None:
        """Listen elsewhere: there before no longer here, and what waits here is taken first."""
        if not move.changes:
            return
        leaving = move.leaving()
        for listener in leaving:
            listener.retire()
        self.read_drops()
        move.take()
        self._retired += leaving
        if self._child is None:
            self._bury()
        else:
            await self._replace()

    async def stop(self) -> None:
        """End the receiver when it has committed what it has; the listeners are closed."""
        self._stopping = True
        if self._keeping is not None:
            if (child := self._child) is not None:
                await child.end()
                await child.gone.wait()
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
            self._keeping = None
        self.read_drops()
        self._bury()
        self._listeners.close()

    def close(self) -> None:
        """Let go of the shared memory's descriptor."""
        os.close(self._memory)

    def read_drops(self) -> None:
        """Count what the kernel dropped since this was last done."""
        for listener in (*self._listeners.current, *self._retired):
            self._book_drops(listener)

    def samples(self) -> Iterator[Sample]:
        """The metrics of the way of datagrams, and of the receiver itself."""
        self.read_drops()
        yield from funnel(self.counters, self._listeners.current)
        yield gauge("netmon_trap_receiver_up", "1 while the receiver of traps works, else 0.", int(self.up))
        yield count(
            "netmon_trap_receiver_restarts_total", "Times that the receiver of traps died.", self.restarts
        )

    def _book_drops(self, listener: Listener) -> None:
        self.counters.add(Drop.KERNEL, listener.newly_dropped())

    async def _replace(self) -> None:
        """End the receiver in peace and wait until its successor is begun."""
        child = self._child
        if child is None:
            return
        self._again.set()
        await child.end()
        await child.gone.wait()

    def _bury(self) -> None:
        """Close the listeners that are wanted no more; only while no receiver runs."""
        for listener in self._retired:
            self._book_drops(listener)
            if left := listener.left():  # it was killed, or died, before it had read them empty
                self.counters.add(Stage.RECEIVED, left)
                self.counters.add(Drop.RECEIVER_DIED, left)
            listener.close()
        self._retired = []

    async def _keep(self) -> None:
        while not self._stopping:
            begun = self._clock()
            try:
                child = self._child = self._spawn()
            except OSError as error:
                told = f"its process cannot be started: {error.strerror or error}"
            else:
                try:
                    told = await self._follow(child)
                except Exception as error:  # a defect here must not end the receiving of traps
                    log.exception("the receiver of traps could not be followed")
                    told = f"a defect of netmon ({type(error).__name__}); the log has more"
                # The successor sees counters that add up.
                lost = self.counters.book_death()
                self._child = None
                self._bury()
                child.gone.set()
                if self._again.is_set() and not self._stopping:
                    self._again.clear()
                    continue
                if self._stopping:
                    return
                if lost:
                    told += f"; {lost} datagrams that it had in hand are lost"
            self.restarts += 1
            self.fault = told
            if self._clock() - begun >= _WELL:
                self._pause = SHORTEST
            log.error("the receiver of traps died and is started again", why=told, seconds=self._pause)
            if self._pause == SHORTEST:
                self._died(told)
            self._changed()
            await asyncio.sleep(self._pause)
            self._pause = min(2 * self._pause, LONGEST)

    async def _follow(self, child: Child) -> str:
        """Read what it says until its end; why it ended."""
        assert self._settings is not None  # noqa: S101 - start gave them
        try:
            await child.open()
            await child.send(handshake.settings_line(self._settings))
            async for words in child.words():
                self._heard(child, words)
        finally:
            code = await child.reap()
        if code < 0:
            return f"its process ended by signal {-code}"
        return child.failed or f"its process ended with code {code}; the log has more"

    def _heard(self, child: Child, words: Mapping[str, Any]) -> None:
        if "ready" in words:
            if not child.ready:
                log.info("the receiver of traps is ready", pid=child.process.pid)
            child.ready, child.failed, self.fault = True, "", ""
            self._changed()
        elif "failed" in words:
            child.ready = False
            child.failed = self.fault = str(words["failed"])[:500]
            log.error("the receiver of traps cannot work", why=child.failed)
            self._changed()
        else:
            try:
                self._noticed(words)
            except Exception:  # a defect of what listens must not end the receiver
                log.exception("a notice of traps could not be taken")

    def _spawn(self) -> Child:
        sockets = [each.sock for each in self._listeners.current]
        return spawn(self._command, self._memory, sockets)
