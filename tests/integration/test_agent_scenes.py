"""The scenes that show that the spine holds: the agent as a process, on real snmpd and Postfix."""

import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import trustme

from tests.servers import postfix as postfix_server
from tests.servers.agent import AgentProcess, agent, clock_by, wait_for
from tests.servers.mail_checks import AGENT
from tests.servers.postfix import Postfix
from tests.servers.prometheus import prometheus
from tests.servers.snmpd import Snmpd, snmpd

NAME = "mail.example.test"
DISKS = "includeAllDisks 1%"


@pytest.fixture(scope="module")
def mail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Postfix, Path]]:
    """A Postfix with a certificate, and the file of its authority."""
    authority = trustme.CA()
    certificate = authority.issue_cert(NAME)
    ca_file = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    pem = certificate.private_key_pem.bytes() + b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
    with postfix_server.running(pem, name=NAME) as server:
        yield server, ca_file


@pytest.fixture
def snmp(tmp_path: Path) -> Iterator[Snmpd]:
    """An snmpd of this test's own."""
    folder = tmp_path / "snmpd"
    folder.mkdir()
    with snmpd(folder, DISKS) as server:
        yield server


def config(folder: Path, *hosts: str, confirm: str = "{fail: 2, recover: 2, retry_interval: 1s}") -> str:
    """A quick agent over `hosts`."""
    return f"""
agent: {{name: {AGENT}}}
defaults: {{interval: 2s, timeout: 1s, retries: 1, confirm: {confirm}}}
auths: {{lab: {{community: "${{env:COMMUNITY}}"}}}}
web: {{listen: "127.0.0.1:0"}}
state: {{path: "{folder / "state"}"}}
hosts: [{", ".join(hosts)}]
"""


def snmp_host(server: Snmpd, name: str = "mx1", rest: str = "", auth: str = "lab") -> str:
    """A host that is polled by SNMP; `rest` are more keys."""
    modules = "[system, if_mib, hrSystem, hrStorage, ucd_memory, ucd_la_table, ucd_dsk]"
    snmp_ = f"{{port: {server.port}, auth: {auth}, modules: {modules}}}"
    return f"{{name: {name}, address: 127.0.0.1, ping: true, snmp: {snmp_}{rest}}}"


def smtp_entries(server: Postfix, ca_file: Path) -> str:
    """Its three ports as a host's `smtp`."""
    trust = f'tls_name: {NAME}, ca_file: "{ca_file}"'
    return (
        f", smtp: [{{port: {server.smtp}, role: inbound, {trust}}}, "
        f"{{port: {server.submission}, role: submission, {trust}}}, "
        f"{{port: {server.implicit}, tls: implicit, role: submission, {trust}}}]"
    )


def test_prometheus_sees_real_servers(tmp_path: Path, snmp: Snmpd, mail: tuple[Postfix, Path]) -> None:
    """snmpd, Postfix and Prometheus, all Debian's: what the one says the other stores."""
    text = config(tmp_path, snmp_host(snmp, rest=smtp_entries(*mail)))
    with agent(tmp_path, text, COMMUNITY="public") as process:
        process.ready()
        process.await_verdict("mx1", "healthy")
        target = process.url.removeprefix("http://")
        jobs = f'- job_name: netmon\n  static_configs: [{{targets: ["{target}"]}}]'
        with prometheus(tmp_path / "prometheus", jobs) as server:
            (verdict,) = server.await_samples('netmon_host_verdict{host="mx1"} == 1')
            assert verdict.labels["verdict"] == "healthy"
            (octets,) = server.await_samples('ifHCInOctets{host="mx1",ifName="lo"}')
            assert octets.value > 0
            assert octets.labels["ifDescr"] == "lo"
            (valid, *_) = server.await_samples("netmon_tls_chain_valid == 1")
            assert valid.labels["host"] == "mx1"
            software = server.query("netmon_smtp_banner_info")
            assert {(sample.labels["name"], sample.labels["software"]) for sample in software} == {
                (NAME, "Postfix")
            }


