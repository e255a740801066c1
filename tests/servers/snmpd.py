"""Debian's snmpd on an ephemeral loopback port, with a configuration and state of its own.

    with snmpd(tmp_path, "sysName switch1", "extend mailq /bin/echo 7") as server:
        Target("127.0.0.1", port=server.port, community=server.community.encode())

It answers SNMPv1 and v2c for one read-only community, SNMPv3 for the users that `lines` make, and
touches nothing outside its folder.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from netmon.snmp.ber import encode_oid
from netmon.snmp.message import GET, encode_request

ADDRESS = "127.0.0.1"
_START_SECONDS = 10.0
_ATTEMPTS = 5
_PROBE = encode_oid("1.3.6.1.2.1.1.3.0")


@dataclass(frozen=True)
class Snmpd:
    """A running snmpd."""

    port: int
    community: str
    folder: Path
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def endpoint(self) -> str:
        """`127.0.0.1:PORT`, as net-snmp's tools want it."""
        return f"{ADDRESS}:{self.port}"

    def pause(self) -> None:
        """Stop answering, as a host that hangs; the socket stays open."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Answer again, what queued up meanwhile included."""
        self.process.send_signal(signal.SIGCONT)


@contextmanager
def snmpd(
    folder: Path, *lines: str, community: str = "public", pace: int = 1, at: int | None = None
) -> Iterator[Snmpd]:
    """Start snmpd with `lines` added to its configuration; it has ended when the block ends.

    With another `pace` its clock runs so many times as fast, for what it measures over a minute.
    `at` is the port of one that ran in the same folder before: a restart.
    Raises RuntimeError with the server's log if it does not come up, and when it is not installed.
    """
    program = shutil.which("snmpd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if program is None:
        raise RuntimeError("snmpd is not installed: apt-get install snmpd snmp")
    for attempt in range(_ATTEMPTS):
        port = at or _free_port()
        process = _start(program, folder, port, community, lines, pace=pace)
        try:
            if answers(ADDRESS, port, community, process):
                yield Snmpd(port, community, folder, process)
                return
        finally:
            _stop(process)
        # Somebody else may have taken the port between its choice and its use.
        if "in use" not in (folder / "snmpd.log").read_text(errors="replace") or attempt == _ATTEMPTS - 1:
            break
    raise RuntimeError("snmpd did not start:\n" + (folder / "snmpd.log").read_text(errors="replace"))


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((ADDRESS, 0))
        return int(sock.getsockname()[1])


def _start(
    program: str, folder: Path, port: int, community: str, lines: tuple[str, ...], *, pace: int
) -> subprocess.Popen[bytes]:
    options, environment = set_up(folder, f"udp:{ADDRESS}:{port}", community, *lines)
    clock = ("faketime", "-f", f"+0 x{pace}") if pace != 1 else ()
    return subprocess.Popen([*clock, program, "-f", *options], env=environment, stdin=subprocess.DEVNULL)


def set_up(folder: Path, door: str, community: str, *lines: str) -> tuple[list[str], dict[str, str]]:
    """Write its configuration and make its folder of state; its options and its environment."""
    state = folder / "state"
    state.mkdir(parents=True, exist_ok=True)
    config = folder / "snmpd.conf"
    config.write_text("\n".join((f"rocommunity {community} default", *lines, "")))
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "SNMP_PERSISTENT_DIR": str(state),
        "SNMPCONFPATH": str(folder),  # nothing of /etc/snmp
        "MIBS": "",
    }
    return ["-C", "-c", str(config), "-Lf", str(folder / "snmpd.log"), door], environment


def answers(address: str, port: int, community: str, process: subprocess.Popen[bytes] | None = None) -> bool:
    """Wait until the agent at `address` answers; False if it does not within seconds, or has ended."""
    deadline = time.monotonic() + _START_SECONDS
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((address, port))
        sock.settimeout(0.1)
        while time.monotonic() < deadline and (process is None or process.poll() is None):
            try:
                sock.send(encode_request(2, community.encode(), GET, 1, (_PROBE,)))
                sock.recv(4096)
            except TimeoutError:
                continue
            except OSError:  # refused, or not reachable yet
                time.sleep(0.02)
            else:
                return True
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()
