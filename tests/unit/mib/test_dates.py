"""Dates of agents: octets, texts by a pattern, NTP time."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.mib.dates import DatePattern, PatternError, date_and_time, days, ntp_timestamp


def at(*fields: int) -> int:
    """Seconds since the epoch of a moment in UTC."""
    return int(datetime(*fields, tzinfo=UTC).timestamp())  # type: ignore[arg-type,misc]


def test_date_and_time() -> None:
    """RFC 2579 §2: without a zone it is UTC, with one the offset counts; nonsense is none."""
    expected = at(1992, 5, 26, 17, 30, 15)
    local = bytes.fromhex("07c8 051a 0d1e 0f00")
    assert date_and_time(local + b"-\x04\x00") == expected  # the RFC's own example: 1992-5-26,13:30:15.0,-4:0
    assert date_and_time(local + b"+\x01\x1e") == expected - 4 * 3600 - 5400
    assert date_and_time(local) == expected - 4 * 3600
    for nonsense in (b"", local[:7], local + b"?\x00\x00", local + b"+\x19\x00", local + b"-\x00\x3d"):
        assert date_and_time(nonsense) is None


def test_a_date_that_is_none_rolls_over() -> None:
    """As in snmp_exporter: zeros for "never", the 30th of February, month 13, and 255 tenths of a second."""
    assert date_and_time(bytes(8)) == -62169984000
    assert date_and_time(b"\x07\xc8\x02\x1e\x00\x00\x00\x00") == at(1992, 3, 1)
    assert date_and_time(b"\x07\xc8\x0d\x01\x18\x3c\x3d\xff") == at(1993, 1, 2, 1, 1, 26)


@given(st.dates(date(1, 1, 1), date(9998, 1, 1)), st.integers(0, 255))
def test_days_count_as_the_calendar_has_them(day: date, more: int) -> None:
    """Any day, and days beyond the month's end."""
    assert days(day.year, day.month, day.day) == (day - date(1970, 1, 1)).days
    assert (
        days(day.year, day.month, more) == (day.replace(day=1) + timedelta(more - 1) - date(1970, 1, 1)).days
    )


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("%b %d %Y", "Jan 02 2024", at(2024, 1, 2)),
        ("%b %d %Y", "jan 2 2024", at(2024, 1, 2)),
        ("%b %d %Y", "Jan  2 2024", None),
        ("%b %e %Y", "Jan  2 2024", at(2024, 1, 2)),
        ("%a %b %d %H:%M:%S %Y", "Tue Jan 02 03:04:05 2024", at(2024, 1, 2, 3, 4, 5)),
        ("%c", "Tue Jan  2 03:04:05 2024", at(2024, 1, 2, 3, 4, 5)),
        ("%A, %d %B %Y", "Tuesday, 02 january 2024", at(2024, 1, 2)),
        ("%m/%d/%Y", "12/31/2023", at(2023, 12, 31)),
        ("%m/%d/%Y", "13/31/2023", None),
        ("%D %T", "12/31/68 23:59:60", at(2069, 1, 1)),
        ("%x %R", "12/31/69 23:59", at(1969, 12, 31, 23, 59)),
        ("%F", "2023-02-30", at(2023, 3, 2)),
        ("%C%y", "1924", at(1924, 1, 1)),
        ("%Y-%j", "2024-366", at(2024, 12, 31)),
        ("%I:%M %p %d.%m.%Y", "12:30 am 02.01.2024", at(2024, 1, 2, 0, 30)),
        ("%I:%M %p %d.%m.%Y", "12:30 PM 02.01.2024", at(2024, 1, 2, 12, 30)),
        ("%l %P %v", " 1 pm  2-Jan-2024", at(2024, 1, 2, 13)),
        ("%s", "1700000000", 1700000000),
        ("%s", "-5", -5),
        ("%Y-%m-%dT%H:%M:%S.%f%z", "2024-01-02T03:04:05.25+01:30", at(2024, 1, 2, 1, 34, 5)),
        ("%Y %z", "2024 -0230", at(2024, 1, 1, 2, 30)),
        ("%Y %z", "2024 +02", at(2023, 12, 31, 22)),
        ("%Y %z", "2024 Z", at(2024, 1, 1)),
        ("%Y %z", "2024 x", None),
        ("%Y %z", "2024 +2", None),
        ("%Y %:z", "2024 +02:00", at(2023, 12, 31, 22)),
        ("%Y %Z", "2024 CEST", at(2024, 1, 1)),
        ("%Y %Z", "2024 cest", None),
        ("%Y%t%m", "2024 \t 05", at(2024, 5, 1)),
        ("%Y%n%m", "202405", None),
        ("%u %w %Y%%", "7 0 2024%", at(2024, 1, 1)),
        ("%H:%M", "01:02", at(1900, 1, 1, 1, 2)),
        ("%Y", "2024 and more", None),
        ("%Y", "", None),
        ("%d", "٣", None),
        ("", "", at(1900, 1, 1)),
    ],
)
def test_a_date_by_its_pattern(pattern: str, text: str, expected: int | None) -> None:
    """The whole text has to fit; what the pattern leaves out is the first of January 1900, in UTC."""
    assert DatePattern(pattern).seconds(text) == expected


@given(st.text(alphabet="%aAbBcCdDeFfHhIjklMmnPpRrSsTtuvwXxYyZz:+ 0", max_size=12), st.text(max_size=40))
def test_any_text_is_read_or_not(pattern: str, text: str) -> None:
    """Whatever a device sends for whatever pattern, there is a number or none."""
    try:
        compiled = DatePattern(pattern)
    except PatternError:
        return
    assert isinstance(compiled.seconds(text), int | None)


def test_ntp_time() -> None:
    """RFC 5905 §6: seconds since 1900, and a fraction that does not count."""
    assert ntp_timestamp((at(2024, 1, 2) + 2_208_988_800).to_bytes(4, "big") + b"\xff" * 4) == at(2024, 1, 2)
    assert ntp_timestamp(bytes(8)) == -2_208_988_800
    assert ntp_timestamp(bytes(7)) is None
