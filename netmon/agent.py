"""The only wiring: both wings are built here and meet here, in straight lines.

Input: config -> plan -> scheduler -> probe -> `store.put`.  Output: store -> watch, exposition,
pages.  What flows back (an unconfirmed change that wants another look) goes through `Wishes`.
"""

import asyncio
import socket
import time
from collections.abc import Mapping, Sequence
from itertools import starmap
from pathlib import Path
from typing import Final

import structlog

from netmon import __version__, control
from netmon.alerting import Alerting
from netmon.commands import Desk, commands
from netmon.config import Config, ConfigError, public_dump
from netmon.context import (
    boot_id,
    close_context,
    ehlo_name,
    ehlo_notices,
    make_context,
    make_resolver,
    remember,
)
from netmon.errors import NetmonError
from netmon.explain import Entry
from netmon.exposition import Exposition, Reading, SelfMetrics
from netmon.following import Following
from netmon.history import History
from netmon.journal import Journal, StateError
from netmon.loading import load_config
from netmon.mib.modules import Module
from netmon.model import Check, Observation, Role
from netmon.plan import all_hosts
from netmon.planning import Planned, planned
from netmon.probes import PROBES, unrun_tables
from netmon.readings import agreement_readings, readings
from netmon.report_pages import ReportPages
from netmon.routes import Services, routes
from netmon.scheduler import Scheduler
from netmon.scrape import Prober, Scraper
from netmon.selftest import OwnLink
from netmon.silences import Silences
from netmon.status import Live, domain_rows
from netmon.store import Store
from netmon.trapping import Trapping, TrapPortError
from netmon.traps.listeners import Listeners
from netmon.watch import Watch
from netmon.web import Server
from netmon.wishes import Wishes

log = structlog.get_logger(__name__)

TICK: Final = 10.0  # seconds between two looks for what has become stale
_EVERYWHERE: Final = frozenset({"0.0.0.0", "[::]"})  # noqa: S104 - compared with, not listened on


