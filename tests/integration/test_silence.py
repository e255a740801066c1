"""A silence on a running agent: asked for on the command line, kept over kill -9 and clock steps."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.servers.agent import AgentProcess, agent, clock_by, wait_for
from tests.servers.postfix import free_ports


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`netmon silence` beside the agent's config."""
    return subprocess.run(
        [sys.executable, "-m", "netmon", "silence", *words, "--config", str(folder / "netmon.yml")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def left(process: AgentProcess) -> list[float]:
    """Seconds that each silence still has, as the agent says."""
    return [silence["left"] for silence in process.get("/api/silences").json()["silences"]]


def held_back(process: AgentProcess) -> bool:
    """Whether alerts about mx1 are held back, as metrics and JSON both say."""
    silenced: dict[str, Any] | None = process.host("mx1")["silenced"]
    on = 'netmon_host_silenced{host="mx1"} 1' in process.get("/metrics").text
    assert on is (silenced is not None)
    return on


@pytest.fixture
def config() -> str:
    """A host whose mail port is closed: mail_down, which would be alerted."""
    port = free_ports(1)[0]
    return f"""
agent: {{name: probe.example.test}}
defaults: {{interval: 1s, timeout: 1s, confirm: {{fail: 2, recover: 2, retry_interval: 1s}}}}
web: {{listen: "127.0.0.1:0"}}
state: {{path: state}}
hosts: [{{name: mx1, address: 127.0.0.1, ping: true, smtp: [{{port: {port}, role: inbound}}]}}]
"""


def test_a_silence_outlives_kill_and_clock_steps(tmp_path: Path, config: str) -> None:
    """Two hours asked for are two hours, whatever happens to agent and clock; `--end` ends them."""
    clock = tmp_path / "clock"
    clock.write_text("+0")
    with agent(tmp_path, config, **clock_by(clock)) as process:
        process.await_verdict("mx1", "mail_down")
        wait_for("the alert", lambda: firing(process) == 1, 30)
        done = command(tmp_path, "mx1", "2h", "--why", "new disks")
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        assert held_back(process)
        wait_for("the alert's end", lambda: firing(process) == 0, 30)
        for step in ("+3600", "-3600", "+10800"):
            clock.write_text(step)
            wait_for("the silence to be untouched", lambda: 7000 < left(process)[0] <= 7200, 10)
            assert held_back(process)
        process.kill()
        clock.write_text("-7200")
        process.start()
        assert 7000 < left(process)[0] <= 7200
        wait_for("it to be held back again", lambda: held_back(process), 30)
        (listed,) = json.loads(command(tmp_path, "--json").stdout)["silences"]
        assert (listed["host"], listed["why"]) == ("mx1", "new disks")
        assert command(tmp_path, "mx1", "--end").returncode == 0
        assert not held_back(process)
        wait_for("the alert again", lambda: firing(process) == 1, 30)
    assert "no agent" in command(tmp_path, "mx1", "1h", "--why", "x").stderr


def firing(process: AgentProcess) -> float:
    """How many mail alerts netmon itself raises now."""
    (line,) = [
        line
        for line in process.get("/metrics").text.splitlines()
        if line.startswith("netmon_alerts{") and "NetmonMailDown" in line
    ]
    return float(line.rpartition(" ")[2])


def test_a_stranger_is_told_what_is_wrong(tmp_path: Path, config: str) -> None:
    """A host that is not there: its neighbour's name; the socket is the agent's user's alone."""
    with agent(tmp_path, config) as process:
        process.ready()
        done = command(tmp_path, "mx2", "2h", "--why", "x")
        assert done.returncode != 0
        assert 'did you mean "mx1"?' in done.stderr
        assert (tmp_path / "state" / "control.sock").stat().st_mode & 0o777 == 0o600
        assert left(process) == []
