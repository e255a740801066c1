"""The receiver of traps as the agent has it: its process, what it tells, and what follows.

Its notices raise and clear states, have pages and streams look at the store of events, and ask for
checks of the hosts that sent something.  Without `traps` in the config there is none of it.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import starmap
from pathlib import Path
from typing import Any, Final

import structlog

from netmon.addresses import Addresses
from netmon.alerting import EventCouriers
from netmon.config import Config, receiver_settings
from netmon.config.receiver import FOLDER
from netmon.errors import NetmonError
from netmon.event_pages import EventPages
from netmon.events import Reader
from netmon.exposition import Reading
from netmon.mib import library
from netmon.model import Kind, News, Route
from netmon.rechecks import Rechecks
from netmon.resolver import Resolver
from netmon.scheduler import Scheduler
from netmon.store import Store
from netmon.trap_board import TrapBoard
from netmon.traps.listeners import Listeners, Move
from netmon.traps.supervisor import Supervisor

log = structlog.get_logger(__name__)

_SHOWN: Final = 60  # events that are read for the pages
_PACE: Final = 0.5  # seconds between two such readings
_SETTLE: Final = 1.0  # seconds in which changes of addresses are gathered
_MISTAKES: Final = 20  # of MIBs that are told


class TrapPortError(NetmonError, OSError):
    """A port for traps cannot be had."""

    def __init__(self, error: OSError) -> None:
        OSError.__init__(self, error.errno, error.strerror or str(error))

    def __str__(self) -> str:
        return str(self.strerror)


class Trapping:
    """All that traps have to do with the agent.  For the event loop's thread.

    `judge` is told a host whose raised states changed, `news` that events were committed.
    """

    def __init__(
        self,
        store: Store,
        scheduler: Scheduler,
        listeners: Listeners,
        *,
        resolver: Callable[[], Resolver],
        judge: Callable[[str], None],
        news: Callable[[str], None],
        agent: Callable[[], str],
        clock: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        """`agent` is what netmon calls itself to webhooks."""
        self._store = store
        self._listeners = listeners
        self._judge = judge
        self._news = news
        self._clock = clock
        self._wall = wall
        self.board = TrapBoard(note=store.note, noted=store.noted)
        self._rechecks = Rechecks(
            scheduler.request,
            lambda host: [state.check.key for state in store.checks_of(host)],
            loop=asyncio.get_running_loop(),
        )
        self._moved = asyncio.Event()  # hosts have other addresses
        self._addresses = Addresses(lambda name: resolver().addresses(name), self._moved.set)
        self.pages = EventPages(self._reader)
        self._couriers = EventCouriers(self._reader, note=store.note, noted=store.noted, agent=agent)
        self._supervisor: Supervisor | None = None
        self._config: Config | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._changing = asyncio.Lock()
        self._fresh = asyncio.Event()
        self._mib_dirs: Sequence[Path] = ()

    def reserve(self, config: Config) -> Move | None:
        """The sockets that a config wants, bound and not in use yet.  Raises TrapPortError."""
        if config.traps is None:
            return None
        try:
            return self._listeners.open(config.traps.listen)
        except OSError as error:
            raise TrapPortError(error) from error

    def start(self, config: Config, move: Move | None, routes: Sequence[Route]) -> None:
        """Begin, as `apply` does; users' MIBs are compiled meanwhile and hold up nothing else."""
        runs = (self._begin(config, move, routes), self._addresses.run(), self._show(), self._resettle())
        self._tasks = [asyncio.create_task(run) for run in runs]

    async def apply(self, config: Config, move: Move | None, routes: Sequence[Route]) -> None:
        """Receive as `config` says, by the sockets that were reserved for it."""
        async with self._changing:
            self._config = config
            known = self._addresses.configure((entry.host for entry in config.hosts), routes)
            settings = receiver_settings(config, known)
            if settings is None or move is None or config.traps is None:
                await self._couriers.apply(())
                await self._end()
                return
            await self._couriers.apply(config.traps.webhooks)
            await self._compiled(config)
            if self._supervisor is None:
                move.take()
                self._supervisor = Supervisor(
                    self._listeners,
                    noticed=self._noticed,
                    changed=lambda: self._news(""),
                    died=self._died,
                    clock=self._clock,
                )
                self._supervisor.start(settings)
            else:
                await self._supervisor.configure(settings)
                await self._supervisor.move(move)
            self._fresh.set()  # events of an earlier life

    def routed(self, routes: Iterable[Route]) -> None:
        """Mail goes elsewhere: its servers may send traps too."""
        if self._config is not None:
            self._addresses.configure((entry.host for entry in self._config.hosts), routes)
            self._moved.set()

    def planned(self) -> None:
        """The set of hosts has changed."""
        self.board.planned(self._store.hosts(), self._wall())

    def tick(self) -> None:
        """Forget raised states whose time is over."""
        for host in self.board.tick(self._wall()):
            self._judge(host)
            self._news(host)

    async def stop(self) -> None:
        """Have everything committed and end."""
        for task in self._tasks:
            task.cancel()
        self._rechecks.close()
        self.pages.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        async with self._changing:
            await self._end()
            await self._couriers.stop()

    def readings(self) -> Iterator[Reading]:
        """The metrics of the receiver and of what follows from it."""
        if self._supervisor is None:
            return
        yield from starmap(Reading, self._supervisor.samples())
        yield from starmap(Reading, self.board.readings())
        yield from starmap(Reading, self._couriers.readings())
        told = "Hosts that traps had looked at, and wishes beyond the bound."
        for outcome, count in (("done", self._rechecks.done), ("refused", self._rechecks.refused)):
            yield Reading("netmon_trap_rechecks_total", told, Kind.COUNTER, {"outcome": outcome}, count)

    def notices(self) -> Sequence[str]:
        """What people should know."""
        if self._supervisor is None or not self._supervisor.fault:
            return []
        return [f"No traps are received: {self._supervisor.fault}. It is tried again and again."]

    async def _begin(self, config: Config, move: Move | None, routes: Sequence[Route]) -> None:
        try:
            await self.apply(config, move, routes)
        except Exception:
            log.exception("traps are not received")

    def _died(self, why: str) -> None:
        self._store.tell(News(self._wall(), f"The receiver of traps died and was started again: {why}"))

    def _noticed(self, notice: Mapping[str, Any]) -> None:
        for host in self.board.take(notice, self._wall()):
            self._judge(host)
        hosts = [str(host) for host in notice.get("hosts", ())]
        for host in hosts:
            self._rechecks.wish(host)
        self._fresh.set()
        self.pages.changed()
        self._couriers.poke()

    def _reader(self) -> Reader | None:
        config = self._config
        return None if config is None or config.traps is None else Reader(config.state.path / FOLDER)

    async def _show(self) -> None:
        """Read what was committed, for the pages; a flood costs no more than a trickle."""
        while True:
            await self._fresh.wait()
            self._fresh.clear()
            reader = self._reader()
            if reader is None:
                continue
            try:
                self.board.show(await asyncio.to_thread(reader.latest, limit=_SHOWN))
            except Exception:  # the pages go without, and so does nothing else
                log.exception("events could not be read")
            self._news("")
            await asyncio.sleep(_PACE)

    async def _resettle(self) -> None:
        """Tell the receiver of hosts' addresses that are others now."""
        while True:
            await self._moved.wait()
            self._moved.clear()
            async with self._changing:
                if self._config is not None and self._supervisor is not None:
                    settings = receiver_settings(self._config, self._addresses.known())
                    if settings is not None:
                        await self._supervisor.configure(settings)
            await asyncio.sleep(_SETTLE)

    async def _compiled(self, config: Config) -> None:
        """Compile users' MIBs, so that the receiver finds them in the cache."""
        if not config.mib_dirs:
            return
        found = await asyncio.to_thread(library.load, config.mib_dirs, config.state.path / FOLDER)
        for mistake in found.mistakes[:_MISTAKES] if config.mib_dirs != self._mib_dirs else ():
            log.warning("a MIB for the names in traps is left out", mistake=str(mistake))
        self._mib_dirs = config.mib_dirs

    async def _end(self) -> None:
        if self._supervisor is not None:
            await self._supervisor.stop()
            self._supervisor.close()
            self._supervisor = None
        self._listeners.close()
