"""From the raw varbinds of a walk to tables: the hot path behind the wire.

A walk gives columns one after another, and the columns of a table have the same rows.  So varbinds
are never looked at one by one where it can be helped: a column is taken as a slice when the suffixes
of the one before fit it, its values go into the table as they are, and labels are worked out once
for all columns with equal rows.  Anything less regular takes the slow way and gives the same.

Prometheus refuses a page that holds a series twice.  So of equal rows the first wins, and those left
out are counted, never fatal.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from itertools import zip_longest
from math import isfinite
from typing import Final, NamedTuple

from netmon.mib.columns import Columns, Run
from netmon.mib.dates import date_and_time, ntp_timestamp
from netmon.mib.labels import Labelling, Rows
from netmon.mib.records import Metric, Module
from netmon.mib.syntax import COMBINED, Syntax, bit, opaque_float, value_text, value_texts
from netmon.model import Column, Family, Table, Value
from netmon.snmp import ber
from netmon.snmp.message import Varbinds

# Counter64 wraps where a float still holds every integer, so that rates stay exact.
_WRAP: Final = 2**53
_INTEGERS: Final = frozenset((ber.INTEGER, ber.COUNTER32, ber.GAUGE32, ber.TIME_TICKS, ber.UINTEGER32))
_NUMBERS: Final = _INTEGERS | {ber.COUNTER64}
_NUMERIC: Final = frozenset((Syntax.GAUGE, Syntax.COUNTER, Syntax.FLOAT, Syntax.DOUBLE))
_DATES: Final = frozenset((Syntax.DATE_AND_TIME, Syntax.PARSE_DATE_AND_TIME, Syntax.NTP_TIMESTAMP))
_STATES: Final = frozenset((Syntax.BITS, Syntax.ENUM_AS_STATE_SET))

# What a value must be to have a text: by syntax, where not anything will do.
_WANTED: Final[dict[Syntax, type]] = {
    Syntax.BITS: bytes,
    Syntax.ENUM_AS_INFO: int,
    Syntax.ENUM_AS_STATE_SET: int,
}

# The distinct rows, the positions that gave them if any repeats, and all rows.
_Labels = tuple[Rows, list[int] | None, Rows]


class Mapped(NamedTuple):
    """What a module made of varbinds."""

    tables: tuple[Table, ...]
    duplicates: int  # series left out because another had the same name and labels
    mismatches: int  # values left out because they are of another type than the module says


def map_module(module: Module, varbinds: Varbinds, *, wrong_is_zero: bool = False) -> Mapped:
    """The tables of a module's metrics, from everything that was read for it.

    Pure.  Varbinds that belong to no metric are passed over.  Every column of a table has a value
    (or None) for each row; metrics with a label of their own have tables of their own.  A value of
    another type than the module says is left out; with `wrong_is_zero` it counts as the number 0, as
    snmp_exporter has it.
    """
    columns = Columns(module, varbinds)
    state = _Mapper(varbinds, columns, wrong=0 if wrong_is_zero else None)
    for run in columns.runs():
        state.add(run)
    tables, repeated = unique(state.tables())
    return Mapped(tables, state.duplicates + repeated, state.mismatches)


class _Mapper:
    """Collects tables; labels are worked out once for each labelling and set of rows."""

    def __init__(self, varbinds: Varbinds, columns: Columns, wrong: int | None) -> None:
        self.duplicates = 0
        self.mismatches = 0
        self._varbinds = varbinds
        self._columns = columns
        self._wrong = wrong  # what counts where a number belongs and none came
        # By identity of labellings, suffixes and rows, all of which outlive this object.
        self._rows: dict[tuple[int, int], _Labels] = {}
        self._shared: dict[tuple[int, int], tuple[Labelling, Rows, list[Column]]] = {}
        self._own: list[Table] = []

    def tables(self) -> list[Table]:
        """The tables so far; those with shared rows first."""
        shared = [
            Table(labels.names, rows, tuple(columns)) for labels, rows, columns in self._shared.values()
        ]
        return shared + self._own

    def add(self, run: Run) -> None:
        """Take in a column."""
        metric = run.metric
        labels = self._labels(metric.labelling, run.suffixes)
        if metric.syntax in _NUMERIC:
            column = _numbers(run.tags, run.values)
            wrong = column.count(None)
            if wrong and self._wrong is not None:
                self.mismatches += wrong
                column = [self._wrong if value is None else value for value in column]
        elif metric.syntax in _DATES:
            column = _dates(run)
        elif metric.extracts:
            self._add_extracts(labels, run)
            return
        else:
            self._add_own(labels, run)
            return
        if metric.scale or metric.offset:
            column = [_linear(metric, value) for value in column]
        self.mismatches += column.count(None)
        self._share(metric, labels, metric.family, column)

    def _share(self, metric: Metric, labels: _Labels, family: Family, column: list[Value]) -> None:
        """A column of the table that all metrics with these rows have; equal rows get their first value."""
        rows, keep, whole = labels
        if keep is not None:
            first: dict[tuple[str, ...], Value] = {}
            for row, value in zip(whole, column, strict=True):
                if value is not None:
                    first.setdefault(row, value)
            self.duplicates += len(column) - column.count(None) - len(first)
            column = [first.get(row) for row in rows]
        if column.count(None) == len(column):
            return
        key = (id(metric.labelling), id(rows))
        if key not in self._shared:
            self._shared[key] = (metric.labelling, rows, [])
        self._shared[key][2].append(Column(family, column))

    def _add_extracts(self, labels: _Labels, run: Run) -> None:
        """Numbers out of texts; a text without one is no fault."""
        metric = run.metric
        texts = self._texts(run)
        for extract in metric.extracts:
            column = [_linear(metric, extract.number(text)) for text in texts]
            self._share(metric, labels, extract.family, column)

    def _add_own(self, labels: _Labels, run: Run) -> None:
        """A metric whose value is a label, so that it has a table to itself."""
        metric = run.metric
        alike = labels[1] is not None
        rows, run = self._told_apart(labels, run) if alike else (labels[0], run)
        wanted = _WANTED.get(metric.syntax, (int, bytes))
        fitting = [at for at, value in enumerate(run.values) if isinstance(value, wanted)]
        if len(fitting) < len(run.values):
            self.mismatches += len(run.values) - len(fitting)
            if wanted is int and self._wrong is not None:
                numbers = _numbers(run.tags, run.values)
                values: list[ber.Value] = [
                    self._wrong if n is None or not isfinite(n) else int(n) for n in numbers
                ]
                run, fitting = run._replace(values=values), list(range(len(values)))
            rows, run = tuple([rows[at] for at in fitting]), _some(run, fitting)
        if wanted is int and ber.COUNTER64 in run.tags:
            run = run._replace(values=[v % _WRAP if isinstance(v, int) else v for v in run.values])
        ones: list[Value]
        if metric.syntax in _STATES:
            states = [_states(metric, value) for value in run.values]
            rows = tuple([row for row, some in zip(rows, states, strict=True) for _ in some])
            texts = [text for some in states for text, _ in some]
            ones = [one for some in states for _, one in some]
            alike = True  # two numbers may have one name
        else:
            texts = self._texts(run)
            ones = [_linear(metric, 1)] * len(rows)
        names = metric.labelling.names
        if metric.name in names:  # the label is there already, and stays as it is
            if metric.syntax is Syntax.ENUM_AS_INFO:
                return  # and says all
            alike = True
        else:
            names = (*names, metric.name)
            rows = tuple([(*row, text) for row, text in zip(rows, texts, strict=True)])
        if alike and (keep := _first_of_each(rows)) is not None:
            self.duplicates += len(rows) - len(keep)
            rows, ones = tuple([rows[at] for at in keep]), [ones[at] for at in keep]
        if rows:
            self._own.append(Table(names, rows, (Column(metric.family, ones),)))

    def _told_apart(self, labels: _Labels, run: Run) -> tuple[Rows, Run]:
        """The rows that may make series of their own, though some are equal, and what is in them."""
        rows, keep, whole = labels
        if run.metric.syntax not in _STATES:
            # Another text makes another series of an equal row, unless the object was read twice.
            keep = _first_of_each(run.suffixes)
            rows = whole if keep is None else tuple([whole[at] for at in keep])
        if keep is None:
            return rows, run
        self.duplicates += len(run.values) - len(keep)
        return rows, _some(run, keep)

    def _texts(self, run: Run) -> list[str]:
        """The text of each value."""
        metric = run.metric
        forms = COMBINED.get(metric.syntax)
        if forms is None:
            enums = metric.enums if metric.syntax is Syntax.ENUM_AS_INFO else None
            return value_texts(run.tags, run.values, metric.syntax, enums, metric.hint)
        texts = []
        places = () if metric.selector is None else self._columns.find(metric.selector, run.suffixes)
        for tag, value, at in zip_longest(run.tags, run.values, places):
            # For combined types another column of the same row says how the value reads.
            kind = None if at is None else self._varbinds.values[at]
            syntax = forms.get(kind) if isinstance(kind, int) else None
            texts.append(value_text(tag, value, syntax or Syntax.OCTET_STRING, hint=metric.hint))
        return texts

    def _labels(self, labelling: Labelling, suffixes: list[bytes]) -> _Labels:
        """The distinct rows, the positions that gave them if any repeats, and all rows."""
        key = (id(labelling), id(suffixes))
        known = self._rows.get(key)
        if known is None:
            rows = whole = labelling.rows(suffixes, self._varbinds, self._columns.find)
            keep = _first_of_each(rows)
            if keep is not None:
                rows = tuple([whole[at] for at in keep])
            known = self._rows[key] = (rows, keep, whole)
        return known


def _first_of_each(rows: Sequence[Hashable]) -> list[int] | None:
    """The positions of the distinct ones if any repeats."""
    if len(set(rows)) == len(rows):
        return None
    first = {row: at for at, row in reversed(list(enumerate(rows)))}
    return sorted(first.values())


def _some(run: Run, keep: Sequence[int]) -> Run:
    """A part of a column."""
    suffixes, tags, values = run.suffixes, run.tags, run.values
    return Run(
        run.metric, [suffixes[at] for at in keep], [tags[at] for at in keep], [values[at] for at in keep]
    )


def _states(metric: Metric, value: ber.Value) -> list[tuple[str, int]]:
    """Every state that the metric knows, and whether the value says it."""
    enums = metric.enums
    if isinstance(value, bytes):
        return [(state, bit(value, number)) for number, state in enums.items() if number >= 0]
    return [
        (value_text(ber.INTEGER, value, metric.syntax, enums), 1),
        *[(state, 0) for number, state in enums.items() if number != value],
    ]


def _dates(run: Run) -> list[Value]:
    """The values of a column of dates in seconds since the epoch, None where the agent sent no date."""
    pattern = run.metric.pattern
    if run.metric.syntax is Syntax.PARSE_DATE_AND_TIME:
        texts = value_texts(run.tags, run.values, Syntax.DISPLAY_STRING)
        return [None if pattern is None else pattern.seconds(text) for text in texts]
    read = date_and_time if run.metric.syntax is Syntax.DATE_AND_TIME else ntp_timestamp
    return [read(value) if isinstance(value, bytes) else None for value in run.values]


def _linear(metric: Metric, value: Value) -> Value:
    """A value in the metric's own unit; a scale of 0 is none."""
    if value is None or not (metric.scale or metric.offset):
        return value
    return float(value) * (metric.scale or 1.0) + metric.offset


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