class Agent:
    """One running agent.  Make it inside the event loop that it shall live in."""

    def __init__(
        self,
        path: Path,
        config: Config,
        modules: Mapping[str, Module],
        passed: Sequence[socket.socket] = (),
    ) -> None:
        """Raises StateError or OSError if the state folder or an address cannot be had.

        `passed` are sockets for traps that systemd gave.
        """
        self._path = path
        self._modules = modules
        self._config = config
        self._loaded = 0.0  # when the config was taken, wall clock
        self._explained: Sequence[Entry] = ()
        self._mistakes: Sequence[str] = ()
        self._reloading = asyncio.Lock()
        self._ticking: asyncio.Task[None] | None = None
        self._retiring: asyncio.Task[None] | None = None
        self._replanning: asyncio.Task[None] | None = None
        loop = asyncio.get_running_loop()

        self._context = make_context(config, ehlo_name(config))
        self._scraper = Scraper(self._context)
        self._prober = Prober(self._context)
        self._metrics = SelfMetrics(
            __version__, PROBES, url=lambda: self.url, isolated=lambda: self._watch.isolated
        )
        self._journal = Journal(config.state.path)
        self.store = Store(self._journal, wall=time.time, clock=loop.time)
        remember(self._context, self.store)
        self.scheduler = Scheduler(self._probe, self.store.put, wall=time.time, gauges=self._metrics)
        self.silences = Silences(self.store, boot=boot_id(), now=time.monotonic(), wall=time.time())
        self._link = OwnLink(self._context.pinger)
        self._wishes = Wishes(self.scheduler, self._test_own_link)
        self._live = Live()
        self.store.on_change(self._live.changed)
        self._history = History(
            config.state.path, self.store.verdicts, retention=config.state.retention, wall=time.time
        )
        self.store.on_change(self._history.changed)
        self._traps = Trapping(
            self.store,
            self.scheduler,
            Listeners(passed),
            resolver=lambda: self._context.resolver,
            judge=self._judge,
            news=self._live.changed,
            agent=lambda: self._context.agent_name,
            clock=loop.time,
            wall=time.time,
        )
        self._watch = Watch(
            self.store,
            self._wishes,
            clock=loop.time,
            wall=time.time,
            hush=self.silences,
            traps=self._traps.board.raised_of,
        )
        self.store.listen(self._watch.saw)
        self._following = Following(
            self.store,
            lambda: self._context.resolver,
            clock=loop.time,
            wall=time.time,
            isolated=lambda: self._watch.isolated,
        )
        self._alerting = Alerting(
            self.store,
            config.alerting,
            agent=self._context.agent_name,
            web="",  # known once the server listens
            isolated=lambda: self._watch.isolated,
            well=self._works,
            clock=loop.time,
            wall=time.time,
        )
        self.store.on_change(self._alerting.changed)
        own_labels = {kind.name: kind.own_labels for kind in PROBES.values()}
        self._measure()
        self._routes = routes(
            Services(
                source=self.store,
                live=self._live,
                exposition=Exposition(
                    self.store, self._metrics.text, own_labels=own_labels, unrun=unrun_tables()
                ),
                own=self._metrics,
                config=lambda: public_dump(self._config),
                reload=self.reload,
                ready=self._ready,
                notices=self._notices,
                wall=time.time,
                loaded=lambda: self._loaded,
                listen=str(config.web.listen),
                explained=lambda: self._explained,
                domains=lambda: domain_rows(self._following.watch.verdicts(), self._following.lookups()),
                silences=lambda: self.silences.to_json(time.monotonic(), time.time()),
                traps=self._traps.board,
                more={**self._traps.pages.routes(), **ReportPages(self.store, self._history).routes()},
                history=self._history,
                snmp=self._scraper.answer,
                probe=self._prober.answer,
            )
        )
        desk = Desk(
            silences=self.silences,
            hosts=self.store.hosts,
            changed=self._watch.silences_changed,
            reload=self.reload,
            clock=time.monotonic,
            wall=time.time,
        )
        self._control = control.Server(config.state.path / control.NAME, commands(desk))
        try:
            self._trap_move = self._traps.reserve(config)
            self._server = Server(self._routes, str(config.web.listen))
        except TrapPortError:
            self._journal.close()
            raise
        except OSError as error:
            self._journal.close()
            why = f"{error.strerror or error}; stop what is there or set web.listen"
            raise OSError(error.errno, why) from error

    def _measure(self) -> None:
        """What the agent's own metrics are read from."""
        self._metrics.add_source(lambda: agreement_readings(self._history))
        self._metrics.add_source(self._traps.readings)
        self._metrics.add_source(lambda: starmap(Reading, self._following.watch.readings()))
        self._metrics.add_source(
            lambda: readings(self._context.snmp, self.store, self.scheduler, self._journal)
        )
        self._metrics.add_source(lambda: starmap(Reading, self._alerting.readings()))

    @property
    def address(self) -> str:
        """``HOST:PORT`` of the web server."""
        return self._server.address

    @property
    def url(self) -> str:
        """Where people find its pages, without a slash at the end."""
        host, _, port = self.address.rpartition(":")
        if host in _EVERYWHERE:
            host = self._context.agent_name  # the machine's own name, where it listens on every address
        return f"http://{host}:{port}"

    async def start(self) -> None:
        """Begin to serve and to check."""
        self._following.configure(self._config)  # by what an earlier life knew, until DNS answers
        self._apply(await self._planned(self._config))
        self._metrics.reloaded(time.time(), ok=True)
        await self._server.start()
        try:
            await self._control.start()
        except control.ControlError as error:  # checking matters more than commands
            log.error("commands such as netmon silence will not reach this agent", why=str(error))  # noqa: TRY400
        self.scheduler.start()
        self._traps.start(self._config, self._trap_move, self._following.routes)
        await self._tell(self._config)
        await self._alerting.start()
        self._ticking = asyncio.create_task(self._tick())
        self._replanning = asyncio.create_task(self._following.replan(self._replan))
        self._following.start()
        log.info(
            "netmon runs",
            version=__version__,
            hosts=len(self.store.hosts()),
            checks=len(self.store.states()),
            url=f"http://{self.address}/",
        )

    async def stop(self) -> None:
        """End all runs, answer what was asked, write what must survive."""
        self._wishes.close()
        for task in (self._ticking, self._replanning):
            if task is not None:
                task.cancel()
        await self._control.stop()
        await self._following.close()
        await self._traps.stop()
        await self.scheduler.stop()
        await self._alerting.stop()
        await self._live.close()
        await self._server.stop()
        if self._retiring is not None:
            await self._retiring
        await close_context(self._context)
        await asyncio.to_thread(self._history.close)
        await asyncio.to_thread(self._journal.close)
        log.info("netmon stopped")

    async def reload(self) -> Sequence[str]:
        """Read the config again: its mistakes, or none if it is in force now.

        With a mistake in it everything stays as it was.
        """
        async with self._reloading:
            try:
                config = await asyncio.to_thread(load_config, self._path, self._modules, cache=True)
                self._refuse_move(config)
                new = await self._planned(config)
                move = self._traps.reserve(config)
                try:
                    await self._move(config)
                except OSError:
                    if move is not None:
                        move.back()
                    raise
            except ConfigError as error:
                self._mistakes = [str(mistake) for mistake in error.mistakes]
            except NetmonError as error:
                self._mistakes = [f"{self._path}: {error}"]
            except OSError as error:
                self._mistakes = [f"{self._path}: web.listen: {error.strerror or error}"]
            else:
                self._mistakes = ()
                before, self._config = self._config, config
                self._context.agent_name = ehlo_name(config)
                if config.dns != before.dns:
                    retired, self._context.resolver = self._context.resolver, make_resolver(config)
                    await retired.close()
                    self._following.forget()
                self._apply(new)
                self._following.configure(config)
                self._following.start()
                await self._traps.apply(config, move, self._following.routes)
                await self._tell(config)
        self._metrics.reloaded(time.time(), ok=not self._mistakes)
        for mistake in self._mistakes:
            log.error("config was not taken, the old one stays", mistake=mistake)
        self._live.changed("")  # the pages show the mistakes
        return self._mistakes

    def _refuse_move(self, config: Config) -> None:
        now = self._config.state.path
        if config.state.path != now:
            raise StateError(f"state.path: changes with a restart only; it is {now} now")

    async def _move(self, config: Config) -> None:
        """Listen where the new config says: there before no longer here."""
        if config.web.listen == self._config.web.listen:
            return
        new = Server(self._routes, str(config.web.listen))
        await new.start()
        log.info("listens elsewhere", url=f"http://{new.address}/")
        old, self._server = self._server, new
        # The request that asked for this may have come through the old one: let it be answered.
        self._retiring = asyncio.create_task(old.stop())

    async def _planned(self, config: Config) -> Planned:
        return await asyncio.to_thread(planned, config, self._modules, self._following.routes)

    def _apply(self, new: Planned) -> None:
        config, library, checks, access, self._explained = new
        self._loaded = time.time()
        self._scraper.configure(library, access)
        self._prober.configure(config.probe_modules, access)
        self.silences.set_windows(config.windows)
        self._apply_plan(config, checks)

    def _apply_plan(self, config: Config, checks: frozenset[Check]) -> None:
        self.store.plan(all_hosts((entry.host for entry in config.hosts), checks), checks)
        self._traps.planned()
        self._context.memory.planned([check.key for check in checks])
        self._context.flows.planned([flow.name for flow in config.mailflows])
        changes = self.scheduler.apply(checks)
        self._watch.planned()
        self._following.watch.planned()
        log.info(
            "plan",
            added=changes.added,
            changed=changes.changed,
            removed=changes.removed,
            kept=changes.kept,
        )

    def _judge(self, host: str) -> None:
        self._watch.traps_changed(host)

    async def _replan(self) -> None:
        async with self._reloading:
            new = await self._planned(self._config)
            self._apply_plan(new.config, new.checks)
        self._traps.routed(self._following.routes)

    async def _probe(self, check: Check) -> Observation:
        return await PROBES[check.key.probe].probe(check, self._context)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            self._watch.tick()
            self._traps.tick()
            self._history.tidy()
            self._following.watch.tick()

    async def _test_own_link(self) -> None:
        begun = asyncio.get_running_loop().time()
        sound = await self._link.sound(self._config.agent.references)
        self._watch.link_tested(sound=sound, begun=begun)

    async def _tell(self, config: Config) -> None:
        """Have alerts sent as `config` says, with links to where the pages are by now."""
        name = self._context.agent_name
        await self._alerting.apply(config.alerting, agent=name, web=self.url)

    def _works(self) -> bool:
        """Whether checks really run, one within three of the shortest intervals, and reach anything."""
        states = self.store.states().values()
        shortest = min((state.check.interval for state in states), default=0.0)
        latest = max((state.observation.begun for state in states if state.observation), default=0.0)
        lately = latest > 0 and asyncio.get_running_loop().time() - latest <= 3 * shortest
        return lately and not self._watch.isolated

    def _ready(self) -> bool:
        states = self.store.states().values()
        # A mailflow may take minutes: who waits for a first look at all need not wait for the mail.
        seen = all(state.observation is not None or state.check.role is Role.FLOW for state in states)
        return seen and self._following.settled

    def _notices(self) -> Sequence[str]:
        notices = [f"The config was not taken, the old one stays: {mistake}" for mistake in self._mistakes]
        notices += self._config.notices
        notices += self._traps.notices()
        checks = (state.check for state in self.store.states().values())
        notices += ehlo_notices(self._context.agent_name, checks)
        if self._journal.failing is not None:
            notices.append(f"State cannot be written ({self._journal.failing}); it is kept in memory.")
        return notices
