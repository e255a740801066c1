"""What systemd is told, over a real socket of its kind."""

import socket
from pathlib import Path

import pytest

from netmon.service_manager import ServiceManager


@pytest.fixture
def ear(tmp_path: Path) -> socket.socket:
    """Systemd's end."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    made.bind(str(tmp_path / "notify"))
    made.settimeout(5)
    return made


def test_what_is_said(ear: socket.socket, tmp_path: Path) -> None:
    """Each word of sd_notify(3) that the agent has a use for."""
    with ear:
        manager = ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "notify")}, 7)
        manager.ready("http://127.0.0.1:9162\nsecond line")
        manager.alive()
        manager.reloading()
        manager.stopping()
        assert ear.recv(999) == b"READY=1\nSTATUS=http://127.0.0.1:9162 second line"
        assert ear.recv(999) == b"WATCHDOG=1"
        assert ear.recv(999).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
        assert ear.recv(999) == b"STOPPING=1"


def test_an_abstract_name() -> None:
    """A name that begins with @ stands for one outside the file system."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind("")  # the kernel chooses an abstract name
        ear.settimeout(5)
        name = ear.getsockname()
        ServiceManager({"NOTIFY_SOCKET": "@" + name[1:].decode()}, 7).alive()
        assert ear.recv(999) == b"WATCHDOG=1"


@pytest.mark.parametrize("name", ["", "/nowhere/at/all", "relative", "@", "\0x", "/" + "x" * 200])
def test_nobody_who_listens(name: str) -> None:
    """The agent works on."""
    ServiceManager({"NOTIFY_SOCKET": name} if name else {}, 7).ready("")


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, 0.0),
        ({"WATCHDOG_USEC": "60000000"}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "7"}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "8"}, 0.0),
        ({"WATCHDOG_USEC": "often"}, 0.0),
        ({"WATCHDOG_USEC": "-5"}, 0.0),
    ],
)
def test_the_watchdog(environ: dict[str, str], seconds: float) -> None:
    """Only where systemd wants it, and of this process."""
    assert ServiceManager(environ, 7).watchdog == seconds
