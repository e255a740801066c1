"""Modules read from one agent: requests out, tables in, each object asked for once a run.

A reader that is given `StaticColumns` takes names from there as long as they hold; one that is not, as
for /snmp, reads everything afresh.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from netmon.errors import Reason
from netmon.mib.filters import plan
from netmon.mib.mapping import map_module
from netmon.mib.modules import Module
from netmon.model import Table
from netmon.probes.snmp_static import (
    Kept,
    Signs,
    StaticColumns,
    concerns_interfaces,
    key_of,
    read_signs,
    rows_of,
    split,
    static_columns,
    worth_keeping,
)
from netmon.snmp.ber import NULL, Value
from netmon.snmp.client import Client, Meter, SnmpError, Target
from netmon.snmp.disorder import walk_disordered
from netmon.snmp.message import Varbinds
from netmon.snmp.plans import MOST
from netmon.snmp.walk import foresee, get, walk_all

_ABSENT: Final = (NULL, None)
_LIMIT: Final = 100_000  # varbinds of one subtree; beyond it a table counts as endless


@dataclass(frozen=True, slots=True)
class Reading:
    """What a module became; none of `tables` where the agent serves none of it."""

    tables: tuple[Table, ...]
    objects: int  # varbinds of the module, in what was asked for
    duplicates: int  # series left out because an earlier row has them
    mismatches: int  # values left out for a wrong type


class Reader:
    """One run's reader: what two modules want is asked for once.

    Everything is read afresh, but for names in `statics` that are not older than `age` seconds.
    """

    def __init__(self, client: Client, statics: StaticColumns | None = None, age: float = 0.0) -> None:
        self._client = client
        self._statics = statics if age > 0 else None
        self._age = age
        self._signs: Signs | None = None
        self._walked: dict[bytes, Varbinds] = {}
        self._got: dict[bytes, tuple[int, Value]] = {}

    async def read(self, module: Module, target: Target, meter: Meter) -> Reading:
        """Read one module and map it.  Raises SnmpError."""
        varbinds = await self.fetch(module, target, meter)
        mapped = map_module(module, varbinds)
        return Reading(mapped.tables, len(varbinds), mapped.duplicates, mapped.mismatches)

    async def fetch(self, module: Module, target: Target, meter: Meter) -> Varbinds:
        """Read one module: its objects as they came.  Raises SnmpError."""
        if module.use_unconnected_udp_socket:
            target = replace(target, any_source=True)
        columns = [each.oid for each in module.filters]
        await self._walk(module, columns, target, meter)
        wishes = plan(module, self._walked.__getitem__)
        varbinds = Varbinds()
        if wanted := [oid for oid in wishes.get if oid not in self._got]:
            if len(wanted) > _LIMIT:
                what = f"its filters ask for more than {_LIMIT} objects one by one; the table may be endless"
                raise SnmpError(Reason.ENDLESS_TABLE, f"{module.name} of {target}: {what}", alive=True)
            answer = await get(self._client, target, wanted, meter)
            self._got |= dict.fromkeys(wanted, _ABSENT)
            self._got |= zip(answer.oids, zip(answer.tags, answer.values, strict=True), strict=True)
        for oid in wishes.get:
            tag, value = self._got[oid]
            if tag != NULL:
                varbinds.extend(Varbinds([oid], [tag], [value]))
        names = static_columns(module) if self._statics is not None else frozenset[bytes]()
        if names and self._walked.keys().isdisjoint(wishes.walk):
            for table in await self._walk_with(names, module, target, meter):
                varbinds.extend(table)
            return varbinds
        await self._walk(module, wishes.walk, target, meter)
        for root in wishes.walk:
            varbinds.extend(wishes.kept(self._walked[root]))
        return varbinds

    async def _walk_with(
        self, names: frozenset[bytes], module: Module, target: Target, meter: Meter
    ) -> list[Varbinds]:
        """Walk a module, without such of the columns `names` as are kept and still hold."""
        statics, client = self._statics, self._client
        assert statics is not None  # noqa: S101 - who calls has looked
        key, now = key_of(target, module), asyncio.get_running_loop().time()
        kept = statics.find(key)
        if kept is None or now - kept.at > self._age:
            came = await walk_all(client, target, module.walk, meter, limit=_LIMIT, columns=module.columns)
            most = client.max_repetitions(target) or MOST
            chosen = worth_keeping(names, module.walk, came, target.room, most)
            columns, others = split(chosen, came) if chosen else (Varbinds(), Varbinds())
            signs = await self._read_signs(names, target, meter) if chosen else Signs(None, None)
            if chosen:
                for root, table in zip(module.walk, came, strict=True):
                    foresee(client, target, root, table, chosen)
            statics.keep(key, Kept(chosen, columns, rows_of((others,)), signs, now))
            return came
        came = await walk_all(client, target, module.walk, meter, limit=_LIMIT, skip=kept.names)
        if not kept.names:
            return came
        signs, rows = await self._read_signs(names, target, meter), rows_of(came)
        if not kept.fits(rows, signs):
            columns = Varbinds()
            for column in await walk_all(client, target, sorted(kept.names), meter, limit=_LIMIT):
                columns.extend(column)
            kept = Kept(kept.names, columns, rows, signs, now)
            statics.keep(key, kept)
        return [*came, kept.columns]

    async def _read_signs(self, names: frozenset[bytes], target: Target, meter: Meter) -> Signs:
        """What the agent says in this run, as far as it concerns `names`."""
        if self._signs is None:
            self._signs = await read_signs(self._client, target, meter)
        return self._signs if concerns_interfaces(names) else self._signs._replace(last_change=None)

    async def _walk(self, module: Module, roots: Sequence[bytes], target: Target, meter: Meter) -> None:
        """Walk those of the subtrees that were not walked yet."""
        roots = [root for root in dict.fromkeys(roots) if root not in self._walked]
        if module.allow_nonincreasing_oids:
            for root in roots:
                self._walked[root] = await walk_disordered(self._client, target, root, meter, limit=_LIMIT)
        elif roots:
            came = await walk_all(self._client, target, roots, meter, limit=_LIMIT, columns=module.columns)
            self._walked |= zip(roots, came, strict=True)
