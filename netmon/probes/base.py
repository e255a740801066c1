"""What every probe is given and what it must offer.

A probe is one file: a `Settings` class, an async function from a `Check` and a `Context` to an
`Observation`, and one row in `PROBES` that serves config validation and scheduling alike.
A probe never raises for what the network does: that is a result with a reason.  It may be
cancelled at its deadline at any await, and must leave nothing open when it is.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

from netmon.fields import Secret, Settings
from netmon.mib.auto import Row, shipped_rows
from netmon.mib.choices import Choices
from netmon.mib.prefer import shipped_preferences
from netmon.model import Check, Family, Observation, Role

if TYPE_CHECKING:
    from netmon.icmp import Pinger
    from netmon.mail.slots import Slots
    from netmon.mail.tls import TrustStores
    from netmon.mib.modules import Module
    from netmon.resolver import Resolver
    from netmon.snmp.client import Client


class Auth(Settings):
    """An entry of `auths`, in the schema of snmp_exporter's snmp.yml."""

    version: int = 2
    community: Secret = Secret("public")


@dataclass(frozen=True, slots=True)
class Library:
    """What settings refer to by name."""

    auths: Mapping[str, Auth]
    modules: Mapping[str, "Module"]
    rows: Sequence[Row] = field(default_factory=shipped_rows)  # what `modules: auto` chooses from
    wider: Mapping[str, str] = field(default_factory=shipped_preferences)  # 32-bit counters -> 64-bit ones


class Totals:
    """Running counts over the runs of checks, for series that are counters.

    They live as long as the process: a restart is a counter reset, which Prometheus understands.
    Bounded: past `limit` keys the one that was longest unused starts again from zero.
    """

    def __init__(self, limit: int = 100_000) -> None:
        self._counts: OrderedDict[tuple[str, ...], tuple[int, ...]] = OrderedDict()
        self._limit = limit

    def add(self, key: tuple[str, ...], amounts: Iterable[int]) -> tuple[int, ...]:
        """Add to the counts of `key` and give the sums; one key always has equally many amounts."""
        amounts = tuple(amounts)
        known = self._counts.pop(key, None)
        sums = amounts if known is None else tuple(a + b for a, b in zip(known, amounts, strict=True))
        self._counts[key] = sums
        if len(self._counts) > self._limit:
            self._counts.popitem(last=False)
        return sums


@dataclass(slots=True)
class Context:
    """What lives longer than a check, a run or a reload; built by agent.py, shared by all probes."""

    agent_name: str  # what netmon says in EHLO
    snmp: "Client"
    pinger: "Pinger"
    resolver: "Resolver"
    trust: "TrustStores"
    slots: "Slots"  # one connection at a time per mail server address
    wall: Callable[[], float]  # seconds since the epoch
    # Measures durations.  Not loop.time: uvloop's has steps of a millisecond and stands still in a callback.
    stopwatch: Callable[[], float] = perf_counter
    totals: Totals = field(default_factory=Totals)
    choices: Choices = field(default_factory=Choices)  # of `modules: auto`


@dataclass(frozen=True, slots=True)
class ProbeKind:
    """A row of `PROBES`."""

    name: str  # the key in a host's config and the value of the label `probe`
    settings: type[Settings]
    many: bool  # the host's key holds a list of settings
    probe: Callable[[Check, Context], Awaitable[Observation]]
    endpoint: Callable[[str, Any], str]  # (host name, settings) -> label `endpoint`
    role: Callable[[Any], Role | None]
    bind: Callable[[Any, Library], Any]  # settings -> what Check.settings holds, names resolved
    families: tuple[Family, ...]  # netmon_ families that `Observation.own` may hold
    own_labels: tuple[str, ...] = ("host", "endpoint")  # of CheckKey; `own` tables carry only further ones
