"""Whole modules in, tables out: how columns share them, what comes twice, and what agents get wrong."""

from hypothesis import given
from hypothesis import strategies as st

from netmon.mib.mapping import Mapped, map_module, unique
from netmon.mib.modules import builtin_modules
from netmon.model import Column, Family, Kind, Table
from netmon.snmp import ber
from netmon.snmp.message import Varbinds
from tests.unit.mib.mappings import BY_NUMBER, NAMED, TABLE, column, module, sent, series, text


def test_columns_with_equal_rows_share_a_table() -> None:
    """Rows are worked out and held once for all columns that have them."""
    mapped = map_module(
        module(column("a", 1, "gauge"), column("b", 2, "counter"), column("s", 3, "DisplayString")),
        sent(*((f"{c}.{r}", ber.COUNTER32, c * r) for c in (1, 2, 3) for r in (1, 2))),
    )
    shared, own = mapped.tables
    assert [(each.family.name, each.values) for each in shared.columns] == [("a", [1, 2]), ("b", [2, 4])]
    assert shared.rows == (("1",), ("2",))
    assert own.names == ("i", "s")


def test_a_column_with_other_rows_has_its_own_table() -> None:
    """A hole in a column moves no value to another row."""
    varbinds = [
        ("1.1", 1),
        ("1.2", 2),
        ("1.3", 3),
        ("2.1", 4),
        ("2.3", 5),
        ("3.1", 6),
        ("3.2", 7),
        ("3.3", 8),
    ]
    mapped = map_module(
        module(*(column(name, number, "gauge") for number, name in enumerate("abc", 1))),
        sent(*((oid, ber.INTEGER, value) for oid, value in varbinds)),
    )
    assert series(mapped) == {
        "a{i=1}": 1, "a{i=2}": 2, "a{i=3}": 3,
        "b{i=1}": 4, "b{i=3}": 5,
        "c{i=1}": 6, "c{i=2}": 7, "c{i=3}": 8,
    }  # fmt: skip
    assert len(mapped.tables) == 2


def test_values_of_a_wrong_type_are_left_out_and_counted() -> None:
    """A text where a number belongs is no zero; a row keeps what else it has."""
    both = module(
        column("a", 1, "gauge"),
        column("b", 2, "gauge"),
        column("e", 3, "EnumAsInfo", "enum_values: {1: x}"),
        column("t", 4, "Bits", "enum_values: {1: x}"),
    )
    mapped = map_module(
        both,
        sent(
            ("1.1", ber.INTEGER, 1), ("1.2", *text("n/a")), ("1.3", ber.NULL, None),
            ("1.4", ber.OPAQUE, b"?"),
            ("2.1", *text("x")), ("2.2", *text("y")), ("2.3", *text("y")), ("2.4", *text("y")),
            ("3.1", *text("x")), ("4.1", ber.INTEGER, 1),
        ),
    )  # fmt: skip
    assert series(mapped) == {"a{i=1}": 1, "a{i=2}": None, "a{i=3}": None, "a{i=4}": None}
    assert mapped.mismatches == 9


def test_a_wrong_type_may_count_as_zero() -> None:
    """As snmp_exporter has it, for pages that take its place; a wrong type is counted all the same."""
    mapped = map_module(
        module(
            column("a", 1, "gauge", BY_NUMBER + ", offset: 1"),
            column("e", 3, "EnumAsInfo", BY_NUMBER + ", enum_values: {0: zero, 3: three}"),
            column("t", 4, "Bits", "enum_values: {1: x}"),
        ),
        sent(
            ("1.1", ber.INTEGER, 1), ("1.2", *text("n/a")), ("1.3", ber.NULL, None),
            ("3.1", *text("x")), ("3.2", ber.OPAQUE, b"\x9f\x78\x04\x40\x48\xf5\xc3"),
            ("4.1", ber.INTEGER, 1),
        ),
        wrong_is_zero=True,
    )  # fmt: skip
    assert series(mapped) == {
        "a{i=1}": 2,
        "a{i=2}": 1,
        "a{i=3}": 1,
        "e_info{i=1,e=zero}": 1,
        "e_info{i=2,e=three}": 1,
    }
    assert mapped.mismatches == 5


