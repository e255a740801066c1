"""Columns that only name things, kept from one scheduled run to the next.

ifDescr, ifName, entPhysicalName: strings that a module looks up for labels and makes no metric of.  They
are long, change seldom, and are not read at every run.  A name must never stand at a wrong row, so they
are read again in the same run when the rows of what the module does read are not the same, when the
agent was started again (sysUpTime, RFC 3418, fell; that it wraps after 497 days costs one reading more),
when ifTableLastChange (RFC 2863) says that interfaces came or went, and after `age` seconds in any case:
an operator's new ifAlias changes nothing else.

Leaving columns out cuts what is left into stretches, each with a last datagram that is not full, and the
signs of change cost a request.  So they are left out only where that saves requests: columns that are
walked on their own always, columns in the middle of a larger subtree when the device has many rows.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, NamedTuple

from netmon.mib.modules import Module
from netmon.snmp.ber import encode_oid
from netmon.snmp.client import Client, Meter, Target
from netmon.snmp.message import Varbinds
from netmon.snmp.plans import octets_of
from netmon.snmp.walk import get

_LIMIT: Final = 128 * 2**20
_BROKEN: Final = 0.5  # of a datagram, that stays empty where a subtree is cut
_OVERHEAD: Final = 110  # octets that Python takes for a varbind beside its value
_SYS_UP_TIME: Final = encode_oid("1.3.6.1.2.1.1.3.0")
_LAST_CHANGE: Final = encode_oid("1.3.6.1.2.1.31.1.5.0")  # ifTableLastChange
_INTERFACES: Final = (encode_oid("1.3.6.1.2.1.2"), encode_oid("1.3.6.1.2.1.31"))

Key = tuple[Target, str]


class Signs(NamedTuple):
    """What an agent says of its start and its interfaces; None where it does not."""

    up_time: int | None
    last_change: int | None


@dataclass(frozen=True, slots=True)
class Kept:
    """The columns that are left out, as they were at the moment `at`, with the rows and signs of then."""

    names: frozenset[bytes]  # may be none
    columns: Varbinds
    rows: int  # a hash of everything else's OIDs
    signs: Signs
    at: float

    @property
    def octets(self) -> int:
        """About what it takes of memory."""
        texts = sum(len(value) for value in self.columns.values if isinstance(value, bytes))
        return texts + _OVERHEAD * (len(self.columns) + 5)

    def fits(self, rows: int, signs: Signs) -> bool:
        """Whether nothing says that names have changed."""
        before, now = self.signs.up_time, signs.up_time
        restarted = before is not None and (now is None or now < before)
        return rows == self.rows and signs.last_change == self.signs.last_change and not restarted


class StaticColumns:
    """What is kept, by agent, credentials and module; past `limit` octets the longest unused go."""

    def __init__(self, limit: int = _LIMIT) -> None:
        self.octets = 0
        self._limit = limit
        self._kept: OrderedDict[Key, Kept] = OrderedDict()

    def find(self, key: Key) -> Kept | None:
        """What is kept for a key."""
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
        return kept

    def keep(self, key: Key, kept: Kept) -> None:
        """Keep it in place of what was kept."""
        before = self._kept.pop(key, None)
        if before is not None:
            self.octets -= before.octets
        self._kept[key] = kept
        self.octets += kept.octets
        while self.octets > self._limit:
            self.octets -= self._kept.popitem(last=False)[1].octets


def key_of(target: Target, module: Module) -> Key:
    """Who is asked, as whom and for what; how patiently does not matter."""
    return replace(target, timeout=0.0, retries=0, max_repetitions=0), module.digest


@lru_cache(maxsize=256)  # modules; those of a file that was edited do not stay for ever
def static_columns(module: Module) -> frozenset[bytes]:
    """The columns of a module that make labels only, each a part of what it walks.

    None where names alone are walked, whose rows nothing would check.  The column that says how another
    one's value reads is none of them: the two have to be of one moment.
    """
    if module.filters or module.allow_nonincreasing_oids:
        return frozenset()
    metrics = [metric.oid for metric in module.metrics]
    apart = {metric.selector for metric in module.metrics}
    columns = frozenset(
        lookup.oid
        for metric in module.metrics
        for lookup in metric.labelling.lookups
        if lookup.labels
        and lookup.oid not in apart
        and any(lookup.oid.startswith(root) for root in module.walk)
        and not any(oid.startswith(lookup.oid) or lookup.oid.startswith(oid) for oid in metrics)
    )
    return columns if any(oid.startswith(root) for root in module.walk for oid in metrics) else frozenset()


def worth_keeping(
    names: frozenset[bytes], walked: Sequence[bytes], tables: Sequence[Varbinds], room: int, most: int
) -> frozenset[bytes]:
    """Those of the columns `names` whose reading costs more requests than it takes to leave them out.

    `tables` hold everything of the subtrees `walked`; a request brings `room` octets or `most` varbinds.
    """
    saved = -1.0  # the signs
    worth = set[bytes]()
    for name in names:
        octets = count = 0
        for table in tables:
            for oid, tag, value in zip(table.oids, table.tags, table.values, strict=True):
                if oid.startswith(name):
                    octets += octets_of(oid, tag, value)
                    count += 1
        requests = max(octets / room, count / most)
        gain = max(1.0, requests) if name in walked else requests - _BROKEN
        if gain > 0:
            worth.add(name)
            saved += gain
    return frozenset(worth) if saved > 0 else frozenset()


def split(names: frozenset[bytes], tables: Sequence[Varbinds]) -> tuple[Varbinds, Varbinds]:
    """The columns `names`, and everything else."""
    prefixes = tuple(names)
    columns, others = Varbinds(), Varbinds()
    for table in tables:
        for oid, tag, value in zip(table.oids, table.tags, table.values, strict=True):
            side = columns if oid.startswith(prefixes) else others
            side.oids.append(oid)
            side.tags.append(tag)
            side.values.append(value)
    return columns, others


def rows_of(tables: Sequence[Varbinds]) -> int:
    """A hash of all OIDs, by Python's keyed hash of octets: nobody can aim at it."""
    return hash(b"\xff".join(oid for table in tables for oid in table.oids))


def concerns_interfaces(columns: frozenset[bytes]) -> bool:
    """Whether ifTableLastChange says something of them."""
    return any(column.startswith(_INTERFACES) for column in columns)


async def read_signs(client: Client, target: Target, meter: Meter) -> Signs:
    """Ask for both.  Raises SnmpError."""
    came = await get(client, target, (_SYS_UP_TIME, _LAST_CHANGE), meter)
    said = dict(zip(came.oids, came.values, strict=True))
    up_time, last_change = said.get(_SYS_UP_TIME), said.get(_LAST_CHANGE)
    return Signs(
        up_time if isinstance(up_time, int) else None, last_change if isinstance(last_change, int) else None
    )
