"""`netmon demo` as a newcomer meets it: a page in a real browser, metrics, and Ctrl-C."""

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.servers.agent import wait_for

CHROMIUM = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=2000",
)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A running demo: its URL and its process; whatever it makes is under `tmp_path`."""
    out = tmp_path / "out.txt"
    with out.open("w") as stdout:
        process = subprocess.Popen(
            [sys.executable, "-m", "netmon", "demo", "--listen", "127.0.0.1:0"],
            stdout=stdout,
            stderr=subprocess.STDOUT,
            text=True,
            env={"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"},
        )
    try:

        def announced() -> str:
            assert process.poll() is None, out.read_text()
            found = re.search(r"page is at (http://\S+)", out.read_text())
            return found[1] if found else ""

        yield wait_for("the page's address", announced), process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def in_browser(url: str, folder: Path) -> str:
    """The page's document after Chromium has shown it."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.fail("chromium is not installed: apt-get install chromium")
    done = subprocess.run(
        [chromium, *CHROMIUM, f"--user-data-dir={folder / 'profile'}", "--dump-dom", url],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout


def test_the_demo_shows_itself_and_ends(demo: tuple[str, subprocess.Popen[str]], tmp_path: Path) -> None:
    """Both hosts become healthy, the browser and /metrics show it, and Ctrl-C leaves nothing behind."""
    url, process = demo

    def verdicts() -> dict[str, str]:
        return {host["name"]: host["verdict"] for host in httpx.get(url + "api/hosts", timeout=10).json()}

    wait_for("two healthy hosts", lambda: verdicts() == {"sw1": "healthy", "mx1": "healthy"})
    page = httpx.get(url + "metrics", timeout=10).text
    assert len(re.findall(r"^ifHCInOctets\{host=\"sw1\"", page, re.MULTILINE)) >= 48
    assert re.search(r"^netmon_tls_chain_valid\{host=\"mx1\",.*\} 1$", page, re.MULTILINE)
    assert re.search(r"^dskPercent\{host=\"mx1\".*dskPath=\"/var/spool\"", page, re.MULTILINE)
    document = in_browser(url, tmp_path)
    text = re.sub(r"<[^>]+>", " ", document)
    for word in ("sw1", "mx1", "healthy", "checks are ok"):
        assert word in text
    assert "mx1.demo.example" in in_browser(url + "hosts/mx1", tmp_path)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    assert not list(tmp_path.glob("netmon-demo-*"))
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, timeout=5)
