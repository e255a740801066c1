"""Debian's Knot DNS as the authority of a few zones, on a free port of loopback, with files of its own."""

import contextlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

CONFIG = """
server:
    rundir: {base}
    listen: 127.0.0.1@{port}
database:
    storage: {base}
log:
  - target: stderr
    any: warning
zone:
{zones}"""
ZONE = """$TTL 1
@ SOA ns.invalid. hostmaster.invalid. {serial} 1d 1d 1d 1
@ NS ns.invalid.
{records}
"""


@dataclass(slots=True)
class Knot:
    """A running knotd; `address` is what `dns.servers` takes."""

    base: Path
    port: int
    zones: tuple[str, ...]
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _serial: int = 1

    @property
    def address(self) -> str:
        """``127.0.0.1:PORT``."""
        return f"127.0.0.1:{self.port}"

    def write(self, zone: str, *records: str) -> None:
        """Have a zone hold these records besides its SOA and NS, and serve it so."""
        self._serial += 1
        text = ZONE.format(serial=self._serial, records="\n".join(records))
        (self.base / f"{zone}.zone").write_text(text)
        if self._process is not None:
            self._process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """Fall silent: it holds its port and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Answer again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def start(self) -> None:
        """Start it and wait until it answers over TCP."""
        knotd = shutil.which("knotd") or "/usr/sbin/knotd"
        with (self.base / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [knotd, "-c", str(self.base / "knot.conf")], stdout=log, stderr=log, cwd=self.base
            )
        end = time.monotonic() + 20
        while True:
            assert self._process.poll() is None, (self.base / "log").read_text()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert time.monotonic() < end, (self.base / "log").read_text()
            time.sleep(0.05)

    def end(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)


@contextlib.contextmanager
def knot(*zones: str, port: int = 0) -> Iterator[Knot]:
    """The authority of `zones`, which are empty at first, on `port` or a free one, until the block ends."""
    with tempfile.TemporaryDirectory(prefix="netmon-knot-") as folder:
        base = Path(folder)
        with socket.socket() as free:
            free.bind(("127.0.0.1", port))
            port = free.getsockname()[1]
        server = Knot(base, port, zones)
        listed = "".join(f"  - domain: {zone}\n    file: {base / zone}.zone\n" for zone in zones)
        (base / "knot.conf").write_text(CONFIG.format(base=base, port=port, zones=listed))
        for zone in zones:
            server.write(zone)
        server.start()
        try:
            yield server
        finally:
            server.end()
