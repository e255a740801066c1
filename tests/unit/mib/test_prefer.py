"""64-bit counters preferred: which narrow series stay and which go."""

import re

from hypothesis import given
from hypothesis import strategies as st

from netmon.mib.modules import builtin_modules
from netmon.mib.prefer import parse_preferences, prefer_wide, shipped_preferences
from netmon.model import Column, Family, Kind, Table, Value

WIDER = {"in": "hcIn", "out": "hcOut"}
VALUES = st.lists(st.one_of(st.none(), st.integers(0, 9)), min_size=3, max_size=3)
ROWS = (("1",), ("2",), ("3",))


def table(rows: tuple[tuple[str, ...], ...] = ROWS, **columns: list[Value]) -> Table:
    """A table of counters by name."""
    made = (Column(Family(name, Kind.COUNTER, "A counter."), values) for name, values in columns.items())
    return Table(("ifIndex",), rows, tuple(made))


def series(tables: tuple[Table, ...]) -> dict[str, dict[str, Value]]:
    """Values by family and row, without those that there are not."""
    return {
        column.family.name: {
            row[0]: value for row, value in zip(one.rows, column.values, strict=True) if value is not None
        }
        for one in tables
        for column in one.columns
    }


def test_a_row_keeps_the_wide_counter_alone() -> None:
    """Where both count, the narrow series goes; where the wide one is missing it stays."""
    given_table = table(**{"in": [7, 8, 9], "hcIn": [70, None, 90]})
    assert series(prefer_wide([given_table], WIDER)) == {"in": {"2": 8}, "hcIn": {"1": 70, "3": 90}}
    assert series((given_table,))["in"] == {"1": 7, "2": 8, "3": 9}, "what was given stays as it is"


def test_a_wide_counter_that_is_not_kept_up_counts_for_nothing() -> None:
    """Some agents have the wide column and leave it at zero."""
    found = series(prefer_wide([table(**{"in": [7, 0, 9], "hcIn": [0, 0, 90]})], WIDER))
    assert found["in"] == {"1": 7}


def test_old_agents_keep_their_counters() -> None:
    """Without ifXTable nothing is left out, and the very same tables come back."""
    only = table(**{"in": [7, 8, 9]})
    assert prefer_wide([only], WIDER) == (only,)
    assert prefer_wide([table(**{"in": [7, 8, 9], "hcIn": [1, 2, 3]})], {})[0].columns[0].values == [7, 8, 9]


def test_tables_with_other_rows_are_matched_by_their_labels() -> None:
    """ifXTable may have fewer rows than ifTable; a table that loses all its columns goes whole."""
    narrow, wide = table(**{"in": [7, 8, 9]}), table((("3",), ("1",)), hcIn=[90, 70])
    assert series(prefer_wide([narrow, wide], WIDER)) == {"in": {"2": 8}, "hcIn": {"3": 90, "1": 70}}
    both = prefer_wide([table((("1",),), **{"in": [7]}), wide], WIDER)
    assert [column.family.name for one in both for column in one.columns] == ["hcIn"]
    other = Table(("x",), (("1",),), (Column(wide.columns[0].family, [1]),))
    assert series(prefer_wide([narrow, other], WIDER))["in"] == {"1": 7, "2": 8, "3": 9}


@given(VALUES, VALUES, VALUES, VALUES)
def test_no_row_loses_both(a: list[Value], b: list[Value], c: list[Value], d: list[Value]) -> None:
    """Whatever an agent sends, a row that had a counter still has one of the two, with its own value."""
    before = table(**{"in": a, "hcIn": b, "out": c, "hcOut": d})
    after = series(prefer_wide([before], WIDER))
    for narrow, wide in WIDER.items():
        was = series((before,))
        assert after[wide] == was[wide]
        assert after.get(narrow, {}).items() <= was[narrow].items()
        assert after.get(narrow, {}).keys() | after[wide].keys() == was[narrow].keys() | was[wide].keys()


def test_the_list_that_is_shipped() -> None:
    """Each pair is in one module that is shipped, and both are counters with the same labels."""
    wider = shipped_preferences()
    assert wider == parse_preferences("prefer: " + repr(wider).replace("'", ""), "t.yml")
    found = {
        metric.name: (name, metric) for name, module in builtin_modules().items() for metric in module.metrics
    }
    for narrow, wide in wider.items():
        (module, small), (other, large) = found[narrow], found[wide]
        assert module == other
        assert small.family.kind is large.family.kind is Kind.COUNTER
        assert small.labelling.names == large.labelling.names
        assert re.sub("HC|X$", "", wide) == narrow