def test_each_side_failing_alone_has_its_own_verdict(
    tmp_path: Path, snmp: Snmpd, mail: tuple[Postfix, Path]
) -> None:
    """Postfix stops: mail_down.  It is back: healthy.  Then snmpd hangs: agent_down, and back."""
    server, ca_file = mail
    with agent(
        tmp_path, config(tmp_path, snmp_host(snmp, rest=smtp_entries(server, ca_file))), COMMUNITY="public"
    ) as process:
        process.await_verdict("mx1", "healthy")
        server.stop()
        try:
            process.await_verdict("mx1", "mail_down")
            host = process.host("mx1")
            assert host["alive"] is True
            assert {finding["kind"] for finding in host["findings"]} == {"smtp_failed"}
            assert "refuses the connection" in host["sentence"]
            assert 'ifHCInOctets{host="mx1"' in process.get("/metrics").text
        finally:
            server.start()
        process.await_verdict("mx1", "healthy")
        snmp.pause()
        try:
            process.await_verdict("mx1", "agent_down")
            assert 'ifHCInOctets{host="mx1"' not in process.get("/metrics").text
        finally:
            snmp.resume()
        process.await_verdict("mx1", "healthy")


def test_kill_9_and_restart_keep_streaks_and_verdicts(tmp_path: Path, snmp: Snmpd) -> None:
    """A fault that was confirmed stays so, and its streak goes on from where it was."""
    door = socket.create_server(("127.0.0.1", 0))
    port = door.getsockname()[1]
    door.close()
    closed = f", smtp: [{{port: {port}, tls: none, role: inbound}}]"
    text = config(tmp_path, snmp_host(snmp, rest=closed), confirm="{fail: 4, recover: 2, retry_interval: 1s}")
    with agent(tmp_path, text, COMMUNITY="public") as process:
        process.await_verdict("mx1", "mail_down")
        since = process.host("mx1")["since"]
        time.sleep(0.5)  # the journal may wait 0.2 s for company
        process.kill()
        with sqlite3.connect(tmp_path / "state" / "state.db") as db:
            ((streak,),) = db.execute("SELECT streak FROM checks WHERE probe = 'smtp'")
        db.close()
        assert streak >= 4
        process.start()
        assert process.verdict("mx1") == "mail_down"
        process.ready()
        assert process.host("mx1")["since"] == since
        process.await_verdict("mx1", "mail_down")
        process.stop()
        with sqlite3.connect(tmp_path / "state" / "state.db") as db:
            ((later,),) = db.execute("SELECT streak FROM checks WHERE probe = 'smtp'")
        db.close()
        assert later > streak
        process.start()


def test_the_state_is_for_the_agent_alone(tmp_path: Path, snmp: Snmpd) -> None:
    """Also in a folder that somebody made for all to read: it holds keys."""
    folder = tmp_path / "state"
    folder.mkdir(mode=0o755)
    with agent(tmp_path, config(tmp_path, snmp_host(snmp)), COMMUNITY="public") as process:
        process.ready()
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert {"state.db", "history.db"} <= {path.name for path in files}
        assert [path.name for path in files if path.stat().st_mode & 0o077] == []


def test_reload_adds_removes_and_leaves_the_rest_alone(tmp_path: Path, snmp: Snmpd) -> None:
    """SIGHUP and POST: a new host is checked, a removed one leaves all pages, the others do not notice."""
    both = config(tmp_path, snmp_host(snmp, "mx1"), snmp_host(snmp, "mx2"))
    with agent(tmp_path, both, COMMUNITY="public") as process:
        process.ready()
        before = process.host("mx1")["since"]
        process.config.write_text(config(tmp_path, snmp_host(snmp, "mx1"), snmp_host(snmp, "mx3")))
        process.signal(signal.SIGHUP)
        wait_for("mx3 to be configured", lambda: process.get("/api/hosts/mx3").status_code == 200)
        assert process.get("/api/hosts/mx2").status_code == 404
        process.await_verdict("mx3", "healthy")
        page = process.get("/metrics").text
        assert 'host="mx2"' not in page
        assert 'ifHCInOctets{host="mx3"' in page
        assert process.host("mx1")["since"] == before
        process.config.write_text("hosts: [{name: mx1, adress: 127.0.0.1}]")
        answer = post(process, "/-/reload")
        assert answer == (500, True)
        page = process.get("/metrics").text
        assert "netmon_config_last_reload_successful 0.0" in page
        assert "did you mean" in process.get("/").text
        assert process.verdict("mx3") == "healthy"


