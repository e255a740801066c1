"""Templates: strict, in a sandbox, bounded, and silent about what they hold."""

import pytest

from netmon.template import MessageError, MessageTemplate


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ host", "line 1 of the template: unexpected end of template"),
        ("a\n{% swordfish %}", "line 2 of the template: Encountered unknown tag '…'"),
        ("{{ swordfish }}", "names 1 variable that no alert has; there are status, alerts, alertname"),
        ("{{ host | swordfish }}", "No filter named '…'"),
        ("{% include 'swordfish' %}", ""),
    ],
)
def test_a_wrong_template_is_refused_and_not_quoted(text: str, words: str) -> None:
    """It may hold a token."""
    with pytest.raises(MessageError) as caught:
        MessageTemplate(text).render({"host": "a"})
    assert words in str(caught.value)
    assert "swordfish" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "{{ labels.swordfish }}",
        "{{ host.__class__.__mro__ }}",
        "{{ 1 / 0 }}",
        "{% for i in range(10**9) %}x{% endfor %}",
        "{% for i in range(99999) %}{{ 'x' * 999 }}{% endfor %}",
    ],
)
def test_what_cannot_be_filled_in_is_an_error_of_ours(text: str) -> None:
    """A label that is not there, a way out of the sandbox, endless text."""
    with pytest.raises(MessageError) as caught:
        MessageTemplate(text).render({"host": "a", "labels": {}})
    assert "swordfish" not in str(caught.value)


def test_a_template_that_names_no_list_is_for_one_alert() -> None:
    """Otherwise all but the first of a batch would be lost."""
    assert not MessageTemplate("{{ host }}").of_all
    assert MessageTemplate("{% for alert in alerts %}{{ alert.labels.host }}{% endfor %}").of_all


def test_names_set_within_a_template_are_its_own() -> None:
    """Loop variables and assignments are no unknown names."""
    made = MessageTemplate("{% set x = host %}{% for a in alerts %}{{ a.n }}{{ x }}{% endfor %}")
    assert made.render({"host": "h", "alerts": [{"n": 1}, {"n": 2}]}) == "1h2h"
