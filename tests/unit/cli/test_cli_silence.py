"""`netmon silence` and `netmon reload` against a control socket with a real book behind it."""

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from netmon.cli import silence as command
from netmon.commands import Desk, commands
from netmon.control import ControlError, Server, ask
from netmon.model import Host
from netmon.silences import Silences
from netmon.windows import Once, Selector, Window
from tests.unit.cli.calling import call

WALL = 1_700_000_000.0


class Nothing:
    """Notes that forget."""

    def note(self, kind: str, name: str, value: Any) -> None:
        """Forget."""

    def noted(self, kind: str) -> Mapping[str, Any]:
        """Nothing of any kind."""
        assert kind
        return {}


class Running:
    """What runs behind the socket."""

    def __init__(self) -> None:
        self.silences = Silences(Nothing(), boot="b1", now=0.0, wall=WALL)
        self.changes = 0
        self.mistakes: list[str] = []

    def changed(self) -> None:
        """Count."""
        self.changes += 1

    async def reload(self) -> Sequence[str]:
        """The mistakes."""
        return self.mistakes


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """An agent's commands behind ./netmon.yml, without the agent; its clocks stand still."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "login", lambda: "anna")
    (tmp_path / "st").mkdir()
    (tmp_path / "netmon.yml").write_text("state: {path: st}\nhosts: [{name: mx1, ping: true}]\n")
    it = Running()
    hosts = {name: Host(name, "192.0.2.1") for name in ("mx1", "mx2", "core-sw1")}
    desk = Desk(it.silences, lambda: hosts, it.changed, it.reload, clock=lambda: 0.0, wall=lambda: WALL)
    with background(Server(tmp_path / "st" / "control.sock", commands(desk))):
        yield it


@contextmanager
def background(server: Server) -> Iterator[None]:
    """Serve from a thread with a loop of its own, as another process would."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(server.start(), loop).result()
        yield
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_a_silence_is_made_listed_and_ended(running: Running) -> None:
    """What is left, until when, by whom and why; and the agent is told of each change."""
    running.silences.set_windows([Window("nightly", "backups", Selector(), Once(0, WALL + 90))])
    made = call("silence", "mx1", "2h", "--why", "new kernel")
    assert (made.exit_code, made.stderr) == (0, "")
    assert made.stdout.startswith("mx1 is silenced until 2023-11-1")
    head, one, window = call("silence").stdout.splitlines()
    assert head.split() == ["ID", "HOST", "LEFT", "UNTIL", "BY", "WHY"]
    assert one.split()[:3] == ["s1", "mx1", "2h"]
    assert one.endswith("anna    new kernel")
    assert window.split()[:3] == ["window", "nightly", "1m30s"]
    ended = call("silence", "mx1", "--end")
    assert ended.stdout == "mx1 is silenced no more (s1: new kernel)\n"
    assert running.changes == 2
    running.silences.set_windows([])
    assert call("silence").stdout == "nothing is silenced\n"


def test_json_of_all_three(running: Running) -> None:
    """Programs get the agent's own answer."""
    made = json.loads(call("silence", "mx*", "1d12h", "--why", "x", "--json").stdout)
    assert (made["id"], made["hosts"], made["until"]) == ("s1", 2, WALL + 129600)
    (listed,) = json.loads(call("silence", "--json").stdout)["silences"]
    assert (listed["host"], listed["by"], listed["left"]) == ("mx*", "anna", 129600)
    (ended,) = json.loads(call("silence", "s1", "--end", "--json").stdout)["ended"]
    assert ended["id"] == "s1"


def test_a_host_that_is_not_there_is_an_error_and_a_pattern_a_warning(running: Running) -> None:
    """A slip of the pen silences nothing unseen; a pattern may be for hosts to come."""
    wrong = call("silence", "core-sw2", "2h", "--why", "x")
    assert wrong.exit_code == 1
    assert wrong.stderr == 'netmon: "core-sw2" is no host of the running config; did you mean "core-sw1"?\n'
    early = call("silence", "web-*", "2h", "--why", "x")
    assert early.exit_code == 0
    assert "no host of the running config fits that pattern now" in early.stderr
    assert [one.pattern for one in running.silences.active(0.0, WALL)] == ["web-*"]


