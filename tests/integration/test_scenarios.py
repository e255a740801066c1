"""Faults made for real on a small network, and what the agent makes of them and of their end.

After every scenario each host must be healthy again, which the fixture `monitor` waits for.
"""

import time
from typing import Any

from netmon.model import FindingKind
from tests.servers import faults
from tests.servers.agent import AgentProcess, wait_for
from tests.servers.hosts import LONG_UP
from tests.servers.world import World

SOON = 30.0  # seconds; a fault is confirmed after some


def kinds(host: dict[str, Any]) -> set[str]:
    """The kinds of a host's findings."""
    return {finding["kind"] for finding in host["findings"]}


def uptime(monitor: AgentProcess, name: str) -> float:
    """Seconds since boot as the host's SNMP agent says them, on /metrics."""
    (line,) = [
        line
        for line in monitor.get("/metrics").text.splitlines()
        if line.startswith("hrSystemUptime{") and f'host="{name}"' in line
    ]
    return float(line.rpartition(" ")[2]) / 100


def test_mail_process_stopped(stage: World, monitor: AgentProcess) -> None:
    """Postfix is gone and the host is well: mail_down, and it alone."""
    with faults.mail_stopped(stage.mx1):
        monitor.await_verdict("mx1", "mail_down", SOON)
        host = monitor.host("mx1")
        assert host["alive"] is True
        assert "refuses the connection" in host["sentence"]
        assert monitor.verdict("mx2") == monitor.verdict("sw1") == "healthy"


def test_port_filtered_on_the_host(stage: World, monitor: AgentProcess) -> None:
    """A packet filter drops what comes to the mail ports, while SNMP shows the listeners."""
    with faults.filtered(stage.mx1):
        monitor.await_verdict("mx1", "path_filtered", SOON)


def test_port_filtered_on_the_path(stage: World, monitor: AgentProcess) -> None:
    """The router drops it instead: to the agent it is the same."""
    rule = f"ip daddr {stage.mx2.address} tcp dport {{ 25, 587 }} drop"
    with faults.filtered(stage.sw1, rule, hook="forward"):
        monitor.await_verdict("mx2", "path_filtered", SOON)
        assert monitor.verdict("mx1") == "healthy"


def test_snmp_agent_stopped(stage: World, monitor: AgentProcess) -> None:
    """snmpd is gone and the mail is well."""
    with faults.snmp_stopped(stage.mx1):
        monitor.await_verdict("mx1", "agent_down", SOON)
        assert monitor.host("mx1")["alive"] is True


def test_both_stopped_but_the_host_lives(stage: World, monitor: AgentProcess) -> None:
    """Mail and SNMP are gone, and the host answers ping: the mail is down, the host is not."""
    with faults.snmp_stopped(stage.mx1), faults.mail_stopped(stage.mx1):
        monitor.await_verdict("mx1", "mail_down", SOON)
        host = monitor.host("mx1")
        assert host["alive"] is True
        wait_for("both findings", lambda: {"smtp_failed", "snmp_failed"} <= kinds(monitor.host("mx1")), SOON)


def test_host_gone(stage: World, monitor: AgentProcess) -> None:
    """The host's cable is out: host_down, and its upstream is well."""
    with faults.unplugged("mx1"):
        monitor.await_verdict("mx1", "host_down", SOON)
        assert monitor.host("mx1")["alive"] is False
        assert monitor.verdict("sw1") == monitor.verdict("mx2") == "healthy"


def test_upstream_gone(stage: World, monitor: AgentProcess) -> None:
    """The switch is gone with three hosts behind it: it is down, they are unreachable."""
    with faults.unplugged("sw1"):
        monitor.await_verdict("sw1", "device_down", SOON)
        for host in stage.mail_hosts:
            monitor.await_verdict(host.name, "unreachable", SOON)
            assert "sw1" in monitor.host(host.name)["sentence"]
        assert monitor.verdict("ap1") == "healthy"


def test_spool_full(stage: World, monitor: AgentProcess) -> None:
    """The spool is full and the server defers all mail: SNMP knows why."""
    with faults.spool_full(stage.mx1):
        monitor.await_verdict("mx1", "mail_starved", SOON)
        host = monitor.host("mx1")
        assert FindingKind.STORAGE_FULL in kinds(host)
        assert str(stage.mx1.spool) in host["sentence"]
        assert monitor.verdict("mx2") == "healthy"


def test_certificate_expired(stage: World, monitor: AgentProcess) -> None:
    """A submission port with a certificate that has ended is degraded."""
    with faults.certificate(stage, stage.mx1):
        monitor.await_verdict("mx1", "mail_degraded", SOON)
        assert "the certificate ended" in monitor.host("mx1")["sentence"]


def test_our_address_refused(stage: World, monitor: AgentProcess) -> None:
    """A policy against netmon's own address is no outage."""
    with faults.refused(stage.mx1):
        monitor.await_verdict("mx1", "unknown", SOON)
        assert FindingKind.PROBE_REJECTED in kinds(monitor.host("mx1"))


def test_reboot(stage: World, monitor: AgentProcess) -> None:
    """After a reboot SNMP says a short uptime, and the mail takes longer to come back."""
    assert uptime(monitor, "mx3") >= LONG_UP
    with faults.rebooting(stage.mx3):
        monitor.await_verdict("mx3", "mail_down", SOON)
        assert uptime(monitor, "mx3") < 600


def test_power_cut(stage: World, monitor: AgentProcess) -> None:
    """The power goes and comes: host_down in between."""
    with faults.powered_off(stage.mx2):
        monitor.await_verdict("mx2", "host_down", SOON)


def test_agent_killed_in_mid_fault(stage: World, monitor: AgentProcess) -> None:
    """The agent dies and is started again while a fault lasts: it still knows it, and sees its end."""
    with faults.mail_stopped(stage.mx1):
        monitor.await_verdict("mx1", "mail_down", SOON)
        since = monitor.host("mx1")["since"]
        time.sleep(0.5)  # the journal may wait 0.2 s for company
        monitor.kill()
        monitor.start()
        assert monitor.verdict("mx1") == "mail_down"
        monitor.ready()
        assert (monitor.verdict("mx1"), monitor.host("mx1")["since"]) == ("mail_down", since)


def test_own_interface_down(stage: World, monitor: AgentProcess) -> None:
    """netmon's machine has no route to anything: that says nothing of any host."""
    with faults.interface_down():
        for host in stage.hosts:
            monitor.await_verdict(host.name, "unknown", SOON)
