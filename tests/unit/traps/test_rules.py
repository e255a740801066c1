"""netmon's own rules of traps, and what is said of a user's bad ones."""

import pytest

from netmon.mib.tree import shipped as tree
from netmon.traps.records import Rule
from netmon.traps.rules import merged, mistakes, shipped


def test_netmons_own_rules_are_sound() -> None:
    """Every name, object and state of them is known, and none of them is a mistake."""
    assert list(mistakes(shipped(), tree())) == []


@pytest.mark.parametrize(
    ("name", "rule", "place", "words"),
    [
        ("IF-MIB::linkDwn", Rule(), "IF-MIB::linkDwn", "linkDown"),
        ("IF-MIB::linkDown", Rule(severity="bad"), "IF-MIB::linkDown.severity", "critical, warning, info"),
        ("IF-MIB::linkDown", Rule(raises="Down!"), "IF-MIB::linkDown.raises", "no name of a state"),
        ("IF-MIB::linkDown", Rule(raises="a", clears="rebooted"), "IF-MIB::linkDown", "one of both"),
        ("IF-MIB::linkUp", Rule(clears="nothing"), "IF-MIB::linkUp.clears", "no rule raises"),
        ("IF-MIB::linkDown", Rule(raises="a", instance="ifIndx"), "IF-MIB::linkDown.instance", "ifIndex"),
        ("IF-MIB::linkDown", Rule(raises="a", instance="ifTable"), "IF-MIB::linkDown.instance", "object"),
        ("IF-MIB::linkDown", Rule(raises="a", ttl=1e12), "IF-MIB::linkDown.ttl", "year"),
        ("IF-MIB::linkDown", Rule(raises="a", ttl=float("nan")), "IF-MIB::linkDown.ttl", "year"),
        ("IF-MIB::linkDown", Rule(cause=True), "IF-MIB::linkDown", "no state"),
    ],
)
def test_a_bad_rule_is_told_with_its_place(name: str, rule: Rule, place: str, words: str) -> None:
    """What is wrong, where, and what was wanted."""
    [(where, sentence)] = mistakes({name: rule}, tree())
    assert where == place
    assert words in sentence


def test_a_users_rule_stands_for_netmons() -> None:
    """Whole: what it does not say is not taken from there."""
    assert merged({"IF-MIB::linkDown": Rule()})["IF-MIB::linkDown"] == Rule()