def test_of_equal_series_the_first_wins() -> None:
    """Labels that do not tell rows apart never give a page that Prometheus refuses."""
    mapped = map_module(
        module(
            column("x", 1, "gauge", NAMED),
            column("e", 2, "EnumAsStateSet", NAMED + ", enum_values: {1: a, 2: a}"),
        ),
        sent(
            ("1.1", ber.INTEGER, 4), ("1.2", ber.INTEGER, 5), ("1.3", ber.INTEGER, 6),
            ("2.1", ber.INTEGER, 1), ("2.2", ber.INTEGER, 2),
            ("9.1", *text("eth")), ("9.2", *text("eth")), ("9.3", *text("lo")),
        ),
    )  # fmt: skip
    assert series(mapped) == {"x{name=eth}": 4, "x{name=lo}": 6, "e{name=eth,e=a}": 1}
    assert mapped.duplicates == 3


def test_equal_rows_with_other_texts_are_series_of_their_own() -> None:
    """The value is a label too: only where it repeats as well does a series come twice."""
    mapped = map_module(
        module(column("t", 1, "DisplayString", NAMED), column("e", 2, "EnumAsInfo", NAMED)),
        sent(
            ("1.1", *text("a")), ("1.2", *text("b")), ("1.3", *text("a")),
            ("2.1", ber.INTEGER, 1), ("2.2", ber.INTEGER, 1), ("2.3", ber.INTEGER, 2),
            ("9.1", *text("eth")), ("9.2", *text("eth")), ("9.3", *text("eth")),
        ),
    )  # fmt: skip
    assert series(mapped) == {
        "t{name=eth,t=a}": 1,
        "t{name=eth,t=b}": 1,
        "e_info{name=eth,e=1}": 1,
        "e_info{name=eth,e=2}": 1,
    }
    assert mapped.duplicates == 2


def test_of_equal_rows_the_first_that_has_a_value_counts() -> None:
    """A text that holds no number, and a date that is none, make no series that could come twice."""
    numbers = "regex_extracts: {N: [{regex: 'v(.*)', value: '$1'}]}"
    mapped = map_module(
        module(
            column("t", 1, "DisplayString", f"{NAMED}, {numbers}"), column("d", 2, "DateAndTime", NAMED)
        ),
        sent(
            ("1.1", *text("none")), ("1.2", *text("v7")), ("1.3", *text("v8")),
            ("2.1", ber.OCTET_STRING, b""), ("2.2", ber.OCTET_STRING, bytes((7, 0xB2, 1, 1, 0, 0, 1, 0))),
            ("9.1", *text("eth")), ("9.2", *text("eth")), ("9.3", *text("eth")),
        ),
    )  # fmt: skip
    assert series(mapped) == {"tN{name=eth}": 7, "d{name=eth}": 1}
    assert mapped.duplicates == 1


def test_a_column_that_comes_in_pieces_is_one() -> None:
    """An instance that was asked for by GET and came again with the walk is one series."""
    mapped = map_module(
        module(column("a", 1, "gauge"), column("b", 2, "gauge")),
        sent(
            ("1.2", ber.INTEGER, 9), ("2.1", ber.INTEGER, 3), ("1.1", ber.INTEGER, 1), ("1.2", ber.INTEGER, 2)
        ),
    )
    assert series(mapped) == {"a{i=2}": 9, "a{i=1}": 1, "b{i=1}": 3}
    assert mapped.duplicates == 1


