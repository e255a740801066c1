"""Faults made for real on a small network: the verdict, its cause, its sentence, and who is told.

Everything is real: snmpd, Postfix, Prometheus with netmon's rules, Alertmanager with netmon's own alerts.
Of each fault both ways tell the same, in time, and nobody is told of anybody else.  After every scenario
all is well again, which the fixture `seen` waits for.
"""

import time
from pathlib import Path

from netmon.model import FindingKind, SilenceKind
from tests.servers import faults
from tests.servers.agent import agent, wait_for
from tests.servers.hosts import LONG_UP
from tests.servers.sight import INTERVAL, Sight, in_time, kinds, says
from tests.servers.world import AGENT, V6_ONLY, World

REFUSES = "SMTP on 25 and 587 refuses the connection since HH:MM"
WELL = "last healthy HH:MM"


def cause(seen: Sight, host: str) -> str:
    """What the alert about a host's mail names as its cause; nothing before one is known."""
    return seen.annotations(("NetmonMailDown", host)).get("cause", "")


def test_mail_process_stopped(stage: World, seen: Sight) -> None:
    """Postfix is gone and the host is well: mail_down, and nobody but mx1 is told of."""
    with faults.mail_stopped(stage.mx1):
        host = seen.await_verdict("mx1", "mail_down")
        assert in_time(host)
        assert host["alive"] is True
        assert host["sentence"].startswith("SMTP on 25 and 587 refuses the connection")
        seen.await_alerts(("NetmonMailDown", "mx1"))
        notes = seen.annotations(("NetmonMailDown", "mx1"))
        assert notes["verdict"] == "mail_down"
        assert notes["description"].startswith("mx1: mail_down. SMTP on 25 and 587 refuses the connection")


def test_mail_process_that_is_watched_is_the_cause(stage: World, seen: Sight) -> None:
    """Where the config names the process, SNMP says what is missing: mail_starved, and the alert stays.

    net-snmp keeps its list of processes for half a minute, so the cause may come after the page.
    """
    with faults.mail_stopped(stage.mx2):
        seen.await_alerts(("NetmonMailDown", "mx2"))
        began = seen.started(("NetmonMailDown", "mx2"))
        host = seen.await_verdict("mx2", "mail_starved", patience=90)
        assert kinds(host, "cause") == {FindingKind.PROCESS_MISSING}
        assert "no process master runs" in host["sentence"]
        seen.await_alerts(("NetmonMailDown", "mx2"))
        wait_for("the cause", lambda: "no process master runs" in cause(seen, "mx2"), 30)
        assert seen.started(("NetmonMailDown", "mx2")) == began


def test_port_filtered_on_the_host(stage: World, seen: Sight) -> None:
    """A packet filter drops what comes to the mail ports, while SNMP shows the listeners."""
    with faults.filtered(stage.mx1):
        host = seen.await_verdict("mx1", "path_filtered")
        assert in_time(host)
        # On a busy machine one run may meet its deadline before its connect gives up.
        wait_for("the same reason on both", lambda: "25 and 587" in seen.agent.host("mx1")["sentence"], 30)
        assert says(
            seen.agent.host("mx1"),
            "SMTP on 25 and 587 does not answer since HH:MM; its own table shows it listening (SNMP): "
            f"something on the way drops it; {WELL}",
        )
        seen.await_alerts(("NetmonMailDown", "mx1"))


def test_port_filtered_on_the_path(stage: World, seen: Sight) -> None:
    """The router drops it instead: to the agent it is the same."""
    rule = f"ip daddr {stage.mx2.address} tcp dport {{ 25, 587 }} drop"
    with faults.filtered(stage.sw1, rule, hook="forward"):
        seen.await_verdict("mx2", "path_filtered")
        seen.await_alerts(("NetmonMailDown", "mx2"))


