"""What the agent's parts count of themselves, as metrics of `/metrics/agent`."""

from collections.abc import Iterator

from netmon.exposition import Reading
from netmon.history import WINDOWS, Agreement, History
from netmon.journal import Journal
from netmon.model import Kind
from netmon.scheduler import Scheduler
from netmon.snmp.client import Client
from netmon.store import Store


def readings(snmp: Client, store: Store, scheduler: Scheduler, journal: Journal) -> Iterator[Reading]:
    """As they are now."""
    unexpected = "netmon_snmp_unexpected_datagrams_total"
    told = "Datagrams on the SNMP socket that answered no open request, by what was wrong with them."
    for kind in ("late", "duplicate", "unmatched", "foreign", "malformed", "icmp"):
        yield Reading(unexpected, told, Kind.COUNTER, {"kind": kind}, getattr(snmp.stats, kind))
    yield Reading(
        "netmon_snmp_receive_buffer_bytes",
        "Receive buffer that the kernel granted to the SNMP socket.",
        Kind.GAUGE,
        {},
        snmp.granted_rcvbuf,
    )
    yield Reading("netmon_checks", "Checks that are planned.", Kind.GAUGE, {}, len(store.states()))
    yield Reading("netmon_checks_running", "Check runs going on.", Kind.GAUGE, {}, scheduler.running)
    yield Reading(
        "netmon_state_rows_waiting",
        "Rows of state that are not on disk yet.",
        Kind.GAUGE,
        {},
        journal.waiting,
    )
    yield Reading(
        "netmon_state_write_failures_total",
        "Commits of state that failed and were tried again.",
        Kind.COUNTER,
        {},
        journal.failures,
    )


def agreement_readings(history: History) -> Iterator[Reading]:
    """What SNMP and mail agreed on over all hosts; NaN where both told nothing."""
    told = "Share of the time in which both of all hosts told something that SNMP and mail said this."
    for window in WINDOWS:
        totals = history.of_all(window)
        for name in Agreement:
            if name is not Agreement.UNTOLD:
                share = totals.share(name)
                labels = {"window": window, "agreement": name.value}
                value = float("nan") if share is None else share
                yield Reading("netmon_agreement_ratio", told, Kind.GAUGE, labels, value)
