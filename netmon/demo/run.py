"""`netmon demo`: the real agent on the simulated company, and a script of faults that come and go."""

import asyncio
import contextlib
import socket
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from netmon.agent import Agent
from netmon.demo.cast import whole
from netmon.demo.company import FAST, Company, Pace
from netmon.demo.machine import Machine
from netmon.demo.player import Player, Tempo
from netmon.demo.replay import replayed
from netmon.demo.story import STORIES, Step, Story
from netmon.errors import NetmonError
from netmon.loading import load_config
from netmon.mib.modules import builtin_modules
from netmon.model import HostVerdict, News, VerdictName
from netmon.serving import serve

log = structlog.get_logger(__name__)

_MAX_PORT: Final = 65535
QUICKER: Final = 3.0  # how much quicker the fast demo goes
_NAMED: Final = "\n".join(f"{story.name:<13}{story.summary}" for story in STORIES)
DEMO_HELP: Final = f"""\
Run the agent on a simulated company whose faults come and go, all on loopback.

Nothing else has to be installed or configured.  Ctrl-C ends everything.  What happens is said here and
on the status page; in a few minutes every verdict has been seen.  The scenarios:

\b
{_NAMED}

Example:

    netmon demo --fast --scenario uplink
"""


class DemoError(NetmonError):
    """The demo was asked for what it has not."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What kind of demo: `scenario` is a story's name, or empty for all; `captures` are .snmprec files.

    `verdicts`: every change of one is told among the story's lines.
    """

    listen: str
    fast: bool = False
    scenario: str = ""
    seed: int = 1
    captures: Sequence[Path] = ()
    verdicts: bool = False


def stories(scenario: str) -> Sequence[Story]:
    """The story of that name, or all of them without one.  Raises DemoError, which names them."""
    found = [story for story in STORIES if scenario in ("", story.name)]
    if not found:
        names = ", ".join(story.name for story in STORIES)
        raise DemoError(f"there is no scenario {scenario!r}; there are {names}")
    return found


async def demo(wanted: Wanted, say: Callable[[str], None]) -> None:
    """Run until SIGTERM or SIGINT; `say` is given lines for the terminal.

    The config is a real file, so that SIGHUP and `/-/reload` work as with `netmon run`.  Raises
    DemoError, CaptureError or OSError before anything is started.
    """
    script = stories(wanted.scenario)
    _look_at_door(wanted.listen)
    machines = list(whole(wanted.seed))
    for machine, told in await asyncio.to_thread(replayed, wanted.captures):
        machines.append(machine)
        say(told)
    # Bound here, so that the devices know the port before the agent runs; any free one.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as traps:
        traps.bind(("127.0.0.1", 0))
        await _run(wanted, machines, script, traps, say)


def _look_at_door(listen: str) -> None:
    """Raises DemoError where nobody can listen there: the agent would speak of a config that nobody wrote."""
    host, _, port = listen.rpartition(":")
    another = "take another: netmon demo --listen 127.0.0.1:9163"
    if not port.isdecimal() or int(port) > _MAX_PORT or not host:
        raise DemoError(f'"{listen}" is no place to listen; {another}')
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )[0]
        with socket.socket(family, kind, protocol) as door:
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            door.bind(address)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise DemoError(f"nobody can listen at {listen} ({why}): end what does so, or {another}") from None


async def _run(
    wanted: Wanted,
    machines: Sequence[Machine],
    script: Sequence[Story],
    traps: socket.socket,
    say: Callable[[str], None],
) -> None:
    modules = builtin_modules()
    async with Company(machines, trap_port=traps.getsockname()[1]) as company:
        with tempfile.TemporaryDirectory(prefix="netmon-demo-") as folder:
            path = Path(folder) / "netmon.yml"
            pace = FAST if wanted.fast else Pace()
            path.write_text(company.config(listen=wanted.listen, pace=pace), encoding="utf-8")
            agent = Agent(path, load_config(path, modules), modules, (traps,))

            def announce(step: Step) -> None:
                now = time.time()
                agent.store.tell(News(now, step.text, step.host))
                say(f"{_clock(now)}  {step.host}: {step.text}")

            tempo = Tempo().times(QUICKER) if wanted.fast else Tempo()
            player = Player(company, agent.store.verdicts, announce, tempo)
            agent.store.listen(lambda _before, _after: player.look())
            if wanted.verdicts:
                agent.store.on_change(Verdicts(agent.store.verdicts, say).look)
            async with contextlib.AsyncExitStack() as stack:

                def started() -> None:
                    say(f"\n  The status page is at http://{agent.address}/\n  Ctrl-C ends the demo.\n")
                    if wanted.verdicts:
                        say(f"  In another shell, cd {folder} and try: netmon report, netmon trap tail,")
                        say(
                            f"  netmon silence mx1 10m --why trying, netmon top --url http://{agent.address}\n"
                        )
                    playing = asyncio.create_task(_play(player, script, wanted.seed))
                    stack.push_async_callback(_end, playing)

                await serve(agent, started)


class Verdicts:
    """Tells of verdicts as they change."""

    def __init__(self, verdicts: Callable[[], Mapping[str, HostVerdict]], say: Callable[[str], None]) -> None:
        self._verdicts = verdicts
        self._say = say
        self._told: dict[str, VerdictName] = {}

    def look(self, host: str) -> None:
        """Something about a host is new."""
        verdict = self._verdicts().get(host)
        if verdict is None or not verdict.since or verdict.confirmed.name is self._told.get(host):
            return
        first = host not in self._told
        self._told[host] = verdict.confirmed.name
        if not first:
            said = f"{verdict.confirmed.name}: {verdict.confirmed.sentence}"
            self._say(f"{_clock(verdict.since)}    {host} is {said}")


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))


async def _play(player: Player, script: Sequence[Story], seed: int) -> None:
    try:
        await player.play(script, seed)
    except Exception:
        # The agent and the page go on, but a script that stands still must say why.
        log.exception("the demo's script broke off")


async def _end(playing: asyncio.Task[None]) -> None:
    playing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await playing
