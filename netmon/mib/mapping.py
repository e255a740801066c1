"""From the raw varbinds of a walk to tables: the hot path behind the wire.

A walk gives columns one after another, and the columns of a table have the same rows.  So varbinds
are never looked at one by one where it can be helped: a column is taken as a slice when the suffixes
of the one before fit it, its values go into the table as they are, and labels are worked out once
for all columns with equal rows.  Anything less regular takes the slow way and gives the same.

Prometheus refuses a page that holds a series twice.  So of equal rows the first wins, and those left
out are counted, never fatal.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from netmon.mib.labels import Labelling, Rows
from netmon.mib.modules import Metric, Module
from netmon.mib.syntax import COMBINED, Syntax, bit, date_and_time, opaque_float, value_text
from netmon.model import Column, Family, Table, Value
from netmon.snmp import ber
from netmon.snmp.message import Varbinds

# Counter64 wraps where a float still holds every integer, so that rates stay exact.
_WRAP: Final = 2**53
_INTEGERS: Final = frozenset((ber.INTEGER, ber.COUNTER32, ber.GAUGE32, ber.TIME_TICKS, ber.UINTEGER32))
_NUMBERS: Final = _INTEGERS | {ber.COUNTER64}
_NUMERIC: Final = frozenset((Syntax.GAUGE, Syntax.COUNTER, Syntax.FLOAT, Syntax.DOUBLE))


class Mapped(NamedTuple):
    """What a module made of varbinds."""

    tables: tuple[Table, ...]
    duplicates: int  # series left out because another had the same name and labels
    mismatches: int  # values left out because they are of another type than the module says


class _Run(NamedTuple):
    """A column as it came: `suffixes` is the same object in columns with equal rows."""

    metric: Metric
    suffixes: list[bytes]
    tags: list[int]
    values: list[ber.Value]


def map_module(module: Module, varbinds: Varbinds) -> Mapped:
    """The tables of a module's metrics, from everything that was read for it.

    Pure.  Varbinds that belong to no metric are passed over.  Every column of a table has a value
    (or None) for each row; metrics with a label of their own have tables of their own.
    """
    state = _Mapper(varbinds)
    for run in _runs(module, varbinds):
        state.add(run)
    tables, repeated = unique(state.tables())
    return Mapped(tables, state.duplicates + repeated, state.mismatches)


def _runs(module: Module, varbinds: Varbinds) -> Iterable[_Run]:
    """Each metric's column, in the order in which they came."""
    oids, tags, values = varbinds.oids, varbinds.tags, varbinds.values
    runs: dict[bytes, _Run] = {}
    shapes: dict[tuple[bytes, ...], list[bytes]] = {}
    suffixes: list[bytes] = []
    for prefix, start, stop in _segments(module, oids):
        metric = module.columns[prefix]
        if metric is None:
            continue
        found = oids[start:stop]
        if [prefix + suffix for suffix in suffixes] != found:
            width = len(prefix)
            suffixes = [oid[width:] for oid in found]
            suffixes = shapes.setdefault(tuple(suffixes), suffixes)
        run = _Run(metric, suffixes, tags[start:stop], values[start:stop])
        if known := runs.get(prefix):
            # Came in pieces, as when an instance was also asked for by GET.
            run = _Run(
                metric, known.suffixes + run.suffixes, known.tags + run.tags, known.values + run.values
            )
        runs[prefix] = run
    return runs.values()


def _segments(module: Module, oids: list[bytes]) -> Iterator[tuple[bytes, int, int]]:
    """Prefix of a known column and bounds of its varbinds, which follow each other."""
    columns, widths = module.columns, module.widths
    at, end, rows = 0, len(oids), 1
    while at < end:
        oid = oids[at]
        for width in widths:
            prefix = oid[:width]
            if prefix in columns:
                break
        else:
            at += 1
            continue
        # As many rows as the column before, if they all belong here and the next does not.
        stop = at + rows
        if (
            stop > end
            or (stop < end and oids[stop].startswith(prefix))
            or not all(map(bytes.startswith, oids[at:stop], (prefix,) * rows))
        ):
            stop = at + 1
            while stop < end and oids[stop].startswith(prefix):
                stop += 1
            rows = stop - at
        yield prefix, at, stop
        at = stop


