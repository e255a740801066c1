"""The receiver's process as its parent has it: begun, begun again when it dies, told of settings, ended.

The sockets and the counters are the parent's, so a receiver that dies loses what it had in hand and
nothing else: what the kernel holds waits for the next one, and what was in hand is counted.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import structlog

from netmon.model import Kind
from netmon.traps import handshake
from netmon.traps.counters import Counters, Gauge, make
from netmon.traps.listeners import Listener, Listeners, Move
from netmon.traps.records import Drop, Settings, Stage

log = structlog.get_logger(__name__)

SHORTEST: Final = 0.1  # seconds before a receiver that died is begun again; doubled each time
LONGEST: Final = 10.0
_WELL: Final = 30.0  # seconds of life after which a death is the first one again
GRACE: Final = 10.0  # seconds for a receiver to commit what it has when it is told to stop
_REAP: Final = 2.0  # seconds between the end of its words and the end of its process
_LONGEST_NOTICE: Final = 4 << 20  # octets
# What the receiver may know of the environment: no passwords, which may be there for the config.
_KEPT: Final = frozenset({"PATH", "LANG", "TZ", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "LD_PRELOAD"})
_KEPT_PREFIXES: Final = ("LC_", "FAKETIME", "PYTHON")

Noticed = Callable[[Mapping[str, Any]], None]


class Sample(NamedTuple):
    """One value of a metric of the receiver's; what exposition calls a reading."""

    name: str
    help: str
    kind: Kind
    labels: Mapping[str, str]
    value: float


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
        self._child: _Child | None = None
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
        told = "Datagrams on the trap port, by how far they came."
        for stage in Stage:
            yield _count("netmon_trap_datagrams_total", told, self.counters[stage], stage=stage.value)
        told = "Datagrams on the trap port that became no event, by the reason."
        for reason in Drop:
            yield _count("netmon_trap_dropped_total", told, self.counters[reason], reason=reason.value)
        for listener in self._listeners.current:
            yield _gauge(
                "netmon_trap_receive_buffer_bytes",
                "Receive buffer that the kernel granted to a trap socket.",
                listener.granted,
                listen=listener.name,
            )
            yield _gauge(
                "netmon_trap_receive_queue_bytes",
                "Receive buffer of a trap socket that is in use.",
                listener.queued(),
                listen=listener.name,
            )
        yield _gauge("netmon_trap_receiver_up", "1 while the receiver of traps works, else 0.", int(self.up))
        yield _count(
            "netmon_trap_receiver_restarts_total", "Times that the receiver of traps died.", self.restarts
        )
        for gauge, name, text in _GAUGES:
            yield _gauge(name, text, self.counters[gauge])
        for gauge, name, text in _COUNTS:
            yield _count(name, text, self.counters[gauge])
        spent = self.counters[Gauge.COMMIT_MICROSECONDS] / 1e6
        yield _count("netmon_trap_commit_seconds_total", "Seconds spent on committing events.", spent)

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
                told = await self._follow(child)
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
            log.error("the receiver of traps died and is begun again", why=told, seconds=self._pause)
            if self._pause == SHORTEST:
                self._died(told)
            self._changed()
            await asyncio.sleep(self._pause)
            self._pause = min(2 * self._pause, LONGEST)

    async def _follow(self, child: "_Child") -> str:
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

    def _heard(self, child: "_Child", words: Mapping[str, Any]) -> None:
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

    def _spawn(self) -> "_Child":
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        sockets = [each.sock for each in self._listeners.current]
        words = self._command(sys.executable, control=theirs, counters=self._memory, sockets=sockets)
        python, *rest = words
        package = str(Path(__file__).resolve().parents[2])
        try:
            process = subprocess.Popen(  # noqa: S603 - this Python, a module of netmon's
                [python, "-P", *rest],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno(), self._memory, *(each.fileno() for each in sockets)],
                env=environment(os.environ, package),
                process_group=0,  # Ctrl-C is the agent's affair
            )
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        return _Child(process, ours)


