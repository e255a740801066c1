"""What messages quote, and what they suggest in place of a name that is not there."""

from netmon.wording import did_you_mean, percent, quote


def test_the_nearest_names_whatever_their_capitals() -> None:
    """One by default, more where asked for, none where nothing is near."""
    names = ("ifDescr", "ifDescription", "sysName")
    assert did_you_mean("IFDESC", names) == '; did you mean "ifDescr"?'
    assert did_you_mean("ifDesc", names, 3) == '; did you mean "ifDescr" or "ifDescription"?'
    assert did_you_mean("zzz", names) == ""


def test_a_word_of_any_length_costs_little() -> None:
    """A request may hold a name of kilobytes."""
    assert did_you_mean("ifDescr" + "x" * 10_000_000, ["ifDescr"]) == ""


def test_what_is_quoted_stays_on_one_line() -> None:
    """Control characters are escaped, and what is long is cut."""
    assert quote("a\nb\x1b") == '"a\\u000ab\\u001b"'
    assert quote("x" * 100) == f'"{"x" * 60}…"'


def test_percentages_do_not_lie() -> None:
    """99.999 is not 100, and what is not known is not 0."""
    shares = (None, 0.0, 0.5, 0.9912, 0.99999, 1.0)
    assert [percent(share) for share in shares] == ["-", "0.0 %", "50.0 %", "99.12 %", "99.99 %", "100 %"]