class SlowPath:
    """A UDP relay to an snmpd that holds every request for a while, as a slow link does."""

    def __init__(self, server: Snmpd, delay: float) -> None:
        self.requests = 0
        self._delay = delay
        self._server = ("127.0.0.1", server.port)
        self._near = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._near.bind(("127.0.0.1", 0))
        self.port = self._near.getsockname()[1]
        threading.Thread(target=self._relay, daemon=True).start()

    def _relay(self) -> None:
        far = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        far.settimeout(5)
        with far:
            while True:
                try:
                    datagram, peer = self._near.recvfrom(65535)
                    self.requests += 1
                    time.sleep(self._delay)
                    far.sendto(datagram, self._server)
                    self._near.sendto(far.recv(65535), peer)
                except OSError:
                    return

    def await_walk(self) -> None:
        """Wait until a walk is under way."""
        begun = self.requests
        wait_for("a walk to be under way", lambda: self.requests > begun + 2)

    def close(self) -> None:
        """Relay no more."""
        self._near.close()


def test_a_reload_in_mid_walk(tmp_path: Path, snmp: Snmpd) -> None:
    """What stays is not disturbed; what is removed in its walk leaves no trace, and nothing crashes."""
    path = SlowPath(snmp, 0.05)
    slow = f"snmp: {{port: {path.port}, auth: lab, modules: [system, if_mib, hrStorage]}}"

    def hosts(*names: str) -> str:
        return config(tmp_path, *(f"{{name: {name}, address: 127.0.0.1, {slow}}}" for name in names))

    try:
        with agent(tmp_path, hosts("stays", "goes"), COMMUNITY="public") as process:
            path.await_walk()
            process.config.write_text(hosts("stays", "comes"))
            assert post(process, "/-/reload")[0] == 200
            process.await_verdict("comes", "healthy")
            process.await_verdict("stays", "healthy")
            path.await_walk()
            process.config.write_text(hosts("stays", "comes") + "dns: {servers: [127.0.0.1]}\n")
            assert post(process, "/-/reload")[0] == 200
            time.sleep(1)
            page = process.get("/metrics").text
            assert 'host="goes"' not in page
            assert 'netmon_probe_crashes_total{probe="snmp"} 0' in page
            for name in ("stays", "comes"):
                assert (
                    f'netmon_check_up{{host="{name}",probe="snmp",endpoint="{name}:{path.port}"}} 1' in page
                )
                assert f'ifHCInOctets{{host="{name}"' in page
            assert '"level": "error"' not in process.log.read_text()
    finally:
        path.close()


def post(process: AgentProcess, path: str) -> tuple[int, bool]:
    """POST, as curl does; the status, and whether the answer names the mistake."""
    answer = httpx.post(process.url + path, timeout=10)
    return answer.status_code, "adress" in answer.text


def test_a_clock_step_of_an_hour_changes_nothing(tmp_path: Path, snmp: Snmpd) -> None:
    """An hour forward and two hours back: runs go on, the verdict stays, nothing is announced."""
    clock = tmp_path / "clock"
    clock.write_text("+0")
    with agent(tmp_path, config(tmp_path, snmp_host(snmp)), COMMUNITY="public", **clock_by(clock)) as process:
        process.await_verdict("mx1", "healthy")
        real = last_run(process)
        assert abs(real - time.time()) < 60
        for step, offset in (("+3600", 3600), ("-3600", -3600)):
            clock.write_text(step)
            stepped = wait_for("a run after the step", lambda offset=offset: ran_at(process, offset), 30)
            wait_for("the next run", lambda last=stepped: last_run(process) > last, 30)
            assert process.verdict("mx1") == "healthy"
        announced = [line for line in process.log.read_text().splitlines() if '"event": "verdict"' in line]
        assert len(announced) == 1


