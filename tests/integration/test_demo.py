"""`netmon demo` as a newcomer meets it: a page in a real browser, metrics, and Ctrl-C."""

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import httpx
import pytest

from netmon.demo.story import STORIES
from netmon.model import VerdictName
from tests.servers.agent import wait_for
from tests.servers.chromium import FLAGS
from tests.servers.shared import shared

# The stories in the order of their first round: who is said to be what.
SEEN = (
    ("mx1", "mail_down"),
    ("mx1", "healthy"),
    ("mx1", "device_degraded"),
    ("mx1", "mail_starved"),
    ("mx1", "healthy"),
    ("mx2", "device_degraded"),
    ("mx2", "mail_degraded"),
    ("mx2", "healthy"),
    ("mx2", "path_filtered"),
    ("mx2", "healthy"),
    ("mx1", "agent_down"),
    ("mx1", "healthy"),
    ("mx1", "host_down"),
    ("mx1", "healthy"),
    ("mx2", "unreachable"),
    ("mx2", "healthy"),
    ("box1", "mail_degraded"),
    ("box1", "healthy"),
    ("mx3", "unknown"),
)
SAMPLE = "devices/eaton-93e-80.snmprec.bz2"


class Demo:
    """A running `netmon demo`; whatever it makes is under `folder`."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self._out = folder / "out.txt"
        self._log = folder / "log.txt"
        with self._out.open("w") as out, self._log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "netmon", "demo", "--listen", "127.0.0.1:0", *options],
                stdout=out,
                stderr=log,
                env={"PATH": "/usr/bin:/bin", "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"},
            )
        self.url = wait_for("the page's address", self._announced)

    def _announced(self) -> str:
        assert self.process.poll() is None, self._log.read_text()
        found = re.search(r"page is at (http://\S+)", self.said)
        return found[1] if found else ""

    @property
    def said(self) -> str:
        """What stands on the terminal."""
        return self._out.read_text()

    def verdicts(self) -> dict[str, str]:
        """What netmon says of each host."""
        return {host["name"]: host["verdict"] for host in self.get("api/hosts").json()}

    def changes(self) -> list[tuple[str, str]]:
        """Every change of a verdict so far, from the log."""
        lines = [json.loads(line) for line in self._log.read_text().splitlines()]
        return [(line["host"], line["verdict"]) for line in lines if line["event"] == "verdict"]

    def get(self, path: str) -> httpx.Response:
        """One GET."""
        return httpx.get(self.url + path, timeout=10)

    def end(self) -> None:
        """Ctrl-C: it ends by itself, without complaint, and nothing of it is left."""
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(20) == 0
        assert not list(self.folder.glob("netmon-demo-*"))
        assert not [line for line in self._log.read_text().splitlines() if '"level": "error"' in line]
        assert "Traceback" not in self._log.read_text()
        with pytest.raises(httpx.ConnectError):
            httpx.get(self.url, timeout=5)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    """Starts a demo with options; it is killed behind the test if that did not end it."""
    demos: list[Demo] = []

    def start(*options: str) -> Demo:
        demos.append(Demo(tmp_path, *options))
        return demos[-1]

    yield start
    for demo in demos:
        if demo.process.poll() is None:
            demo.process.kill()
        demo.process.wait()


def in_browser(url: str, folder: Path) -> str:
    """The page's document after Chromium has shown it."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.fail("chromium is not installed: apt-get install chromium")
    done = subprocess.run(
        [chromium, "--headless", *FLAGS, f"--user-data-dir={folder / 'profile'}", "--dump-dom", url],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout


def in_order(wanted: Sequence[tuple[str, str]], seen: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """What of `wanted` is not among `seen` in its order."""
    left = list(wanted)
    for change in seen:
        if left and change == left[0]:
            del left[0]
    return left


def test_the_demo_leads_to_every_verdict(start: Callable[..., Demo], tmp_path: Path) -> None:
    """All hosts become healthy, browser and /metrics show it, then each fault is told and seen in order."""
    demo = start("--fast")
    wait_for("nine healthy hosts", lambda: list(demo.verdicts().values()) == ["healthy"] * 9)
    page = demo.get("metrics").text
    assert len(re.findall(r"^ifHCInOctets\{host=\"sw1\"", page, re.MULTILINE)) >= 48
    assert re.search(r"^netmon_tls_chain_valid\{host=\"mx1\",.*\} 1$", page, re.MULTILINE)
    assert re.search(r"^dskPercent\{host=\"mx1\".*dskPath=\"/var/spool\"", page, re.MULTILINE)
    assert re.search(r"^ifInOctets\{host=\"print1\"", page, re.MULTILINE)
    text = re.sub(r"<[^>]+>", " ", in_browser(demo.url, tmp_path))
    for word in ("core1", "sw1", "mx1", "healthy", "checks are ok"):
        assert word in text
    assert "mx3.demo.example" in in_browser(demo.url + "hosts/mx3", tmp_path)

    wait_for("the stories' verdicts", lambda: not in_order(SEEN, demo.changes()), patience=150)
    assert ("sw2", "device_down") in demo.changes()
    assert {verdict for _, verdict in demo.changes()} == set(VerdictName)
    told = re.findall(r"^\d\d:\d\d:\d\d  (.*)$", demo.said, re.MULTILINE)
    script = [f"{step.host}: {step.text}" for story in STORIES for step in story.steps]
    assert told[: len(script)] == script[: len(told)]
    assert len(told) >= len(script) - 1
    demo.end()


def test_one_story_with_a_captured_device(start: Callable[..., Demo]) -> None:
    """`--scenario` shows its fault and no other; `--device` adds a host that answers as it was captured."""
    demo = start("--fast", "--scenario", "postfix", "--device", str(shared(SAMPLE)))
    assert "eaton-93e-80 replays eaton-93e-80.snmprec.bz2: 1225 objects\n" in demo.said
    wait_for("mx1 to be down", lambda: ("mx1", "mail_down") in demo.changes())
    wait_for("the capture to be polled", lambda: demo.verdicts()["eaton-93e-80"] == "healthy")
    wait_for("mx1 to be healthy", lambda: demo.changes().count(("mx1", "healthy")) > 1)
    wait_for("the story to come again", lambda: demo.said.count("mx1: Postfix stops") > 1)
    assert {line.split("  ")[1] for line in demo.said.splitlines() if re.match(r"\d\d:", line)} == {
        "mx1: Postfix stops",
        "mx1: Postfix is started again",
    }
    demo.end()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--scenario", "nonsense"], "there is no scenario 'nonsense'; there are postfix,"),
        (["--device", "/nowhere/a.snmprec"], "/nowhere/a.snmprec"),
        (["--listen", "127.0.0.1:x"], "is no place to listen"),
    ],
)
def test_what_cannot_be_shown_is_told(tmp_path: Path, options: list[str], says: str) -> None:
    """A wrong option ends it with a sentence, before anything runs, and leaves nothing behind."""
    done = subprocess.run(
        [sys.executable, "-m", "netmon", "demo", *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path)},
    )
    assert done.returncode in {1, 78}
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())
