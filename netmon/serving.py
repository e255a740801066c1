"""An agent as a process: until a signal ends it, and one by which it reads its config again."""

import asyncio
import gc
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from netmon.agent import Agent
from netmon.loading import load_config
from netmon.mib.modules import builtin_modules
from netmon.service_manager import ServiceManager
from netmon.traps import privileges
from netmon.traps.listeners import passed_sockets

# Garbage in cycles, which reference counts do not free.
_NEW: Final = 0.5  # seconds between two looks at what came since
_ALL: Final = 60.0  # seconds between two looks at everything, at least
_SHARE: Final = 2000  # and at least so many times as long as one takes


async def serve(
    agent: Agent, started: Callable[[], None] = lambda: None, manager: ServiceManager | None = None
) -> None:
    """Run `agent` until SIGTERM or SIGINT; SIGHUP reloads.  `manager` is told of all that."""
    manager = manager or ServiceManager({}, 0)
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    reloads: set[asyncio.Task[Sequence[str]]] = set()

    async def read_again() -> Sequence[str]:
        manager.reloading()
        mistakes = await agent.reload()
        kept = "the config was not taken, the old one stays; " if mistakes else ""
        manager.ready(kept + agent.url)
        return mistakes

    def reload() -> None:
        task = loop.create_task(read_again())
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    loop.add_signal_handler(signal.SIGHUP, reload)
    try:
        await agent.start()
        gc.freeze()  # what is there now stays
        started()
        manager.ready(agent.url)
        meanwhile = [asyncio.create_task(_beat(manager)), asyncio.create_task(_collect())]
        await ended.wait()
        for task in meanwhile:
            task.cancel()
    finally:
        manager.stopping()
        await agent.stop()


async def _beat(manager: ServiceManager) -> None:
    """Show the watchdog that the event loop turns, for as long as one wants to see it."""
    while manager.watchdog:
        manager.alive()
        await asyncio.sleep(manager.watchdog / 3)


async def _collect() -> None:
    """Look for garbage in cycles by the clock.

    Python looks after so many containers more were made than freed.  An agent of 10,000 devices keeps
    millions of them and replaces them by as many again: with Python's own thresholds it stops for a second
    ten times a minute, with large ones as long, later.  What came in half a second is looked at in some
    10 ms; that takes the rows of tables off the collector's lists, too.
    """
    gc.disable()
    loop = asyncio.get_running_loop()
    full = loop.time() + _ALL
    try:
        while True:
            await asyncio.sleep(_NEW)
            begun = loop.time()
            if begun < full:
                gc.collect(1)
            else:
                gc.collect()
                full = begun + max(_ALL, _SHARE * (loop.time() - begun))
    finally:
        gc.enable()


async def run(path: Path) -> None:
    """`netmon run`.  Raises ConfigError, StateError or OSError before anything is checked."""
    # The state holds keys and what servers said, wherever its folder lies.
    os.umask(0o077)
    privileges.keep_from_children()
    modules = builtin_modules()
    config = load_config(path, modules, cache=True)
    agent = Agent(path, config, modules, passed_sockets(os.environ, os.getpid()))
    await serve(agent, manager=ServiceManager(os.environ, os.getpid()))
