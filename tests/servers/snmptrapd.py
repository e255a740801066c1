"""Debian's snmptrapd on an ephemeral loopback port, with a configuration and state of its own.

    with snmptrapd(tmp_path, "authCommunity log public") as server:
        ...
        server.lines(3)

It writes one line for each notification that it accepts, in numbers, with the varbinds.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ADDRESS = "127.0.0.1"
_SECONDS = 10.0


@dataclass(frozen=True)
class Snmptrapd:
    """A running snmptrapd."""

    port: int
    log: Path
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def endpoint(self) -> str:
        """`127.0.0.1:PORT`."""
        return f"{ADDRESS}:{self.port}"

    def lines(self, count: int) -> list[str]:
        """What it accepted so far, once that is `count` notifications."""
        until = time.monotonic() + _SECONDS
        while time.monotonic() < until:
            found = [line for line in self.log.read_text().splitlines() if line.startswith("N|")]
            if len(found) >= count:
                return found
            time.sleep(0.02)
        raise AssertionError(f"snmptrapd accepted fewer than {count}:\n{self.log.read_text()}")


@contextmanager
def snmptrapd(folder: Path, *lines: str) -> Iterator[Snmptrapd]:
    """Start snmptrapd with these lines as its configuration; it has ended when the block ends."""
    program = shutil.which("snmptrapd", path=os.environ["PATH"] + os.pathsep + "/usr/sbin")
    assert program, "snmptrapd is missing: make servers"
    folder.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind((ADDRESS, 0))
        port = free.getsockname()[1]
    config, log = folder / "snmptrapd.conf", folder / "snmptrapd.log"
    form = "N|%P|%N|%w|%q|%a|%v\\n"
    config.write_text(
        "\n".join((f"format1 {form}", f"format2 {form}", "doNotRetainNotificationLogs yes", *lines))
    )
    log.touch()
    environment = os.environ | {"SNMP_PERSISTENT_DIR": str(folder), "MIBS": "", "SNMPCONFPATH": str(folder)}
    process = subprocess.Popen(
        [program, "-f", "-n", "-On", "-C", "-c", str(config), "-Lf", str(log), f"udp:{ADDRESS}:{port}"],
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until = time.monotonic() + _SECONDS
        while "NET-SNMP version" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.02)
        yield Snmptrapd(port, log, process)
    finally:
        process.terminate()
        process.wait(_SECONDS)
