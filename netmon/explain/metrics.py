"""What the agent's metrics about itself mean; those of hosts and probes carry their help with them."""

from collections.abc import Mapping
from typing import Final

from netmon.explain.text import Text

METRICS: Final[Mapping[str, Text]] = {
    "netmon_build_info": Text("The version of netmon that runs, as a label."),
    "netmon_web_info": Text("Where the agent's pages are, as a label; the links of alerts begin with it."),
    "netmon_agent_isolated": Text(
        "1 while the agent takes itself for cut off, because most hosts fell silent at once; else 0.",
        ("the link or default route of netmon's own machine",),
        ("The finding agent_isolated says more",),
    ),
    "netmon_agreement_ratio": Text(
        "Share of the time, over all hosts, in which SNMP and mail together said this, by window.",
        (),
        ("`netmon report` and /api/report have it host by host",),
    ),
    "netmon_checks": Text("Checks that are planned."),
    "netmon_checks_running": Text("Check runs that go on at this moment."),
    "netmon_check_lateness_seconds": Text(
        "How long after its due time a scheduled run began.",
        ("the machine is overloaded", "more checks than it can bear"),
        ("Lengthen intervals, or give netmon more CPU",),
    ),
    "netmon_check_skipped_total": Text(
        "Due runs that were left out because the one before still went on.",
        ("a device that takes longer than its interval",),
        ("Compare netmon_check_duration_seconds with netmon_check_interval_seconds",),
    ),
    "netmon_probe_crashes_total": Text(
        "Runs that ended in a defect of netmon.", (), ("Report it with the traceback from the log",)
    ),
    "netmon_config_last_reload_successful": Text(
        "1 if the config was taken when it was last read; 0 if an older one is in force.",
        ("a mistake in netmon.yml",),
        ("The status page and the log name it; so does netmon check-config",),
    ),
    "netmon_config_last_reload_success_timestamp_seconds": Text("When a config was last taken."),
    "netmon_snmp_unexpected_datagrams_total": Text(
        "Datagrams on the SNMP socket that answered no open request, by kind.",
        ("late: a slow agent, timeouts too short", "foreign: an agent that answers from another address"),
        ("Lengthen `timeout` for late ones; name the agent's real address for foreign ones",),
    ),
    "netmon_snmp_receive_buffer_bytes": Text(
        "Receive buffer that the kernel granted to the SNMP socket; it bounds what is in flight.",
        (),
        ("Raise net.core.rmem_max when thousands of devices are polled",),
    ),
    "netmon_trap_datagrams_total": Text(
        "Datagrams on the trap port by how far they came: received, decoded, accepted, committed.",
        (),
        ("received = committed + netmon_trap_dropped_total of all reasons but kernel, once all are done",),
    ),
    "netmon_trap_dropped_total": Text(
        "Datagrams on the trap port that became no event, by the reason.",
        (
            "kernel: the socket's buffer was full",
            "unknown_community, unknown_user, source_not_allowed: somebody who is not in the config",
            "rate_limited: more from one source than traps.rate lets through",
            "not_in_time_window, replayed: a recorded message sent again, or a sender that lost its boots",
            "receiver_died: what the receiver had in hand when it died",
        ),
        ("netmon's log names senders and reasons, a few at a time",),
    ),
    "netmon_trap_receive_buffer_bytes": Text(
        "Receive buffer that the kernel granted to a trap socket; a small trap takes 835 bytes of it.",
        (),
        ("Raise it: sysctl net.core.rmem_max, or AmbientCapabilities=CAP_NET_ADMIN in netmon's unit",),
    ),
    "netmon_trap_receive_queue_bytes": Text("How much of the receive buffer of a trap socket is in use."),
    "netmon_trap_receiver_up": Text(
        "1 while the receiver of traps works, 0 while it does not.",
        ("its folder cannot be written", "it died and is started again"),
        ("The status page and the log say why",),
    ),
    "netmon_trap_receiver_restarts_total": Text(
        "Times that the receiver of traps died and was started again.",
        ("a defect of netmon", "the kernel killed it for memory"),
        ("The log has the traceback or the signal; report it",),
    ),
    "netmon_trap_queue_events": Text(
        "Events of traps that wait for a commit.", ("a slow disk under state.path",), ()
    ),
    "netmon_trap_sources": Text("Addresses whose rate of traps is watched at this moment."),
    "netmon_trap_peers": Text("SNMPv3 engines whose clock the receiver of traps knows."),
    "netmon_trap_commits_total": Text("Commits of events to the disk; each holds many of them in a storm."),
    "netmon_trap_commit_seconds_total": Text(
        "Seconds spent on committing events.",
        ("a slow disk under state.path",),
        ("Divide its rate by that of netmon_trap_commits_total for the time that one takes",),
    ),
    "netmon_trap_folded_total": Text("Datagrams that repeated a notification and only counted up its event."),
    "netmon_trap_acknowledgements_total": Text("Informs that were acknowledged, after their commit."),
    "netmon_trap_reports_total": Text("Reports of SNMPv3 that were sent to senders of informs."),
    "netmon_trap_replies_lost_total": Text("Acknowledgements and Reports that the kernel would not send."),
    "netmon_trap_forwarded_total": Text("Traps sent on to the receivers of traps.forward."),
    "netmon_trap_forward_lost_total": Text("Traps that could not be sent on to a receiver of traps.forward."),
    "netmon_trap_log_lines_lost_total": Text(
        "Log lines of events that could not be written, since whatever reads the log is slow."
    ),
    "netmon_trap_defects_total": Text(
        "Datagrams on which the receiver of traps itself failed; they count as malformed.",
        ("a defect of netmon",),
        ("Report it with the line from the log",),
    ),
    "netmon_trap_rechecks_total": Text(
        "Hosts that were checked out of their turn because a trap came; refused beyond 600 a minute.",
    ),
    "netmon_event_deliveries_total": Text(
        "Requests with events to the webhooks of traps: delivered, failed (no answer), refused (it says no).",
        ("the webhook is down", "its URL or token is wrong"),
        ("The log names the webhook and why; what it missed is sent when it is back",),
    ),
    "netmon_events_skipped_total": Text(
        "Events that a webhook of traps was not sent: it was too far behind, or refused them.",
        ("a webhook that was away in a storm",),
        ("/api/events has them all; netmon trap tail too",),
    ),
    "netmon_alerts": Text("netmon's own alerts that hold at this moment, by name and severity."),
    "netmon_alert_deliveries_total": Text(
        "Requests to receivers of alerts: delivered, failed (no answer), refused (an answer that says no).",
        ("the receiver is down", "its URL, token or template is wrong"),
        ("The log names the receiver and why; nothing is lost meanwhile",),
    ),
    "netmon_alerts_waiting": Text(
        "Alerts that a receiver does not know yet as they are.",
        ("the receiver does not take them",),
        ("See netmon_alert_deliveries_total; resolved alerts wait for a day",),
    ),
    "netmon_alerts_dropped_total": Text(
        "Resolved alerts that were given up before every receiver had them: a day is over, or too many wait.",
        ("a receiver that never answers",),
        ("Mend it, or take it out of the config",),
    ),
    "netmon_domain_verdict": Text(
        "1 at the verdict over a domain's mail, 0 at the others.",
        (
            "down: no mail server accepts, or DNS says that there is none",
            "degraded: some accept; the page of hosts and /api/domains say which do not",
            "untestable: DNS is silent, or no server of it can be tested from here",
        ),
        ("See each MX and address, and how it answers: netmon probe domain://DOMAIN",),
    ),
    "netmon_domain_verdict_since_timestamp_seconds": Text("When the verdict over the domain took effect."),
    "netmon_domain_mx": Text("How many mail servers DNS names for the domain, 20 at most."),
    "netmon_domain_mx_accepting": Text("How many of them accept mail, at one of their addresses at least."),
    "netmon_domain_dns_answers": Text(
        "1 while DNS answers for the domain; 0 when it has been silent several times in a row.",
        ("netmon's resolver is dead", "the domain's name servers are dead"),
        ("The finding dns_failed says more; the last good answer stays in use",),
    ),
    "netmon_domain_dns_last_answer_timestamp_seconds": Text("When DNS last answered for the domain."),
    "netmon_domain_finding": Text(
        "1 for each fact that DNS tells of the domain's mail, as a null MX or an alias.",
        (),
        ("See what it means: netmon explain FINDING",),
    ),
    "netmon_traps_total": Text(
        "Traps and informs that were accepted and committed, by host, notification and severity.",
        (),
        (
            'trap="other": no MIB that netmon knows names it; add its MIB to mib_dirs',
            'host="": no host of the config has the sender\'s address or engine',
        ),
    ),
    "netmon_trap_last_timestamp_seconds": Text(
        "When the latest trap or inform of a kind came from a host; increase() misses a first one.",
    ),
    "netmon_trap_state": Text(
        "How many instances of a state (link_down: interfaces) traps have raised and nothing has ended.",
        ("what the state says", "the trap that ends it was lost: its ttl ends it"),
        ("The host's page names the instances; the rules are in traps.rules and netmon's own",),
    ),
    "netmon_state_rows_waiting": Text(
        "Rows of state that are not on disk yet.",
        ("a slow or full disk",),
        ("Look at the disk under state.path",),
    ),
    "netmon_state_write_failures_total": Text(
        "Commits of state that failed and were tried again; verdicts go on in memory.",
        ("the disk under state.path is full or read-only",),
        ("Free it: until then a restart forgets what was not written",),
    ),
}
