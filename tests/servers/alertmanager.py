"""Debian's Alertmanager on a free loopback port, with a configuration and data of its own.

    with alertmanager(tmp_path) as server:
        server.alerts()

It sends nothing anywhere; what it knows is asked by its HTTP API.
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
from typing import Any

import httpx

ADDRESS = "127.0.0.1"
_START_SECONDS = 30.0
_CONFIG = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"


@dataclass
class Alertmanager:
    """An Alertmanager that can stop and come back on its port."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{ADDRESS}:{self.port}"

    @property
    def log(self) -> str:
        """What it has logged."""
        return (self.folder / "alertmanager.log").read_text(errors="replace")

    def alerts(self) -> list[dict[str, Any]]:
        """The alerts that hold, as GET /api/v2/alerts gives them."""
        answer = httpx.get(f"{self.url}/api/v2/alerts", timeout=10, trust_env=False)
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()
        return found

    def names(self) -> list[tuple[str, str]]:
        """Name and host of the alerts that hold."""
        return sorted((a["labels"]["alertname"], a["labels"].get("host", "")) for a in self.alerts())

    def query(self) -> str:
        """The alerts as amtool, its own tool, lists them."""
        told = subprocess.run(
            ["amtool", f"--alertmanager.url={self.url}", "alert", "query", "-o", "extended"],
            check=True,
            capture_output=True,
            text=True,
            timeout=20,
        )
        return told.stdout

    def start(self) -> None:
        """Start it.  Raises RuntimeError with its log if it does not come up."""
        program = shutil.which("prometheus-alertmanager")
        if program is None:
            raise RuntimeError("Alertmanager is not installed: apt-get install prometheus-alertmanager")
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "alertmanager.yml"
        config.write_text(_CONFIG)
        with (self.folder / "alertmanager.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    program,
                    f"--config.file={config}",
                    f"--storage.path={self.folder / 'data'}",
                    f"--web.listen-address={ADDRESS}:{self.port}",
                    "--cluster.listen-address=",  # alone
                ],
                cwd=self.folder,
                env={"PATH": os.environ.get("PATH", ""), "GOMAXPROCS": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if httpx.get(f"{self.url}/-/ready", timeout=1, trust_env=False).is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise RuntimeError("Alertmanager did not start:\n" + self.log)

    def stop(self) -> None:
        """Stop it; it forgets what it was told, as after a lost disk."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@contextmanager
def alertmanager(folder: Path) -> Iterator[Alertmanager]:
    """A running one; it has ended when the block ends."""
    with socket.socket() as sock:
        sock.bind((ADDRESS, 0))
        port = int(sock.getsockname()[1])
    server = Alertmanager(port, folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
