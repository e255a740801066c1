"""Text forms of indexes and values, against what snmp_exporter writes into labels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.mib.syntax import (
    Syntax,
    bit,
    encode_sub_ids,
    index_text,
    opaque_float,
    sub_ids,
    value_text,
)
from netmon.snmp import ber

FE80 = (0xFE, 0x80, *(0,) * 13, 1)


@pytest.mark.parametrize(
    ("ids", "syntax", "text", "rest"),
    [
        ((7, 8), Syntax.GAUGE, "7", (8,)),
        ((), Syntax.GAUGE, "0", ()),
        ((1, 2, 0xAB, 4, 5, 6, 9), Syntax.PHYS_ADDRESS, "01:02:AB:04:05:06", (9,)),
        ((1, 2), Syntax.PHYS_ADDRESS, "01:02:00:00:00:00", ()),
        ((3, 97, 98, 99, 5), Syntax.DISPLAY_STRING, "abc", (5,)),
        ((3, 97), Syntax.DISPLAY_STRING, "a\0\0", ()),
        ((0, 5), Syntax.DISPLAY_STRING, "", (5,)),
        ((2, 0xC3, 0x28), Syntax.DISPLAY_STRING, "\ufffd(", ()),
        ((2, 1, 0xAF, 5), Syntax.OCTET_STRING, "0x01AF", (5,)),
        ((0,), Syntax.OCTET_STRING, "", ()),
        ((192, 0, 2, 1, 5), Syntax.IPV4, "192.0.2.1", (5,)),
        ((*FE80, 5), Syntax.IPV6, "FE80:0000:0000:0000:0000:0000:0000:0001", (5,)),
        ((1, 4, 192, 0, 2, 1, 5), Syntax.INET_ADDRESS, "192.0.2.1", (5,)),
        ((2, 16, *FE80, 5), Syntax.INET_ADDRESS, "FE80:0000:0000:0000:0000:0000:0000:0001", (5,)),
        ((3, 2, 9, 9, 5), Syntax.INET_ADDRESS, "0x03020909", (5,)),
        ((1, 192, 0, 2, 1, 5), Syntax.INET_ADDRESS_MISSING_SIZE, "192.0.2.1", (5,)),
        ((0, 1, 2), Syntax.INET_ADDRESS_MISSING_SIZE, "0x000102", ()),
        ((3, 6, 1, 2, 3, 4, 5, 6, 9), Syntax.LLDP_PORT_ID, "01:02:03:04:05:06", (9,)),
        ((5, 2, 97, 98, 9), Syntax.LLDP_PORT_ID, "ab", (9,)),
        ((5, 0, 9), Syntax.LLDP_PORT_ID, "", (9,)),
    ],
)
def test_an_index_reads_as_text(
    ids: tuple[int, ...], syntax: Syntax, text: str, rest: tuple[int, ...]
) -> None:
    """Each kind of index takes its sub-identifiers, leaves the rest, and fills up with zeros."""
    got, _, left = index_text(ids, syntax)
    assert (got, tuple(left)) == (text, rest)


def test_strings_of_fixed_size_and_implied_strings_have_no_length() -> None:
    """RFC 2578 §7.7: a fixed size comes from the module, an implied string takes all that is left."""
    assert index_text((97, 98, 5), Syntax.DISPLAY_STRING, 2) == ("ab", (97, 98), (5,))
    assert index_text((97, 98, 5), Syntax.OCTET_STRING, implied=True) == ("0x616205", (97, 98, 5), ())


def test_an_index_may_be_an_enum() -> None:
    """A known number reads as its name, another as itself."""
    assert index_text((2,), Syntax.ENUM_AS_INFO, enums={2: "ipv6"})[0] == "ipv6"
    assert index_text((3,), Syntax.ENUM_AS_INFO, enums={2: "ipv6"})[0] == "3"


def test_a_length_beyond_any_index_is_bounded() -> None:
    """An agent that claims a string of four thousand million octets gets no memory for it."""
    assert len(index_text((0xFFFFFFFF, 97), Syntax.DISPLAY_STRING)[0]) == 128
    assert len(index_text((9, 0xFFFFFFFF), Syntax.INET_ADDRESS)[0]) == 2 + 2 * 128


@given(st.lists(st.integers(0, 0xFFFFFFFF), max_size=20))
def test_sub_identifiers_round_trip(ids: list[int]) -> None:
    """What `encode_sub_ids` writes, `sub_ids` reads, and it is what the codec writes."""
    octets = encode_sub_ids(ids)
    assert sub_ids(octets) == ids
    assert ber.encode_oid([1, 3, *ids]) == b"\x2b" + octets


@given(st.lists(st.integers(0, 0xFFFFFFFF), max_size=40), st.sampled_from(list(Syntax)), st.booleans())
def test_any_index_has_a_text(ids: list[int], syntax: Syntax, implied: bool) -> None:  # noqa: FBT001 - drawn
    """Nothing that an agent puts into an index raises, and nothing is read twice."""
    text, _, rest = index_text(ids, syntax, implied=implied)
    assert isinstance(text, str)
    assert list(rest) == ids[len(ids) - len(rest) :]


@pytest.mark.parametrize(
    ("tag", "value", "syntax", "text"),
    [
        (ber.OCTET_STRING, b"eth0", Syntax.DISPLAY_STRING, "eth0"),
        (ber.OCTET_STRING, "zażółć".encode(), Syntax.DISPLAY_STRING, "zażółć"),
        (ber.OCTET_STRING, b"a\xff\xfe\xfdb\xe9", Syntax.DISPLAY_STRING, "a\ufffdb\ufffd"),
        (ber.OCTET_STRING, b"a\xed\xa0\x80b", Syntax.DISPLAY_STRING, "a\ufffdb"),
        (ber.OCTET_STRING, b"\x00\xab", Syntax.OCTET_STRING, "0x00AB"),
        (ber.OCTET_STRING, b"", Syntax.OCTET_STRING, ""),
        (ber.OCTET_STRING, b"\x00\x1b\x21\xab\xcd\xef", Syntax.PHYS_ADDRESS, "00:1B:21:AB:CD:EF"),
        (ber.OCTET_STRING, b"", Syntax.PHYS_ADDRESS, "00:00:00:00:00:00"),
        (ber.OCTET_STRING, bytes(range(8)), Syntax.PHYS_ADDRESS, "00:01:02:03:04:05"),
        (ber.OCTET_STRING, b"\xc0\x00\x02\x01", Syntax.IPV4, "192.0.2.1"),
        (ber.IP_ADDRESS, b"\xc0\x00\x02\x01", Syntax.DISPLAY_STRING, "192.0.2.1"),
        (ber.OBJECT_IDENTIFIER, ber.encode_oid("1.3.6.1.4.1.9"), Syntax.OCTET_STRING, "1.3.6.1.4.1.9"),
        (ber.INTEGER, -5, Syntax.DISPLAY_STRING, "-5"),
        (ber.OPAQUE, b"\x9f\x78\x04\x3f\x00\x00\x00", Syntax.DISPLAY_STRING, "0.5"),
        (ber.OPAQUE, b"\x9f\x78\x04\x40\x48\xf5\xc3", Syntax.DISPLAY_STRING, "3.14"),
        (ber.OPAQUE, b"\x9f\x78\x04\x42\xc8\x00\x00", Syntax.DISPLAY_STRING, "100"),
        (ber.OPAQUE, b"\x9f\x79\x08\x40\x09\x1e\xb8\x51\xeb\x85\x1f", Syntax.DISPLAY_STRING, "3.14"),
        (ber.OPAQUE, b"\x9f\x79\x08\x44\xb5\x2d\x02\xc7\xe1\x4a\xf6", Syntax.DISPLAY_STRING, "1" + "0" * 23),
        (ber.OPAQUE, b"\x9f\x78\x04\x7f\x80\x00\x00", Syntax.DISPLAY_STRING, "+Inf"),
        (ber.OPAQUE, b"\x9f\x78\x04\x7f\xc0\x00\x00", Syntax.DISPLAY_STRING, "NaN"),
        (ber.IP_ADDRESS, b"", Syntax.IPV4, ""),
        (ber.OPAQUE, b"\x9f", Syntax.OCTET_STRING, "0x9F"),
        (ber.NULL, None, Syntax.DISPLAY_STRING, ""),
    ],
)
def test_a_value_reads_as_text(tag: int, value: ber.Value, syntax: Syntax, text: str) -> None:
    """What the agent sent decides first, the module's type second; a run of bad UTF-8 is one U+FFFD."""
    assert value_text(tag, value, syntax) == text


def test_a_value_may_be_an_enum() -> None:
    """A looked-up number reads as the name of its state, if it has one."""
    assert value_text(ber.INTEGER, 1, Syntax.ENUM_AS_INFO, {1: "up"}) == "up"
    assert value_text(ber.INTEGER, 9, Syntax.ENUM_AS_INFO, {1: "up"}) == "9"


def test_net_snmp_floats() -> None:
    """Opaque may wrap a float or a double; anything else in it is no number."""
    assert opaque_float(b"\x9f\x78\x04\x40\x48\xf5\xc3") == pytest.approx(3.14, abs=1e-6)
    assert opaque_float(b"\x9f\x79\x08\x40\x09\x1e\xb8\x51\xeb\x85\x1f") == 3.14
    assert opaque_float(b"\x9f\x78\x04\x40") is None
    assert opaque_float(b"") is None


def test_bits_count_from_the_highest_of_the_first_octet() -> None:
    """RFC 3416 §8 (3); bits beyond the string are 0."""
    assert [bit(b"\x80\x01", number) for number in (0, 1, 7, 15, 16)] == [1, 0, 0, 1, 0]
