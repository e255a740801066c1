"""Agent: whether netmon itself keeps up, what it costs, and what it could not do."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.build.frame import Row, dashboard
from dashboards.build.panels import (
    GREEN,
    ONE_IS_GOOD,
    PER_SECOND,
    RED,
    UP_DOWN,
    YELLOW,
    ZERO_IS_GOOD,
    Query,
    lines,
    number,
    rows,
    timeline,
)  # fmt: skip
from dashboards.build.promql import agent, increase, per_second

AGENT = "job, instance"
NAMED = "{{instance}}"
NO_RECEIVER = "The config has no receiver of alerts."
NO_WEBHOOK = "The config has no webhook of events."
LATE = ((None, GREEN), (1, YELLOW), (5, RED))


def agent_dashboard() -> Dashboard:
    """The watcher watched."""
    return dashboard(
        "netmon-agent",
        "Agent",
        "netmon itself: lateness of checks, CPU, memory, drops, reloads, alerts and the receiver of traps.",
        [_now(), _checks(), _cost(), _alerts(), _state()],
    )


def _now() -> Row:
    return Row(
        "Now",
        [
            rows(
                "Agents",
                "Version and address of each agent that is scraped.",
                "none",
                Query(
                    f"max by (instance, version, url) ({agent('netmon_build_info')}"
                    f" * on (job, instance) group_left (url) {agent('netmon_web_info')})"
                ),
                {"instance": "Instance", "version": "Version", "url": "Status page"},
                height=4,
            ),
            number(
                "Config taken", "Whether the config was taken when last read; else an older one holds.",
                "none", Query(f"min({agent('netmon_config_last_reload_successful')})"),
                steps=ONE_IS_GOOD, states=UP_DOWN, span=3,
            ),
            number(
                "Config taken ago", "Time since a config was last taken.",
                "s", Query(f"time() - max({agent('netmon_config_last_reload_success_timestamp_seconds')})"),
                span=3,
            ),
            number(
                "Checks", "Checks that are planned.",
                "short", Query(f"sum({agent('netmon_checks')})"), span=3,
            ),
            number(
                "Receiver of traps", "Whether the receiver of traps works.",
                "none", Query(f"min({agent('netmon_trap_receiver_up')})"),
                steps=ONE_IS_GOOD, states=UP_DOWN, span=3,
            ),
        ],
    )  # fmt: skip


def _checks() -> Row:
    runs = f"sum by (probe) ({per_second(agent('netmon_check_lateness_seconds_count'))})"
    buckets = f"sum by (le, probe) ({per_second(agent('netmon_check_lateness_seconds_bucket'))})"
    late = f"{buckets} and on (probe) {runs} > 0"  # a probe without runs has no percentile
    return Row(
        "Checks",
        [
            lines(
                "Lateness, 99th percentile",
                "How long after its due time a run began, by probe; it grows when the machine is overloaded.",
                "s",
                Query(f"histogram_quantile(0.99, {late})", "{{probe}}"),
                steps=LATE,
            ),
            lines(
                "Lateness, median",
                "The same for the half of runs that began soonest.",
                "s",
                Query(f"histogram_quantile(0.5, {late})", "{{probe}}"),
                steps=LATE,
            ),
            lines(
                "Runs",
                "Scheduled runs a second, by probe.",
                PER_SECOND,
                Query(runs, "{{probe}}"),
                stacked=True,
                span=8,
            ),
            lines(
                "Runs left out",
                "Due runs that were left out because the one before still went on.",
                "short",
                Query(f"sum by (probe) ({increase(agent('netmon_check_skipped_total'))})", "{{probe}}"),
                steps=((None, GREEN), (1, YELLOW)),
                span=8,
            ),
            lines(
                "Crashes of probes",
                "Runs that ended in a defect of netmon.",
                "short",
                Query(f"sum by (probe) ({increase(agent('netmon_probe_crashes_total'))})", "{{probe}}"),
                steps=ZERO_IS_GOOD,
                span=8,
            ),
            lines(
                "Runs under way",
                "Check runs that go on at this moment.",
                "short",
                Query(f"sum by ({AGENT}) ({agent('netmon_checks_running')})", NAMED),
            ),
            lines(
                "Unexpected datagrams",
                "Datagrams on the SNMP socket that answered no open request, by what was wrong with them.",
                PER_SECOND,
                Query(
                    f"sum by (kind) ({per_second(agent('netmon_snmp_unexpected_datagrams_total'))})",
                    "{{kind}}",
                ),
                steps=((None, GREEN), (1, YELLOW)),
                stacked=True,
            ),
        ],
    )


def _cost() -> Row:
    cpu = (
        per_second(agent("process_cpu_seconds_total"))
        + " and on (job, instance) "
        + agent("netmon_build_info")
    )
    varbinds = per_second(agent("netmon_snmp_varbinds_total"))
    return Row(
        "Cost",
        [
            lines(
                "CPU",
                "Processor time that each agent takes; 1 is a whole core.",
                "percentunit",
                Query(f"sum by ({AGENT}) ({cpu})", NAMED),
                steps=((None, GREEN), (0.7, YELLOW), (0.9, RED)),
                span=8,
            ),
            lines(
                "CPU for each variable binding",
                "Processor time of all agents, mail included, divided by the SNMP values that they read.",
                "s",
                Query(f"sum({cpu}) / (sum({varbinds}) > 0)", "per varbind"),
                span=8,
            ),
            lines(
                "Memory",
                "Resident memory of each agent.",
                "bytes",
                Query(
                    f"max by ({AGENT}) ({agent('process_resident_memory_bytes')}"
                    f" and on (job, instance) {agent('netmon_build_info')})",
                    NAMED,
                ),
                span=8,
            ),
            lines(
                "Open files",
                "Open file descriptors, as a share of the limit.",
                "percentunit",
                Query(
                    f"max by ({AGENT}) ({agent('process_open_fds')} / {agent('process_max_fds')}"
                    f" and on (job, instance) {agent('netmon_build_info')})",
                    NAMED,
                ),
                steps=((None, GREEN), (0.7, YELLOW), (0.9, RED)),
                top=1,
            ),
            lines(
                "Receive buffer of SNMP",
                "Receive buffer that the kernel granted to the SNMP socket; it bounds what is in flight.",
                "bytes",
                Query(f"max by ({AGENT}) ({agent('netmon_snmp_receive_buffer_bytes')})", NAMED),
            ),
        ],
    )


def _alerts() -> Row:
    return Row(
        "Alerts and events",
        [
            lines(
                "Deliveries of alerts",
                "Requests to receivers of alerts by how they ended.",
                PER_SECOND,
                Query(
                    f"sum by (receiver, outcome) ({per_second(agent('netmon_alert_deliveries_total'))})",
                    "{{receiver}} {{outcome}}",
                ),
                empty=NO_RECEIVER,
                span=8,
            ),
            lines(
                "Alerts that wait",
                "Alerts that a receiver does not know yet as they are.",
                "short",
                Query(f"sum by (receiver) ({agent('netmon_alerts_waiting')})", "{{receiver}}"),
                empty=NO_RECEIVER,
                steps=((None, GREEN), (1, YELLOW)),
                span=8,
            ),
            lines(
                "Alerts given up",
                "Resolved alerts that were given up before every receiver had them.",
                "short",
                Query(f"sum by ({AGENT}) ({increase(agent('netmon_alerts_dropped_total'))})", NAMED),
                steps=ZERO_IS_GOOD,
                span=8,
            ),
            lines(
                "Deliveries of events",
                "Requests with events of traps to webhooks by how they ended.",
                PER_SECOND,
                Query(
                    f"sum by (receiver, outcome) ({per_second(agent('netmon_event_deliveries_total'))})",
                    "{{receiver}} {{outcome}}",
                ),
                empty=NO_WEBHOOK,
            ),
            lines(
                "Events left out",
                "Events that a webhook was not sent: it was too far behind, or refused them.",
                "short",
                Query(
                    f"sum by (receiver) ({increase(agent('netmon_events_skipped_total'))})", "{{receiver}}"
                ),
                empty=NO_WEBHOOK,
                steps=ZERO_IS_GOOD,
            ),
        ],
    )


def _state() -> Row:
    return Row(
        "State and traps",
        [
            lines(
                "Rows not on disk yet",
                "Rows of state that wait for the disk.",
                "short",
                Query(f"sum by ({AGENT}) ({agent('netmon_state_rows_waiting')})", NAMED),
                steps=((None, GREEN), (1000, YELLOW), (10000, RED)),
                span=6,
            ),
            lines(
                "Failed writes of state",
                "Commits of state that failed and were tried again.",
                "short",
                Query(f"sum by ({AGENT}) ({increase(agent('netmon_state_write_failures_total'))})", NAMED),
                steps=ZERO_IS_GOOD,
                span=6,
            ),
            lines(
                "Restarts of the receiver of traps",
                "Times that the receiver of traps died and was begun again.",
                "short",
                Query(f"sum by ({AGENT}) ({increase(agent('netmon_trap_receiver_restarts_total'))})", NAMED),
                steps=ZERO_IS_GOOD,
                span=6,
            ),
            timeline(
                "Receiver of traps up",
                "Whether the receiver of traps works.",
                UP_DOWN,
                Query(f"min by ({AGENT}) ({agent('netmon_trap_receiver_up')})", NAMED),
                span=6,
            ),
        ],
    )
