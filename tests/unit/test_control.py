"""The control socket: who may ask, what is answered, and what hostile bytes do."""

import asyncio
import json
import os
import socket
import stat
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvloop

from netmon import control
from netmon.control import MAX_CONNECTIONS, MAX_LINE, Command, ControlError, Server, ask
from netmon.errors import NetmonError

LOOPS = (None, uvloop.new_event_loop)


async def echo(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Answers what it was asked."""
    return {"echo": dict(request)}


async def refuse(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Says no."""
    raise NetmonError("not on a Sunday")


async def crash(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Has a defect."""
    raise ZeroDivisionError


COMMANDS = {"echo": Command(echo), "refuse": Command(refuse), "crash": Command(crash)}


@asynccontextmanager
async def serving(
    path: Path, commands: Mapping[str, Command] = COMMANDS
) -> AsyncIterator[Callable[..., Coroutine[Any, Any, dict[str, Any]]]]:
    """A server on `path`; yields what asks it."""
    server = Server(path, commands)
    await server.start()

    async def asking(request: Mapping[str, Any]) -> dict[str, Any]:
        return await asyncio.to_thread(ask, path, request)

    try:
        yield asking
    finally:
        await server.stop()


async def raw(path: Path, data: bytes) -> bytes:
    """Send bytes and an end of them; all that comes back."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    answer = b""
    try:
        writer.write(data)
        writer.write_eof()
        answer = await reader.read()
    except OSError:
        pass  # the server has closed before all was sent
    finally:
        writer.close()
    return answer


@pytest.mark.parametrize("factory", LOOPS)
def test_a_command_is_answered_and_the_socket_is_gone_in_the_end(factory: Any, tmp_path: Path) -> None:
    """On both event loops; the socket is the owner's alone."""
    path = tmp_path / "control.sock"

    async def main() -> None:
        async with serving(path) as asking:
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert await asking({"command": "echo", "x": ["ż"]}) == {"echo": {"x": ["ż"]}}
            with pytest.raises(ControlError, match="not on a Sunday"):
                await asking({"command": "refuse"})
            with pytest.raises(ControlError, match="a defect in netmon"):
                await asking({"command": "crash"})
            with pytest.raises(ControlError, match="there are crash, echo, refuse"):
                await asking({"command": "reboot"})
            assert await asking({"command": "echo"}) == {"echo": {}}
        assert not path.exists()

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main())


@pytest.mark.parametrize("factory", LOOPS)
def test_a_path_that_is_too_long_for_the_kernel_works(factory: Any, tmp_path: Path) -> None:
    """sun_path holds 108 bytes; a state folder may lie deeper."""
    folder = tmp_path / ("d" * 100) / ("e" * 100)
    folder.mkdir(parents=True)
    path = folder / "control.sock"

    async def main() -> None:
        before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
        async with serving(path) as asking:
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert await asking({"command": "echo"}) == {"echo": {}}
        assert not path.exists()
        await asyncio.sleep(0)
        assert len(os.listdir("/proc/self/fd")) <= before + 1  # noqa: PTH208 - the thread pool's

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main())


async def test_what_a_killed_agent_left_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    """A stale socket goes; a file of another kind is not netmon's to remove."""
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    async with serving(path) as asking:
        assert await asking({"command": "echo"}) == {"echo": {}}
    path.write_text("mine")
    with pytest.raises(ControlError, match="something that is no socket is there"):
        await Server(path, COMMANDS).start()
    assert path.read_text() == "mine"


async def test_the_umask_is_as_before(tmp_path: Path) -> None:
    """It belongs to the whole process."""
    before = os.umask(0o027)
    try:
        async with serving(tmp_path / "control.sock"):
            pass
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"[]\n",
        b"{}\n",
        b'{"command": 7}\n',
        b'{"command": ["echo"]}\n',
        b"\xff\xfe\x00\n",
        b"GET / HTTP/1.1\r\n",
        b"[" * 60_000 + b"\n",
        b'{"command": ' + b"9" * 10_000 + b"}\n",
        b'{"command": "echo"',
        b"",
    ],
)
async def test_hostile_bytes_are_answered_by_a_sentence_or_not_at_all(line: bytes, tmp_path: Path) -> None:
    """No line ends the server, and no half line is taken for a whole one."""
    path = tmp_path / "control.sock"
    async with serving(path) as asking:
        answer = await raw(path, line)
        if line.endswith(b"\n"):
            assert json.loads(answer.splitlines()[0])["error"].startswith("a request is a JSON object")
        else:
            assert answer == b""
        assert await asking({"command": "echo"}) == {"echo": {}}


