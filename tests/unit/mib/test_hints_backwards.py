"""DISPLAY-HINT backwards: text in, octets and numbers out."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from netmon.mib.hints import HintError, format_integer, format_octets, parse_integer, parse_octets
from netmon.mib.tree import shipped

OCTETS = sorted(
    {
        node.type.hint
        for node in shipped().nodes()
        if node.type and node.type.hint and node.type.base == "OCTET STRING"
    }
)
# Hints whose text leads back to the same octets, whatever these are, and how many octets that is true for.
EXACT = {
    "1x:": range(1, 60),
    "1x": range(1, 60),
    "1d.1d.1d.1d": range(1, 5),
    "1d.1d.1d.1d:2d": range(6, 7),
    "1d.1d.1d.1d%4d": range(8, 9),
    "2x:2x:2x:2x:2x:2x:2x:2x": range(16, 17),
    "2x:2x:2x:2x:2x:2x:2x:2x%4d": range(20, 21),
    "0a[2x:2x:2x:2x:2x:2x:2x:2x]0a:2d": range(18, 19),
    "2d-1d-1d,1d:1d:1d.1d": range(8, 9),
    "*1x:/1x:": range(3, 4),
    "1o ": range(1, 9),
}


@pytest.mark.parametrize(
    ("hint", "text", "octets"),
    [
        ("255a", "sw1", b"sw1"),
        ("255t", "café", "café".encode()),
        ("1x:", "00:1a:2B", b"\x00\x1a\x2b"),
        ("1x:", "0:1:2", b"\x00\x01\x02"),
        ("1x", "0a0B", b"\x0a\x0b"),
        ("1d.1d.1d.1d", "192.0.2.1", b"\xc0\x00\x02\x01"),
        ("2x:2x:2x:2x:2x:2x:2x:2x", "fe80:0:0:0:0:0:0:1", b"\xfe\x80" + bytes(13) + b"\x01"),
        ("2d-1d-1d,1d:1d:1d.1d,1a1d:1d", "2026-11-25,0:15:0.0,+1:0", bytes.fromhex("07ea0b19000f00002b0100")),
        ("*1x:/1x:", "01:02:03/04:05", bytes.fromhex("030102030405")),
        ("255a", "", b""),
    ],
)
def test_a_text_leads_to_its_octets(hint: str, text: str, octets: bytes) -> None:
    """As a person types it: digits may be fewer than the hint makes, hexadecimal in either case."""
    assert parse_octets(hint, text) == octets


@pytest.mark.parametrize(
    ("hint", "text"),
    [
        ("1x:", "00:xx"),
        ("1x:", "100:00"),
        ("1x:", "00-01"),
        ("1d.1d.1d.1d", "256.0.0.1"),
        ("255a", "café"),
        ("1d", "-1"),
        ("1d1d", "12"),  # nobody knows where the first number ends
        ("2d-1d-1d", "2026/11/25"),
        ("*1d.", ".".join(["1"] * 300)),
    ],
)
def test_a_text_that_does_not_fit_is_told(hint: str, text: str) -> None:
    """The sentence names the hint."""
    with pytest.raises(HintError, match="DISPLAY-HINT"):
        parse_octets(hint, text)


@given(st.sampled_from(sorted(EXACT)), st.data())
def test_what_was_formatted_parses_to_the_same(hint: str, data: st.DataObject) -> None:
    """parse(format(x)) == x for every hint whose text is exact."""
    size = data.draw(st.sampled_from(EXACT[hint]))
    octets = data.draw(st.binary(min_size=size, max_size=size))
    if hint.startswith("*"):
        octets = b"\x02" + octets[1:]  # as many repetitions as there are octets
    text = format_octets(hint, octets)
    assert text is not None
    assert parse_octets(hint, text) == octets


@given(st.sampled_from(["255a", "255t", "127a", "64t"]), st.text(max_size=300))
def test_texts_lead_back(hint: str, text: str) -> None:
    """Whatever people write, as long as its characters are the hint's."""
    try:
        octets = parse_octets(hint, text)
    except HintError:
        assert not text.isascii() or hint.endswith("t")
        return
    assert format_octets(hint, octets) == (text or None)


@given(st.text(alphabet="*0129dxoat.:-%[]", max_size=12), st.text(max_size=40))
def test_any_hint_and_text_end(hint: str, text: str) -> None:
    """Octets or one kind of error, for whatever a MIB and a person write."""
    try:
        octets = parse_octets(hint, text)
    except HintError:
        return
    assert len(octets) < 70_000 * (len(text) + 1)


@pytest.mark.parametrize("hint", OCTETS)
def test_every_hint_of_the_shipped_mibs_is_one(hint: str) -> None:
    """And reads octets without an error."""
    format_octets(hint, b"\x01\x02abc")


@pytest.mark.parametrize(
    ("hint", "number", "text"),
    [
        ("d", -5, "-5"),
        ("d-2", 1234, "12.34"),
        ("d-2", -7, "-0.07"),
        ("d-3", 0, "0.000"),
        ("x", 255, "ff"),
        ("o", 8, "10"),
        ("b", 5, "101"),
    ],
)
def test_an_integer_both_ways(hint: str, number: int, text: str) -> None:
    """RFC 2579 §3.1: a decimal point where the hint puts it, or another radix."""
    assert format_integer(hint, number) == text
    assert parse_integer(hint, text) == number


@given(st.sampled_from(["d", "d-1", "d-2", "d-9", "x", "o", "b"]), st.integers(-(2**63), 2**64))
def test_any_integer_leads_back(hint: str, number: int) -> None:
    """parse(format(x)) == x."""
    assume(number or hint)
    assert parse_integer(hint, format_integer(hint, number)) == number


def test_fewer_decimals_do() -> None:
    """12.5 of d-2 is 1250; a third decimal has no place."""
    assert parse_integer("d-2", "12.5") == 1250
    assert parse_integer("d-2", "12") == 1200
    for text in ("12.345", "", "-", "1e3", "12.", "٣"):
        with pytest.raises(HintError):
            parse_integer("d-2", text)
    with pytest.raises(HintError, match="of an integer"):
        format_integer("255a", 1)
