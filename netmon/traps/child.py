"""One process that receives traps, as its parent has it: begun, spoken with, listened to, ended."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import structlog

from netmon.traps import handshake

log = structlog.get_logger(__name__)

GRACE: Final = 10.0  # seconds for a receiver to commit what it has when it is told to stop
_REAP: Final = 2.0  # seconds between the end of its words and the end of its process
_LONGEST_NOTICE: Final = 16 << 20  # octets; three thousand changes with the longest of names are 5 MB
# What the receiver may know of the environment: no passwords, which may be there for the config.
_KEPT: Final = frozenset({"PATH", "LANG", "TZ", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "LD_PRELOAD"})
_KEPT_PREFIXES: Final = ("LC_", "FAKETIME", "PYTHON")


class Child:
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

    async def words(self) -> AsyncIterator[Mapping[str, Any]]:
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


def spawn(command: Callable[..., Sequence[str]], memory: int, sockets: Sequence[socket.socket]) -> Child:
    """Begin one, which inherits the counters' `memory` and the sockets.  Raises OSError."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    words = command(sys.executable, control=theirs, counters=memory, sockets=sockets)
    python, *rest = words
    package = str(Path(__file__).resolve().parents[2])
    # A stop of the whole service reaches it as well, maybe before it can end in peace: until then it waits.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        process = subprocess.Popen(  # noqa: S603 - this Python, a module of netmon's
            [python, "-P", *rest],
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno(), memory, *(each.fileno() for each in sockets)],
            env=environment(os.environ, package),
            process_group=0,  # Ctrl-C is the agent's affair
        )
    except OSError:
        ours.close()
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
    return Child(process, ours)


def environment(environ: Mapping[str, str], package: str) -> dict[str, str]:
    """The receiver's environment: it finds the same netmon, and no passwords."""
    kept = {
        name: value for name, value in environ.items() if name in _KEPT or name.startswith(_KEPT_PREFIXES)
    }
    kept["PYTHONPATH"] = os.pathsep.join(filter(None, (package, kept.get("PYTHONPATH"))))
    return kept
