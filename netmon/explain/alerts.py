"""What each alert means and how urgent it is, and why alerts may be held back.

The names and urgencies are those of dashboards/netmon.rules.yml and of netmon's own sending alike.
"""

from collections.abc import Mapping
from typing import Final

from netmon.explain.text import Text
from netmon.model import AlertName, SilenceKind, Urgency

URGENCY: Final[Mapping[AlertName, Urgency]] = {
    AlertName.HOST_DOWN: Urgency.PAGE,
    AlertName.DEVICE_DOWN: Urgency.PAGE,
    AlertName.MAIL_DOWN: Urgency.PAGE,
    AlertName.MAIL_DEGRADED: Urgency.TICKET,
    AlertName.SNMP_AGENT_DOWN: Urgency.TICKET,
    AlertName.DEVICE_DEGRADED: Urgency.TICKET,
    AlertName.HOST_UNKNOWN: Urgency.TICKET,
    AlertName.HOST_FLAPPING: Urgency.TICKET,
    AlertName.ISOLATED: Urgency.PAGE,
    AlertName.DOMAIN_DOWN: Urgency.PAGE,
    AlertName.DOMAIN_DEGRADED: Urgency.TICKET,
    AlertName.DOMAIN_UNTESTABLE: Urgency.TICKET,
    AlertName.WATCHDOG: Urgency.NONE,
    AlertName.ABSENT: Urgency.PAGE,
    AlertName.CONFIG_NOT_TAKEN: Urgency.TICKET,
    AlertName.CHECKS_LATE: Urgency.TICKET,
    AlertName.PROBE_CRASHES: Urgency.TICKET,
    AlertName.STATE_NOT_WRITTEN: Urgency.TICKET,
    AlertName.ALERTS_NOT_DELIVERED: Urgency.PAGE,
    AlertName.TRAPS_DROPPED: Urgency.TICKET,
    AlertName.TRAP_RECEIVER_DOWN: Urgency.TICKET,
}

