"""The agent as users run it: `netmon run` in a process of its own."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
PATIENCE = 60.0  # seconds; these machines are noisy


def wait_for(what: str, true: Callable[[], Any], patience: float = PATIENCE) -> Any:
    """Ask until the answer is truthy, and give it; AssertionError names `what` if it never is."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        answer = true()
        if answer:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"waited {patience:g} s in vain for: {what}")


def clock_by(file: Path) -> dict[str, str]:
    """The environment of an agent whose wall clock is as far off as `file` says, as ``+3600``."""
    return {
        "LD_PRELOAD": FAKETIME,
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


class AgentProcess:
    """A running `netmon run`."""

    def __init__(
        self, config: Path, env: Mapping[str, str], prefix: Sequence[str] = (), options: Sequence[str] = ()
    ) -> None:
        """`prefix` is a command that runs its arguments, as setpriv does; `options` are of `netmon run`."""
        self.config = config
        self._prefix = prefix
        self._options = options
        self.log = config.with_suffix(".log")
        self._env = {**os.environ, **env}
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def start(self) -> None:
        """Start it and wait until it says where it listens."""
        offset = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *self._prefix,
                    sys.executable,
                    "-m",
                    "netmon",
                    "run",
                    "--config",
                    str(self.config),
                    *self._options,
                ],
                stderr=log,
                stdout=log,
                env=self._env,
            )

        def listening() -> str:
            assert self._process is not None
            assert self._process.poll() is None, self.log.read_text()
            for line in self.log.read_text()[offset:].splitlines():
                if '"url": "' in line:
                    return line.split('"url": "')[1].split('"')[0]
            return ""

        self.url = wait_for("the agent's address in its log", listening).rstrip("/")

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self) -> int:
        """Ask it to stop; its exit code."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.terminate()
        try:
            return self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise

    def kill(self) -> None:
        """kill -9."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def get(self, path: str) -> httpx.Response:
        """One GET."""
        return httpx.get(self.url + path, timeout=10)

    def ready(self) -> None:
        """Wait until every check has run once."""
        wait_for("every check to have run", lambda: self.get("/-/ready").status_code == 200)

    def host(self, name: str) -> dict[str, Any]:
        """One host of /api/hosts."""
        answer = self.get(f"/api/hosts/{name}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def verdict(self, name: str) -> str:
        """A host's confirmed verdict."""
        return str(self.host(name)["verdict"])

    def await_verdict(self, name: str, verdict: str, patience: float = PATIENCE) -> None:
        """Wait until it is `verdict`."""
        wait_for(f"{name} to be {verdict}", lambda: self.verdict(name) == verdict, patience)


@contextlib.contextmanager
def agent(folder: Path, config: str, *, prefix: Sequence[str] = (), **env: str) -> Iterator[AgentProcess]:
    """An agent on `config`, its state in `folder`; stopped in the end."""
    path = folder / "netmon.yml"
    path.write_text(config)
    process = AgentProcess(path, env, prefix)
    process.start()
    try:
        yield process
    finally:
        process.stop()
