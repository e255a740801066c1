"""Modules read from one agent: requests out, tables in, each object asked for once a run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from netmon.mib.filters import plan
from netmon.mib.mapping import map_module
from netmon.mib.modules import Module
from netmon.model import Table
from netmon.snmp.ber import NULL, Value
from netmon.snmp.client import Client, Meter, Target
from netmon.snmp.disorder import walk_disordered
from netmon.snmp.message import Varbinds
from netmon.snmp.walk import get, walk_all

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
    """One run's reader: what two modules want is asked for once.  Everything is read afresh."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._walked: dict[bytes, Varbinds] = {}
        self._got: dict[bytes, tuple[int, Value]] = {}

    async def read(self, module: Module, target: Target, meter: Meter) -> Reading:
        """Read one module and map it.  Raises SnmpError."""
        varbinds = await self.fetch(module, target, meter)
        mapped = map_module(module, varbinds)
        return Reading(mapped.tables, len(varbinds), mapped.duplicates, mapped.mismatches)

    async def fetch(self, module: Module, target: Target, meter: Meter) -> Varbinds:
        """Read one module: its objects as they came.  Raises SnmpError."""
        columns = [each.oid for each in module.filters]
        await self._walk(module, columns, target, meter)
        wishes = plan(module, self._walked.__getitem__)
        varbinds = Varbinds()
        if wanted := [oid for oid in wishes.get if oid not in self._got]:
            answer = await get(self._client, target, wanted, meter)
            self._got |= dict.fromkeys(wanted, _ABSENT)
            self._got |= zip(answer.oids, zip(answer.tags, answer.values, strict=True), strict=True)
        for oid in wishes.get:
            tag, value = self._got[oid]
            if tag != NULL:
                varbinds.extend(Varbinds([oid], [tag], [value]))
        await self._walk(module, wishes.walk, target, meter)
        for root in wishes.walk:
            varbinds.extend(wishes.kept(self._walked[root]))
        return varbinds

    async def _walk(self, module: Module, roots: Sequence[bytes], target: Target, meter: Meter) -> None:
        """Walk those of the subtrees that were not walked yet."""
        roots = [root for root in dict.fromkeys(roots) if root not in self._walked]
        if module.allow_nonincreasing_oids:
            for root in roots:
                self._walked[root] = await walk_disordered(self._client, target, root, meter, limit=_LIMIT)
        elif roots:
            came = await walk_all(self._client, target, roots, meter, limit=_LIMIT)
            self._walked |= zip(roots, came, strict=True)
