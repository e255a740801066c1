"""Traps: what arrives, from whom, what became of each datagram, and the states that traps raised."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.build.frame import Row, dashboard
from dashboards.build.panels import (
    BLUE,
    GREEN,
    ORANGE,
    PER_SECOND,
    RED,
    YELLOW,
    ZERO_IS_GOOD,
    Query,
    lines,
    number,
    ranking,
    rows,
)  # fmt: skip
from dashboards.build.promql import agent, gained, host, increase, per_second

# The empty host is a sender that no host of the config is.
ANYBODY = 'host=~"$host|"'


def traps_dashboard() -> Dashboard:
    """Notifications from first datagram to last state."""
    return dashboard(
        "netmon-traps",
        "Traps",
        "Traps and informs: their rates and senders, what became of every datagram, and states they raised.",
        [_arrivals(), _states(), _funnel(), _receiver()],
    )


def _arrivals() -> Row:
    last = agent("netmon_trap_last_timestamp_seconds", ANYBODY)
    total = agent("netmon_traps_total", ANYBODY)
    return Row(
        "What arrives",
        [
            lines(
                "Traps by kind",
                "Traps and informs that were accepted since the last few scrapes, by notification.",
                "short",
                Query(f"sum by (trap) ({gained(total)})", "{{trap}}"),
                stacked=True,
                stepped=True,
                empty="No trap has come.",
            ),
            lines(
                "Traps by severity",
                "Traps and informs that were accepted since the last few scrapes, by severity.",
                "short",
                Query(f"sum by (severity) ({gained(total)})", "{{severity}}"),
                stacked=True,
                stepped=True,
                colors={"critical": RED, "warning": ORANGE, "info": BLUE},
                empty="No trap has come.",
            ),
            ranking(
                "Top sources",
                "The ten hosts that sent most since the agent's start; senders without a host have no name.",
                "short",
                Query(f"sort_desc(topk(10, sum by (host) ({total})))", "{{host}}"),
            ),
            rows(
                "Latest of each kind",
                "Time since the latest trap of each kind came from each host.",
                "s",
                Query(f"sort(time() - max by (host, trap) ({last}))"),
                {"host": "Host", "trap": "Trap"},
                value="Ago",
            ),
        ],
    )


def _states() -> Row:
    return Row(
        "States",
        [
            lines(
                "Raised states",
                "States that traps have raised and nothing has ended: how many links are down, say.",
                "short",
                Query(f"max by (host, state) ({host('netmon_trap_state')})", "{{host}} {{state}}"),
                stacked=True,
                stepped=True,
                empty="No trap has raised a state.",
            ),
            lines(
                "Checks that traps asked for",
                "Hosts checked out of their turn because a trap came.",
                PER_SECOND,
                Query(f"sum by (outcome) ({per_second(agent('netmon_trap_rechecks_total'))})", "{{outcome}}"),
            ),
        ],
    )


def _funnel() -> Row:
    dropped = agent("netmon_trap_dropped_total")
    return Row(
        "What became of every datagram",
        [
            ranking(
                "Funnel",
                "Datagrams since the agent's start: received, decoded, accepted, committed.",
                "short",
                *(
                    Query("sum({})".format(agent("netmon_trap_datagrams_total", f'stage="{stage}"')), stage)
                    for stage in ("received", "decoded", "accepted", "committed")
                ),
                span=8,
            ),
            lines(
                "Rate by stage",
                "Datagrams a second by how far they came.",
                PER_SECOND,
                Query(f"sum by (stage) ({per_second(agent('netmon_trap_datagrams_total'))})", "{{stage}}"),
                span=8,
            ),
            lines(
                "Drops by reason",
                "Datagrams that became no event; kernel: the socket's buffer was full.",
                "short",
                Query(f"sum by (reason) ({increase(dropped)})", "{{reason}}"),
                steps=ZERO_IS_GOOD,
                stacked=True,
                span=8,
            ),
            lines(
                "Folded repeats",
                "Datagrams that repeated a notification and only counted up its event.",
                PER_SECOND,
                Query(f"sum({per_second(agent('netmon_trap_folded_total'))})", "folded"),
            ),
            lines(
                "Replies",
                "Acknowledgements of informs, Reports of SNMPv3, and those that the kernel would not send.",
                PER_SECOND,
                Query(f"sum({per_second(agent('netmon_trap_acknowledgements_total'))})", "acknowledged"),
                Query(f"sum({per_second(agent('netmon_trap_reports_total'))})", "reports"),
                Query(f"sum({per_second(agent('netmon_trap_replies_lost_total'))})", "lost"),
            ),
        ],
    )


def _receiver() -> Row:
    commits = per_second(agent("netmon_trap_commits_total"))
    spent = per_second(agent("netmon_trap_commit_seconds_total"))
    return Row(
        "Receiver",
        [
            number(
                "Senders",
                "Addresses whose rate of traps is watched.",
                "short",
                Query(f"sum({agent('netmon_trap_sources')})"),
                span=6,
            ),
            number(
                "SNMPv3 engines",
                "Engines whose clock the receiver knows.",
                "short",
                Query(f"sum({agent('netmon_trap_peers')})"),
                span=6,
            ),
            number(
                "Waiting events",
                "Events that wait for a commit: a slow disk.",
                "short",
                Query(f"sum({agent('netmon_trap_queue_events')})"),
                steps=((None, GREEN), (1000, YELLOW), (10000, RED)),
                span=6,
            ),
            number(
                "Defects",
                "Datagrams on which the receiver itself failed; each is a defect of netmon.",
                "short",
                Query(f"sum({agent('netmon_trap_defects_total')})"),
                steps=ZERO_IS_GOOD,
                span=6,
            ),
            lines(
                "Fill of the receive buffers",
                "Share of each socket's receive buffer that is in use; at 1 the kernel drops.",
                "percentunit",
                Query(
                    f"max by (listen) ({agent('netmon_trap_receive_queue_bytes')}"
                    f" / {agent('netmon_trap_receive_buffer_bytes')})",
                    "{{listen}}",
                ),
                steps=((None, GREEN), (0.5, YELLOW), (0.9, RED)),
                top=1,
                span=8,
            ),
            lines(
                "Time of a commit",
                "Mean seconds that one commit of events takes, while there are any.",
                "s",
                Query(f"sum({spent}) / (sum({commits}) > 0)", "commit"),
                span=8,
            ),
            lines(
                "Passed on",
                "Traps sent on to other receivers, those that could not be, and log lines that were lost.",
                PER_SECOND,
                Query(f"sum({per_second(agent('netmon_trap_forwarded_total'))})", "forwarded"),
                Query(f"sum({per_second(agent('netmon_trap_forward_lost_total'))})", "lost"),
                Query(f"sum({per_second(agent('netmon_trap_log_lines_lost_total'))})", "log lines lost"),
                span=8,
            ),
        ],
    )
