"""The demo's whole company, with an agent that watches it and a Prometheus that scrapes the agent."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from anyio.from_thread import BlockingPortal, start_blocking_portal

from netmon.demo.cast import whole
from netmon.demo.company import FAST, Company
from tests.servers.agent import AgentProcess, agent
from tests.servers.prometheus import Prometheus, prometheus


@dataclass(frozen=True)
class WatchedDemo:
    """All that runs."""

    company: Company
    watcher: AgentProcess
    server: Prometheus
    portal: BlockingPortal  # to the loop on which the company runs

    def act(self, what: Callable[[Company], object]) -> None:
        """Something happens to the company."""
        self.portal.call(what, self.company)


@contextmanager
def watched_demo(folder: Path) -> Iterator[WatchedDemo]:
    """Every machine polled and scraped every second; Prometheus keeps its data below `folder`."""
    machines = Company(whole(1), trap_port=free_udp_port())
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(machines) as company,
        agent(folder, company.config(listen="127.0.0.1:0", pace=FAST)) as watcher,
    ):
        address = watcher.url.removeprefix("http://")
        jobs = f'- {{job_name: netmon, static_configs: [{{targets: ["{address}"]}}]}}'
        with prometheus(folder / "prometheus", jobs) as server:
            watcher.ready()
            yield WatchedDemo(company, watcher, server, portal)


def free_udp_port() -> int:
    """A port on which nothing listens."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