def last_run(process: AgentProcess) -> float:
    """When the snmp check last began, by the agent's wall clock."""
    (check,) = process.host("mx1")["snmp"]
    return float(check["last_run"])


def ran_at(process: AgentProcess, offset: float) -> float | None:
    """The last run's time if it was on a clock that is `offset` off."""
    last = last_run(process)
    return last if abs(last - time.time() - offset) < 60 else None


def test_wrong_community_is_told(tmp_path: Path, snmp: Snmpd) -> None:
    """An agent that does not like us is silent (v1, v2c), and the host is alive by ping."""
    with agent(tmp_path, config(tmp_path, snmp_host(snmp)), COMMUNITY="wrong-canary") as process:
        process.await_verdict("mx1", "agent_down")
        seen = process.get("/").text + process.get("/metrics").text + process.get("/config").text
        assert "wrong-canary" not in seen + process.log.read_text()


def answering(reply: bytes) -> tuple[int, Callable[[], None]]:
    """A TCP server that says `reply` to everybody; its port and how to stop it."""
    door = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                peer, _ = door.accept()
            except OSError:
                return
            with peer:
                peer.sendall(reply)

    threading.Thread(target=serve, daemon=True).start()
    return door.getsockname()[1], lambda: (door.shutdown(socket.SHUT_RDWR), door.close())[1]


def test_another_protocol_on_the_mail_port(tmp_path: Path) -> None:
    """Something that is no mail server is told from a server that is down."""
    port, close = answering(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")
    host = f"{{name: mx1, address: 127.0.0.1, smtp: [{{port: {port}, role: inbound}}]}}"
    try:
        with agent(tmp_path, config(tmp_path, host), COMMUNITY="public") as process:
            process.await_verdict("mx1", "mail_down")
            (check,) = process.host("mx1")["mail"]
            assert (check["result"], check["reason"]) == ("failed", "protocol_error")
    finally:
        close()


def test_garbage_for_snmp(tmp_path: Path) -> None:
    """A UDP service that answers nonsense harms nobody and is told from silence."""
    door = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    door.bind(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                datagram, peer = door.recvfrom(65535)
                door.sendto(datagram[::-1] + b"\xff" * 100, peer)
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    snmp_ = f"snmp: {{port: {door.getsockname()[1]}, modules: [system]}}"
    try:
        with agent(
            tmp_path, config(tmp_path, f"{{name: sw1, address: 127.0.0.1, {snmp_}}}"), COMMUNITY="public"
        ) as process:
            process.await_verdict("sw1", "agent_down")
            (check,) = process.host("sw1")["snmp"]
            assert (check["result"], check["reason"]) == ("failed", "malformed_reply")
    finally:
        door.close()


def test_two_agents_do_not_share_a_state(tmp_path: Path, snmp: Snmpd) -> None:
    """The second one says so and exits 1; a bad config exits 78 and opens nothing."""
    with agent(tmp_path, config(tmp_path, snmp_host(snmp)), COMMUNITY="public") as process:
        again = subprocess.run(
            [sys.executable, "-m", "netmon", "run", "--config", str(process.config)],
            env={"COMMUNITY": "public", "PATH": ""},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert again.returncode == 1
        assert "in use by another netmon" in again.stderr
    bad = tmp_path / "bad.yml"
    bad.write_text("hosts: [{name: mx1, smtp: [{port: 25, tls: startls}]}]\n")
    done = subprocess.run(
        [sys.executable, "-m", "netmon", "run", "--config", str(bad)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 78
    assert 'did you mean "starttls"?' in done.stderr
