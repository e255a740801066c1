"""A newcomer's first minutes: an empty folder, a clone, and the README's commands as they stand there."""

import os
import re
import signal
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.servers.agent import wait_for

ROOT = Path(__file__).resolve().parents[2]
URL = "http://127.0.0.1:9162/"  # where the README says it is
STORY = ["mx1 mail_down", "mx1 healthy", "mx1 device_degraded"]


def command(having: str) -> str:
    """The README's command line that begins so, without its comment."""
    readme = (ROOT / "README.md").read_text()
    (line,) = re.findall(rf"^({re.escape(having)}[^#\n]*)", readme, re.MULTILINE)
    return line.strip()


def group(session: int) -> list[str]:
    """The processes of a session that are still there."""
    done = subprocess.run(
        ["ps", "-o", "args=", "-s", str(session)], capture_output=True, text=True, check=False
    )
    return done.stdout.split("\n")[:-1]


def changes() -> list[str]:
    """The verdicts of mx1 so far, from the page's news, oldest first."""
    try:
        news = httpx.get(URL + "api/news", timeout=10).json()
    except httpx.HTTPError:
        return []
    found = []
    for line in news:
        match = re.match(r"([a-z_]+): ", line["text"])
        if line["host"] == "mx1" and match:
            found.append(f"mx1 {match[1]}")
    return found


def test_a_clone_runs_by_the_readme(tmp_path: Path) -> None:
    """`make run` installs what it needs and shows the story; Ctrl-C leaves no process, socket or file."""
    with pytest.raises(httpx.ConnectError):  # somebody else's demo would be taken for ours
        httpx.get(URL, timeout=5)
    clone = tmp_path / "netmon"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    out = tmp_path / "out.txt"
    with out.open("w") as log:
        process = subprocess.Popen(
            command("make run").split(),
            cwd=clone,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TMPDIR": str(temporary)},
            start_new_session=True,
        )
    try:

        def told() -> bool:
            assert process.poll() is None, out.read_text()
            return changes()[: len(STORY)] == STORY

        wait_for(f"the story {STORY}", told, 300)
        assert f"page is at {URL}" in out.read_text()
        os.killpg(process.pid, signal.SIGINT)  # as a terminal's Ctrl-C
        process.wait(30)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    wait_for("all its processes to end", lambda: not group(process.pid), 10)
    assert not list(temporary.glob("netmon*"))
    with pytest.raises(httpx.ConnectError):
        httpx.get(URL, timeout=5)
    for line in (command(".venv/bin/netmon init"), command(".venv/bin/netmon check-config")):
        done = subprocess.run(line.split(), cwd=clone, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
