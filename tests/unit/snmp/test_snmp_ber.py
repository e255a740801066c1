"""The BER codec: what it accepts, what it refuses, and that both directions agree."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.errors import NetmonError
from netmon.snmp import ber

ARC = st.integers(0, 2**32 - 1)
ROOTS = st.tuples(st.integers(0, 1), st.integers(0, 39)) | st.tuples(st.just(2), st.integers(0, 2**32 - 81))
OIDS = st.tuples(ROOTS, st.lists(ARC, max_size=126)).map(lambda parts: (*parts[0], *parts[1]))


@given(OIDS)
def test_an_oid_survives_both_ways(arcs: tuple[int, ...]) -> None:
    """Every OID of up to 128 sub-identifiers of 32 bits comes back as it went in."""
    text = ".".join(map(str, arcs))
    assert ber.decode_oid(ber.encode_oid(text)) == text
    assert ber.encode_oid("." + text) == ber.encode_oid(arcs)


@given(st.integers(-(2**31), 2**31 - 1))
def test_a_signed_integer_survives_both_ways(value: int) -> None:
    """INTEGER covers 32 bits, signed, in the fewest octets."""
    element = ber.encode_value(ber.INTEGER, value)
    _, start, stop = ber.header(element, 0, len(element))
    assert ber.decode_value(ber.INTEGER, element, start, stop) == value
    assert stop - start == max(1, (value if value >= 0 else ~value).bit_length() // 8 + 1)


@given(st.integers(0, 2**64 - 1))
def test_an_unsigned_integer_survives_both_ways(value: int) -> None:
    """Counter64 covers 64 bits; the 32-bit types refuse what is above theirs, in both directions."""
    element = ber.encode_value(ber.COUNTER64, value)
    _, start, stop = ber.header(element, 0, len(element))
    assert ber.decode_value(ber.COUNTER64, element, start, stop) == value
    for tag in (ber.COUNTER32, ber.GAUGE32, ber.TIME_TICKS):
        if value < 2**32:
            assert ber.decode_value(tag, element, start, stop) == value
        else:
            with pytest.raises(ber.DecodeError):
                ber.decode_value(tag, element, start, stop)
            with pytest.raises(ber.EncodeError):
                ber.encode_value(tag, value)


@given(st.binary(max_size=70_000) | st.integers(0, 70_000).map(bytes))
def test_a_string_of_any_length_survives_both_ways(value: bytes) -> None:
    """Lengths switch to the long form at 128 octets."""
    element = ber.encode_value(ber.OCTET_STRING, value)
    tag, start, stop = ber.header(element, 0, len(element))
    assert (tag, element[start:stop], stop) == (ber.OCTET_STRING, value, len(element))


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        ("", "cut off"),
        ("04", "cut off"),
        ("04 80 00 00", "not allowed"),  # indefinite
        ("04 85 00 00 00 00 01 41", "not allowed"),
        ("04 ff 41", "not allowed"),
        ("04 82 01", "cut off"),
        ("04 02 41", "2 octets of content announced, 1 are there"),
        ("04 84 ff ff ff ff 41", "announced"),  # -1 to who reads it signed
    ],
)
def test_a_bad_length_is_refused(octets: str, says: str) -> None:
    """Indefinite, oversized and overlong lengths never get as far as the content."""
    data = bytes.fromhex(octets)
    with pytest.raises(ber.DecodeError, match=says):
        ber.header(data, 0, len(data))


@pytest.mark.parametrize("octets", ["04 81 01 41", "04 84 00 00 00 01 41"])
def test_a_long_form_of_a_short_length_is_accepted(octets: str) -> None:
    """Agents really send lengths with leading zeros."""
    data = bytes.fromhex(octets)
    _, start, stop = ber.header(data, 0, len(data))
    assert data[start:stop] == b"A"


@pytest.mark.parametrize(
    "octets", ["", "2b 86", "80 01", "2b 80 01", "2b 90 80 80 80 00", "2b 81 80 80 80 80 00"]
)
def test_octets_that_are_no_oid_are_refused(octets: str) -> None:
    """Empty, cut off, padded with zeros, or a sub-identifier above 32 bits."""
    with pytest.raises(ber.DecodeError):
        ber.decode_oid(bytes.fromhex(octets))
    with pytest.raises(ber.DecodeError):
        ber.check_oids((b"\x2b", bytes.fromhex(octets), b"\x2b"))


def test_an_oid_of_129_sub_identifiers_is_refused() -> None:
    """RFC 2578 §3.5 allows 128."""
    assert ber.decode_oid(b"\x2b" + b"\x01" * 126)
    with pytest.raises(ber.DecodeError, match="128"):
        ber.decode_oid(b"\x2b" + b"\x01" * 127)


@given(st.lists(st.binary(min_size=1, max_size=12), min_size=1, max_size=5))
def test_many_oids_are_judged_as_one_by_one(oids: list[bytes]) -> None:
    """The shortcut for a whole reply refuses exactly what the single check refuses."""

    def is_oid(octets: bytes) -> bool:
        arcs = [b""]
        for octet in octets:
            arcs[-1] += bytes((octet,))
            if octet < 0x80:
                arcs.append(b"")
        fits = all(
            int("".join(f"{o & 127:07b}" for o in arc), 2) < 2**32 and arc[0] != 0x80 for arc in arcs[:-1]
        )
        return not arcs[-1] and fits

    try:
        ber.check_oids(oids)
    except ber.DecodeError:
        assert not all(map(is_oid, oids))
    else:
        assert all(map(is_oid, oids))


@pytest.mark.parametrize(
    "text", ["", "1", ".", "1.40", "3.1", "1.3.x", "1.3.-1", "1.3.4294967296", "2.4294967295"]
)
def test_text_that_is_no_oid_is_refused(text: str) -> None:
    """The error is netmon's and a ValueError, for the config to catch."""
    with pytest.raises(ber.EncodeError) as caught:
        ber.encode_oid(text)
    assert isinstance(caught.value, NetmonError)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("tag", "octets"),
    [
        (ber.INTEGER, ""),
        (ber.INTEGER, "00" * 9),
        (ber.COUNTER64, "01" + "00" * 8),
        (ber.COUNTER64, "00" * 10),
        (ber.COUNTER32, "01 00 00 00 00"),
        (ber.NULL, "00"),
        (ber.END_OF_MIB_VIEW, "00"),
        (ber.OBJECT_IDENTIFIER, "86"),
        (0x0A, "01"),
    ],
)
def test_a_value_that_its_type_cannot_hold_is_refused(tag: int, octets: str) -> None:
    """Too long, too large, content where none may be, an unknown tag."""
    data = bytes.fromhex(octets)
    with pytest.raises(ber.DecodeError):
        ber.decode_value(tag, data, 0, len(data))


@pytest.mark.parametrize(
    ("tag", "value"), [(ber.NULL, 1), (ber.INTEGER, b"1"), (ber.OCTET_STRING, None), (0x0A, 1)]
)
def test_a_value_of_the_wrong_kind_is_not_encoded(tag: int, value: ber.Value) -> None:
    """A tag holds one kind of value."""
    with pytest.raises(ber.EncodeError):
        ber.encode_value(tag, value)


def test_a_large_counter_without_its_zero_octet_is_read_as_unsigned() -> None:
    """Some agents leave out the octet that keeps the value positive."""
    assert ber.decode_value(ber.COUNTER32, b"\xff\xff\xff\xff", 0, 4) == 2**32 - 1
