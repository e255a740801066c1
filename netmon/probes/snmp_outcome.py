"""What became of the modules of an snmp run, and netmon's own series that tell it.

The counters go on over the runs of a host and start again with the process.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from netmon.mib.mapping import unique
from netmon.mib.modules import Module
from netmon.model import Column, Family, Kind, Table
from netmon.probes.base import Totals
from netmon.probes.snmp_auto import Auto
from netmon.probes.snmp_extras import Extra
from netmon.snmp.client import Meter, SnmpError

MODULE_UP: Final = Family(
    "netmon_module_up", Kind.GAUGE, "1 if the latest run read the module from the agent."
)
PACKETS: Final = Family(
    "netmon_snmp_packets_total", Kind.COUNTER, "SNMP requests sent, repeated ones included."
)
RETRIES: Final = Family(
    "netmon_snmp_retries_total", Kind.COUNTER, "SNMP requests sent again for want of an answer."
)
VARBINDS: Final = Family(
    "netmon_snmp_varbinds_total", Kind.COUNTER, "Variable bindings that agents answered with."
)
DUPLICATES: Final = Family(
    "netmon_snmp_duplicate_series_total",
    Kind.COUNTER,
    "Device series left out because an earlier one had the same name and labels.",
)
MISMATCHES: Final = Family(
    "netmon_snmp_mismatched_values_total",
    Kind.COUNTER,
    "Device values left out because they were of another type than the module says.",
)
_TOTALS: Final = (PACKETS, RETRIES, VARBINDS, DUPLICATES, MISMATCHES)
FAMILIES: Final = (MODULE_UP, *_TOTALS)


@dataclass(slots=True)
class Outcome:
    """What became of one module or extra: tables, an error, or neither when the agent serves none of it."""

    part: Module | Extra | Auto
    meter: Meter = field(default_factory=Meter)
    tables: tuple[Table, ...] = ()
    own: tuple[Table, ...] = ()
    trouble: str = ""  # why there are neither tables nor an error; goes on from "mx1:161 "
    duplicates: int = 0  # series left out, also for those of an earlier module
    mismatches: int = 0  # values left out
    objects: int = 0  # of the module; the meter counts those beyond a subtree's end too
    error: SnmpError | None = None
    chosen: tuple[Module, ...] = ()  # by `auto`

    @property
    def name(self) -> str:
        """As `netmon_module_up` has it."""
        return self.part.name

    @property
    def came(self) -> bool:
        """Whether it has anything to show."""
        return bool(self.tables or self.own or self.chosen)


def alive(outcomes: Sequence[Outcome]) -> bool | None:
    """Whether the host showed life, as `Observation.alive` has it."""
    said = [True if outcome.error is None else outcome.error.alive for outcome in outcomes]
    return next((value for value in (True, False) if value in said), None)


def count_repeated(outcomes: Sequence[Outcome]) -> None:
    """Count for each outcome its series that an earlier module has."""
    before: list[Table] = []
    counted = 0
    for outcome in outcomes:
        before += outcome.tables
        repeated = unique(before)[1]
        outcome.duplicates += repeated - counted
        counted = repeated


def own_table(host: str, outcomes: Sequence[Outcome], totals: Totals) -> Table:
    """netmon's own series of a run, a row for each outcome; what it cost is added to `totals`."""
    sums = [
        totals.add(
            ("snmp", host, outcome.name),
            (
                outcome.meter.packets,
                outcome.meter.retries,
                outcome.meter.varbinds,
                outcome.duplicates,
                outcome.mismatches,
            ),
        )
        for outcome in outcomes
    ]
    columns = [Column(MODULE_UP, [int(outcome.came) for outcome in outcomes])]
    columns += [
        Column(family, counts) for family, counts in zip(_TOTALS, zip(*sums, strict=True), strict=True)
    ]
    return Table(("module",), tuple((outcome.name,) for outcome in outcomes), tuple(columns))
