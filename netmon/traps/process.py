"""The receiver's process: sockets and the agent's pipe on one side, the disk on the other.

One thread waits for everything and does all the thinking; one commits, one writes the log.  What the
kernel still holds when the end comes is taken, committed and acknowledged first.
"""

import gc
import os
import selectors
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TextIO, cast

import structlog
from pydantic import ValidationError

from netmon import logs
from netmon.errors import NetmonError
from netmon.events import Writer
from netmon.events.codec import line
from netmon.mib import library
from netmon.snmp.message_v3 import MAX_TIME
from netmon.traps import handshake, memory, own_engine, privileges
from netmon.traps.committing import Committer, Done
from netmon.traps.counters import Counters, Gauge
from netmon.traps.door import Door
from netmon.traps.forward import Forwarder
from netmon.traps.handler import Handler
from netmon.traps.lines import Lines, Refusals
from netmon.traps.notices import ALL, Notices
from netmon.traps.records import Drop, Settings
from netmon.traps.sockets import Sockets
from netmon.traps.sources import Sources
from netmon.traps.translate import Translator

log = structlog.get_logger(__name__)

DELAY: Final = 0.04  # seconds that a trap may wait for a commit
_ENOUGH: Final = 2_000  # events that are committed at once
_TICK: Final = 0.1  # seconds between looks at what is due
_FIRST_WORD: Final = 60.0  # seconds for the agent's settings
_DRAIN: Final = 3.0  # seconds at the end for what the kernel holds
_LAST_COMMIT: Final = 10.0
_PIPE: Final = 65_536
_NOTE: Final = 30.0  # seconds between two notes of SNMPv3 senders' clocks
_SWITCH: Final = 0.001  # seconds that the thread of commits waits for Python's lock; 5 ms make commits slow
_HEAD: Final = '{"event":"trap","level":"info","logger":"netmon.traps",'