class _Mapper:
    """Collects tables; labels are worked out once for each labelling and set of rows."""

    def __init__(self, varbinds: Varbinds) -> None:
        self.duplicates = 0
        self.mismatches = 0
        self._varbinds = varbinds
        self._positions: dict[bytes, int] | None = None
        # By identity of labellings, suffixes and rows, all of which outlive this object.
        self._rows: dict[tuple[int, int], tuple[Rows, list[int] | None]] = {}
        self._shared: dict[tuple[int, int], tuple[Labelling, Rows, list[Column]]] = {}
        self._own: list[Table] = []

    def tables(self) -> list[Table]:
        """The tables so far; those with shared rows first."""
        shared = [
            Table(labels.names, rows, tuple(columns)) for labels, rows, columns in self._shared.values()
        ]
        return shared + self._own

    def add(self, run: _Run) -> None:
        """Take in a column."""
        metric = run.metric
        labelling = metric.labelling
        rows, keep = self._labels(labelling, run.suffixes)
        tags, values = run.tags, run.values
        if keep is not None:
            self.duplicates += len(values) - len(keep)
            tags, values = [tags[at] for at in keep], [values[at] for at in keep]
        syntax = metric.syntax
        if syntax in _NUMERIC:
            column = _numbers(tags, values)
        elif syntax is Syntax.DATE_AND_TIME:
            column = [date_and_time(v) if isinstance(v, bytes) else None for v in values]
        else:
            suffixes = run.suffixes if keep is None else [run.suffixes[at] for at in keep]
            self._add_own(rows, _Run(metric, suffixes, tags, values))
            return
        missing = column.count(None)
        self.mismatches += missing
        if missing < len(column):
            key = (id(labelling), id(rows))
            if key not in self._shared:
                self._shared[key] = (labelling, rows, [])
            self._shared[key][2].append(Column(metric.family, column))

    def _add_own(self, rows: Rows, run: _Run) -> None:
        """A metric whose value is a label, so that it has a table to itself."""
        metric = run.metric
        made: list[tuple[tuple[str, ...], str, int]] = []
        enums = metric.enums
        syntaxes = self._syntaxes(metric, run.suffixes)
        for row, tag, value, syntax in zip(rows, run.tags, run.values, syntaxes, strict=True):
            if syntax is Syntax.BITS and isinstance(value, bytes):
                made += [(row, state, bit(value, number)) for number, state in enums.items() if number >= 0]
            elif syntax in (Syntax.ENUM_AS_INFO, Syntax.ENUM_AS_STATE_SET) and isinstance(value, int):
                made.append((row, enums.get(value, str(value)), 1))
                if syntax is Syntax.ENUM_AS_STATE_SET:
                    made += [(row, state, 0) for number, state in enums.items() if number != value]
            elif value is None or syntax in (Syntax.BITS, Syntax.ENUM_AS_INFO, Syntax.ENUM_AS_STATE_SET):
                self.mismatches += 1
            else:
                made.append((row, value_text(tag, value, syntax), 1))
        names = metric.labelling.names
        if metric.name in names:  # the label is there already, and stays as it is
            series = {row: one for row, _, one in reversed(made)}
        else:
            names = (*names, metric.name)
            series = {(*row, text): one for row, text, one in reversed(made)}
        # Built from behind, so that of equal series the first one's value stays.
        self.duplicates += len(made) - len(series)
        if series:
            column = Column(metric.family, list(reversed(series.values())))
            self._own.append(Table(names, tuple(reversed(series)), (column,)))

    def _syntaxes(self, metric: Metric, suffixes: Sequence[bytes]) -> list[Syntax]:
        """How each value reads: for combined types another column of the same row says it."""
        forms = COMBINED.get(metric.syntax)
        if forms is None:
            return [metric.syntax] * len(suffixes)
        found: list[Syntax] = []
        for suffix in suffixes:
            at = None if metric.selector is None else self._find(metric.selector + suffix)
            kind = None if at is None else self._varbinds.values[at]
            found.append(
                forms.get(kind, Syntax.OCTET_STRING) if isinstance(kind, int) else Syntax.OCTET_STRING
            )
        return found

    def _labels(self, labelling: Labelling, suffixes: list[bytes]) -> tuple[Rows, list[int] | None]:
        """The distinct rows, and the positions that gave them if any repeats."""
        key = (id(labelling), id(suffixes))
        known = self._rows.get(key)
        if known is None:
            rows = labelling.rows(suffixes, self._varbinds, self._find)
            keep = None
            if len(set(rows)) < len(rows):
                first = {row: at for at, row in reversed(list(enumerate(rows)))}
                keep = sorted(first.values())
                rows = tuple(rows[at] for at in keep)
            known = self._rows[key] = (rows, keep)
        return known

    def _find(self, oid: bytes) -> int | None:
        """Position of an OID among the varbinds."""
        if self._positions is None:
            oids = self._varbinds.oids
            self._positions = dict(zip(reversed(oids), range(len(oids) - 1, -1, -1), strict=True))
        return self._positions.get(oid)


def _numbers(tags: list[int], values: list[ber.Value]) -> list[Value]:
    """The values of a numeric column, None where the agent sent something else."""
    kinds = set(tags)
    if kinds <= _INTEGERS or (kinds <= _NUMBERS and max(values) < _WRAP):  # type: ignore[type-var,operator]
        return values  # type: ignore[return-value]  # these tags hold int only
    numbers: list[Value] = []
    for tag, value in zip(tags, values, strict=True):
        if isinstance(value, int):
            numbers.append(value % _WRAP if tag == ber.COUNTER64 else value)
        else:
            numbers.append(opaque_float(value) if tag == ber.OPAQUE and value is not None else None)
    return numbers


def unique(tables: Sequence[Table]) -> tuple[tuple[Table, ...], int]:
    """The tables without series that an earlier table has, and how many were left out.

    One family may come from two tables: two modules read the same object, or one module gives two
    objects the same name.  An empty label is the same as none, as it is to Prometheus.  The first
    table's type and help stand for all.
    """
    names = Counter(column.family.name for table in tables for column in table.columns)
    seen: dict[str, set[frozenset[tuple[str, str]]]] = {name: set() for name, n in names.items() if n > 1}
    if not seen:
        return tuple(tables), 0
    families: dict[str, Family] = {}
    kept: list[Table] = []
    dropped = 0
    for table in tables:
        alone = []
        for column in table.columns:
            if column.family.name not in seen:
                alone.append(column)
                continue
            family = families.setdefault(column.family.name, column.family)
            rows, values = _unseen(table, column, seen[family.name])
            dropped += len(table.rows) - len(rows)
            if rows:
                kept.append(Table(table.names, rows, (Column(family, values),)))
        if alone:
            kept.append(Table(table.names, table.rows, tuple(alone)))
    return tuple(kept), dropped


def _unseen(table: Table, column: Column, seen: set[frozenset[tuple[str, str]]]) -> tuple[Rows, list[Value]]:
    rows, values = [], []
    for row, value in zip(table.rows, column.values, strict=True):
        series = frozenset(label for label in zip(table.names, row, strict=True) if label[1])
        if series not in seen:
            seen.add(series)
            rows.append(row)
            values.append(value)
    return tuple(rows), values
