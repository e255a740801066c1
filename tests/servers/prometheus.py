"""Debian's Prometheus on a free loopback port, with a configuration and data of its own.

    with prometheus(tmp_path, scrape_configs) as server:
        server.await_samples('up{job="netmon"} == 1')

It scrapes every second, evaluates rules as often, and is asked by its HTTP API.
"""

import json
import os
import shutil
import socket
import subprocess
import textwrap
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

ADDRESS = "127.0.0.1"
_START_SECONDS = 30.0
_ATTEMPTS = 5


@dataclass(frozen=True)
class Sample:
    """One series of an instant query and its value."""

    labels: dict[str, str]
    value: float


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{ADDRESS}:{self.port}"

    @property
    def log(self) -> str:
        """What it has logged."""
        return (self.folder / "prometheus.log").read_text(errors="replace")

    def query(self, expression: str) -> list[Sample]:
        """The present samples of `expression`; AssertionError with Prometheus's words if it is wrong."""
        answer = self._get("query", query=expression)
        return [Sample(row["metric"], float(row["value"][1])) for row in answer["result"]]

    def targets(self) -> list[dict[str, Any]]:
        """The active targets, as /api/v1/targets gives them."""
        found: list[dict[str, Any]] = self._get("targets")["activeTargets"]
        return found

    def rules(self) -> list[dict[str, Any]]:
        """The rules, as /api/v1/rules gives them, each with the `health` of its last evaluation."""
        return [rule for group in self._get("rules")["groups"] for rule in group["rules"]]

    def await_samples(self, expression: str, patience: float = 60.0) -> list[Sample]:
        """Ask until `expression` has samples; AssertionError with the targets' errors if it never has."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if samples := self.query(expression):
                return samples
            time.sleep(0.2)
        errors = [(target["scrapeUrl"], target["health"], target["lastError"]) for target in self.targets()]
        raise AssertionError(f"waited {patience:g} s in vain for {expression}; targets: {errors}")

    def _get(self, what: str, **parameters: str) -> Any:
        answer = httpx.get(f"{self.url}/api/v1/{what}", params=parameters, timeout=10, trust_env=False)
        body = answer.json()
        assert body["status"] == "success", body
        return body["data"]


@contextmanager
def prometheus(
    folder: Path,
    scrape_configs: str,
    *,
    rule_files: Sequence[Path] = (),
    alertmanagers: Sequence[str] = (),
) -> Iterator[Prometheus]:
    """Start Prometheus with the YAML list `scrape_configs`; it has ended when the block ends.

    Alerts of `rule_files` go to `alertmanagers`, each as ``HOST:PORT``.
    Raises RuntimeError with the server's log if it does not come up, and when it is not installed.
    """
    program = shutil.which("prometheus")
    if program is None:
        raise RuntimeError("prometheus is not installed: apt-get install prometheus")
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "prometheus.yml"
    jobs = textwrap.indent(textwrap.dedent(scrape_configs).strip(), "  ")
    rules = json.dumps([str(path.resolve()) for path in rule_files])
    receivers = json.dumps([{"static_configs": [{"targets": list(alertmanagers)}]}] if alertmanagers else [])
    config.write_text(
        "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\n"
        f"rule_files: {rules}\nalerting: {{alertmanagers: {receivers}}}\nscrape_configs:\n{jobs}\n"
    )
    for attempt in range(_ATTEMPTS):
        port = _free_port()
        process = _start(program, folder, port, config)
        server = Prometheus(port, folder, process)
        try:
            if _is_ready(server):
                yield server
                return
        finally:
            _stop(process)
        # Somebody else may have taken the port between its choice and its use.
        if "address already in use" not in server.log or attempt == _ATTEMPTS - 1:
            break
    raise RuntimeError("prometheus did not start:\n" + server.log)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind((ADDRESS, 0))
        return int(sock.getsockname()[1])


def _start(program: str, folder: Path, port: int, config: Path) -> subprocess.Popen[bytes]:
    with (folder / "prometheus.log").open("wb") as log:
        return subprocess.Popen(
            [
                program,
                f"--config.file={config}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={ADDRESS}:{port}",
            ],
            cwd=folder,
            # Without a bound it takes every core there is.
            env={"PATH": os.environ.get("PATH", ""), "GOMAXPROCS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def _is_ready(server: Prometheus) -> bool:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and server.process.poll() is None:
        try:
            if httpx.get(f"{server.url}/-/ready", timeout=1, trust_env=False).status_code == httpx.codes.OK:
                return True
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()
