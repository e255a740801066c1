"""What systemd is told of the agent: that it is ready, reloads, stops, and is still alive (sd_notify(3)).

A datagram to a socket that the environment names; without one, nothing.  Nothing here ever fails: a
service manager that does not listen is no reason not to watch the mail.
"""

import contextlib
import socket
import time
from collections.abc import Mapping
from typing import Final

_MOST: Final = 3600.0  # seconds; a watchdog that is slower is none


class ServiceManager:
    """Speaks to the socket of NOTIFY_SOCKET in `environ`, a path or an abstract name after @."""

    def __init__(self, environ: Mapping[str, str], pid: int) -> None:
        name = environ.get("NOTIFY_SOCKET", "")
        self._address = f"\0{name[1:]}" if name.startswith("@") else name
        self.watchdog = _watchdog(environ, pid)

    def ready(self, status: str) -> None:
        """It works, or works again after a reload; `status` is for people, in `systemctl status`."""
        self._say(f"READY=1\nSTATUS={_line(status)}")

    def reloading(self) -> None:
        """It reads its config again; `ready` ends that."""
        self._say(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """It ends, and may take a while."""
        self._say("STOPPING=1")

    def alive(self) -> None:
        """The event loop turns: to be said within `watchdog` seconds, or the service is started anew."""
        self._say("WATCHDOG=1")

    def _say(self, text: str) -> None:
        if not self._address:
            return
        with (
            contextlib.suppress(OSError, ValueError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock,
        ):
            sock.setblocking(False)
            sock.sendto(text.encode(errors="replace"), self._address)


def _watchdog(environ: Mapping[str, str], pid: int) -> float:
    """Seconds within which systemd wants a sign of life, by WATCHDOG_USEC; 0 if it wants none."""
    if environ.get("WATCHDOG_PID", str(pid)) != str(pid):
        return 0.0
    try:
        seconds = int(environ.get("WATCHDOG_USEC", "0")) / 1e6
    except ValueError:
        return 0.0
    return seconds if 0 < seconds <= _MOST else 0.0


def _line(text: str) -> str:
    return text.replace("\n", " ")[:500]
