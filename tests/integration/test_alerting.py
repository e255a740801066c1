"""The agent as a process tells Debian's Alertmanager and a webhook of faults, whatever fails meanwhile."""

import socket
import time
from pathlib import Path

import httpx

from tests.servers.agent import AgentProcess, agent, wait_for
from tests.servers.alertmanager import Alertmanager, alertmanager
from tests.servers.receiver import Mood, Receiver, receiver

CANARY = "swordfish"
DOWN = ("NetmonMailDown", "mx1")


class MailHost:
    """A port of 127.0.0.1 that greets as a mail server does, or refuses."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as door:
            self.port = door.getsockname()[1]

    def entry(self, name: str = "mx1") -> str:
        """A host with this as its only mail port, closed until somebody listens there."""
        smtp = f"[{{port: {self.port}, tls: none, role: inbound}}]"
        return f"{{name: {name}, address: 127.0.0.1, ping: true, labels: {{site: waw}}, smtp: {smtp}}}"


def config(folder: Path, alerting: str, *hosts: str) -> str:
    """A quick agent."""
    return f"""
agent: {{name: probe1.example.net}}
defaults: {{interval: 1s, timeout: 1s, confirm: {{fail: 2, recover: 1, retry_interval: 1s}}}}
web: {{listen: "127.0.0.1:0"}}
state: {{path: "{folder / "state"}"}}
alerting: {alerting}
hosts: [{", ".join(hosts)}]
"""


def rewrite(process: AgentProcess, text: str) -> None:
    """Have the agent take another config."""
    process.config.write_text(text)
    answer = httpx.post(f"{process.url}/-/reload", timeout=10, trust_env=False)
    assert answer.status_code == 200, answer.text


def holds(server: Alertmanager, *wanted: tuple[str, str]) -> None:
    """Wait until Alertmanager believes exactly this."""
    wait_for(f"{server.url} to hold {wanted}", lambda: server.names() == sorted(wanted))


def test_two_alertmanagers_are_told_of_beginning_change_and_end(tmp_path: Path) -> None:
    """Each of everything; one that was down, and has forgotten all, is told when it is back."""
    host = MailHost()
    with alertmanager(tmp_path / "a") as first, alertmanager(tmp_path / "b") as second:
        second.stop()
        text = config(tmp_path, f'{{alertmanagers: ["{first.url}/", "{second.url}"]}}', host.entry())
        with agent(tmp_path, text) as process:
            holds(first, DOWN)
            (alert,) = first.alerts()
            assert alert["labels"] == {
                "alertname": "NetmonMailDown",
                "host": "mx1",
                "severity": "page",
                "site": "waw",
            }
            assert alert["annotations"]["verdict"] == "mail_down"
            assert "refuses the connection" in alert["annotations"]["description"]
            assert alert["annotations"]["runbook_url"] == f"{process.url}/explain/mail_down"
            assert alert["generatorURL"] == f"{process.url}/hosts/mx1"
            assert "NetmonMailDown" in first.query()
            wait_for(
                "a failed delivery in the metrics",
                lambda: float(
                    process.get("/metrics/agent")
                    .text.split('netmon_alert_deliveries_total{outcome="failed",receiver="alertmanager-1"} ')[
                        1
                    ]
                    .split("\n")[0]
                ),
            )
            page = process.get("/metrics/agent").text
            assert 'netmon_alerts{alertname="NetmonMailDown",severity="page"} 1.0' in page
            assert 'netmon_alerts_waiting{receiver="alertmanager-0"} 0.0' in page
            assert 'netmon_alerts_waiting{receiver="alertmanager-1"} 1.0' in page
            second.start()
            holds(second, DOWN)
            # The same alert with another sentence, since the port now answers something else.
            with socket.create_server(("127.0.0.1", host.port)):
                wait_for(
                    "the annotation to change",
                    lambda: "refuses" not in first.alerts()[0]["annotations"]["description"],
                )
                assert first.names() == [DOWN]
                assert first.alerts()[0]["startsAt"] == alert["startsAt"]
            rewrite(process, config(tmp_path, f'{{alertmanagers: ["{first.url}"]}}', host.entry("mx2")))
            holds(first, ("NetmonMailDown", "mx2"))


def test_an_outage_within_a_webhooks_outage_and_a_kill_is_still_told(tmp_path: Path) -> None:
    """The webhook fails, the fault begins, the agent is killed and restarted, the fault ends, all is told."""
    host, other = MailHost(), MailHost()
    with receiver() as hook, receiver() as beats, alertmanager(tmp_path / "a") as server:
        alerting = (
            f'{{alertmanagers: ["{server.url}"], webhooks: [{{url: "{hook.url}/{CANARY}", name: chat, '
            f'headers: {{X-Token: {CANARY}}}}}], heartbeat: {{url: "{beats.url}/{CANARY}", interval: 1s}}}}'
        )
        hook.mood = Mood.ERROR
        with agent(tmp_path, config(tmp_path, alerting, host.entry())) as process:
            holds(server, DOWN)
            wait_for("the webhook to be asked", lambda: hook.asked)
            wait_for("the heart to beat", lambda: beats.got)
            time.sleep(0.5)  # the journal may wait 0.2 s for company
            process.kill()
            process.config.write_text(config(tmp_path, alerting, other.entry("mx2")))
            process.start()
            holds(server, ("NetmonMailDown", "mx2"))
            hook.mood = Mood.WELL
            wait_for("the webhook to be told all", lambda: len(hook.alerts()) >= 2)
            assert set(hook.alerts()) == {
                ("NetmonMailDown", "mx1", "resolved"),
                ("NetmonMailDown", "mx2", "firing"),
            }
            (ended,) = [a for got in hook.got for a in got.json["alerts"] if a["status"] == "resolved"]
            assert ended["startsAt"] < ended["endsAt"]
            assert hook.got[0].path == f"/{CANARY}"
            assert hook.got[0].headers["X-Token"] == CANARY
            no_canary(process, hook)


def no_canary(process: AgentProcess, hook: Receiver) -> None:
    """No token in the log, in the config as it is shown, on the pages or in the metrics."""
    hook.mood = Mood.REFUSES
    assert CANARY in process.config.read_text()
    assert CANARY not in process.log.read_text()
    for path in ("/config", "/", "/metrics/agent", "/api/hosts"):
        assert CANARY not in process.get(path).text


def test_templates_and_stopping(tmp_path: Path) -> None:
    """A chat's own JSON, one message for each alert; stopping tells no end, since nothing has ended."""
    host = MailHost()
    with receiver() as hook:
        template = '{"text": {{ (status ~ " " ~ summary) | tojson }}}'
        alerting = f"{{webhooks: [{{url: \"{hook.url}\", template: '{template}', method: PUT}}]}}"
        with agent(tmp_path, config(tmp_path, alerting, host.entry(), MailHost().entry("mx2"))) as process:
            wait_for("both messages", lambda: len(hook.got) == 2)
            assert process.stop() == 0
    assert {got.json["text"] for got in hook.got} == {"firing mx1: mail_down", "firing mx2: mail_down"}
    assert {got.method for got in hook.got} == {"PUT"}
