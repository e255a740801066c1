"""A running agent and mail servers: what it remembers over a restart, and what it never tells."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers import evil_smtp as evil
from tests.servers.agent import agent, wait_for

PASSWORD = "sword/fish-canary"


@contextmanager
def in_thread(script: evil.Script) -> Iterator[evil.Server]:
    """Serve a script beside the test."""
    loop = asyncio.new_event_loop()
    begun: list[evil.Server] = []
    ready, ended = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with evil.serving(script) as server:
            begun.append(server)
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(10)
        yield begun[0]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


def config(folder: Path, port: int, entry: str, name: str = "probe.example.test") -> str:
    """One host with one smtp entry."""
    return f"""\
agent: {{name: {name}}}
web: {{listen: "127.0.0.1:0"}}
state: {{path: {folder / "state"}}}
defaults: {{interval: 1s, timeout: 2s, confirm: {{fail: 2, recover: 2, retry_interval: 1s}}}}
hosts:
  - name: mx1
    address: 127.0.0.1
    smtp: [{{port: {port}, tls: none, {entry}}}]
"""


def has(line: str) -> Callable[[str], bool]:
    """Whether a page has a line that begins so."""
    return lambda page: any(found.startswith(line) for found in page.splitlines())


def test_what_was_offered_before_a_restart_is_missed_after_it(tmp_path: Path) -> None:
    """AUTH that was seen by an earlier life of the agent, and is gone, is a finding and degrades the host."""
    offers = [b"250-hi\r\n250 AUTH PLAIN\r\n"]

    async def script(peer: evil.Peer) -> None:
        await evil.answers({b"EHLO": offers[0]})(peer)

    with (
        in_thread(script) as server,
        agent(tmp_path, config(tmp_path, server.port, "role: submission")) as process,
    ):

        def metrics() -> str:
            return process.get("/metrics").text

        offered = has('netmon_smtp_auth_mechanism{host="mx1"')
        wait_for("AUTH to be seen", lambda: offered(metrics()))
        process.stop()
        offers[0] = b"250 hi\r\n"
        process.start()
        lost = has('netmon_host_finding{host="mx1",finding="capability_lost"')
        wait_for("AUTH to be missed", lambda: lost(metrics()))
        assert not offered(metrics())
        offers[0] = b"250-hi\r\n250 AUTH PLAIN\r\n"
        wait_for("AUTH to be found again", lambda: not lost(metrics()))


def test_a_refused_login_is_told_and_its_password_is_not(tmp_path: Path) -> None:
    """The dialogue of the failure is shown with the secret left out, though the server repeats it."""
    refusal = f"535 5.7.8 no user with {PASSWORD}".encode()
    entry = f'login: {{username: probe, password: "{PASSWORD}", plain_text: true}}'
    with (
        in_thread(evil.logs_in(b"AUTH PLAIN", refusal)) as server,
        agent(tmp_path, config(tmp_path, server.port, entry)) as process,
    ):
        wait_for("two runs", lambda: server.served > 2)
        wait_for("a finding", lambda: "probe_rejected" in process.get("/metrics").text)
        pages = [
            process.get(path).text for path in ("/", "/hosts/mx1", "/api/hosts/mx1", "/metrics", "/config")
        ]
        assert "AUTH PLAIN &lt;secret&gt;" in pages[1]
        assert "not tried again" in pages[2]
        for page in (*pages, process.log.read_text()):
            assert PASSWORD not in page
        assert sum(line.startswith(b"AUTH") for line in server.heard) == 1
        assert 'netmon_check_result{host="mx1",probe="smtp",endpoint="mx1:' in pages[3]


def test_a_short_name_is_told(tmp_path: Path) -> None:
    """An agent that has no full name for EHLO says so on its page."""
    with (
        in_thread(evil.honest(None)) as server,
        agent(tmp_path, config(tmp_path, server.port, "role: inbound", "debian")) as process,
    ):
        process.ready()
        assert "netmon calls itself debian in EHLO" in process.get("/").text
