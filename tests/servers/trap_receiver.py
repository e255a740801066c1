"""The receiver's own process on loopback, with the agent's end of its pipe in the test's hands."""

import contextlib
import json
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from netmon.traps.counters import Counters, make
from netmon.traps.handshake import command, settings_line, stop_line
from netmon.traps.records import Drop, Settings, Stage

ROOT = Path(__file__).resolve().parents[2]
READY = 30.0
_SO_RCVBUFFORCE, _SO_MEMINFO, _IP_PKTINFO = 33, 55, 8


@dataclass
class Receiver:
    """A receiver that may be killed and begun again: sockets and counters stay."""

    settings: Settings
    log: Path
    sockets: list[socket.socket]
    memory: int = field(default_factory=make)
    child: subprocess.Popen[bytes] | None = None
    control: socket.socket | None = None
    notices: list[dict[str, Any]] = field(default_factory=list)
    _rest: bytes = b""

    def __post_init__(self) -> None:
        self.counters = Counters(self.memory)

    @property
    def port(self) -> int:
        """Of the first socket."""
        port: int = self.sockets[0].getsockname()[1]
        return port

    def start(self) -> None:
        """Begin it, and wait until it is ready; AssertionError tells what it said instead."""
        ours, theirs = socket.socketpair()
        words = command(sys.executable, control=theirs, counters=self.memory, sockets=self.sockets)
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(
                list(words),
                pass_fds=[theirs.fileno(), self.memory, *(sock.fileno() for sock in self.sockets)],
                stderr=log,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
        theirs.close()
        self.control = ours
        ours.sendall(settings_line(self.settings))
        said = self.hear(READY)
        assert "ready" in (said or {}), f"{said} {self.log.read_text()}"

    def hear(self, timeout: float) -> dict[str, Any] | None:
        """The next line that it says."""
        assert self.control is not None
        self.control.settimeout(timeout)
        while b"\n" not in self._rest:
            try:
                octets = self.control.recv(1 << 20)
            except TimeoutError:
                return None
            if not octets:
                return None
            self._rest += octets
        line, _, self._rest = self._rest.partition(b"\n")
        said: dict[str, Any] = json.loads(line)
        return said

    def listen(self) -> None:
        """Keep what it has said so far, without waiting."""
        while (said := self.hear(0.001)) is not None:
            self.notices.append(said)

    def kill(self) -> None:
        """kill -9, and the books as the agent closes them."""
        assert self.child is not None
        self.child.kill()
        self.child.wait()
        self._hang_up()
        self.counters.book_death()

    def stop(self, how: str = "stop") -> int:
        """End it by a word, a signal (`SIGTERM`) or the end of the pipe (`EOF`); its exit code."""
        assert self.child is not None
        assert self.control is not None
        if how == "stop":
            self.control.sendall(stop_line())
        elif how == "EOF":
            self.control.shutdown(socket.SHUT_WR)
        else:
            self.child.send_signal(signal.Signals[how])
        with selectors.DefaultSelector() as selector:
            selector.register(self.control, selectors.EVENT_READ)
            while self.child.poll() is None:
                if selector.select(0.05):
                    said = self.hear(0.001)
                    if said is None:
                        self.child.wait(READY)
                    else:
                        self.notices.append(said)
        self._hang_up()
        return self.child.returncode

    def _hang_up(self) -> None:
        assert self.control is not None
        self.control.close()
        self._rest = b""

    def kernel_drops(self) -> int:
        """Datagrams that found no room in the sockets."""
        drops: int = sum(
            struct.unpack("9I", sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 36))[8]
            for sock in self.sockets
        )
        return drops

    def ended(self) -> int:
        """Datagrams that became an event or ended in a counter, but for the kernel's."""
        drops = sum(self.counters[reason] for reason in Drop if reason is not Drop.KERNEL)
        return self.counters[Stage.COMMITTED] + drops

    def wait(self, count: int, timeout: float = 20.0) -> None:
        """Until so many datagrams have ended, the kernel's drops included."""
        deadline = time.monotonic() + timeout
        while self.ended() + self.kernel_drops() < count:
            assert time.monotonic() < deadline, (count, self.ended(), self.kernel_drops(), self.told())
            time.sleep(0.01)

    def told(self) -> dict[str, int]:
        """All counters that are not zero, by name."""
        names = (*Stage, *Drop)
        return {name.value: self.counters[name] for name in names if self.counters[name]}


def udp(address: str = "127.0.0.1", buffer: int = 32 << 20, port: int = 0) -> socket.socket:
    """A socket as the agent makes them."""
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, buffer)
    except PermissionError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    sock.bind((address, port))
    return sock


@contextlib.contextmanager
def receiver(
    settings: Settings, log: Path, *, address: str = "127.0.0.1", buffer: int = 32 << 20
) -> Iterator[Receiver]:
    """A receiver that has begun."""
    settings.folder.mkdir(parents=True, exist_ok=True)
    made = Receiver(settings, log, [udp(address, buffer)])
    try:
        made.start()
        yield made
    finally:
        if made.child is not None and made.child.poll() is None:
            made.kill()
        for sock in made.sockets:
            sock.close()
        os.close(made.memory)