def test_an_object_that_was_read_twice_names_its_row_once() -> None:
    """By GET and by walk, with another value each time: the first names the row, on both varbinds."""
    mapped = map_module(
        module(column("g", 1, "gauge", NAMED), column("name", 9, "DisplayString", NAMED)),
        sent(
            *(("1.1", ber.GAUGE32, 10), ("1.1", ber.GAUGE32, 11), ("1.2", ber.GAUGE32, 12)),
            *(("9.1", *text("old")), ("9.1", *text("new")), ("9.2", *text("other"))),
        ),
    )
    assert series(mapped) == {
        "g{name=old}": 10,
        "g{name=other}": 12,
        "name{name=old}": 1,
        "name{name=other}": 1,
    }
    assert (mapped.duplicates, mapped.mismatches) == (2, 0)


def test_a_label_is_found_wherever_its_object_stands() -> None:
    """In a column that came in pieces, with other rows, or as a part of a metric's own column."""
    lookup = f"{{labels: [i], labelname: name, oid: {TABLE}.9.7, type: DisplayString}}"
    named = f"{BY_NUMBER}, lookups: [{lookup}]"
    walked = (("1.1", ber.GAUGE32, 10), ("1.2", ber.GAUGE32, 20), ("1.300", ber.GAUGE32, 30))
    names = (("9.7.2", *text("two")), ("9.7.300", *text("many")))
    first = ("9.7.1", *text("one"))
    for more in ((), (f"name: whole, oid: {TABLE}.9, type: OctetString",)):
        mapped = map_module(module(column("g", 1, "gauge", named), *more), sent(first, *walked, *names))
        found = {name: value for name, value in series(mapped).items() if name.startswith("g")}
        assert found == {"g{i=1,name=one}": 10, "g{i=2,name=two}": 20, "g{i=300,name=many}": 30}


def test_objects_of_the_same_name_never_make_a_series_twice() -> None:
    """Two objects may have one metric name; where their labels are equal the first wins."""
    one = module(column("x", 1, "gauge"), column("x", 2, "counter"), column("y", 3, "gauge"))
    mapped = map_module(
        one, sent(*((oid, ber.INTEGER, n) for n, oid in enumerate(("1.1", "1.2", "2.2", "2.3", "3.1"), 1)))
    )
    assert series(mapped) == {"x{i=1}": 1, "x{i=2}": 2, "x{i=3}": 4, "y{i=1}": 5}
    assert mapped.duplicates == 1
    assert (
        len({each.family for table in mapped.tables for each in table.columns if each.family.name == "x"})
        == 1
    )


def test_an_empty_label_is_none_when_series_are_compared() -> None:
    """Prometheus takes `x{a=""}` and `x` for the same series."""
    family = Family("x", Kind.GAUGE, "")
    tables = [
        Table((), ((),), (Column(family, [1]),)),
        Table(("a",), (("",), ("b",)), (Column(family, [2, 3]),)),
    ]
    kept, dropped = unique(tables)
    assert series(Mapped(kept, 0, 0)) == {"x{}": 1, "x{a=b}": 3}
    assert dropped == 1


def test_what_no_metric_names_is_passed_over() -> None:
    """A walk brings more than a module exports."""
    assert (
        map_module(
            module(column("x", 1, "gauge")), sent(("2.1", ber.INTEGER, 1), ("10.1", ber.INTEGER, 2))
        ).tables
        == ()
    )
    assert map_module(module(column("x", 1, "gauge")), Varbinds()).tables == ()


