"""The receiver's parent, with a small program in the receiver's place."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from netmon.traps import supervisor as supervisor_module
from netmon.traps.child import environment
from netmon.traps.handshake import command as real_command
from netmon.traps.listeners import Listeners
from netmon.traps.records import Drop, Settings, Stage
from netmon.traps.supervisor import Supervisor

# What it is told it repeats, and each datagram counts as received; one that says "commit" is committed.
RECEIVER = """
import json, os, select, socket, sys
from netmon.traps.counters import Counters
from netmon.traps.records import Stage
options = dict(word.lstrip("-").split("=") for word in sys.argv[1:])
control = socket.socket(fileno=int(options["control"]))
counters = Counters(int(options["counters"]))
sockets = [socket.socket(fileno=int(number)) for number in options["sockets"].split(",")]
def tell(**words):
    control.sendall(json.dumps(words).encode() + b"\\n")
def drain():
    for each in sockets:
        try:
            while True:
                words = each.recv(1000)
                counters.add(Stage.RECEIVED)
                if words == b"die":
                    os._exit(3)
                if words == b"commit":
                    counters.add(Stage.COMMITTED)
                tell(words=words.decode())
        except BlockingIOError:
            pass
rest = b""
while True:
    ready, _, _ = select.select([control, *sockets], [], [])
    if control in ready:
        octets = control.recv(65536)
        if not octets:
            os._exit(0)
        *lines, rest = (rest + octets).split(b"\\n")
        for line in lines:
            message = json.loads(line)
            if message.get("stop"):
                drain()
                os._exit(0)
            if message["settings"]["folder"] == "/broken":
                tell(failed="the folder is broken")
                os._exit(1)
            tell(ready=os.getpid())
            tell(settings=message["settings"])
    drain()
"""


class Scene:
    """A supervisor over the small program, and what it was told."""

    def __init__(self, script: Path) -> None:
        self.notices: list[Mapping[str, Any]] = []
        self.changes = 0
        self.listeners = Listeners()
        self.listeners.open([("127.0.0.1", 0)]).take()

        def command(python: str, **rest: Any) -> Sequence[str]:
            assert python == sys.executable
            _, _, _, *options = real_command(python, **rest)
            return [python, str(script), *options]

        self.it = Supervisor(
            self.listeners,
            noticed=self.notices.append,
            changed=self._changed,
            clock=asyncio.get_running_loop().time,
            command=command,
        )

    def _changed(self) -> None:
        self.changes += 1

    def send(self, words: bytes) -> None:
        """One datagram to the first listener."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(words, self.listeners.current[0].sock.getsockname())

    def sample(self, name: str, **labels: str) -> float:
        """One value of its metrics."""
        (found,) = [each for each in self.it.samples() if each.name == name and each.labels == labels]
        return found.value


async def until(true: Callable[[], Any]) -> None:
    """Give the small program time."""
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - another process makes it true
            await asyncio.sleep(0.01)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Scene]:
    """A supervisor that has not begun."""
    script = tmp_path / "receiver.py"
    script.write_text(RECEIVER)
    made = Scene(script)
    yield made
    await made.it.stop()
    made.it.close()


async def test_it_is_told_and_tells(stage: Scene) -> None:
    """Settings go to the child, notices come back, and every metric is there from the first look."""
    assert stage.sample("netmon_trap_receiver_up") == 0
    assert {each.labels["reason"] for each in stage.it.samples() if "reason" in each.labels} == set(Drop)
    stage.it.start(Settings(Path("/one"), communities=(b"\xff",)))
    await until(lambda: stage.it.up)
    assert stage.sample("netmon_trap_receiver_up") == 1
    stage.send(b"commit")
    await until(lambda: {"words": "commit"} in stage.notices)
    assert stage.sample("netmon_trap_datagrams_total", stage="committed") == 1
    listen = stage.listeners.current[0].name
    assert stage.sample("netmon_trap_receive_buffer_bytes", listen=listen) > 100_000
    await stage.it.configure(Settings(Path("/two")))
    await until(lambda: {"settings": {"folder": "/two"}} in stage.notices)
    assert stage.it.restarts == 0


