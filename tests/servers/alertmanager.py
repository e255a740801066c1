"""Debian's Alertmanager on a free loopback port, with a configuration and data of its own.

    with alertmanager(tmp_path) as server:
        server.alerts()

It sends nothing to anybody and is asked by its HTTP API.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

ADDRESS = "127.0.0.1"
CONFIG = "route: {receiver: nobody, group_wait: 0s, group_interval: 1s}\nreceivers: [{name: nobody}]\n"
_START_SECONDS = 30.0


class Alertmanager:
    """An Alertmanager: stopped and started again, it keeps its port and its data."""

    def __init__(self, program: str, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{ADDRESS}:{self.port}"

    @property
    def log(self) -> str:
        """What it has logged."""
        return (self.folder / "alertmanager.log").read_text(errors="replace")

    def alerts(self, *, active: bool = True) -> list[dict[str, Any]]:
        """The alerts that it holds (GET /api/v2/alerts); `active`: neither silenced nor inhibited."""
        options = {"active": "true"}
        if active:
            options |= {"silenced": "false", "inhibited": "false"}
        answer = httpx.get(f"{self.url}/api/v2/alerts", params=options, timeout=10, trust_env=False)
        assert answer.status_code == httpx.codes.OK, answer.text
        found: list[dict[str, Any]] = answer.json()
        return found

    def start(self) -> None:
        """Start it and wait until it is ready; RuntimeError with its log if it never is."""
        with (self.folder / "alertmanager.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._program,
                    f"--config.file={self.folder / 'alertmanager.yml'}",
                    f"--storage.path={self.folder / 'data'}",
                    f"--web.listen-address={ADDRESS}:{self.port}",
                    "--cluster.listen-address=",  # alone
                ],
                cwd=self.folder,
                # Without a bound it takes every core there is.
                env={"PATH": os.environ.get("PATH", ""), "GOMAXPROCS": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/-/ready", timeout=1, trust_env=False).is_success:
                    return
            time.sleep(0.05)
        raise RuntimeError("alertmanager did not start:\n" + self.log)

    def stop(self) -> None:
        """Stop it, and wait until it is gone."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = None


@contextlib.contextmanager
def alertmanager(folder: Path) -> Iterator[Alertmanager]:
    """Start Alertmanager; it has ended when the block ends."""
    program = shutil.which("prometheus-alertmanager")
    if program is None:
        raise RuntimeError("alertmanager is not installed: apt-get install prometheus-alertmanager")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "alertmanager.yml").write_text(CONFIG)
    with socket.create_server((ADDRESS, 0)) as door:
        port = door.getsockname()[1]
    server = Alertmanager(program, folder, port)
    try:
        server.start()
        yield server
    finally:
        server.stop()