@st.composite
def _varbinds(draw: st.DrawFn) -> Varbinds:
    """Varbinds as the decoder gives them, of any type, under and beside what if_mib knows."""
    roots = [
        "1.3.6.1.2.1.2.1",
        *(f"1.3.6.1.2.1.2.2.1.{n}" for n in (1, 2, 3, 6, 7, 10)),
        "1.3.6.1.2.1.31.1.1.1.1",
        "1.3",
    ]
    made = Varbinds()
    numbers = (ber.INTEGER, ber.COUNTER32, ber.GAUGE32, ber.TIME_TICKS, ber.COUNTER64)
    strings = (ber.OCTET_STRING, ber.IP_ADDRESS, ber.OPAQUE, ber.OBJECT_IDENTIFIER)
    suffixes = st.lists(st.one_of(st.integers(0, 3), st.integers(0, 0xFFFFFFFF)), max_size=3)
    for _ in range(draw(st.integers(0, 30))):
        oid = ber.encode_oid([*map(int, draw(st.sampled_from(roots)).split(".")), *draw(suffixes)])
        tag = draw(st.sampled_from((*numbers, *strings, ber.NULL)))
        value = (
            draw(st.integers(0, 2**64 - 1))
            if tag in numbers
            else draw(st.binary(max_size=12))
            if tag in strings
            else None
        )
        made.oids.append(oid)
        made.tags.append(tag)
        made.values.append(value)
    return made


IF_MIB = builtin_modules()["if_mib"]


@given(_varbinds())
def test_any_varbinds_give_sound_tables(varbinds: Varbinds) -> None:
    """Whatever an agent sends, nothing raises, columns fit their rows, and no series comes twice."""
    mapped = map_module(IF_MIB, varbinds)
    seen = set()
    for table in mapped.tables:
        assert all(len(row) == len(table.names) for row in table.rows)
        for each in table.columns:
            assert len(each.values) == len(table.rows)
            assert any(value is not None for value in each.values)
            for row in table.rows:
                key = (
                    each.family.name,
                    frozenset(pair for pair in zip(table.names, row, strict=True) if pair[1]),
                )
                assert key not in seen
                seen.add(key)


def switch(ports: int) -> Varbinds:
    """A walk of if_mib on a switch with so many ports."""
    strings, integers, ticks = (
        {"2.2.1.2", "2.2.1.6", "31.1.1.1.1", "31.1.1.1.18"},
        {"2.2.1.1", "2.2.1.8"},
        {"2.2.1.9"},
    )
    made = Varbinds([ber.encode_oid("1.3.6.1.2.1.2.1.0")], [ber.INTEGER], [ports])
    for name in [f"2.2.1.{n}" for n in range(1, 23)] + [f"31.1.1.1.{n}" for n in range(1, 20)]:
        for port in range(1, ports + 1):
            made.oids.append(ber.encode_oid(f"1.3.6.1.2.1.{name}.{port}"))
            if name in strings:
                made.tags.append(ber.OCTET_STRING)
                made.values.append(b"Gi1/0/%d" % port)
            else:
                made.tags.append(
                    ber.INTEGER if name in integers else ber.TIME_TICKS if name in ticks else ber.COUNTER64
                )
                made.values.append(port)
    return made


def test_a_switch_of_48_ports_is_few_tables() -> None:
    """1,969 varbinds: forty columns share the same rows, and five tables hold all of them."""
    varbinds = switch(48)
    assert len(varbinds) == 1969
    mapped = map_module(IF_MIB, varbinds)
    assert len(series(mapped)) == 1 + 38 * 48
    assert series(mapped)["ifHCInOctets{ifIndex=7,ifAlias=Gi1/0/7,ifDescr=Gi1/0/7,ifName=Gi1/0/7}"] == 7
    assert len(mapped.tables) == 5


def test_listeners_are_indexed_by_address_and_port() -> None:
    """tcpListenerTable: the address's type, length and octets are one label, the port another."""
    base = "1.3.6.1.2.1.6.20.1.4"
    oids = [ber.encode_oid(f"{base}.1.4.0.0.0.0.25"), ber.encode_oid(f"{base}.2.16." + "0." * 15 + "1.587")]
    found = map_module(builtin_modules()["tcp_listeners"], Varbinds(oids, [ber.GAUGE32] * 2, [812, 0]))
    (table,) = found.tables
    assert table.names == ("tcpListenerLocalAddress", "tcpListenerLocalPort")
    assert table.rows == (("0.0.0.0", "25"), ("0000:0000:0000:0000:0000:0000:0000:0001", "587"))