async def test_a_line_without_end_is_bounded(tmp_path: Path) -> None:
    """It is refused at 64 KiB, and the connection ends."""
    path = tmp_path / "control.sock"
    async with serving(path) as asking:
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(b"x" * (MAX_LINE + 1))
        assert b"at most 65536 bytes" in await reader.readline()
        writer.close()
        with pytest.raises(ControlError, match="longer than 65536 bytes"):
            await asking({"command": "echo", "x": "x" * MAX_LINE})


async def test_several_requests_on_one_connection(tmp_path: Path) -> None:
    """Each line has its answer, in turn."""
    path = tmp_path / "control.sock"
    async with serving(path):
        answers = (await raw(path, b'{"command":"echo","n":1}\n{"command":"echo","n":2}\n')).splitlines()
        assert [json.loads(answer)["ok"]["echo"]["n"] for answer in answers] == [1, 2]


async def test_connections_are_bounded(tmp_path: Path) -> None:
    """The seventeenth is turned away, and a place that was left is free again."""
    path = tmp_path / "control.sock"
    async with serving(path) as asking:
        held = [await asyncio.open_unix_connection(str(path)) for _ in range(MAX_CONNECTIONS)]
        for reader, writer in held:  # each is served, so each is counted
            writer.write(b'{"command":"echo"}\n')
            assert await reader.readline()
        with pytest.raises(ControlError, match="16 connections are open already"):
            await asking({"command": "echo"})
        held[0][1].close()
        await held[0][0].read()
        while True:  # until the server has noticed
            try:
                assert await asking({"command": "echo"}) == {"echo": {}}
                break
            except ControlError:
                continue
        for _, writer in held:
            writer.close()


async def test_a_peer_that_says_nothing_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request has a deadline, from the moment that the connection is free for it."""
    monkeypatch.setattr(control, "PATIENCE", 0.05)
    path = tmp_path / "control.sock"
    async with serving(path):
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(b'{"command":')
        assert await reader.read() == b""
        writer.close()


async def test_a_slow_command_goes_on_without_its_asker(tmp_path: Path) -> None:
    """Half a reload would be worse than a late one; the asker is told, and stopping waits for it."""
    done, go = [], asyncio.Event()

    async def slow(request: Mapping[str, Any]) -> Mapping[str, Any]:
        await go.wait()
        done.append(1)
        return {}

    server = Server(tmp_path / "control.sock", {"slow": Command(slow, 0.05)})
    await server.start()
    with pytest.raises(ControlError, match="goes on; look at the log"):
        await asyncio.to_thread(ask, tmp_path / "control.sock", {"command": "slow"})
    stopping = asyncio.create_task(server.stop())
    go.set()
    await stopping
    assert done == [1]


async def test_another_user_is_refused_by_the_kernels_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should the file's mode ever be opened, SO_PEERCRED still tells who asks."""
    path = tmp_path / "control.sock"
    async with serving(path) as asking:
        monkeypatch.setattr(control, "_MIGHTY", frozenset())
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
        with pytest.raises(ControlError, match="only uid 12345 and root may ask this agent, not uid"):
            await asking({"command": "echo"})


def test_what_keeps_an_asker_from_the_agent_is_told(tmp_path: Path) -> None:
    """No agent, a stale socket, something else that answers."""
    path = tmp_path / "control.sock"
    with pytest.raises(ControlError, match=r"no agent listens at .*netmon run"):
        ask(path, {"command": "echo"})
    with pytest.raises(ControlError, match="no agent listens"):
        ask(tmp_path / ("x" * 120) / "control.sock", {"command": "echo"})
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    with pytest.raises(ControlError, match="no agent listens"):
        ask(path, {"command": "echo"})
    path.unlink()
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(path))
        deaf.listen()
        with pytest.raises(ControlError, match=r"does not answer within 0\.05 s"):
            ask(path, {"command": "echo"}, seconds=0.05)


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0\r\n", b"{}\n", b'{"ok": 7}\n', b"[" * 60_000])
async def test_an_answer_of_something_else_is_told(answer: bytes, tmp_path: Path) -> None:
    """Whatever it is, it is a sentence and no traceback."""
    path = tmp_path / "control.sock"

    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(answer)
        writer.close()

    async with await asyncio.start_unix_server(other, str(path)):
        with pytest.raises(ControlError, match="is no netmon agent"):
            await asyncio.to_thread(ask, path, {"command": "echo"})
