"""What each finding means: the texts behind `netmon_host_finding{finding}`."""

from collections.abc import Mapping
from typing import Final

from netmon.explain.mail_findings import MAIL_FINDINGS
from netmon.explain.text import Text
from netmon.model import FindingKind

FINDINGS: Final[Mapping[FindingKind, Text]] = {
    FindingKind.STALE: Text(
        "The check's latest run is more than three intervals old, so it no longer counts.",
        ("netmon's machine is overloaded or was asleep", "the check is new or was just restarted"),
        ("Look at netmon_check_lateness_seconds and netmon_check_skipped_total",),
    ),
    FindingKind.MODULE_EMPTY: Text(
        "The agent serves no object of a module that was asked for; for information only.",
        (
            "the device has no such thing",
            "the agent is not set up for it: snmpd's ucd_dsk needs `disk` lines, mail_queue an `extend` line",
        ),
        ("Set it up on the agent, or take the module out of the host's list",),
    ),
    FindingKind.STORAGE_FULL: Text(
        "A file system is at least 98% full: nothing more can be spooled, which explains a mail fault.",
        ("logs or a queue that grows", "a backup or dump left behind"),
        (
            "Find what is large: df -h, then du -xh --max-depth=2 PATH | sort -h | tail",
            "Free space there; mail deferred meanwhile comes by itself (postqueue -f hurries it)",
        ),
    ),
    FindingKind.STORAGE_FILLING: Text(
        "A file system is at least 90% full, or will be full within 4 hours by its trend: no fault yet.",
        ("logs, mailboxes or a queue that grows", "a backup that runs, and will be done soon"),
        (
            "See how fast it grows: hrStorageUsed or dskUsed over the last hours",
            "Act before it is full: rotate logs, move data, or enlarge it; limits.storage_* set the bounds",
        ),
    ),
    FindingKind.MEMORY_EXHAUSTED: Text(
        "Hardly any main memory or swap is left, caches counted as free; programs are about to be killed.",
        (
            "a process that leaks, or too many of them at once",
            "a content filter (spamd, clamd) that has grown",
            "the machine is too small for what runs on it",
        ),
        (
            "Find who has it: ps aux --sort=-rss | head; and who was killed: journalctl -k | grep -i oom",
            "Restart the large one; then bound it (systemd MemoryMax=, postfix default_process_limit)",
        ),
    ),
    FindingKind.LOAD_HIGH: Text(
        "The load over five minutes is far above the number of processors: everything there is slow.",
        (
            "a disk that is slow or dying: processes in state D count as load",
            "a wave of mail that goes through content filters",
            "a backup, an index run or a job that loops",
        ),
        (
            "Tell CPU from disk: vmstat 1 5 (column wa), then top, or ps -eo state,pid,cmd | grep ^D",
            "Lower what runs at once until it is over; limits.load_per_cpu sets the bound",
        ),
    ),
    FindingKind.PROCESS_MISSING: Text(
        "A process that snmp.processes names is not in the host's table of running ones (hrSWRun).",
        (
            "the service was stopped, has crashed, or did not start after an update",
            "the kernel killed it for want of memory",
            "the program has another name now than the config says",
        ),
        (
            "On the host: systemctl status NAME, journalctl -u NAME -n 50; then systemctl start NAME",
            "Compare the name: netmon snmp walk HOST 1.3.6.1.2.1.25.4.2.1.2",
        ),
    ),
    FindingKind.PROCESS_MULTIPLIED: Text(
        "More processes of a name run than its `max` in snmp.processes allows.",
        ("children that hang and are not ended", "two copies were started", "a wave of connections"),
        (
            "Look at their age and parents: ps -eo ppid,pid,etime,cmd | grep NAME",
            "End the old ones or restart the service; raise `max` if so many are usual",
        ),
    ),
    FindingKind.INTERFACE_DOWN: Text(
        "An interface that is configured to be up is down (ifAdminStatus up, ifOperStatus not).",
        ("a cable, an SFP or the other end", "the other side is switched off, or shut down by a person"),
        (
            "Look at both ends: ip link, ethtool IFACE on a host; show interfaces on a switch",
            "A port that is meant to be unused: shut it down, and it is no finding any more",
        ),
    ),
    FindingKind.INTERFACE_ERRORS: Text(
        "An interface counts errors for over 1% of its packets: what passes it is slow or breaks.",
        ("a damaged cable or SFP, dirty fibre", "duplex differs at both ends", "a failing port"),
        (
            "See which counter rises: ethtool -S IFACE, or show interfaces counters errors",
            "Exchange the cable first, then the SFP, then the port; set both ends to autonegotiation",
        ),
    ),
    FindingKind.UPSTREAM_PORT_DOWN: Text(
        "The switch's port that leads to this host is down, so the host cannot be reached through it.",
        (
            "the host is switched off or has restarted",
            "its cable, its network card or the port itself",
            "the port was shut down, or disabled itself (err-disabled, port security)",
        ),
        (
            "Read the port's state on the switch first, then look at power and cable of the host",
            "The wrong port is named: set upstream_ports of the host, or the port's ifAlias to its name",
        ),
    ),
    FindingKind.UPSTREAM_PORT_ERRORS: Text(
        "The switch's port that leads to this host counts errors: what goes to the host is lost in part.",
        ("a damaged cable", "duplex differs at both ends", "a failing network card or port"),
        ("Exchange the cable, compare speed and duplex at both ends, then try another port",),
    ),
    FindingKind.REBOOTED: Text(
        "The host's own uptime says that it booted within the last ten minutes; alerts wait that long.",
        ("an update or a person", "a power cut, a watchdog or a kernel panic"),
        (
            "Find out why: last -x reboot shutdown | head, journalctl -b -1 -e",
            "See that everything came up: systemctl --failed",
        ),
    ),
    FindingKind.AGENT_RESTARTED: Text(
        "The SNMP agent has started anew and the host has not: only sysUpTime fell back; for information.",
        ("the agent's config was changed, or it was updated", "the agent crashed and was started again"),
        ("Where nobody did it: journalctl -u snmpd -n 50",),
    ),
    FindingKind.NOT_LISTENING: Text(
        "Mail fails on a port, and the host's own table of TCP listeners has none there (TCP-MIB).",
        (
            "the mail service is stopped, or failed to bind the port",
            "the listener was taken out of its config (submission in postfix's master.cf)",
        ),
        (
            "On the host: ss -ltnp, then systemctl status postfix, journalctl -u postfix -n 50",
            "Test its config and start it: postfix check, systemctl start postfix",
        ),
    ),
    FindingKind.LISTENING_LOCALLY: Text(
        "Mail fails on a port where the host listens on loopback alone: others find it closed.",
        (
            "inet_interfaces = loopback-only, as an update or the installer left it",
            "the service started before its address was there",
        ),
        (
            "On the host: ss -ltn; postconf inet_interfaces; set it to all and restart postfix",
            "It is local on purpose: take the endpoint out of netmon's config",
        ),
    ),
    FindingKind.QUEUE_LONG: Text(
        "More messages wait in the mail queue than limits.queue_messages (1000) allows.",
        (
            "a large destination, or the relay behind, does not accept",
            "a compromised account or a script that sends in bulk",
            "DNS or a content filter is slow",
        ),
        (
            "See for whom: postqueue -p | tail -1, qshape deferred; and from whom: qshape -s active",
            "Mend that, then postqueue -f; stop a bulk sender with postsuper -h and its account",
        ),
    ),
    FindingKind.QUEUE_OLD: Text(
        "The oldest message in the mail queue waits for longer than limits.queue_age (4 hours) allows.",
        ("one destination that is dead or refuses", "greylisting that never ends", "the queue manager hangs"),
        (
            "Read why it waits: postqueue -p, then grep its ID in the mail log",
            "One destination only: nothing is wrong here; all of them: look at DNS, routes and the relay",
        ),
    ),
    FindingKind.MTA_REFUSING: Text(
        "The mail server counts connections or messages that it turned away (MTA-MIB, NETWORK-SERVICES-MIB).",
        (
            "it is at its limit of connections or processes",
            "too little disk space or memory: it protects itself",
            "a wave of spam that it refuses rightly",
        ),
        (
            "Read its log for reject, too many connections, insufficient: journalctl -u postfix -n 200",
            "Raise the limit (default_process_limit) only when memory allows it",
        ),
    ),
    FindingKind.APPLICATION_DOWN: Text(
        "The host says that an application of its mail system is not up (applOperStatus).",
        ("it was stopped, halted or is congested", "it is restarting, and will be up soon"),
        (
            "The finding names it: systemctl status NAME, then its log",
            "Restarting or congested for long: look at disk, memory and what it waits for",
        ),
    ),
    FindingKind.TRAP_STATE: Text(
        "An authenticated trap has told of a state that can take mail down, such as on_battery or rebooted.",
        (
            "what its text says: a power failure, a restart, a battery that is nearly empty",
            "the trap that ends it was lost: the state is forgotten when its time is over",
        ),
        (
            "Read the event on the host's page, or netmon trap tail --host NAME",
            "It is no cause there: give the notification a rule of your own in traps.rules",
        ),
    ),
    FindingKind.TRAP_HINT: Text(
        "A trap told of a state; for information, as anybody may have sent it or it harms no mail.",
        ("what its text says", "somebody forged it: versions 1 and 2c are not authenticated"),
        (
            "Read the event on the host's page; what SNMP and mail say at the next look decides",
            "To have it count, send it with SNMPv3 and let its rule say cause: true",
        ),
    ),
    FindingKind.FLAPPING: Text(
        "The host's verdict has changed 6 times within an hour: one alert for that instead of many.",
        (
            "a loose link, or loss on the way",
            "a service that is restarted in a loop",
            "an address that two machines use, or a limit that is just reached",
        ),
        (
            "Read the host's news for what it changes between; look at the cause that comes and goes",
            "A limit that is just reached: raise confirm.fail, or the limit",
        ),
    ),
    FindingKind.AGENT_ISOLATED: Text(
        "Most hosts fell silent at once, so netmon takes itself for cut off and judges none of them.",
        (
            "the link, switch, VLAN or default route of netmon's own machine",
            "a firewall change, or connection tracking that is full there",
            "a real outage of all that lies behind one point",
        ),
        (
            "On netmon's machine: ip route; ping its gateway; ip -s link; dmesg | tail",
            "It is well: look at the first point that all these hosts have in common",
        ),
    ),
    **MAIL_FINDINGS,
}
