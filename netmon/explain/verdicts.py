"""What results and verdicts mean: the texts behind `netmon_check_result` and `netmon_host_verdict`."""

from collections.abc import Mapping
from typing import Final

from netmon.explain.text import Text
from netmon.model import Result, VerdictName

RESULTS: Final[Mapping[Result, Text]] = {
    Result.OK: Text("The check got what it asked for."),
    Result.REJECTED: Text(
        "The peer answered, and the answer was no: an SMTP 5yz, an SNMP authorisation error.",
        (),
        ("The reason and the dialogue say what it refused; the host itself is alive",),
    ),
    Result.DEFERRED: Text(
        "The peer asked to come back later (an SMTP 4yz).",
        ("load, rate limits, greylisting, or trouble of its own system",),
        ("Nothing at first: only 15 minutes of nothing else, or a 4.3.z, count as down",),
    ),
    Result.FAILED: Text(
        "No answer, or a broken one.",
        (),
        ("The reason says how it failed: netmon explain REASON",),
    ),
    Result.UNTESTABLE: Text(
        "netmon's own side could not ask, so this says nothing of the host.",
        ("no route or address of that family here", "DNS is dead", "a local firewall or limit"),
        ("Mend it on netmon's machine; the verdict leaves the check out meanwhile",),
    ),
}

VERDICTS: Final[Mapping[VerdictName, Text]] = {
    VerdictName.UNKNOWN: Text(
        "Nothing could be tested, or nothing recently enough to count.",
        (
            "netmon has just started",
            "netmon itself is cut off (the finding agent_isolated), or its DNS or routes are broken",
            "all that is configured is a ping that has never been answered",
        ),
        ("See the checks' reasons, then mend netmon's side or configure a check that can answer",),
    ),
    VerdictName.UNREACHABLE: Text(
        "The host shows no life, and everything that it depends on is down: it cannot be judged from here.",
        ("an upstream of `depends_on` is down",),
        ("Mend the upstream, whose own verdict raises the alert",),
    ),
    VerdictName.HOST_DOWN: Text(
        "A host with mail shows no life by any check, while the way to it is open.",
        ("power, hardware, a hung kernel", "its link or switch port", "a filter on everything at once"),
        (
            "Look for a finding upstream_port_down: the switch knows whether the host is powered",
            "Go to its console or out-of-band management; look at its port on the switch",
        ),
    ),
    VerdictName.DEVICE_DOWN: Text(
        "A host without mail shows no life by any check, while the way to it is open.",
        (
            "power, hardware, firmware",
            "its uplink",
            "SNMP is all that is checked, and the community is wrong",
        ),
        ("Look at its neighbour's port; add `ping: true`, so that SNMP's silence alone is not death",),
    ),
    VerdictName.MAIL_STARVED: Text(
        "Mail fails, and SNMP shows what on the host explains it.",
        (
            "a full spool or system disk; memory used up",
            "its mail processes do not run, or listen on loopback alone",
            "it has just booted, or the way to it loses packets (interface, switch port)",
            "its queue has run full, or it turns clients away",
        ),
        (
            "Mend the cause that the finding names, and mail follows: netmon explain FINDING",
            "Restart the mail server only where the finding says that it does not run",
        ),
    ),
    VerdictName.PATH_FILTERED: Text(
        "Mail is silent from here, the host lives, and its own TCP table shows the service listening.",
        ("a firewall or provider blocks the port between netmon and the host",),
        ("Do not restart the server: try the port from another network, and look at filters on the way",),
    ),
    VerdictName.MAIL_DOWN: Text(
        "No required endpoint of a role (inbound, submission) accepts; nothing on the host explains it.",
        ("the mail service is stopped or hung", "its TLS set-up is broken", "it refuses or defers everybody"),
        ("The endpoint's reason and dialogue say at which step: netmon probe HOST smtp",),
    ),
    VerdictName.MAIL_DEGRADED: Text(
        "Mail works in part: one endpoint fails or defers, or has a fault such as a bad certificate.",
        (),
        ("The findings name the endpoint; mend it before its twin fails too",),
    ),
    VerdictName.AGENT_DOWN: Text(
        "The host lives, mail is well where there is any, and SNMP alone does not answer.",
        ("the SNMP agent is stopped or hung", "the community, version or access list has changed"),
        (
            "On the host: systemctl status snmpd, ss -lunp | grep :161; restart it: systemctl restart snmpd",
            "Then test: netmon snmp get HOST sysUpTime; compare rocommunity and view in snmpd.conf",
        ),
    ),
    VerdictName.DEVICE_DEGRADED: Text(
        "All that is needed works, but some SNMP modules fail, or a risk is growing.",
        (
            "a file system that fills, memory or load at its limit, a process that is missing",
            "an interface that is down or errs",
            "a certificate that ends soon, a server that refuses netmon itself",
        ),
        ("The findings say what will break next; act in working hours",),
    ),
    VerdictName.HEALTHY: Text("Everything that could be tested is well, and nothing threatens it."),
}
