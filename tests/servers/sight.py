"""What is seen of the `world` by all who tell a person: the agent, Alertmanager, and Prometheus's rules.

netmon sends its alerts to Alertmanager by itself, and Prometheus evaluates dashboards/netmon.rules.yml on
what it scrapes: two ways to be told, which must tell the same.
"""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.servers.agent import AgentProcess, wait_for
from tests.servers.alertmanager import Alertmanager, alertmanager
from tests.servers.postfix import free_ports
from tests.servers.prometheus import Prometheus, prometheus
from tests.servers.world import AGENT, World, all_healthy

RULES = Path(__file__).parents[2] / "dashboards" / "netmon.rules.yml"
PATIENCE = 30.0  # seconds; these machines are noisy
INTERVAL = 2.0  # seconds, of the world's agent
Alert = tuple[str, str]  # name, and the host (or the agent) that it is about


@dataclass
class Sight:
    """The three of them, and every alert that was seen since `forget`."""

    agent: AgentProcess
    receiver: Alertmanager
    prometheus: Prometheus
    seen: set[Alert] = field(default_factory=set)

    def direct(self) -> set[Alert]:
        """The alerts that netmon itself has sent and that hold."""
        found = {_named(alert["labels"]) for alert in self.receiver.alerts()}
        self.seen |= found
        return found

    def ruled(self) -> set[Alert]:
        """The alerts that Prometheus fires by the rules, but the watchdog."""
        expression = 'ALERTS{alertstate="firing",severity!="none"}'
        found = {_named(sample.labels) for sample in self.prometheus.query(expression)}
        self.seen |= found
        return found

    def await_verdict(self, host: str, verdict: str, patience: float = PATIENCE) -> dict[str, Any]:
        """Wait until a host's verdict is confirmed as this; the host as /api/hosts/NAME has it."""

        def there() -> bool:
            self.direct()
            self.ruled()
            return self.agent.verdict(host) == verdict

        try:
            wait_for(f"{host} to be {verdict}", there, patience)
        except AssertionError as error:
            known = self.agent.host(host)
            raise AssertionError(f"{error}; it is {known['verdict']}: {known['sentence']}") from None
        return self.agent.host(host)

    def await_alerts(self, *alerts: Alert) -> None:
        """Wait until both ways tell exactly these, and see that nobody else was ever told of."""
        wanted = set(alerts)
        told: dict[str, set[Alert]] = {}

        def there() -> bool:
            told.update(direct=self.direct(), ruled=self.ruled())
            return all(alerts == wanted for alerts in told.values())

        try:
            wait_for(f"exactly the alerts {sorted(wanted)}", there, PATIENCE)
        except AssertionError as error:
            raise AssertionError(f"{error}; told were {told}") from None
        assert self.seen <= wanted, f"somebody else was told of: {sorted(self.seen - wanted)}"

    def annotations(self, alert: Alert) -> dict[str, str]:
        """The annotations of an alert that netmon has sent."""
        (found,) = [one for one in self.receiver.alerts() if _named(one["labels"]) == alert]
        notes: dict[str, str] = found["annotations"]
        return notes

    def started(self, alert: Alert) -> str:
        """When netmon says that an alert began."""
        (found,) = [one for one in self.receiver.alerts() if _named(one["labels"]) == alert]
        return str(found["startsAt"])

    def well_again(self) -> None:
        """Wait until every host is healthy and nothing is alerted."""
        all_healthy(self.agent)

        def quiet() -> bool:
            return not self.direct() and not self.ruled()

        wait_for("all alerts to end", quiet, PATIENCE)
        self.seen.clear()


def in_time(host: dict[str, Any]) -> bool:
    """Whether the verdict came within three intervals of the first run that met the fault."""
    checks = [*host["life"], *host["snmp"], *host["mail"]]
    failing = [check["since"] for check in checks if check["result"] != "ok"]
    found = [finding["at"] for finding in host["findings"] if finding["severity"] != "info"]
    return bool(host["since"] - min([*failing, *found]) <= 3 * INTERVAL)


def says(host: dict[str, Any], pattern: str) -> bool:
    """Whether the sentence is of that form; HH:MM stands for a time of day, and nothing else is loose."""
    form = re.escape(pattern).replace("HH:MM", "[0-2][0-9]:[0-5][0-9]")
    assert re.fullmatch(form, host["sentence"]), f"{host['sentence']!r} is not {pattern!r}"
    return True


def kinds(host: dict[str, Any], severity: str = "") -> set[str]:
    """The kinds of a host's findings, of one weight if it is given."""
    return {finding["kind"] for finding in host["findings"] if severity in {"", finding["severity"]}}


def _named(labels: dict[str, str]) -> Alert:
    return labels["alertname"], labels.get("host") or labels.get("agent", AGENT)


@contextlib.contextmanager
def sight(stage: World, folder: Path) -> Iterator[Sight]:
    """An agent that watches the stage, and both ways to be told, all of which find everything well."""
    with alertmanager(folder / "alertmanager") as receiver:
        config = stage.config()
        config["alerting"] = {"alertmanagers": [receiver.url]}
        # Prometheus must find it again after a restart.
        config["web"]["listen"] = f"127.0.0.1:{free_ports(1)[0]}"
        with stage.agent(folder / "agent", config) as process:
            jobs = f"""
            - job_name: netmon
              static_configs: [{{targets: ["{process.url.removeprefix("http://")}"]}}]
            """
            with prometheus(folder / "prometheus", jobs, rule_files=[RULES]) as server:
                server.await_samples('count(netmon_host_verdict{verdict="healthy"} == 1) == 5')
                seen = Sight(process, receiver, server)
                seen.well_again()
                yield seen