def test_spool_full(stage: World, seen: Sight) -> None:
    """The spool is full and the server defers all mail: SNMP knows why."""
    with faults.spool_full(stage.mx1):
        host = seen.await_verdict("mx1", "mail_starved")
        assert in_time(host)
        assert kinds(host, "cause") == {FindingKind.STORAGE_FULL}
        wait_for("the sentence to have its times", lambda: " (SNMP)" in seen.agent.host("mx1")["sentence"])
        spool = stage.mx1.spool
        wait_for("the spool's time", lambda: "full since" in seen.agent.host("mx1")["sentence"])
        assert says(
            seen.agent.host("mx1"),
            "SMTP on 25 and 587 defers with 452 4.3.1 since HH:MM; "
            f"{spool} is 100% full since HH:MM (SNMP); {WELL}",
        )
        seen.await_alerts(("NetmonMailDown", "mx1"))
        wait_for("the cause", lambda: cause(seen, "mx1").startswith(f"{spool} is 100% full"), 30)


def test_snmp_agent_stopped(stage: World, seen: Sight) -> None:
    """snmpd is gone and the mail is well: a ticket about the agent."""
    with faults.snmp_stopped(stage.mx1):
        host = seen.await_verdict("mx1", "agent_down")
        assert in_time(host)
        assert host["alive"] is True
        assert "the host is alive, and so is its mail" in host["sentence"]
        seen.await_alerts(("NetmonSnmpAgentDown", "mx1"))


def test_both_stopped_but_the_host_lives(stage: World, seen: Sight) -> None:
    """Mail and SNMP are gone, and the host answers ping: the mail is down, the host is not."""
    with faults.snmp_stopped(stage.mx1), faults.mail_stopped(stage.mx1):
        seen.await_verdict("mx1", "mail_down")
        wait_for("both findings", lambda: {"smtp_failed", "snmp_failed"} <= kinds(seen.agent.host("mx1")), 30)
        assert seen.agent.host("mx1")["alive"] is True
        assert seen.agent.verdict("mx1") == "mail_down"
        # Which of the two was noticed first is chance: a ticket about the agent may come before the page.
        seen.seen.discard(("NetmonSnmpAgentDown", "mx1"))
        seen.await_alerts(("NetmonMailDown", "mx1"))


def test_host_gone(stage: World, seen: Sight) -> None:
    """The host's cable is out: host_down, and its upstream is well."""
    with faults.unplugged("mx1"):
        host = seen.await_verdict("mx1", "host_down")
        assert host["alive"] is False
        assert "no sign of life since" in host["sentence"]
        assert "sw1 in front of it is alive" in host["sentence"]
        seen.await_alerts(("NetmonHostDown", "mx1"))


def test_upstream_gone(stage: World, seen: Sight) -> None:
    """The switch is gone with three hosts behind it: one alert, and it is the switch's."""
    with faults.unplugged("sw1"):
        seen.await_verdict("sw1", "device_down")
        for one in stage.mail_hosts:
            host = seen.await_verdict(one.name, "unreachable")
            assert "sw1 in front of it is down" in host["sentence"]
        seen.await_alerts(("NetmonDeviceDown", "sw1"))
        assert seen.agent.verdict("ap1") == "healthy"


def test_reboot(stage: World, seen: Sight) -> None:
    """It has booted and its mail takes longer to come back: the cause is told, and no alert is sent."""
    with faults.rebooting(stage.mx3):
        host = seen.await_verdict("mx3", "mail_starved")
        assert FindingKind.REBOOTED in kinds(host, "cause")
        assert "it booted" in host["sentence"]
        silenced = seen.agent.host("mx3")["silenced"]
        assert silenced["kind"] == SilenceKind.REBOOT
        assert silenced["until"] - time.time() < 600
        seen.seen.discard(("NetmonHostDown", "mx3"))  # while it was dark nobody could know why
        seen.await_alerts()


def test_power_cut(stage: World, seen: Sight) -> None:
    """The power goes and comes: host_down in between."""
    with faults.powered_off(stage.mx2, uptime=LONG_UP):
        host = seen.await_verdict("mx2", "host_down")
        assert "no sign of life" in host["sentence"]
        seen.await_alerts(("NetmonHostDown", "mx2"))


def test_certificate_expired(stage: World, seen: Sight) -> None:
    """A submission port with a certificate that has ended is degraded: a ticket."""
    with faults.certificate(stage, stage.mx1):
        host = seen.await_verdict("mx1", "mail_degraded")
        assert "the certificate ended" in host["sentence"]
        assert FindingKind.CERTIFICATE_EXPIRED in kinds(host, "fault")
        seen.await_alerts(("NetmonMailDegraded", "mx1"))


