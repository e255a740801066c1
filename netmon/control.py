"""The control socket: how commands of this machine reach the running agent.

A unix socket in the state folder, for its owner and root alone.  One JSON object a line asks, one a
line answers: ``{"command": NAME, ...}`` and then ``{"ok": {...}}`` or ``{"error": SENTENCE}``.  It knows
nothing of what the commands do.

`ask` is the other end of it, for the command line.
"""

import asyncio
import contextlib
import json
import os
import pwd
import socket
import stat
import struct
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from netmon.errors import NetmonError

log = structlog.get_logger(__name__)

NAME: Final = "control.sock"
MAX_LINE: Final = 64 << 10  # bytes of a request
MAX_ANSWER: Final = 16 << 20
MAX_CONNECTIONS: Final = 16
PATIENCE: Final = 10.0  # seconds for a request to come, to be served, and for its answer to go
_SUN_PATH: Final = 107  # bytes; unix(7) gives 108 with the NUL at the end
_MIGHTY: Final = frozenset({0})  # uids that may do everything anyway
_UCRED: Final = struct.Struct("3i")  # pid, uid, gid


class ControlError(NetmonError):
    """The agent could not be asked, or it refused; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Command:
    """What answers a command; it is given the request without the command's name.

    It raises NetmonError with a sentence for the asker.  What takes longer than `seconds` goes on
    without an answer, since half a command would be worse.
    """

    run: Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
    seconds: float = PATIENCE


class Server:
    """Serves commands on a socket; make it inside the event loop."""

    def __init__(self, path: Path, commands: Mapping[str, Command]) -> None:
        self._path = path
        self._commands = commands
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._running: set[asyncio.Task[Mapping[str, Any]]] = set()

    async def start(self) -> None:
        """Listen; what an agent that was killed left behind is replaced.  Raises ControlError."""
        try:
            door = _listen(self._path)
        except OSError as error:
            raise ControlError(f"{self._path} cannot be served: {error.strerror or error}") from error
        self._server = await asyncio.start_unix_server(self._connected, sock=door, limit=MAX_LINE)

    async def stop(self) -> None:
        """Listen no more and remove the socket; commands that run may come to their end."""
        if self._server is None:
            return
        self._server.close()
        with contextlib.suppress(OSError):
            self._path.unlink()
        if self._running:
            await asyncio.wait(self._running, timeout=PATIENCE)
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - streams run this in a task
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        try:
            refusal = self._refusal(writer)
            if refusal:
                await _send(writer, {"error": refusal})
                return
            while await self._request(reader, writer):
                pass
        except (OSError, TimeoutError, asyncio.CancelledError):
            pass  # the peer went away or is too slow; or the agent stops
        finally:
            writer.close()

    def _refusal(self, writer: asyncio.StreamWriter) -> str:
        peer = writer.get_extra_info("socket")
        _, uid, _ = _UCRED.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
        if uid not in _MIGHTY and uid != os.geteuid():
            return f"only uid {os.geteuid()} and root may ask this agent, not uid {uid}"
        if len(self._connections) > MAX_CONNECTIONS:
            return f"{MAX_CONNECTIONS} connections are open already; try again"
        return ""

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Serve one request; whether another may follow."""
        try:
            async with asyncio.timeout(PATIENCE):
                line = await reader.readuntil(b"\n")
        except asyncio.IncompleteReadError:
            return False
        except asyncio.LimitOverrunError:
            await _send(writer, {"error": f"a request has at most {MAX_LINE} bytes"})
            return False
        await _send(writer, await self._answer(line))
        return True

    async def _answer(self, line: bytes) -> Mapping[str, Any]:
        try:
            request = json.loads(line)
        except (ValueError, RecursionError):
            request = None
        if not isinstance(request, dict) or not isinstance(request.get("command"), str):
            return {"error": 'a request is a JSON object on one line: {"command": NAME, ...}'}
        command = self._commands.get(request.pop("command"))
        if command is None:
            return {"error": f"there is no such command; there are {', '.join(sorted(self._commands))}"}
        running = asyncio.create_task(self._run(command, request))
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        try:
            async with asyncio.timeout(command.seconds):
                return await asyncio.shield(running)
        except TimeoutError:
            return {"error": f"it takes longer than {command.seconds:g} s and goes on; look at the log"}

    async def _run(self, command: Command, request: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return {"ok": await command.run(request)}
        except NetmonError as error:
            return {"error": str(error)}
        except Exception:
            log.exception("a command of the control socket crashed")
            return {"error": "a defect in netmon, which its log describes"}


async def _send(writer: asyncio.StreamWriter, answer: Mapping[str, Any]) -> None:
    writer.write(json.dumps(answer, separators=(",", ":")).encode() + b"\n")
    async with asyncio.timeout(PATIENCE):
        await writer.drain()


def _listen(path: Path) -> socket.socket:
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise FileExistsError(0, "something that is no socket is there; move it away")
        # The lock on the state folder says that no other agent serves it.
        path.unlink()
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # A chmod afterwards would leave a moment in which all could connect.
        before = os.umask(0o177)
        try:
            with _address(path) as address:
                door.bind(address)
        finally:
            os.umask(before)
        door.listen(MAX_CONNECTIONS)
        door.setblocking(False)
    except BaseException:
        door.close()
        raise
    return door


@contextlib.contextmanager
def _address(path: Path) -> Iterator[str]:
    """A name of the socket that is short enough for the kernel."""
    if len(os.fsencode(path)) <= _SUN_PATH:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def ask(path: Path, request: Mapping[str, Any], *, seconds: float = PATIENCE) -> dict[str, Any]:
    """Ask the agent behind a socket and wait for its answer, at most about `seconds`.

    Raises ControlError, with the agent's own sentence if it refused.
    """
    line = json.dumps(request).encode() + b"\n"
    if len(line) > MAX_LINE:
        raise ControlError(f"the request is longer than {MAX_LINE} bytes")
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as agent, _address(path) as address:
            agent.settimeout(seconds)
            agent.connect(address)
            with contextlib.suppress(BrokenPipeError):  # turned away unheard, and told why
                agent.sendall(line)
            with agent.makefile("rb") as answers:
                data = answers.readline(MAX_ANSWER + 1)
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
        raise ControlError(
            f"no agent listens at {path}. Start one: netmon run; or name its config: --config FILE, "
            "or its socket: --socket PATH"
        ) from None
    except PermissionError:
        who = " or as ".join(dict.fromkeys((_owner(path), "root")))
        raise ControlError(f"no permission to use {path}; run it as {who}") from None
    except TimeoutError:
        raise ControlError(f"the agent at {path} does not answer within {seconds:g} s") from None
    except OSError as error:
        raise ControlError(f"{path}: {error.strerror or error}") from None
    return _understood(data, path)


def _understood(data: bytes, path: Path) -> dict[str, Any]:
    try:
        answer = json.loads(data) if len(data) <= MAX_ANSWER else None
    except (ValueError, RecursionError):
        answer = None
    if isinstance(answer, dict) and isinstance(answer.get("ok"), dict):
        return dict(answer["ok"])
    if isinstance(answer, dict) and isinstance(answer.get("error"), str):
        raise ControlError(answer["error"])
    raise ControlError(f"what answers at {path} is no netmon agent, or it has just been stopped")


def _owner(path: Path) -> str:
    """The user to whom the socket, or the nearest folder above it that can be seen, belongs."""
    for place in (path, *path.parents):
        with contextlib.suppress(OSError):
            uid = place.stat().st_uid
            try:
                return pwd.getpwuid(uid).pw_name
            except KeyError:
                return f"uid {uid}"
    return "its owner"
