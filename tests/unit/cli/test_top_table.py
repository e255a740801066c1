"""`netmon top`: the table, and what it says of an agent that is none."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from netmon.cli.top import table
from netmon.model import VerdictName
from tests.unit.cli.calling import call


def host(name: str, verdict: str, **more: Any) -> dict[str, Any]:
    """A host as /api/hosts has it, as far as the table looks."""
    return {
        "name": name, "verdict": verdict, "since": 1000.0, "alive": True, "sentence": "why",
        "snmp": [{"result": "ok"}], "mail": [{"result": "ok"}, {"result": "failed"}], **more,
    }  # fmt: skip


@contextmanager
def serving(body: bytes, status: int = 200) -> Iterator[str]:
    """A server that answers everything with this."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_worst_first() -> None:
    """By the verdict's weight, then by name."""
    hosts = [host("b", "healthy"), host("a", "healthy"), host("c", "mail_degraded"), host("d", "host_down")]
    with serving(json.dumps(hosts).encode()) as url:
        told = call("top", "--url", url, "--once")
    assert told.exit_code == 0
    assert [line.split()[0] for line in told.output.splitlines()] == ["HOST", "d", "c", "a", "b"]
    assert "\x1b" not in told.output


def test_a_long_sentence_goes_on_below() -> None:
    """Under its own column, in the row's colour, and with nothing lost; a cut line ends with a tilde."""
    why = "SMTP on 25 and 587 defers with 452 4.3.1 since 10:02; /var/spool is 100% full since 10:01 (SNMP)"
    hosts = [host("mx1", "mail_starved", sentence=why)]
    head, *lines = table(hosts, 1000.0, width=80, wrap=True)
    at = head.index("WHY")
    assert len(lines) > 1
    assert all(len(line) <= 80 and not line[:at].strip() for line in lines[1:])
    assert " ".join(line[at:] for line in lines) == why
    painted = list(table(hosts, 1000.0, width=80, wrap=True, colour=True))[1:]
    assert painted == [f"\x1b[31m{line}\x1b[0m" for line in lines]
    (cut,) = list(table(hosts, 1000.0, width=80))[1:]
    assert (len(cut), cut[-1]) == (80, "~")


def test_every_verdict_has_its_place() -> None:
    """A new verdict is to be put into the order."""
    from netmon.cli.top import _WORST_FIRST  # noqa: PLC0415

    assert sorted(_WORST_FIRST) == sorted(VerdictName)


def test_a_row() -> None:
    """Since when, life, and each side in short."""
    (_, line) = table([host("mx1", "mail_down", sentence="25 refuses")], 1000.0 + 7200, width=None)
    assert line.split(None, 6) == ["mx1", "mail_down", "2h", "yes", "ok", "1/2", "ok  25 refuses"]
    (_, bare) = table([host("sw1", "unknown", since=None, alive=None, snmp=[], mail=[{}])], 0.0, width=None)
    assert bare.split() == ["sw1", "unknown", "-", "-", "-", "-", "why"]


def test_what_a_host_says_cannot_reach_the_terminal() -> None:
    """Escape sequences are shown as text, and lines are cut to the width."""
    (_, line) = table(
        [host("x\x1b[2J", "healthy", sentence="\x1b]0;evil\x07" * 50)], 0.0, width=100, colour=True
    )
    assert line.count("\x1b") == 2
    assert line.startswith("\x1b[32mx\\x1b[2J")
    assert len(line.removeprefix("\x1b[32m").removesuffix("\x1b[0m")) == 100


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"no", 200, "no list of hosts"),
        (b'{"a": 1}', 200, "no list of hosts"),
        (b"[1]", 200, "no list of hosts"),
        (b"[" * 100_000, 200, "no list of hosts"),
        (b"", 404, "answers 404"),
    ],
)
def test_what_is_no_agent(body: bytes, status: int, words: str) -> None:
    """A sentence and exit 1."""
    with serving(body, status) as url:
        told = call("top", "--url", url, "--once")
    assert told.exit_code == 1
    assert words in told.output


def test_no_agent_at_all() -> None:
    """It says how to start one."""
    told = call("top", "--url", "http://127.0.0.1:1", "--once")
    assert told.exit_code == 1
    assert "netmon run" in told.output
    assert call("top", "--url", "file:///etc/passwd").exit_code == 1


def test_json() -> None:
    """What the agent says, sorted."""
    with serving(json.dumps([host("a", "healthy"), host("b", "mail_down")]).encode()) as url:
        told = call("top", "--url", url, "--json")
    assert [entry["name"] for entry in json.loads(told.output)] == ["b", "a"]


def test_a_long_name_leaves_room_for_why() -> None:
    """On a narrow terminal it is the name that is cut, and a pipe gets all of it."""
    name = "a-very-long-name.of-a-host.example"
    hosts = [host(name, "mail_down", sentence="SMTP does not answer")]
    (_, line) = table(hosts, 1000.0, width=90)
    assert line.startswith("a-very-long-name.of-a~ ")
    assert "SMTP does not" in line
    assert name in list(table(hosts, 1000.0, width=None))[1]


def test_a_verdict_that_is_not_confirmed_yet() -> None:
    """What the latest runs say stands beside it, since the columns of SNMP and mail are of these."""
    (_, line) = table([host("mx1", "mail_down", candidate="healthy")], 1000.0, width=None, colour=True)
    assert "mail_down (healthy?)" in line
    assert line.startswith("\x1b[31m")
    (_, line) = table([host("mx1", "mail_down", candidate="mail_down")], 1000.0, width=None)
    assert "?" not in line
