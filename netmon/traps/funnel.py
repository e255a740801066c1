"""The metrics of the way of datagrams: how far they came, and why those ended that became no event."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from netmon.model import Kind
from netmon.traps.counters import Counters, Gauge
from netmon.traps.listeners import Listener
from netmon.traps.records import Drop, Stage


class Sample(NamedTuple):
    """One value of a metric of the receiver's; what exposition calls a reading."""

    name: str
    help: str
    kind: Kind
    labels: Mapping[str, str]
    value: float


_GAUGES: Final = (
    (Gauge.QUEUE, "netmon_trap_queue_events", "Events that wait for a commit."),
    (Gauge.SOURCES, "netmon_trap_sources", "Addresses whose rate of traps is watched."),
    (Gauge.PEERS, "netmon_trap_peers", "SNMPv3 engines whose clock is known."),
)
_COUNTS: Final = (
    (Gauge.COMMITS, "netmon_trap_commits_total", "Commits of events."),
    (Gauge.FOLDED, "netmon_trap_folded_total", "Datagrams that only counted up an event."),
    (Gauge.INFORMS, "netmon_trap_acknowledgements_total", "Acknowledgements of informs that were sent."),
    (Gauge.REPORTS, "netmon_trap_reports_total", "Reports of SNMPv3 that were sent."),
    (
        Gauge.REPLIES_LOST,
        "netmon_trap_replies_lost_total",
        "Acknowledgements and Reports that the kernel would not send.",
    ),
    (Gauge.FORWARDED, "netmon_trap_forwarded_total", "Traps sent on to other receivers."),
    (Gauge.FORWARD_LOST, "netmon_trap_forward_lost_total", "Traps that could not be sent on."),
    (Gauge.LINES_LOST, "netmon_trap_log_lines_lost_total", "Log lines of events that could not be written."),
    (Gauge.DEFECTS, "netmon_trap_defects_total", "Datagrams on which the receiver itself failed."),
)


def funnel(counters: Counters, listeners: Iterable[Listener]) -> Iterator[Sample]:
    """All of it as it is now; every stage and reason is there from the first look."""
    told = "Datagrams on the trap port, by how far they came."
    for stage in Stage:
        yield count("netmon_trap_datagrams_total", told, counters[stage], stage=stage.value)
    told = "Datagrams on the trap port that became no event, by the reason."
    for reason in Drop:
        yield count("netmon_trap_dropped_total", told, counters[reason], reason=reason.value)
    for listener in listeners:
        yield gauge(
            "netmon_trap_receive_buffer_bytes",
            "Receive buffer that the kernel granted to a trap socket.",
            listener.granted,
            listen=listener.name,
        )
        yield gauge(
            "netmon_trap_receive_queue_bytes",
            "Receive buffer of a trap socket that is in use.",
            listener.queued(),
            listen=listener.name,
        )
    for cell, name, text in _GAUGES:
        yield gauge(name, text, counters[cell])
    for cell, name, text in _COUNTS:
        yield count(name, text, counters[cell])
    spent = counters[Gauge.COMMIT_MICROSECONDS] / 1e6
    yield count("netmon_trap_commit_seconds_total", "Seconds spent on committing events.", spent)


def count(name: str, text: str, value: float, **labels: str) -> Sample:
    """A counter's value."""
    return Sample(name, text, Kind.COUNTER, labels, value)


def gauge(name: str, text: str, value: float, **labels: str) -> Sample:
    """A gauge's value."""
    return Sample(name, text, Kind.GAUGE, labels, value)