def test_ending_what_is_not_there_names_what_is(running: Running) -> None:
    """A wider silence, or one of a similar name."""
    call("silence", "mx*", "2h", "--why", "x")
    assert 'mx1 is silenced by "mx*"; end that one: s1' in call("silence", "mx1", "--end").stderr
    missed = call("silence", "mx?", "--end")
    assert missed.exit_code == 1
    assert 'no silence for "mx?" is active; did you mean "mx*"?' in missed.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "wanted"),
    [
        (("mx1",), 2, "say how long and why"),
        (("mx1", "2h"), 2, "say why: netmon silence mx1 2h --why"),
        (("mx1", "2h", "--why", " "), 2, "say why: netmon silence mx1 2h --why"),
        (("mx\x1b1", "--why", "x"), 2, "say how long: netmon silence mx\\x1b1 2h"),
        (("--end",), 2, "say which silence to end"),
        (("mx1", "2h", "--end"), 2, "takes no duration"),
        (("mx1", "2", "--why", "x"), 2, '"2" is not a duration like 30s, 5m or 1h30m'),
        (("mx1", "2y", "--why", "x"), 1, "at most 365d"),
        (("mx1", "0s", "--why", "x"), 1, "more than 0s"),
        (("mx1", "2h", "--why", "\x1b[2J"), 1, "cannot be printed"),
        (("mx1", "2h", "--why", "x", "--config", "no.yml"), 1, "no.yml is not there"),
        (("mx1", "2h", "--why", "x", "--socket", "no.sock"), 1, "no agent listens at no.sock"),
        (("\x07mx", "2h", "--why", "x"), 1, r'"\u0007mx" is no host'),
    ],
)
def test_what_is_typed_wrong_is_told(
    running: Running, arguments: tuple[str, ...], code: int, wanted: str
) -> None:
    """In a sentence, and nothing is silenced."""
    done = call("silence", *arguments)
    assert (done.exit_code, done.stdout) == (code, "")
    assert wanted in done.stderr
    assert running.silences.active(0.0, WALL) == ()


def test_reload(running: Running) -> None:
    """Exit 0, or 78 and the mistakes one a line."""
    assert call("reload").stdout == "the config was read again\n"
    running.mistakes = ["netmon.yml:1:1: a", "netmon.yml:2:1: b"]
    done = call("reload", "--socket", "st/control.sock")
    assert (done.exit_code, done.stderr) == (78, "netmon.yml:1:1: a\nnetmon.yml:2:1: b\n")


def test_the_person_behind_sudo_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the user's own login name, and a number for one without."""
    monkeypatch.setattr("os.getuid", lambda: 0)
    monkeypatch.setenv("SUDO_USER", "anna")
    assert command.login() == "anna"
    monkeypatch.delenv("SUDO_USER")
    assert command.login() == "root"
    monkeypatch.setattr("os.getuid", lambda: 54321)
    assert command.login() == "uid 54321"


@pytest.mark.parametrize(
    "request_",
    [
        {"command": "silence"},
        {"command": "silence", "host": "mx1", "why": "x", "by": "y"},
        {"command": "silence", "host": ["mx1"], "seconds": 1, "why": "x", "by": "y"},
        {"command": "silence", "host": "mx1", "seconds": [], "why": "x", "by": "y"},
        {"command": "silence", "host": "mx1", "seconds": 1, "why": "x", "by": "y", "more": 1},
        {"command": "silences", "host": "mx1"},
        {"command": "unsilence"},
        {"command": "reload", "path": "/etc/passwd"},
    ],
)
def test_requests_that_no_netmon_makes_are_refused(running: Running, request_: dict[str, Any]) -> None:
    """Missing, superfluous and odd values alike."""
    with pytest.raises(ControlError, match=r"missing|not a text|out of range|says more"):
        ask(Path("st/control.sock"), request_)
    assert running.changes == 0