ALERTS: Final[Mapping[AlertName, Text]] = {
    AlertName.HOST_DOWN: Text(
        "A host with mail shows no life by any check, while the way to it is open (verdict host_down).",
        ("power, hardware, a hung kernel", "its link or switch port", "a filter on everything at once"),
        (
            "Ask the switch: is the host's port up? The finding upstream_port_down says so where it is known",
            "Go to its console or out-of-band management; switch it on, or read what the kernel said last",
            "Mail waits at its senders for days: there is time to do it well",
        ),
    ),
    AlertName.DEVICE_DOWN: Text(
        "A host without mail shows no life by any check, while the way to it is open (verdict device_down).",
        (
            "power, hardware, firmware",
            "its uplink",
            "a new SNMP community, where nothing but SNMP is checked",
        ),
        (
            "Look at its neighbour's port; what lies behind it is unreachable and raises no alert of its own",
            "Test by hand: ping HOST; netmon snmp get HOST sysUpTime",
        ),
    ),
    AlertName.MAIL_DOWN: Text(
        "No required endpoint of a role accepts: mail_down, path_filtered, or mail_starved with mail down.",
        (
            "mail_starved: the annotation cause names what SNMP sees, as a full spool",
            "path_filtered: a firewall or provider between netmon and a server that listens",
            "mail_down: the service is stopped or hung, its TLS is broken, or it refuses everybody",
        ),
        (
            "A cause is named: mend it first, and mail follows; netmon explain has each",
            "path_filtered: do not restart the server; try the port from another network",
            "Otherwise: netmon probe HOST smtp shows at which step it ends; then journalctl -u postfix",
        ),
    ),
    AlertName.MAIL_DEGRADED: Text(
        "Mail works in part: an endpoint fails or defers, or has a fault (mail_degraded, mail_starved).",
        ("one of several endpoints is stopped", "a certificate has ended", "a resource is nearly used up"),
        ("Read the findings on the host's page; mend the endpoint before its twin fails too",),
    ),
    AlertName.SNMP_AGENT_DOWN: Text(
        "The host lives, mail is well if there is any, and SNMP alone does not answer (verdict agent_down).",
        ("the SNMP agent is stopped or hung", "the community, version or access list has changed"),
        (
            "On the host: systemctl restart snmpd, journalctl -u snmpd -n 50",
            "Then test: netmon snmp get HOST sysUpTime; until it answers, causes of mail faults stay unseen",
        ),
    ),
    AlertName.DEVICE_DEGRADED: Text(
        "All that is needed works, but some SNMP modules fail or a risk grows (verdict device_degraded).",
        ("a file system that fills", "an interface that errs or is down", "a certificate that ends soon"),
        ("Read the findings on the host's page and what netmon explain says of each; act in working hours",),
    ),
    AlertName.HOST_UNKNOWN: Text(
        "Nothing could be tested of a host for 15 minutes: an outage of it would not be seen.",
        ("netmon's DNS, routes, or a ca_file that cannot be read", "its checks do not run: NetmonChecksLate"),
        ("Read the reasons of its checks on the host's page: netmon explain REASON",),
    ),
    AlertName.HOST_FLAPPING: Text(
        "A host's verdict changes again and again, 6 times within an hour.",
        ("a loose link or loss on the way", "a service restarted in a loop", "an address used twice"),
        ("Read the host's news for what it changes between, and the finding flapping",),
    ),
    AlertName.ISOLATED: Text(
        "The agent takes itself for cut off: more than 30% of the hosts lost life within one interval.",
        ("the link, switch or default route of netmon's own machine", "a firewall change near it"),
        (
            "On netmon's machine: ip route; ping its gateway; ip -s link",
            "It is well: look at the first point that the silent hosts have in common; the outage is real",
        ),
    ),
    AlertName.DOMAIN_DOWN: Text(
        "No mail server of a domain accepts, or DNS says that there is none: its mail waits, or is returned.",
        (
            "every MX is down: their hosts have alerts of their own, with the causes",
            "the zone was emptied, the registration has run out, or a null MX was published",
        ),
        (
            "See at which MX and step it ends: netmon probe domain://DOMAIN",
            "Compare with DNS: dig MX DOMAIN; mail waits at its senders, unless DNS denies any server",
        ),
    ),
    AlertName.DOMAIN_DEGRADED: Text(
        "Some mail servers of a domain accept, others do not, or its MX records are faulty.",
        ("one MX or one of its addresses is down, often that of IPv6", "an MX without address, or no name"),
        ("See each address of each MX: netmon probe domain://DOMAIN; mend it before the others fail too",),
    ),
    AlertName.DOMAIN_UNTESTABLE: Text(
        "For 15 minutes nothing is certain of a domain's mail: DNS is silent, or no server can be tested.",
        ("netmon's resolver is dead", "the domain's name servers are dead", "no route from netmon's machine"),
        (
            "Ask DNS by hand on netmon's machine: dig MX DOMAIN, and dig NS DOMAIN for whom to ask besides",
            "The last good answer stays in use; mend netmon's side, or the name servers",
        ),
    ),
    AlertName.WATCHDOG: Text(
        "Always fires, so that its absence tells that the way from Prometheus to people is broken.",
        (),
        ("Send it to a service outside that raises the alarm when it stops coming; nothing else is to do",),
    ),
    AlertName.ABSENT: Text(
        "Prometheus scrapes no agent, or one that it knew does not answer: nothing is watched.",
        ("the agent is stopped or crashed", "web.listen, a firewall or the scrape config has changed"),
        (
            "On netmon's machine: systemctl status netmon, journalctl -u netmon -n 50; then start it",
            "It runs: curl its /-/healthy from Prometheus's machine, and compare the target's address",
        ),
    ),
    AlertName.CONFIG_NOT_TAKEN: Text(
        "The config was read again and has a mistake; the older one stays in force.",
        ("a mistake in netmon.yml or a file that it names", "a secret's file or variable is missing"),
        ("Every mistake with its line: netmon check-config netmon.yml; then reload",),
    ),
    AlertName.CHECKS_LATE: Text(
        "The agent does not keep up: one run in ten begins over 5 s late, or one in twenty is left out.",
        (
            "devices that take longer than their interval",
            "the machine is overloaded, or was asleep",
            "more checks than it can bear",
        ),
        (
            "Compare netmon_check_duration_seconds with netmon_check_interval_seconds: which devices?",
            "Lengthen intervals, read fewer modules, or give netmon's machine more CPU",
        ),
    ),
    AlertName.PROBE_CRASHES: Text(
        "A run ended in a defect of netmon; that check says nothing, all others go on.",
        (),
        (
            "Report it with the traceback: journalctl -u netmon | grep -A40 Traceback",
            "What the peer said is on the host's page; it helps to reproduce it",
        ),
    ),
    AlertName.STATE_NOT_WRITTEN: Text(
        "State does not get to the disk; verdicts go on in memory, and a restart would forget them.",
        ("the disk under state.path is full or read-only", "the disk hangs"),
        ("On netmon's machine: df -h, mount, dmesg | tail; do not restart netmon before it is mended",),
    ),
    AlertName.TRAPS_DROPPED: Text(
        "Traps that should have become events did not: a storm, a full disk, or a receiver that died.",
        (
            "kernel: the socket's buffer was full; a storm, or the machine has no CPU to spare",
            "queue_full, store_full: the disk under state.path is slow, full or read-only",
            "receiver_died: what the receiver had in hand when it died",
        ),
        (
            "Compare netmon_trap_receive_buffer_bytes with what a burst needs: 835 bytes for a small trap",
            "Raise it: sysctl net.core.rmem_max, or AmbientCapabilities=CAP_NET_ADMIN in netmon's unit",
            "store_full: df -h under state.path; informs were not acknowledged, so their senders repeat them",
        ),
    ),
    AlertName.TRAP_RECEIVER_DOWN: Text(
        "The receiver of traps does not work: traps wait in the socket's buffer until it is full.",
        (
            "the folder of events under state.path cannot be written",
            "it dies again and again: a defect of netmon, or too little memory",
        ),
        ("The status page and the log say why; checks go on without it",),
    ),
    AlertName.ALERTS_NOT_DELIVERED: Text(
        "netmon sends alerts itself, and a receiver does not take them: people are not told.",
        (
            "the receiver is down or its address has changed",
            "a certificate, token or password of alerting in the config is no longer right",
        ),
        (
            "Read the status page for what is wrong meanwhile",
            "The log names the receiver's answer; alerts that still hold are sent when it takes them again",
        ),
    ),
}

SILENCES: Final[Mapping[SilenceKind, Text]] = {
    SilenceKind.SILENCE: Text(
        "A person asked that alerts about the host be held back until a moment, and said why.",
        (),
        ("When the work is done, lift it: what is wrong then alerts at once",),
    ),
    SilenceKind.WINDOW: Text(
        "A maintenance window of the config covers the host now; verdicts go on, alerts wait.",
        (),
        ("Nothing; what is still wrong when it ends alerts then",),
    ),
    SilenceKind.REBOOT: Text(
        "The host has just booted, so alerts about it wait for limits.reboot_hold (ten minutes at most).",
        (),
        ("Wait; look at the finding rebooted if nobody meant it to boot",),
    ),
}
