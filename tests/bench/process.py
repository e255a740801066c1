"""Processes to be measured, and what the kernel charged to them."""

import contextlib
import filecmp
import http.client
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Self

ROOT = Path(__file__).resolve().parents[2]
COMPILED = ROOT / "build/compiled"  # by `make compile`
START = 30.0  # seconds for a process to come up
AGENT_START = 120.0  # with ten thousand hosts to read and plan
STOP = 5.0
REPLY = 300.0  # seconds for a batch
CPU_CLOCK = 2  # CPUCLOCK_SCHED of linux/posix-timers.h


@dataclass
class Process:
    """A running child; `port` is where it listens, if it does."""

    child: subprocess.Popen[str] = field(repr=False)
    port: int = 0

    def cpu(self) -> float:
        """CPU seconds so far, user and system, of all threads, those that have ended included.

        The process's own clock (clock_getcpuclockid(3) of the C library makes the same number): to the
        nanosecond, where proc(5) has steps of 10 ms.
        """
        return time.clock_gettime(~self.child.pid << 3 | CPU_CLOCK)

    def memory(self) -> int:
        """The resident set now, in bytes."""
        return self._status("VmRSS")

    def peak_memory(self) -> int:
        """Largest resident set so far, in bytes."""
        return self._status("VmHWM")

    def _status(self, key: str) -> int:
        status = Path(f"/proc/{self.child.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(key)) * 1024

    def dropped(self) -> int:
        """Datagrams that the kernel threw away for want of room in this process's UDP sockets.

        The last column of /proc/net/udp, for the sockets that the process has open.
        """
        folder = Path(f"/proc/{self.child.pid}/fd")
        names = {str(entry.readlink()) for entry in folder.iterdir() if entry.is_symlink()}
        rows = [line.split() for line in Path("/proc/net/udp").read_text().splitlines()[1:]]
        return sum(int(row[12]) for row in rows if f"socket:[{row[9]}]" in names)

    def line(self) -> str:
        """The next line of its output.  Raises RuntimeError if it ends or stays silent."""
        if self.child.stdout is None or not select.select([self.child.stdout], [], [], REPLY)[0]:
            raise RuntimeError(f"{self.child.args!r} says nothing")
        line = self.child.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.child.args!r} ended with status {self.child.wait()}")
        return line.rstrip("\n")

    def ask(self, text: str) -> str:
        """Send a line and read one."""
        if self.child.stdin is None:
            raise RuntimeError(f"{self.child.args!r} takes no commands")
        self.child.stdin.write(text + "\n")
        self.child.stdin.flush()
        return self.line()


@contextlib.contextmanager
def program(command: Sequence[str], *, log: Path) -> Iterator[Process]:
    """Run a command for as long as the block; its errors go to `log`."""
    with log.open("w") as errors:
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=ROOT
        )
        try:
            yield Process(child)
        finally:
            child.send_signal(signal.SIGTERM)
            try:
                child.communicate(timeout=STOP)
            except subprocess.TimeoutExpired:
                child.kill()
                child.communicate()


def compiled() -> bool:
    """Whether `make compile` has made what can be measured, and of the sources as they are."""
    sources = [path.relative_to(ROOT) for path in (ROOT / "netmon").rglob("*.py")]
    return all(
        (COMPILED / path).exists() and filecmp.cmp(ROOT / path, COMPILED / path, shallow=False)
        for path in sources
    )


def interpreter(*, fast: bool = False) -> list[str]:
    """Python with netmon as it lies here or, if `fast`, with its hot modules compiled."""
    path = f"{COMPILED}:{ROOT}" if fast else str(ROOT)
    return ["env", f"PYTHONPATH={path}", sys.executable, "-P"]


@contextlib.contextmanager
def python(name: str, *arguments: str, log: Path, fast: bool = False) -> Iterator[Process]:
    """Run `tests.bench.children.NAME`; its first line of output is its port, or 0."""
    command = [*interpreter(fast=fast), "-m", f"tests.bench.children.{name}", *arguments]
    with program(command, log=log) as process:
        try:
            process.port = int(process.line())
        except RuntimeError as error:
            raise RuntimeError(f"{error}\n{log.read_text()}") from error
        yield process


@contextlib.contextmanager
def agent(config: Path, *, log: Path, fast: bool = False) -> Iterator[Process]:
    """Run `netmon run` as users do; its web server's port is free to choose."""
    command = [*interpreter(fast=fast), "-m", "netmon", "run", "--config", str(config)]
    with program(command, log=log) as process:
        deadline = time.monotonic() + AGENT_START
        while True:
            if found := re.search(r'"url": "http://[^"]*:(\d+)/', log.read_text()):
                process.port = int(found[1])
                break
            if process.child.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"netmon does not start\n{log.read_text()[-5000:]}")
            time.sleep(0.05)
        yield process


@contextlib.contextmanager
def exporter(name: str, config: Path, *, log: Path) -> Iterator[Process]:
    """Run one of Debian's exporters on a free port of loopback."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [name, f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"]
    with program(command, log=log) as process:
        process.port = port
        deadline = time.monotonic() + START
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if process.child.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{name} does not start\n{log.read_text()}") from None
                time.sleep(0.05)
        yield process


class Page:
    """Fetches one page again and again over a connection that stays, as Prometheus does."""

    def __init__(self, process: Process, path: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", process.port, timeout=START)
        self._path = path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def fetch(self, path: str = "") -> str:
        """The page's text, or that of another.  Raises RuntimeError unless the answer is 200."""
        self._connection.request("GET", path or self._path)
        answer = self._connection.getresponse()
        text = answer.read().decode()
        if answer.status != http.client.OK:
            raise RuntimeError(f"{self._path}: {answer.status} {text[:500]}")
        return text

    def times(self, count: int) -> None:
        """Fetch it `count` times."""
        for _ in range(count):
            self.fetch()


@dataclass
class Contender:
    """One side of a comparison; `work(count)` does its work so many times."""

    name: str
    process: Process
    work: Callable[[int], object]
    weight: float = 1.0  # share of the rounds' repetitions, for a side that is slow
    reference: bool = False  # the peer that the others are compared with
    requests: Callable[[], int] | None = None  # a count that goes on: what its work has asked so far
    cpu: list[float] = field(default_factory=list)  # seconds for one repetition, by round
    wall: list[float] = field(default_factory=list)
    asked: list[float] = field(default_factory=list)  # requests for one repetition
    memory: int = 0  # bytes, the largest resident set


class Fact(NamedTuple):
    """One figure of a comparison that has no peer."""

    name: str
    value: float
    unit: str
    digits: int


def race(contenders: Sequence[Contender], *, rounds: int, count: int, warm: bool = True) -> None:
    """Let all sides work in turn, round by round, so that the machine's moods meet them alike.

    `warm` lets caches and code warm up before.
    """
    if warm:
        for side in contenders:
            side.work(max(1, round(count * side.weight / 10)))
    for _ in range(rounds):
        for side in contenders:
            repetitions = max(1, round(count * side.weight))
            before = side.requests() if side.requests else 0
            cpu, wall = side.process.cpu(), time.perf_counter()
            side.work(repetitions)
            side.wall.append((time.perf_counter() - wall) / repetitions)
            side.cpu.append((side.process.cpu() - cpu) / repetitions)
            if side.requests:
                side.asked.append((side.requests() - before) / repetitions)
    for side in contenders:
        side.memory = side.process.peak_memory()
