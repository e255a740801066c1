"""netmon's checks on demand: config, plan, probe and exposition as the agent has them, behind HTTP.

`/check?host=&endpoint=` runs the host's check of that endpoint now and answers with its page.
"""

# ruff: noqa: T201 - stdout is how it talks to the benchmark

import asyncio
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import uvloop
from starlette.requests import Request
from starlette.responses import Response

from netmon.exposition import Exposition
from netmon.icmp import Pinger
from netmon.loading import load_config
from netmon.mail.slots import Slots
from netmon.mail.tls import TrustStores
from netmon.mib.modules import builtin_modules
from netmon.model import Check, CheckState, Host, HostVerdict
from netmon.plan import plan
from netmon.probes import PROBES
from netmon.probes.base import Context, Library
from netmon.resolver import Resolver
from netmon.snmp.client import Client
from netmon.web import Server


class Latest:
    """The source of a page about the one check that has just run."""

    def __init__(self, check: Check) -> None:
        self.state = CheckState(check)

    def hosts(self) -> Mapping[str, Host]:
        """The check's host."""
        host = self.state.check.host
        return {host.name: host}

    def verdicts(self) -> Mapping[str, HostVerdict]:
        """None: nothing is judged here."""
        return {}

    def checks_of(self, _host: str) -> Sequence[CheckState]:
        """The one check."""
        return (self.state,)


async def main(path: Path) -> None:
    """Serve the checks of the config at `path` until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    modules = builtin_modules()
    config = load_config(path, modules)
    # No counter is preferred to another, so that the page has all that the peer's has.
    library = Library(config.auths, modules, wider={})
    checks = {check.key[0::2]: check for check in plan(config, library)}
    context = Context(
        agent_name="probe.demo.example",
        snmp=Client(),
        pinger=Pinger(),
        resolver=Resolver(),
        trust=TrustStores(),
        slots=Slots(),
        wall=time.time,
    )
    own_labels = {kind.name: kind.own_labels for kind in PROBES.values()}
    pages: dict[tuple[str, str], tuple[Latest, Exposition]] = {}

    async def run(request: Request) -> Response:
        key = (request.query_params["host"], request.query_params["endpoint"])
        check = checks[key]
        observation = await PROBES[check.key.probe].probe(check, context)
        if key not in pages:
            latest = Latest(check)
            pages[key] = latest, Exposition(latest, own_labels=own_labels)
        latest, exposition = pages[key]
        latest.state = CheckState(
            check, observation, own=observation.own, result=observation.result, reason=observation.reason
        )
        return Response(b"".join(exposition.metrics(check.key.host)), media_type="text/plain")

    server = Server({"/check": run}, "127.0.0.1:0")
    await server.start()
    print(server.address.rpartition(":")[2], flush=True)
    await stop.wait()
    await server.stop()
    context.snmp.close()


with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    runner.run(main(Path(sys.argv[1])))