def test_our_address_refused(stage: World, seen: Sight) -> None:
    """A policy against netmon's own address is a finding and no outage: nobody is told."""
    with faults.refused(stage.mx1):
        host = seen.await_verdict("mx1", "unknown")
        assert FindingKind.PROBE_REJECTED in kinds(host)
        assert "You are not welcome here" in host["sentence"]
        seen.await_alerts()


def test_agent_killed_in_mid_fault(stage: World, seen: Sight) -> None:
    """The agent dies and is started again while a fault lasts: the same alert goes on, and ends with it."""
    alert = ("NetmonMailDown", "mx1")
    with faults.mail_stopped(stage.mx1):
        before = seen.await_verdict("mx1", "mail_down")
        seen.await_alerts(alert)
        began = seen.started(alert)
        time.sleep(0.5)  # the journal may wait 0.2 s for company
        seen.agent.kill()
        seen.agent.start()
        assert seen.agent.verdict("mx1") == "mail_down"
        seen.agent.ready()
        after = seen.agent.host("mx1")
        assert (after["verdict"], after["since"]) == ("mail_down", before["since"])
        assert after["last_healthy"] == before["last_healthy"]
        assert (seen.direct(), seen.started(alert)) == ({alert}, began)


def test_alertmanager_that_was_away_is_told_all_the_same(stage: World, seen: Sight) -> None:
    """It was down when the fault began: it is told when it is back."""
    seen.receiver.stop()
    with faults.mail_stopped(stage.mx1):
        wait_for("the verdict", lambda: seen.agent.verdict("mx1") == "mail_down", 30)
        seen.receiver.start()
        seen.await_alerts(("NetmonMailDown", "mx1"))


def test_own_link_cut(stage: World, seen: Sight) -> None:
    """netmon's cable is out: every host is unknown, and the one alert is about netmon itself."""
    with faults.unplugged("nm"):
        for one in stage.hosts:
            host = seen.await_verdict(one.name, "unknown")
            assert FindingKind.AGENT_ISOLATED in kinds(host)
        assert "netmon itself is cut off" in seen.agent.host("mx1")["sentence"]
        seen.await_alerts(("NetmonIsolated", AGENT))


def test_dns_dead(stage: World, seen: Sight, tmp_path: Path) -> None:
    """A host known by name alone cannot be tested, which is nobody's outage; the others go on."""
    config = stage.config()
    config["hosts"] = {name: config["hosts"][name] for name in ("sw1", "mx1", "mx3")}
    config["hosts"]["mx3"]["address"] = "mx3.example.test"
    config["alerting"] = {"alertmanagers": [seen.receiver.url]}
    with faults.dns_dead(stage), agent(tmp_path, stage.text(config, tmp_path / "state")) as other:
        other.await_verdict("mx1", "healthy", 30)
        wait_for(
            "mx3 to be untestable",
            lambda: {check["result"] for check in other.host("mx3")["mail"]} == {"untestable"},
            30,
        )
        wait_for("the sentence", lambda: "DNS does not answer" in other.host("mx3")["sentence"], 30)
        assert other.verdict("mx3") == "unknown"
        time.sleep(2 * INTERVAL)  # in which an alert would have been sent
        seen.await_alerts()


def test_no_ipv6_route_here(stage: World, seen: Sight, tmp_path: Path) -> None:
    """A host that has an IPv6 address alone says nothing to a machine without IPv6: no outage, no alert."""
    config = stage.config()
    config["hosts"] = {
        "sw1": config["hosts"]["sw1"],
        "v6": {"address": V6_ONLY, "depends_on": ["sw1"], "smtp": [{"port": 25}]},
    }
    config["alerting"] = {"alertmanagers": [seen.receiver.url]}
    with agent(tmp_path, stage.text(config, tmp_path / "state")) as other:
        other.ready()
        host = other.host("v6")
        assert (host["verdict"], host["mail"][0]["reason"]) == ("unknown", "no_route")
        assert "no route from here" in host["sentence"]
        time.sleep(2 * INTERVAL)  # in which an alert would have been sent
        seen.await_alerts()
