"""One metric and its varbinds in, series out: every type, index and lookup of the format."""

import pytest

from netmon.mib.mapping import map_module
from netmon.snmp import ber
from tests.unit.mib.mappings import BY_NUMBER, NAMED, TABLE, TWO, Sent, column, module, sent, series, text


@pytest.mark.parametrize(
    ("metric", "varbinds", "expected"),
    [
        pytest.param(column("g", 1, "gauge"), [("1.5", ber.INTEGER, -3)], {"g{i=5}": -3}, id="gauge"),
        pytest.param(
            column("g", 1, "gauge"), [("1.300000", ber.GAUGE32, 3)], {"g{i=300000}": 3}, id="large index"
        ),
        pytest.param(column("g", 1, "gauge", ""), [("1.0", ber.TIME_TICKS, 9)], {"g{}": 9}, id="scalar"),
        pytest.param(
            column("c", 1, "counter"),
            [
                ("1.1", ber.COUNTER64, 2**53 - 1),
                ("1.2", ber.COUNTER64, 2**53),
                ("1.3", ber.COUNTER64, 2**64 - 1),
            ],
            {"c{i=1}": 2**53 - 1, "c{i=2}": 0, "c{i=3}": 2**53 - 1},
            id="Counter64 wraps at 2^53",
        ),
        pytest.param(
            column("f", 1, "Float"),
            [("1.1", ber.OPAQUE, b"\x9f\x78\x04\x3f\x00\x00\x00")],
            {"f{i=1}": 0.5},
            id="float",
        ),
        pytest.param(
            column("d", 1, "DateAndTime"),
            [("1.1", ber.OCTET_STRING, bytes.fromhex("07b2 0101 0000 0100"))],
            {"d{i=1}": 1},
            id="date",
        ),
        pytest.param(column("s", 1, "DisplayString"), [("1.1", *text("x"))], {"s{i=1,s=x}": 1}, id="string"),
        pytest.param(
            column("s", 1, "DisplayString"),
            [("1.1", ber.INTEGER, 7)],
            {"s{i=1,s=7}": 1},
            id="string is a number",
        ),
        pytest.param(
            column("o", 1, "OctetString"), [("1.1", *text("\x01\n"))], {"o{i=1,o=0x010A}": 1}, id="octets"
        ),
        pytest.param(
            column("m", 1, "PhysAddress48"),
            [("1.1", *text("abcdef")), ("1.2", *text(""))],
            {"m{i=1,m=61:62:63:64:65:66}": 1, "m{i=2,m=00:00:00:00:00:00}": 1},
            id="mac",
        ),
        pytest.param(
            column("a", 1, "InetAddressIPv4"),
            [("1.1", ber.IP_ADDRESS, b"\x0a\0\0\1")],
            {"a{i=1,a=10.0.0.1}": 1},
            id="ip",
        ),
        pytest.param(
            column("a", 2, "InetAddress"),
            [
                *((f"1.{n}", ber.INTEGER, kind) for n, kind in ((1, 1), (2, 2), (3, 16))),
                *(
                    (f"2.{n}", *text("abcdefghijklmnop"[:size]))
                    for n, size in ((1, 4), (2, 16), (3, 2), (4, 1))
                ),
            ],
            {
                "a{i=1,a=97.98.99.100}": 1,
                "a{i=2,a=6162:6364:6566:6768:696A:6B6C:6D6E:6F70}": 1,
                "a{i=3,a=0x6162}": 1,
                "a{i=4,a=0x61}": 1,
            },
            id="address with its kind in the column before",
        ),
        pytest.param(
            column("e", 1, "EnumAsInfo", BY_NUMBER + ", enum_values: {1: up}"),
            [("1.1", ber.INTEGER, 1), ("1.2", ber.INTEGER, 2)],
            {"e_info{i=1,e=up}": 1, "e_info{i=2,e=2}": 1},
            id="enum as info",
        ),
        pytest.param(
            column("e", 1, "EnumAsStateSet", BY_NUMBER + ", enum_values: {1: up, 2: down}"),
            [("1.1", ber.INTEGER, 2), ("1.2", ber.INTEGER, 9)],
            {"e{i=1,e=down}": 1, "e{i=1,e=up}": 0, "e{i=2,e=9}": 1, "e{i=2,e=up}": 0, "e{i=2,e=down}": 0},
            id="enum as state set",
        ),
        pytest.param(
            column("b", 1, "Bits", BY_NUMBER + ", enum_values: {0: first, 9: tenth, 20: beyond}"),
            [("1.1", ber.OCTET_STRING, b"\x80\x00"), ("1.2", ber.OCTET_STRING, b"\x00\x40")],
            {
                "b{i=1,b=first}": 1,
                "b{i=1,b=tenth}": 0,
                "b{i=1,b=beyond}": 0,
                "b{i=2,b=first}": 0,
                "b{i=2,b=tenth}": 1,
                "b{i=2,b=beyond}": 0,
            },
            id="bits",
        ),
        pytest.param(
            column("x", 1, "gauge", TWO.format("s", "DisplayString", "n", "gauge")),
            [("1.2.97.98.7", ber.INTEGER, 1)],
            {"x{s=ab,n=7}": 1},
            id="string and number as index",
        ),
        pytest.param(
            column("x", 1, "gauge", TWO.format("s", "OctetString, fixed_size: 2", "n", "gauge")),
            [("1.1.255.7", ber.INTEGER, 1)],
            {"x{s=0x01FF,n=7}": 1},
            id="octets of fixed size as index",
        ),
        pytest.param(
            column("x", 1, "gauge", TWO.format("n", "gauge", "s", "DisplayString, implied: true")),
            [("1.7.97.98", ber.INTEGER, 1)],
            {"x{n=7,s=ab}": 1},
            id="implied string as index",
        ),
        pytest.param(
            column(
                "x", 1, "gauge", TWO.format("t", "EnumAsInfo, enum_values: {1: v4}", "m", "PhysAddress48")
            ),
            [("1.1.0.1.2.3.4.255", ber.INTEGER, 1)],
            {"x{t=v4,m=00:01:02:03:04:FF}": 1},
            id="enum and mac as index",
        ),
        pytest.param(
            column("x", 1, "gauge", "indexes: [{labelname: a, type: InetAddress}]"),
            [("1.1.4.10.0.0.1", ber.INTEGER, 1)],
            {"x{a=10.0.0.1}": 1},
            id="address as index",
        ),
        pytest.param(
            column("x", 1, "gauge", NAMED),
            [
                ("1.1", ber.INTEGER, 4),
                ("1.2", ber.INTEGER, 5),
                ("9.1", *text("eth0")),
                ("9.2", *text("eth1")),
            ],
            {"x{name=eth0}": 4, "x{name=eth1}": 5},
            id="lookup, index dropped",
        ),
        pytest.param(
            column("x", 1, "gauge", NAMED),
            [("1.1", ber.INTEGER, 4)],
            {"x{name=}": 4},
            id="missing lookup is empty",
        ),
        pytest.param(
            column(
                "x",
                1,
                "gauge",
                "indexes: [{labelname: a, type: gauge}, {labelname: b, type: gauge}], lookups: ["
                f"{{labels: [b, a], labelname: n, oid: {TABLE}.9, type: gauge}},"
                f"{{labels: [n], labelname: s, oid: {TABLE}.10, type: DisplayString}},"
                f"{{labels: [s], labelname: none, oid: {TABLE}.10, type: DisplayString}}]",
            ),
            [
                ("1.1.200", ber.INTEGER, 4),
                ("1.2.200", ber.INTEGER, 5),
                ("9.200.1", ber.INTEGER, 70000),
                ("10.70000", *text("found")),
            ],
            {"x{a=1,b=200,n=70000,s=found,none=}": 4, "x{a=2,b=200,n=,s=,none=}": 5},
            id="lookups by two indexes and chained",
        ),
        pytest.param(
            column(
                "x",
                1,
                "gauge",
                f"{BY_NUMBER}, lookups: [{{labels: [i], labelname: i, oid: {TABLE}.9, type: EnumAsInfo,"
                " enum_values: {3: three}}]",
            ),
            [("1.1", ber.INTEGER, 4), ("9.1", ber.INTEGER, 3)],
            {"x{i=three}": 4},
            id="a lookup overwrites its index, and may be an enum",
        ),
        pytest.param(
            column("g", 1, "gauge", BY_NUMBER + ", scale: 0.1, offset: -1"),
            [("1.1", ber.INTEGER, 30), ("1.2", ber.INTEGER, -5)],
            {"g{i=1}": 2.0, "g{i=2}": -1.5},
            id="scale and offset",
        ),
        pytest.param(
            column("g", 1, "gauge", BY_NUMBER + ", scale: -1, offset: 2"),
            [("1.1", ber.INTEGER, 1), ("1.2", ber.INTEGER, 2)],
            {"g{i=1}": 1, "g{i=2}": 0},
            id="truth values as 1 and 0",
        ),
        pytest.param(
            column("g", 1, "gauge", BY_NUMBER + ", scale: 0, offset: 1e2"),
            [("1.1", ber.INTEGER, 1)],
            {"g{i=1}": 101},
            id="a scale of nothing is none",
        ),
        pytest.param(
            column("c", 1, "counter", BY_NUMBER + ", scale: 2"),
            [("1.1", ber.COUNTER64, 2**53 + 3)],
            {"c{i=1}": 6},
            id="scaled after the wrap",
        ),
        pytest.param(
            column("s", 1, "DisplayString", BY_NUMBER + ", scale: 3, offset: 1"),
            [("1.1", *text("x"))],
            {"s{i=1,s=x}": 4},
            id="even the 1 of a text",
        ),
        pytest.param(
            column("d", 1, "DateAndTime", BY_NUMBER + ", offset: 1"),
            [("1.1", ber.OCTET_STRING, bytes.fromhex("07b2 0101 0000 0100"))],
            {"d{i=1}": 2},
            id="a date with an offset",
        ),
        pytest.param(
            column("d", 1, "ParseDateAndTime", BY_NUMBER + ", datetime_pattern: '%b %d %Y'"),
            [("1.1", *text("Jan 02 1970")), ("1.2", *text("Jan 03 1970"))],
            {"d{i=1}": 86400, "d{i=2}": 172800},
            id="a date by a pattern",
        ),
        pytest.param(
            column("d", 1, "ParseDateAndTime", BY_NUMBER + ", datetime_pattern: '%s'"),
            [("1.1", ber.INTEGER, 77)],
            {"d{i=1}": 77},
            id="a number by a pattern",
        ),
        pytest.param(
            column("d", 1, "NTPTimeStamp"),
            [("1.1", ber.OCTET_STRING, bytes.fromhex("83aa7e81 80000000"))],
            {"d{i=1}": 1},
            id="NTP time",
        ),
        pytest.param(
            column("o", 1, "OctetString", BY_NUMBER + ", display_hint: '1d.'"),
            [("1.1", *text("\x01\x02")), ("1.2", *text("")), ("1.3", ber.INTEGER, 5)],
            {"o{i=1,o=1.2}": 1, "o{i=2,o=}": 1, "o{i=3,o=5}": 1},
            id="octets by their display hint",
        ),
        pytest.param(
            column("o", 1, "OctetString", BY_NUMBER + ", display_hint: 255t"),
            [("1.1", ber.OCTET_STRING, b"a\xff\xfe")],
            {"o{i=1,o=a\ufffd}": 1},
            id="a display hint that gives bad UTF-8",
        ),
        pytest.param(
            column("s", 1, "DisplayString", BY_NUMBER + ", display_hint: '1d.'"),
            [("1.1", *text("ab"))],
            {"s{i=1,s=ab}": 1},
            id="a display hint is for octets only",
        ),
        pytest.param(
            column(
                "s",
                1,
                "DisplayString",
                BY_NUMBER + ", regex_extracts: {Temp: [{regex: '([0-9.]+) C'},"
                " {regex: '([0-9.]+) F', value: '0$1'}, {regex: hot, value: 99}],"
                " '': [{regex: '.*(.)', value: $1}]}",
            ),
            [
                ("1.1", *text("21.5 C")),
                ("1.2", *text("70 F")),
                ("1.3", *text("hot")),
                ("1.4", *text("n/a 7")),
            ],
            {
                "sTemp{i=1}": 21.5,
                "sTemp{i=2}": 70,
                "sTemp{i=3}": 99,
                "sTemp{i=4}": None,
                "s{i=1}": None,
                "s{i=2}": None,
                "s{i=3}": None,
                "s{i=4}": 7,
            },
            id="numbers out of texts, and no text beside them",
        ),
        pytest.param(
            column(
                "s",
                1,
                "DisplayString",
                BY_NUMBER + ", scale: 10, offset: 1, regex_extracts: {X: [{regex: (.*)}]}",
            ),
            [("1.1", *text("2")), ("1.2", ber.INTEGER, 3)],
            {"sX{i=1}": 21, "sX{i=2}": 31},
            id="extracts are scaled",
        ),
        pytest.param(
            column(
                "s", 1, "OctetString", BY_NUMBER + ", display_hint: 1d, regex_extracts: {X: [{regex: (.*)}]}"
            ),
            [("1.1", *text("\x07"))],
            {"sX{i=1}": 7},
            id="extracts of what a display hint made",
        ),
        pytest.param(
            column("g", 1, "gauge", BY_NUMBER + ", regex_extracts: {X: [{regex: (.*)}]}"),
            [("1.1", ber.INTEGER, 3)],
            {"g{i=1}": 3},
            id="numbers are not extracted from",
        ),
        pytest.param(
            column(
                "x",
                1,
                "gauge",
                f"{BY_NUMBER}, lookups: [{{labels: [i], labelname: a, oid: {TABLE}.9,"
                " type: OctetString, display_hint: '1d.'}]",
            ),
            [("1.1", ber.INTEGER, 4), ("9.1", *text("\x0a\x01"))],
            {"x{i=1,a=10.1}": 4},
            id="a lookup with a display hint",
        ),
        pytest.param(
            column(
                "x",
                1,
                "gauge",
                f"{BY_NUMBER}, lookups: [{{labels: [i], labelname: a, oid: {TABLE}.9, type: InetAddress}}]",
            ),
            [
                *((f"1.{n}", ber.INTEGER, n) for n in (1, 2, 3, 4)),
                ("8.1", ber.INTEGER, 1),
                ("8.2", ber.INTEGER, 16),
                *((f"9.{n}", *text("abcd")) for n in (1, 2, 3)),
            ],
            {"x{i=1,a=97.98.99.100}": 1, "x{i=2,a=0x61626364}": 2, "x{i=3,a=0x61626364}": 3, "x{i=4,a=}": 4},
            id="a lookup whose kind is in the column before",
        ),
        pytest.param(
            column(
                "x",
                1,
                "gauge",
                f"{BY_NUMBER}, lookups: [{{labels: [i], labelname: a, oid: {TABLE}.9,"
                " type: gauge, enum_values: {3: three}}]",
            ),
            [("1.1", ber.INTEGER, 4), ("9.1", ber.INTEGER, 3)],
            {"x{i=1,a=3}": 4},
            id="enums of a lookup are for EnumAsInfo",
        ),
        pytest.param(
            column("x", 1, "gauge", "indexes: [{labelname: i, type: gauge, enum_values: {3: three}}]"),
            [("1.3", ber.INTEGER, 4)],
            {"x{i=3}": 4},
            id="enums of an index are for EnumAsInfo",
        ),
        pytest.param(
            column(
                "x",
                1,
                "gauge",
                f"{BY_NUMBER}, lookups: [{{labels: [i], labelname: i, oid: {TABLE}.9,"
                f" type: gauge}}, {{labels: [i], labelname: s, oid: {TABLE}.10, type: DisplayString}}]",
            ),
            [
                ("1.1", ber.INTEGER, 4),
                ("1.2", ber.INTEGER, 5),
                ("9.1", ber.INTEGER, 7),
                ("10.7", *text("seven")),
                ("10.2", *text("two")),
            ],
            {"x{i=7,s=seven}": 4, "x{i=,s=two}": 5},
            id="a chained lookup that came to nothing leaves the index to the next",
        ),
        pytest.param(
            column("e", 1, "EnumAsInfo", BY_NUMBER + ", enum_values: {1: x}"),
            [("1.1", ber.COUNTER64, 2**53 + 1)],
            {"e_info{i=1,e=x}": 1},
            id="Counter64 as an enum",
        ),
        pytest.param(
            column("i", 1, "EnumAsInfo", BY_NUMBER + ", enum_values: {1: x}"),
            [("1.1", ber.INTEGER, 1)],
            {},
            id="an info that is among the labels already",
        ),
        pytest.param(
            column("name", 9, "DisplayString", NAMED),
            [("9.1", *text("eth0"))],
            {"name{name=eth0}": 1},
            id="a string that is among the labels already",
        ),
    ],
)
def test_what_becomes_of_varbinds(metric: str, varbinds: list[Sent], expected: dict[str, object]) -> None:
    """Each type, index and lookup gives the series that snmp_exporter's users know."""
    mapped = map_module(module(metric), sent(*varbinds))
    assert series(mapped) == expected
    assert (mapped.duplicates, mapped.mismatches) == (0, 0)
