"""DISPLAY-HINT: hints and octets in, text out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.mib.hints import Hint, HintError


@pytest.mark.parametrize(
    ("hint", "octets", "text"),
    [
        ("1x:", "001a2b3c4d5e", "00:1A:2B:3C:4D:5E"),
        ("1x", "0a0b", "0A0B"),
        ("1d.1d.1d.1d", "c0000201", "192.0.2.1"),
        ("1d.1d.1d.1d%4d", "c000020100000003", "192.0.2.1%3"),
        ("2x:2x:2x:2x:2x:2x:2x:2x", "fe80" + "00" * 13 + "01", "FE80:0000:0000:0000:0000:0000:0000:0001"),
        ("255a", "48656c6c6f", "Hello"),
        ("255t", "c3a9", "é"),
        ("2d-1d-1d,1d:1d:1d.1d,1a1d:1d", "07c8051a0d1e0f002d0400", "1992-5-26,13:30:15.0,-4:0"),
        ("1o", "08", "10"),
        ("4d", "ffffffff", "4294967295"),
        ("*1x:/1x:", "030102030405", "01:02:03/04:05"),
        ("*1d.", "00020506", "5.6"),
        ("1d,0a", "05", "5"),
        ("2d.", "00010203ff", "1.515.255"),
    ],
)
def test_octets_read_by_their_hint(hint: str, octets: str, text: str) -> None:
    """RFC 2579 §3.1: the last specification repeats, and no separator stands at the end."""
    made = Hint(hint).apply(bytes.fromhex(octets))
    assert made is not None
    assert made.decode() == text


@pytest.mark.parametrize(
    ("hint", "octets"),
    [
        ("9d", bytes(9)),  # no number is as long
        ("9o", bytes(9)),
        ("1d,0a", b"12"),  # what repeats takes nothing
        ("d-2", b"12"),  # for integers
        ("x", b"1"),
        ("1x:", b""),
        ("*0d,", b"\xff" * 600),  # a text without end
        ("*0a", b"\xff" * 60_000),  # no text, and work without end
    ],
)
def test_a_hint_that_does_not_fit_is_left_out(hint: str, octets: bytes) -> None:
    """The value then reads as without a hint."""
    assert Hint(hint).apply(octets) is None


@pytest.mark.parametrize(
    "hint", ["", "1", "q", "1q", "a1", "*", "1d.x", "999999a", "d-", "1x::1d", "0a" * 200 + "1d"]
)
def test_what_is_no_hint_is_refused(hint: str) -> None:
    """A mistake of the author's is told when the file is read."""
    with pytest.raises(HintError, match="is no"):
        Hint(hint)


@given(st.text(alphabet="*0129dxoat.:", max_size=10), st.binary(max_size=60))
def test_any_octets_read_or_do_not(hint: str, octets: bytes) -> None:
    """Whatever a device sends for whatever hint, there is a bounded text or none."""
    try:
        made = Hint(hint).apply(octets)
    except HintError:
        return
    assert made is None or len(made) <= 65_536 + 300