async def test_one_that_dies_is_begun_again_and_its_books_closed(stage: Scene) -> None:
    """kill -9: what it had in hand is counted, what the kernel holds is taken by the next one."""
    stage.it.start(Settings(Path("/one")))
    await until(lambda: stage.it.up)
    stage.send(b"in hand")
    await until(lambda: {"words": "in hand"} in stage.notices)
    pid = stage.it.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    stage.send(b"commit")
    os.kill(pid, signal.SIGKILL)
    await until(lambda: stage.it.restarts)
    assert "signal 9; 1 datagrams" in stage.it.fault
    await until(lambda: stage.it.up)
    assert stage.it.pid != pid
    assert stage.it.fault == ""
    await until(lambda: stage.it.counters[Stage.COMMITTED])
    received, committed = stage.it.counters[Stage.RECEIVED], stage.it.counters[Stage.COMMITTED]
    assert (received, committed, stage.it.counters[Drop.RECEIVER_DIED]) == (2, 1, 1)
    assert stage.sample("netmon_trap_receiver_restarts_total") == 1


async def test_the_pause_grows(stage: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that cannot work says why, and is tried less and less often."""
    monkeypatch.setattr(supervisor_module, "SHORTEST", 0.01)
    stage.it._pause = 0.01
    stage.it.start(Settings(Path("/broken")))
    await until(lambda: stage.it.restarts >= 3)
    assert stage.it.fault == "the folder is broken"
    assert stage.it._pause == pytest.approx(0.01 * 2**stage.it.restarts, rel=0.6)
    assert not stage.it.up


async def test_a_move_loses_nothing(stage: Scene) -> None:
    """What waits in a socket that goes is taken before it closes; new ones are there before."""
    stage.it.start(Settings(Path("/one")))
    await until(lambda: stage.it.up)
    pid = stage.it.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    for _ in range(5):
        stage.send(b"commit")
    old = stage.listeners.current[0].sock
    before = old.getsockname()
    moving = asyncio.create_task(stage.it.move(stage.listeners.open([("127.0.0.2", 0)])))
    await asyncio.sleep(0)
    stage.send(b"commit")  # to the new one, which nobody reads yet
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as late:
        late.connect(before)
        late.send(b"commit")  # to the old one: refused at once, and not lost in its queue
        with pytest.raises(ConnectionRefusedError):
            late.send(b"commit")
    os.kill(pid, signal.SIGCONT)
    await moving
    await until(lambda: stage.it.up and stage.it.counters[Stage.COMMITTED] == 6)
    assert stage.it.pid != pid
    assert (stage.it.restarts, stage.it.counters[Drop.RECEIVER_DIED]) == (0, 0)
    assert old.fileno() == -1


async def test_it_ends_and_leaves_no_orphan(stage: Scene) -> None:
    """Told to stop it commits what waits; nothing is begun again."""
    stage.it.start(Settings(Path("/one")))
    await until(lambda: stage.it.up)
    pid = stage.it.pid
    assert pid is not None
    stage.send(b"commit")
    await stage.it.stop()
    assert stage.it.counters[Stage.COMMITTED] == 1
    assert (stage.it.restarts, stage.it.pid) == (0, None)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        pytest.fail("it is there still")


async def test_a_stop_at_once(stage: Scene) -> None:
    """A receiver that has hardly begun ends without ceremony."""
    stage.it.start(Settings(Path("/one")))
    async with asyncio.timeout(5):
        await stage.it.stop()


def test_no_password_of_the_environment_is_passed_on() -> None:
    """It gets what a program needs, and the way to the same netmon."""
    given = {"COMMUNITY": "secret", "PATH": "/bin", "LISTEN_FDS": "1", "LC_ALL": "C", "PYTHONPATH": "/x"}
    assert environment(given, "/here") == {"PATH": "/bin", "LC_ALL": "C", "PYTHONPATH": "/here:/x"}
