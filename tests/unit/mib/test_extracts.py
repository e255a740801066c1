"""Numbers out of texts by RE2 expressions and Go's templates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.mib.extracts import ExpressionError, Extract, Rule, parse_float
from netmon.model import Family, Kind

FAMILY = Family("x", Kind.GAUGE, "")


def number(text: str, *rules: tuple[str, str]) -> float | None:
    """What the rules find in a text."""
    return Extract(FAMILY, [Rule(*rule) for rule in rules]).number(text)


@pytest.mark.parametrize(
    ("expression", "template", "text", "expected"),
    [
        ("(.*)", "$1", "4.5", 4.5),
        ("([0-9]+)", "$1", "a4", None),  # anchored
        (".*?([0-9]+)", "$1", "a4", 4),
        ("(.*)", "$1", "4\n", None),  # a dot is no line's end
        ("a|b", "7", "b", 7),
        ("a|b", "7", "ab", None),  # the whole alternative is anchored
        ("(a)|b", "1$1", "b", 1),  # a group that took no part is empty
        ("([0-9]+) (?P<unit>k|M)", "${1}000", "5 k", 5000),
        ("([0-9]+) (?P<n>[0-9]+)", "$n", "5 6", 6),
        ("([0-9]+) (?P<n>[0-9]+)", "${n}$1", "5 6", 65),
        ("([0-9]+)", "$1x", "5", None),  # the group "1x" is none, and nothing is no number
        ("([0-9]+)", "1$2", "5", 1),
        ("([0-9]+)", "1$01", "5", 1),
        ("([0-9]+)", "$0", "5", 5),
        ("([0-9]+)", "$$1", "5", None),
        ("([0-9]+)", "5$", "5", None),
        ("(?i)up", "1", "UP", 1),
    ],
)
def test_a_rule(expression: str, template: str, text: str, expected: float | None) -> None:
    """The expression matches the whole text, and the template is Go's."""
    assert number(text, (expression, template)) == expected


def test_the_first_rule_that_gives_a_number_counts() -> None:
    """A rule that matches and gives none passes the text on."""
    rules = (("(.*)", "$1"), ("up.*", "1"), ("(.).*", "2"))
    assert [number(text, *rules) for text in ("9", "up", "down", "")] == [9, 1, 2, None]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", 1), ("+1.5", 1.5), ("-.5e1", -5), ("5.", 5), ("0x1p4", 16), ("-0X.8p1", -1),
        ("iNf", float("inf")), ("-Infinity", float("-inf")), ("", None), (".", None), (" 1", None),
        ("1 ", None), ("1_0", None),
        ("1e", None), ("1e999", None), ("0x10", None), ("0x1p99999", None), ("٣", None), ("-nan", None),
        ("1" * 1001, None), ("1e-999", 0),
    ],
)  # fmt: skip
def test_numbers_are_those_of_go(text: str, expected: float | None) -> None:
    """No blanks, no underscores, no digits but ASCII's; too large is none."""
    assert parse_float(text) == expected


def test_not_a_number_is_one() -> None:
    """NaN is a value like any other to Prometheus."""
    found = parse_float("NaN")
    assert found is not None
    assert found != found  # noqa: PLR0124 - how NaN is told


def test_what_re2_refuses_is_refused() -> None:
    """With RE2's own words, and nothing on the terminal."""
    with pytest.raises(ExpressionError, match="missing \\)"):
        Extract(FAMILY, [Rule("(", "$1")])


@given(st.text(max_size=30), st.text(alphabet="$1{n}0ax", max_size=10))
def test_any_text_and_template(text: str, template: str) -> None:
    """Nothing raises, whatever is in them."""
    assert isinstance(number(text, ("(?s)(.)(?P<n>.)?.*", template)), float | None)
