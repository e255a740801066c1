"""`netmon demo`: the real agent, on the simulated company."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from netmon.agent import Agent, load_config, serve
from netmon.demo.company import Company
from netmon.mib.modules import builtin_modules


async def demo(listen: str, announce: Callable[[str], None]) -> None:
    """Run until SIGTERM or SIGINT; `announce` is given the status page's URL.

    The config is a real file, so that SIGHUP and `/-/reload` work as with `netmon run`.
    """
    modules = builtin_modules()
    async with Company() as company:
        with tempfile.TemporaryDirectory(prefix="netmon-demo-") as folder:
            path = Path(folder) / "netmon.yml"
            path.write_text(company.config(listen=listen), encoding="utf-8")
            agent = Agent(path, load_config(path, modules), modules)
            await serve(agent, lambda: announce(f"http://{agent.address}/"))
