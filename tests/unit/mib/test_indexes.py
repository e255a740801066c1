"""The index of a row: sub-identifiers to text and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.mib.indexes import index_text, parse_index, split_index
from netmon.mib.node import Index, MibError, Type


def kind(name: str, base: str = "", ranges: tuple[tuple[int, int], ...] = (), hint: str = "") -> Type:
    """A type without enums."""
    return Type(name, base or name, {}, ranges, hint)


NUMBER = Index("number", kind("Integer32"), implied=False)
STATE = Index("state", Type("State", "INTEGER", {1: "up", 2: "down"}, (), ""), implied=False)
TEXT = Index("text", kind("DisplayString", "OCTET STRING", ((0, 64),), "255a"), implied=False)
LAST = Index("last", kind("DisplayString", "OCTET STRING", ((1, 64),), "255a"), implied=True)
RAW = Index("raw", kind("OCTET STRING"), implied=False)
MAC = Index("mac", kind("MacAddress", "OCTET STRING", ((6, 6),), "1x:"), implied=False)
ADDRESS = Index("address", kind("IpAddress"), implied=False)
OID = Index("oid", kind("OBJECT IDENTIFIER"), implied=False)
ANY_OID = Index("oid", kind("OBJECT IDENTIFIER"), implied=True)
INET_TYPE = Index(
    "type",
    Type("InetAddressType", "INTEGER", {0: "unknown", 1: "ipv4", 2: "ipv6", 16: "dns"}, (), ""),
    implied=False,
)
INET = Index("inet", kind("InetAddress", "OCTET STRING", ((0, 255),)), implied=False)

CASES = [
    ([NUMBER], (3,), "3"),
    ([STATE, NUMBER], (2, 7), "down.7"),
    ([STATE], (9,), "9"),
    ([TEXT], (3, 97, 46, 98), '"a.b"'),
    ([TEXT, NUMBER], (0, 4), '"".4'),
    ([TEXT], (4, 97, 34, 92, 98), r'"a\"\\b"'),
    ([LAST], (97, 98), '"ab"'),
    ([TEXT, LAST], (1, 97, 98), '"a"."b"'),
    ([RAW], (2, 0, 255), "2.0.255"),
    ([RAW], (2, 111, 107), '"ok"'),
    ([MAC], (0, 27, 33, 60, 255, 1), '"00:1B:21:3C:FF:01"'),
    ([ADDRESS, NUMBER], (192, 0, 2, 1, 25), "192.0.2.1.25"),
    ([OID, NUMBER], (2, 1, 3, 9), "2.1.3.9"),
    ([ANY_OID], (1, 3, 6), "1.3.6"),
    ([INET_TYPE, INET], (1, 4, 192, 0, 2, 1), 'ipv4."192.0.2.1"'),
    ([INET_TYPE, INET], (2, 16, *[0] * 15, 1), 'ipv6."00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:01"'),
    ([INET_TYPE, INET], (16, 2, 97, 98), 'dns."ab"'),
    ([INET_TYPE, INET], (1, 3, 192, 0, 2), "ipv4.3.192.0.2"),  # not an IPv4 address
]  # fmt: skip


@pytest.mark.parametrize(("indexes", "sub_ids", "text"), CASES)
def test_both_ways(indexes: list[Index], sub_ids: tuple[int, ...], text: str) -> None:
    """RFC 2578 §7.7, printed as net-snmp's tools do; what is printed leads back."""
    assert index_text(indexes, sub_ids) == text
    assert parse_index(indexes, text) == sub_ids
    assert split_index(indexes, sub_ids) is not None


@pytest.mark.parametrize(
    ("indexes", "text", "sub_ids"),
    [
        ([MAC], '"0:1b:21:3c:ff:1"', (0, 27, 33, 60, 255, 1)),
        ([INET_TYPE, INET], 'ipv6."2001:db8::1"', (2, 16, 32, 1, 13, 184, *[0] * 11, 1)),
        ([ADDRESS], '"192.0.2.1"', (192, 0, 2, 1)),
        ([OID], '"1.3.6"', (3, 1, 3, 6)),
        ([TEXT, NUMBER], '"ab"', (2, 97, 98)),  # a beginning, as for a walk
        ([TEXT], "'ab'", (2, 97, 98)),
        ([TEXT, STATE], "2.97.98.up", (2, 97, 98, 1)),
        ([TEXT], "3.97", (3, 97)),  # numbers stand as they are
    ],
)
def test_what_people_type(indexes: list[Index], text: str, sub_ids: tuple[int, ...]) -> None:
    """Shorter forms, other quotes, numbers between names."""
    assert parse_index(indexes, text) == sub_ids


@pytest.mark.parametrize(
    ("indexes", "text", "words"),
    [
        ([NUMBER], "x", "not a number"),
        ([STATE], "sideways", "one of up, down"),
        ([NUMBER], '3."x"', "more than its table has"),
        ([], '"x"', "none but .0"),
        ([MAC], '"00:11"', "6 octets"),
        ([ADDRESS], '"1.2.3"', "IPv4"),
        ([INET_TYPE, INET], 'ipv4."fe80::x"', "4 octets"),
        ([TEXT], "abc", '"quoted" text'),
        ([TEXT], '"abc', "dots between"),
        ([TEXT], '"abc".', "ends in nothing"),
        ([NUMBER], "", "ends in nothing"),
        ([NUMBER], "4294967296", "ends at 4294967295"),
        ([LAST], '"' + "a" * 200 + '"', "more than 128"),
        ([OID], '"a.b"', "not an OID"),
    ],
)
def test_what_does_not_fit_is_told(indexes: list[Index], text: str, words: str) -> None:
    """A sentence about the part that is wrong."""
    with pytest.raises(MibError, match=words):
        parse_index(indexes, text)


@given(
    st.lists(st.sampled_from([NUMBER, STATE, TEXT, RAW, MAC, ADDRESS, OID, INET_TYPE, INET]), max_size=4),
    st.lists(st.integers(0, 300) | st.integers(0, 2**32 - 1), min_size=1, max_size=40),
)
def test_any_index_leads_back(indexes: list[Index], sub_ids: list[int]) -> None:
    """Whatever an agent sends behind a column is printed as one line, and read as the same."""
    text = index_text(indexes, sub_ids)
    assert text.isprintable()
    assert parse_index(indexes, text) == tuple(sub_ids)


@given(st.sampled_from([[TEXT, NUMBER], [INET_TYPE, INET], [MAC], [LAST]]), st.text(max_size=60))
def test_any_text_ends(indexes: list[Index], text: str) -> None:
    """Numbers of an OID, or one kind of error."""
    try:
        sub_ids = parse_index(indexes, text)
    except MibError:
        return
    assert all(0 <= number < 2**32 for number in sub_ids)
