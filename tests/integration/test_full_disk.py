"""A state folder on a file system that is really full: verdicts and alerts go on, informs are not taken."""

import re
import subprocess
from pathlib import Path

from tests.servers.agent import AgentProcess, wait_for
from tests.servers.receiver import receiver
from tests.servers.snmpd import Snmpd, snmpd

COLD_START = "1.3.6.1.6.3.1.1.5.1"
# A small file system of the agent's own, which nobody else sees.
OWN_DISK = 'mount -t tmpfs -o size=4m tmpfs "$0" && exec "$@"'


def config(state: Path, server: Snmpd, webhook: str) -> str:
    """A quick agent of one host, with traps and a webhook."""
    return f"""
defaults: {{interval: 1s, timeout: 500ms, retries: 0, confirm: {{fail: 1, recover: 1, retry_interval: 1s}}}}
auths: {{lab: {{version: 2, community: public}}}}
hosts:
  - {{name: sw1, address: 127.0.0.1, ping: true, snmp: {{port: {server.port}, auth: lab, modules: [system]}}}}
traps: {{listen: ["127.0.0.1:0"], communities: [s3cret]}}
alerting: {{webhooks: ["{webhook}"]}}
web: {{listen: "127.0.0.1:0"}}
state: {{path: "{state}"}}
"""


class Sender:
    """Sends informs by net-snmp, and counts those that were acknowledged."""

    def __init__(self, door: str) -> None:
        self._door = door
        self.acknowledged = 0

    def inform(self) -> bool:
        """Whether one is acknowledged within two tries."""
        done = subprocess.run(
            ["snmpinform", "-v2c", "-c", "s3cret", "-t", "1", "-r", "1", self._door, "", COLD_START],
            capture_output=True,
            check=False,
            timeout=60,
        )
        self.acknowledged += done.returncode == 0
        return done.returncode == 0


def on_its_disk(process: AgentProcess, *command: str) -> int:
    """Run a command that sees the agent's file systems; its exit code."""
    inside = ["nsenter", "--target", str(process.pid), "--mount", *command]
    return subprocess.run(inside, capture_output=True, check=False, timeout=60).returncode


def stored(process: AgentProcess) -> int:
    """How many notifications are stored; the same again within seconds is one event with a count."""
    return sum(event["count"] for event in process.get("/api/events").json())


def test_verdicts_and_alerts_go_on_and_no_inform_is_acknowledged(tmp_path: Path) -> None:
    """The disk fills while all works, and is emptied again; what was acknowledged is there."""
    state = tmp_path / "state"
    state.mkdir()
    with snmpd(tmp_path / "snmpd") as server, receiver() as pager:
        path = tmp_path / "netmon.yml"
        path.write_text(config(state, server, pager.url))
        process = AgentProcess(path, {}, ("unshare", "--mount", "sh", "-c", OWN_DISK, str(state)))
        process.start()
        try:
            process.await_verdict("sw1", "healthy")
            door = re.findall(r'"listen": "(127[^"]+)".*traps are received', process.log.read_text())[-1]
            sender = Sender(door)
            wait_for("the receiver", sender.inform)

            def refused() -> bool:
                """With every octet taken that one database or the other has given back."""
                assert on_its_disk(process, "sh", "-c", f"cat /dev/zero >>'{state}/full'") != 0
                return not sender.inform()

            wait_for("informs to be refused", lambda: refused() and refused())
            server.pause()
            process.await_verdict("sw1", "agent_down")
            wait_for("the alert", lambda: ("NetmonSnmpAgentDown", "sw1", "firing") in pager.alerts())
            server.resume()
            process.await_verdict("sw1", "healthy")
            wait_for("its end", lambda: ("NetmonSnmpAgentDown", "sw1", "resolved") in pager.alerts())
            log = process.log.read_text()
            assert '"level": "error"' in log
            assert "Traceback" not in log
            wait_for("informs to be refused still", refused)
            assert on_its_disk(process, "rm", f"{state}/full") == 0
            wait_for("informs to be acknowledged again", sender.inform)
            assert stored(process) >= sender.acknowledged
        finally:
            process.stop()
