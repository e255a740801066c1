"""Filters of a module: which rows of which columns are read, planned from what one column says.

A filter's column is walked first.  The rows whose value matches are kept, and of its targets only these
rows are read, with GET in place of a walk.  A row is named by the whole index behind the column, so
that tables with more than one index keep the rows that were meant.  Several filters on one target let
through what all of them do.  A target inside a larger subtree of `walk` is read with it, and what no
filter lets through is left out then.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from netmon.mib.extracts import compile_expression
from netmon.mib.node import MAX_SUB_IDS
from netmon.mib.records import Filter, Module
from netmon.mib.syntax import Syntax, value_text
from netmon.snmp.message import Varbinds

_SURELY_SHORT: Final = MAX_SUB_IDS  # octets that cannot hold more sub-identifiers than that, two in the first
_LAST_OCTET: Final = 0x80  # below: the last octet of a sub-identifier


@dataclass(frozen=True, slots=True)
class Plan:
    """What to read of a module: instances, subtrees, and which rows of a column inside those count."""

    get: tuple[bytes, ...]
    walk: tuple[bytes, ...]
    rows: Mapping[bytes, frozenset[bytes]]  # column inside a subtree -> what stands behind it

    def kept(self, varbinds: Varbinds) -> Varbinds:
        """What was walked, without the rows that no filter lets through."""
        if not self.rows:
            return varbinds
        left = Varbinds()
        for oid, tag, value in zip(varbinds.oids, varbinds.tags, varbinds.values, strict=True):
            if all(
                not _inside(oid, column) or oid[len(column) :] in rows for column, rows in self.rows.items()
            ):
                left.oids.append(oid)
                left.tags.append(tag)
                left.values.append(value)
        return left


def plan(module: Module, found: Callable[[bytes], Varbinds]) -> Plan:
    """What to read of a module; `found` gives what the walk of a filter's column brought."""
    if not module.filters:
        return Plan(module.get, module.walk, {})
    rows: dict[bytes, Sequence[bytes]] = {}
    for each in module.filters:
        passed = _rows(each, found(each.oid))
        for target in each.targets:
            before = rows.get(target)
            allowed = frozenset(passed)
            rows[target] = passed if before is None else [row for row in before if row in allowed]
    walk = tuple(root for root in module.walk if root not in rows)
    inside = {target for target in rows if any(_inside(target, root) for root in walk)}
    get = [oid for oid in module.get if not any(_inside(oid, target) for target in rows)]
    get += [
        target + row
        for target, kept in rows.items()
        if target not in inside
        for row in kept
        if len(target) + len(row) < _SURELY_SHORT or _is_oid(target + row)
    ]
    return Plan(tuple(dict.fromkeys(get)), walk, {target: frozenset(rows[target]) for target in inside})


def _rows(each: Filter, column: Varbinds) -> list[bytes]:
    """What stands behind the column in the rows that match, in their order."""
    expressions = [compile_expression(value) for value in each.values]
    width = len(each.oid)
    return [
        oid[width:]
        for oid, tag, value in zip(column.oids, column.tags, column.values, strict=True)
        for text in [value_text(tag, value, Syntax.DISPLAY_STRING)]
        if _inside(oid, each.oid) and any(expression.search(text) for expression in expressions)
    ]


def _is_oid(oid: bytes) -> bool:
    """Whether it has no more sub-identifiers than an OID may have: behind a longer column a row's may not."""
    return sum(octet < _LAST_OCTET for octet in oid) < MAX_SUB_IDS


def _inside(oid: bytes, root: bytes) -> bool:
    return oid.startswith(root) and len(oid) > len(root)