class Receiver:
    """Everything between the descriptors that the agent gave; `run` returns the exit code."""

    def __init__(self, control: socket.socket, counters: Counters, sockets: Sockets, lines: Lines) -> None:
        control.setblocking(False)
        self._control = control
        self._counters = counters
        self._sockets = sockets
        self._lines = lines
        self._heard = handshake.Lines()
        self._selector = selectors.DefaultSelector()
        self._notices = Notices()
        self._unsent = b""
        self._refusals = Refusals(self._refused)
        self._ending = False
        self._outage = False
        self._known_defects: set[str] = set()
        self._reading: threading.Thread | None = None
        self._newest: Settings | None = None
        self._swaps: list[Callable[[], None]] = []
        self._next_tick = self._next_second = self._next_note = 0.0

    def run(self) -> int:
        """Until the agent says so, or ends."""
        settings = self._first_settings()
        if settings is None:
            return 0
        try:
            self._start(settings)
        except (NetmonError, OSError) as error:
            self._tell({"failed": str(error)})
            log.critical("traps cannot be received", why=str(error))
            return 1
        self._tell({"ready": os.getpid()})
        try:
            while not self._ending:
                self._turn()
            self._end()
        finally:
            self._forwarder.close()
            self._sockets.close()
        return 0

    def end(self, *_: object) -> None:
        """Take what there is, and end; for a signal."""
        self._ending = True

    def _first_settings(self) -> Settings | None:
        deadline = time.monotonic() + _FIRST_WORD
        self._selector.register(self._control, selectors.EVENT_READ)
        while not self._ending and time.monotonic() < deadline:
            if self._selector.select(1.0):
                messages = self._messages()
                self._ending = self._ending or any(message.stop for message in messages)
                for message in reversed(messages):
                    if message.settings is not None:
                        return message.settings
        return None

    def _messages(self) -> list[handshake.Message]:
        """What the agent says now; its end is a wish to end."""
        try:
            octets = self._control.recv(_PIPE)
        except BlockingIOError:
            return []
        except OSError:
            octets = b""
        if not octets:
            self._ending = True
            return []
        found = []
        for words in self._heard.feed(octets):
            try:
                found.append(handshake.parse_message(words))
            except ValidationError as error:
                self._tell({"failed": f"settings that cannot be understood: {error}"})
        return found

    def _start(self, settings: Settings) -> None:
        writer = Writer(
            settings.folder, retention=settings.retention, max_size=settings.max_size, wall=time.time
        )
        self._own = own_engine.take_up(settings.folder, time.monotonic())
        if self._own.boots == MAX_TIME:
            log.error("informs of SNMPv3 are refused: the boots in engine.json are at their end")
        translator = _translator(settings)
        self._settings = self._newest = settings
        self._forwarder = Forwarder(settings.forward)
        door = Door(settings, self._own)
        door.security.peers.restore(memory.read(settings.folder), time.monotonic())
        self._handler = Handler(
            settings,
            door=door,
            sources=Sources.of(settings),
            translator=translator,
            counters=self._counters,
            refused=self._refusals.note,
            defect=self._defect,
        )
        self._committer = Committer(writer)
        self._idle = True
        self._selector.register(self._committer.wake, selectors.EVENT_READ, self._finished)
        for number, sock in enumerate(self._sockets.all):
            self._selector.register(sock, selectors.EVENT_READ, partial(self._drain, number))
        self._selector.modify(self._control, selectors.EVENT_READ, self._listen)
        # Nothing on the way of a trap makes a cycle: the collector has little to find and a long way to go.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        sys.setswitchinterval(_SWITCH)

    def _turn(self) -> None:
        now = time.monotonic()
        timeout = max(0.0, self._next_tick - now)
        if self._idle and self._handler.waiting:
            due = self._handler.begun + DELAY
            timeout = min(timeout, max(0.0, due - now))
        for key, _ in self._selector.select(timeout):
            key.data()
        now = time.monotonic()
        handler = self._handler
        if handler.replies:
            self._report()
        if self._idle and (
            handler.urgent or handler.waiting >= _ENOUGH or (handler.waiting and now >= handler.begun + DELAY)
        ):
            self._commit()
        if now >= self._next_tick:
            self._next_tick = now + _TICK
            self._tick(now)

    def _drain(self, number: int) -> None:
        self._sockets.drain(number, self._handler.take, self._counters.cells)

    def _report(self) -> None:
        for reply in self._handler.replies:
            self._counters.add(Gauge.REPORTS if self._sockets.send(reply) else Gauge.REPLIES_LOST)
        self._handler.replies.clear()

    def _commit(self) -> None:
        commit = self._handler.cut()
        if commit is not None:
            self._idle = False
            self._committer.start(commit)

    def _finished(self) -> None:
        done = self._committer.outcome()
        if done is not None:
            self._take_in(done)

    def _take_in(self, done: Done) -> None:
        self._idle = True
        if done.error is not None:
            self._handler.failed()
            if not self._outage:
                self._outage = True
                log.error(
                    "events cannot be stored: traps are dropped, informs unanswered", why=str(done.error)
                )
            return
        if self._outage:
            self._outage = False
            log.info("events can be stored again")
        outcome = self._handler.committed(done.first_id, time.monotonic())
        counters = self._counters
        for reply in outcome.acknowledgements:
            counters.add(Gauge.INFORMS if self._sockets.send(reply) else Gauge.REPLIES_LOST)
        counters.add(Gauge.COMMITS)
        counters.add(Gauge.COMMIT_MICROSECONDS, int(done.seconds * 1e6))
        self._notices.add(outcome)
        if self._settings.log and outcome.events:
            text = "\n".join([_HEAD + line(number, row)[1:] for number, row, _ in outcome.events]) + "\n"
            self._lines.put(text.encode(), len(outcome.events))
        if self._settings.forward:
            for _, _, words in outcome.events:
                if words.forward:
                    sent, lost = self._forwarder.send(words.forward)
                    counters.add(Gauge.FORWARDED, sent)
                    counters.add(Gauge.FORWARD_LOST, lost)

    def _tick(self, now: float) -> None:
        if not self._unsent and not self._notices.empty:
            self._tell(self._notices.take())
        elif self._unsent:
            self._send(b"")
        self._refusals.tell(now)
        while self._swaps:
            self._swaps.pop(0)()
        for gauge, value in self._handler.gauges().items():
            self._counters[gauge] = value
        self._counters[Gauge.LINES_LOST] = self._lines.lost
        if now >= self._next_second:
            self._next_second = now + 1.0
            self._handler.expire(now)
        if now >= self._next_note:
            self._next_note = now + _NOTE
            memory.write(self._settings.folder, self._handler.peers.note())

    def _listen(self) -> None:
        for message in self._messages():
            if message.stop:
                self._ending = True
            elif message.settings is not None:
                self._newest = message.settings
                if self._reading is None:
                    self._read(message.settings)

    def _read(self, settings: Settings) -> None:
        """Other settings: MIBs are read in a thread, because compiling them takes its time."""

        def work() -> None:
            try:
                translator = _translator(settings)
            except Exception as error:  # noqa: BLE001 - told, and the old settings stay
                self._swaps.append(partial(self._swapped, settings, None, str(error)))
            else:
                self._swaps.append(partial(self._swapped, settings, translator, ""))

        self._reading = threading.Thread(target=work, name="mibs", daemon=True)
        self._reading.start()

    def _swapped(self, settings: Settings, translator: Translator | None, why: str) -> None:
        self._reading = None
        if self._newest is not settings and self._newest is not None:
            self._read(self._newest)  # there are newer ones already
            return
        if translator is None:
            self._tell({"failed": why})
            return
        door = Door(settings, self._own, self._handler.peers)
        self._handler.configure(settings, door=door, sources=Sources.of(settings), translator=translator)
        self._committer.configure(retention=settings.retention, max_size=settings.max_size)
        self._forwarder.close()
        self._forwarder = Forwarder(settings.forward)
        self._settings = settings
        self._tell({"ready": os.getpid()})

    def _tell(self, words: dict[str, Any]) -> None:
        self._send(handshake.reply_line(words))

    def _send(self, octets: bytes) -> None:
        self._unsent += octets
        try:
            self._unsent = self._unsent[self._control.send(self._unsent) :]
        except BlockingIOError:
            return
        except OSError:
            self._unsent = b""

    def _end(self) -> None:
        """What the kernel holds, and then the last commits."""
        deadline = time.monotonic() + _DRAIN
        numbers = range(len(self._sockets.all))
        cells = self._counters.cells
        more = True
        while more and time.monotonic() < deadline:
            more = sum(self._sockets.drain(number, self._handler.take, cells) for number in numbers) > 0
            if self._handler.waiting >= _ENOUGH:
                self._finish()
        self._report()
        self._finish()
        self._finish()  # what came to wait while one was running
        memory.write(self._settings.folder, self._handler.peers.note())
        self._committer.close(_LAST_COMMIT)
        self._refusals.tell(float("inf"))
        if not self._notices.empty:
            self._tell(self._notices.take(ALL))
        for gauge, value in self._handler.gauges().items():
            self._counters[gauge] = value

    def _finish(self) -> None:
        """One commit, waited for."""
        if self._idle:
            self._commit()
        if not self._idle:
            done = self._committer.finish(_LAST_COMMIT)
            if done is not None:
                self._take_in(done)

    def _refused(self, reason: Drop, source: str, why: str, count: int) -> None:
        log.warning("traps are refused", reason=reason.value, source=source, why=why, count=count)

    def _defect(self, error: BaseException) -> None:
        """Once for each place; the traceback holds code and no octets of the datagram."""
        frames = []
        at = error.__traceback__
        while at is not None:
            frames.append(f"{at.tb_frame.f_code.co_filename}:{at.tb_lineno} {at.tb_frame.f_code.co_name}")
            at = at.tb_next
        place = frames[-1] if frames else ""
        if place in self._known_defects or len(self._known_defects) > 100:  # noqa: PLR2004 - enough
            return
        self._known_defects.add(place)
        log.error("a defect of netmon: a trap is dropped", error=type(error).__name__, frames=frames)


def _translator(settings: Settings) -> Translator:
    found = library.load(settings.mib_dirs, settings.folder if settings.mib_dirs else None)
    for mistake in found.mistakes[:20]:
        log.warning("a MIB is left out", mistake=str(mistake))
    return Translator(found.tree, settings.rules)


def serve(control: int, counters: int, sockets: list[int], log_to: int) -> int:
    """The whole life of the process; the descriptors are inherited.  Returns the exit code."""
    privileges.drop()
    lines = Lines(log_to)
    logs.configure(stream=cast("TextIO", lines))
    receiver = Receiver(socket.socket(fileno=control), Counters(counters), Sockets(sockets), lines)
    signal.signal(signal.SIGTERM, receiver.end)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})  # `child.spawn` blocks it until here
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the agent's affair
    try:
        return receiver.run()
    except Exception:
        log.exception("the receiver of traps fails")
        return 3
    finally:
        lines.finish(1.0)
