"""The network's faults as Prometheus and Alertmanager are told of them; all three are real."""

import asyncio
from pathlib import Path

import pytest

from netmon.errors import Reason
from netmon.resolver import ResolveError, Resolver
from tests.servers import faults
from tests.servers.agent import AgentProcess, wait_for
from tests.servers.alertmanager import alertmanager
from tests.servers.prometheus import prometheus
from tests.servers.world import GATEWAY, V6_ONLY, World

RULES = """
groups:
  - name: netmon
    rules:
      - {alert: MailDown, expr: 'netmon_host_verdict{verdict="mail_down"} == 1'}
"""


def test_a_rule_on_a_verdict_fires(stage: World, monitor: AgentProcess, tmp_path: Path) -> None:
    """Postfix stops: agent, Prometheus and Alertmanager hand it on; it starts: the alert ends."""
    rules = tmp_path / "rules.yml"
    rules.write_text(RULES)
    jobs = f'- {{job_name: netmon, static_configs: [{{targets: ["{monitor.url.removeprefix("http://")}"]}}]}}'

    with (
        alertmanager(tmp_path / "alertmanager") as receiver,
        prometheus(
            tmp_path / "prometheus",
            jobs,
            rule_files=[rules],
            alertmanagers=[receiver.url.removeprefix("http://")],
        ) as server,
    ):
        server.await_samples('netmon_host_verdict{host="mx2",verdict="healthy"} == 1')
        assert receiver.alerts() == []
        with faults.mail_stopped(stage.mx2):
            (alert,) = wait_for("the alert", receiver.alerts, 30)
            assert (alert["labels"]["alertname"], alert["labels"]["host"]) == ("MailDown", "mx2")
            receiver.stop()
            receiver.start()
        wait_for("the alert's end", lambda: not receiver.alerts(), 30)


def test_names_of_the_network(stage: World) -> None:
    """The gateway answers DNS for all hosts, and while it does not nothing is known."""

    async def addresses(name: str) -> tuple[str, ...]:
        return tuple(await Resolver([GATEWAY], deadline=1.0).addresses(name))

    assert asyncio.run(addresses("mx1.example.test")) == (stage.mx1.address,)
    assert asyncio.run(addresses(V6_ONLY)) == ("2001:db8::25",)
    with pytest.raises(ResolveError) as caught:
        asyncio.run(addresses("nobody.example.test"))
    assert caught.value.reason is Reason.NAME_NOT_FOUND
    with faults.dns_dead(stage), pytest.raises(ResolveError) as caught:
        asyncio.run(addresses("mx1.example.test"))
    assert caught.value.reason is Reason.RESOLVE_FAILED
