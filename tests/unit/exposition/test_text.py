"""The text format, read back by prometheus_client's parser."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from netmon.exposition import render
from netmon.exposition.text import label_lines, merge, samples
from netmon.model import Column, Family, Kind, Table
from tests.unit.exposition.world import OCTETS, UPTIME, ports, scalar

FAMILY = Family("f", Kind.GAUGE, "A family.")


def read(text: bytes) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample of a page by name and labels; a duplicate fails."""
    found: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    # The parser adds `_total` to the samples of a counter that lacks it.
    for family in text_string_to_metric_families(text.decode().replace(" counter\n", " untyped\n")):
        for sample in family.samples:
            series = (sample.name, frozenset(sample.labels.items()))
            assert series not in found
            found[series] = sample.value
    return found


def test_a_scalar_without_labels_is_a_bare_name() -> None:
    """A table of one row without labels gives the name and the value, under HELP and TYPE."""
    assert render([scalar(UPTIME, 4711)]) == (
        b"# HELP sysUpTime Time since the agent started, in hundredths of a second.\n"
        b"# TYPE sysUpTime gauge\n"
        b"sysUpTime 4711\n"
    )


def test_fixed_labels_come_first_and_the_others_are_sorted() -> None:
    """`host` leads every line; a table's own labels follow in the order of their names."""
    lines = render([ports(7)], (("host", "sw1"),)).splitlines()
    assert lines[2] == b'ifHCInOctets{host="sw1",ifAlias="uplink",ifIndex="1",ifName="Gi1/0/1"} 7'


def test_a_label_that_a_fixed_one_shadows_is_exported() -> None:
    """A table with a label `host` of its own keeps it as `exported_host`, and so on if that is taken."""
    table = Table(("exported_host", "host"), (("a", "b"),), (Column(FAMILY, (1,)),))
    series = read(render([table], (("host", "sw1"),)))
    labels = {"host": "sw1", "exported_host": "a", "exported_exported_host": "b"}
    assert series == {("f", frozenset(labels.items())): 1.0}


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ((2**64 - 1, 0), ["18446744073709551615", "0"]),
        ((-5,), ["-5"]),
        ((0.1, 1e300), ["0.1", "1e+300"]),
        ((1, 0.5), ["1", "0.5"]),
        ((float("nan"), float("inf"), float("-inf")), ["NaN", "+Inf", "-Inf"]),
        ((1, float("inf")), ["1", "+Inf"]),
        ((True, False), ["1", "0"]),
    ],
)
def test_values_are_written_as_go_reads_them(values: tuple[float, ...], shown: list[str]) -> None:
    """Integers as such, floats with the shortest exact digits, the special ones by Go's names."""
    lines = label_lines(("row",), [(str(i),) for i in range(len(values))])
    assert [line.split(" ")[1] for line in samples(b"f", lines, values).decode().splitlines()] == shown


def test_a_row_without_a_value_has_no_sample() -> None:
    """None leaves its row out and no other; a column of None has no line at all."""
    series = read(render([ports(1, None, 3)]))
    assert sorted(dict(labels)["ifIndex"] for _, labels in series) == ["1", "3"]
    lines = label_lines(("row",), [("1",), ("2",)])
    assert samples(b"f", lines, (None, None)) == b""


def test_an_empty_table_has_no_sample() -> None:
    """A table without rows is nothing, not a malformed line."""
    assert samples(b"f", label_lines(("row",), []), ()) == b""


def test_families_stand_together_and_the_first_of_equal_series_wins() -> None:
    """Two tables with one family share HELP and TYPE; a series that both have is written once."""
    page = render([scalar(UPTIME, 1), ports(5), scalar(UPTIME, 2)])
    assert page.count(b"# TYPE sysUpTime") == 1
    assert read(page)[("sysUpTime", frozenset())] == 1.0


def test_merge_tells_series_apart_whose_label_values_hold_spaces() -> None:
    """The value is what follows the last space, whatever the labels hold."""
    assert merge([b'f{a="x 1"} 1\n', b'f{a="x 2"} 2\nf{a="x 1"} 3\n']) == b'f{a="x 1"} 1\nf{a="x 2"} 2\n'


def test_help_is_escaped() -> None:
    """A newline or backslash in a help text does not end the line."""
    page = render([scalar(Family("f", Kind.GAUGE, "one\ntwo\\n"), 1)])
    assert page.splitlines()[0] == rb"# HELP f one\ntwo\\n"


def test_a_lone_surrogate_does_not_spoil_the_page() -> None:
    """Text that has no UTF-8 form is shown with a question mark."""
    assert b'a="?"' in render([Table(("a",), (("\ud800",),), (Column(FAMILY, (1,)),))])


@given(
    st.lists(
        st.tuples(st.text(st.characters(codec="utf-8")), st.text('\\"\n%{},= s')),
        unique=True,
        max_size=8,
    ),
    st.data(),
)
def test_any_label_and_value_reads_back(rows: list[tuple[str, str]], data: st.DataObject) -> None:
    """Whatever a device or a server says in a label, a reader gets the same text and value."""
    numbers = st.none() | st.integers(-(2**64), 2**64) | st.floats()
    values = data.draw(st.lists(numbers, min_size=len(rows), max_size=len(rows)))
    table = Table(("a", "b"), tuple(rows), (Column(OCTETS, values),))
    series = read(render([table], (("host", "h%s\n"),)))
    wanted = {
        ("ifHCInOctets", frozenset({"host": "h%s\n", "a": a, "b": b}.items())): float(value)
        for (a, b), value in zip(rows, values, strict=True)
        if value is not None
    }
    assert series.keys() == wanted.keys()
    for key, value in wanted.items():
        assert float(series[key]) == value or (math.isnan(series[key]) and math.isnan(value))