class _Child:
    """One process, and the line to it."""

    def __init__(self, process: subprocess.Popen[bytes], sock: socket.socket) -> None:
        self.process = process
        self.ready = False
        self.failed = ""
        self.gone = asyncio.Event()  # it has ended, and its books are closed
        self._sock = sock
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        """Begin to listen to it."""
        self._sock.setblocking(False)
        self._reader, self._writer = await asyncio.open_unix_connection(
            sock=self._sock, limit=_LONGEST_NOTICE
        )

    async def send(self, line: bytes) -> None:
        """Tell it something; one that is dead does not hear it, and its successor is told anew."""
        if self._writer is None:
            return
        try:
            self._writer.write(line)
            await self._writer.drain()
        except OSError as error:
            log.debug("the receiver of traps does not listen", why=str(error))

    async def words(self) -> Any:
        """What it says, until it ends."""
        assert self._reader is not None  # noqa: S101 - it was opened
        while True:
            try:
                line = await self._reader.readline()
            except (OSError, ValueError):  # ValueError: longer than any notice
                return
            if not line.endswith(b"\n"):
                return
            try:
                words = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(words, dict):
                yield words

    async def end(self) -> None:
        """Have it stop: kindly, then not."""
        if self._writer is None:  # it has hardly begun
            self.process.terminate()
        await self.send(handshake.stop_line())
        try:
            await asyncio.to_thread(self.process.wait, GRACE)
        except subprocess.TimeoutExpired:
            log.warning("the receiver of traps does not stop and is killed", pid=self.process.pid)
            self.process.kill()

    async def reap(self) -> int:
        """Its exit code, once it has closed its end of the line; it is helped if need be."""
        if self._writer is not None:
            self._writer.close()
        else:
            self._sock.close()
        if self.process.poll() is None:
            try:
                await asyncio.to_thread(self.process.wait, _REAP)
            except subprocess.TimeoutExpired:
                self.process.kill()
                await asyncio.to_thread(self.process.wait)
        return int(self.process.returncode)


def environment(environ: Mapping[str, str], package: str) -> dict[str, str]:
    """The receiver's environment: it finds the same netmon, and no passwords."""
    kept = {
        name: value for name, value in environ.items() if name in _KEPT or name.startswith(_KEPT_PREFIXES)
    }
    kept["PYTHONPATH"] = os.pathsep.join(filter(None, (package, kept.get("PYTHONPATH"))))
    return kept


_GAUGES: Final = (
    (Gauge.QUEUE, "netmon_trap_queue_events", "Events that wait for a commit."),
    (Gauge.SOURCES, "netmon_trap_sources", "Addresses whose rate of traps is watched."),
    (Gauge.PEERS, "netmon_trap_peers", "SNMPv3 engines whose clock is known."),
)
_COUNTS: Final = (
    (Gauge.COMMITS, "netmon_trap_commits_total", "Commits of events."),
    (Gauge.FOLDED, "netmon_trap_folded_total", "Datagrams that only counted up an event."),
    (Gauge.INFORMS, "netmon_trap_acknowledgements_total", "Acknowledgements of informs that were sent."),
    (Gauge.REPORTS, "netmon_trap_reports_total", "Reports of SNMPv3 that were sent."),
    (
        Gauge.REPLIES_LOST,
        "netmon_trap_replies_lost_total",
        "Acknowledgements and Reports that the kernel would not send.",
    ),
    (Gauge.FORWARDED, "netmon_trap_forwarded_total", "Traps sent on to other receivers."),
    (Gauge.FORWARD_LOST, "netmon_trap_forward_lost_total", "Traps that could not be sent on."),
    (Gauge.LINES_LOST, "netmon_trap_log_lines_lost_total", "Log lines of events that could not be written."),
    (Gauge.DEFECTS, "netmon_trap_defects_total", "Datagrams on which the receiver itself failed."),
)


def _count(name: str, text: str, value: float, **labels: str) -> Sample:
    return Sample(name, text, Kind.COUNTER, labels, value)


def _gauge(name: str, text: str, value: float, **labels: str) -> Sample:
    return Sample(name, text, Kind.GAUGE, labels, value)
