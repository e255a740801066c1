"""The control socket of a real agent: `netmon reload`, another user, and bytes that are no command."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.servers.agent import AgentProcess, agent, wait_for

NOBODY = 65534


def config(folder: Path, more: str = "") -> str:
    """Two hosts that answer pings."""
    return f"""
web: {{listen: "127.0.0.1:0"}}
state: {{path: "{folder / "state"}"}}
hosts:
  - {{name: mx1, address: 127.0.0.1, ping: true}}
  - {{name: sw-1, address: 127.0.0.1, ping: true}}
{more}
"""


def netmon(process: AgentProcess, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """The command on the agent's config."""
    return subprocess.run(
        [sys.executable, "-m", "netmon", *arguments, "--config", str(process.config)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        **more,
    )


def silences(process: AgentProcess) -> list[dict[str, Any]]:
    """What the agent's API lists."""
    found: list[dict[str, Any]] = process.get("/api/silences").json()["silences"]
    return found


def as_nobody(code: str, path: Path) -> str:
    """What Python prints for a user of no rights; the modules are read as the present one."""
    code = f"import netmon.control, os; os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False, timeout=60
    )
    return done.stdout + done.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_a_second_user_is_refused() -> None:
    """The socket is its owner's; whoever else asks learns whom to ask."""
    # Not pytest's folder, which is one user's alone.
    with TemporaryDirectory(prefix="netmon-", dir="/var/tmp") as name, agent(Path(name), config(Path(name))):
        folder = Path(name)
        folder.chmod(0o755)
        path = folder / "state" / "control.sock"
        assert path.stat().st_mode & 0o777 == 0o600
        (folder / "state").chmod(0o755)
        code = "from pathlib import Path; import sys; from netmon.control import ask, ControlError\n"
        code += "try: print(ask(Path(sys.argv[1]), {'command': 'silences'}))\n"
        code += "except ControlError as error: print(error)"
        assert as_nobody(code, path) == f"no permission to use {path}; run it as root\n"
        path.chmod(0o666)  # should somebody open it, the kernel's word is left
        assert "only uid 0 and root may ask this agent, not uid 65534" in as_nobody(code, path)


def test_windows_are_taken_with_a_reload_and_mistakes_leave_the_old_ones(tmp_path: Path) -> None:
    """`netmon reload` exits 0 when the config is in force, 78 with the mistakes when it is not."""
    always = "windows: [{name: always, all: true, start: 00:00, duration: 7d, timezone: UTC}]"
    with agent(tmp_path, config(tmp_path)) as process:
        assert process.get("/api/silences").json()["windows"] == []
        process.config.write_text(config(tmp_path, always))
        assert netmon(process, "reload").returncode == 0
        (window,) = process.get("/api/silences").json()["windows"]
        assert window["name"] == "always"
        assert window["left"] > 86400 * 5
        process.config.write_text(config(tmp_path, always.replace("all: true", "hosts: [mx2]")))
        done = netmon(process, "reload")
        assert done.returncode == 78
        assert 'windows[0].hosts[0]: "mx2" is not in hosts (mx1, sw-1); did you mean "mx1"?' in done.stderr
        assert len(process.get("/api/silences").json()["windows"]) == 1


def test_hostile_bytes_leave_the_agent_alone(tmp_path: Path) -> None:
    """It goes on to answer, and logs no defect."""
    with agent(tmp_path, config(tmp_path)) as process:
        path = str(tmp_path / "state" / "control.sock")
        for data in (b"\x00" * 100, b"{" * 70_000, b'{"command":"silence","host":"\\ud800"}\n', b"\n" * 1000):
            with socket.socket(socket.AF_UNIX) as peer:
                peer.settimeout(30)
                peer.connect(path)
                try:
                    peer.sendall(data)
                    peer.shutdown(socket.SHUT_WR)
                    while peer.recv(65536):
                        pass
                except OSError:
                    pass
        assert netmon(process, "silence").stdout == "nothing is silenced\n"
        wait_for("mx1 to be healthy", lambda: process.verdict("mx1") == "healthy")
        assert '"level": "error"' not in process.log.read_text()
