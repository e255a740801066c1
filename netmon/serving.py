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
from netmon.traps.listeners import passed_sockets

COLLECT: Final = (100_000, 20, 20)  # containers made before a young, a middle and a full garbage collection


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
        # What is there now stays; and of what comes, reference counts free nearly all.  With Python's own
        # thresholds a full collection stopped an agent of 10,000 devices for seconds, ten times a minute.
        gc.freeze()
        gc.set_threshold(*COLLECT)
        started()
        manager.ready(agent.url)
        beating = asyncio.create_task(_beat(manager))
        await ended.wait()
        beating.cancel()
    finally:
        manager.stopping()
        await agent.stop()


async def _beat(manager: ServiceManager) -> None:
    """Show the watchdog that the event loop turns, for as long as one wants to see it."""
    while manager.watchdog:
        manager.alive()
        await asyncio.sleep(manager.watchdog / 3)


async def run(path: Path) -> None:
    """`netmon run`.  Raises ConfigError, StateError or OSError before anything is checked."""
    modules = builtin_modules()
    config = load_config(path, modules, cache=True)
    agent = Agent(path, config, modules, passed_sockets(os.environ, os.getpid()))
    await serve(agent, manager=ServiceManager(os.environ, os.getpid()))
