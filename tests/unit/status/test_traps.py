"""Traps on the pages: nothing from the network becomes markup, and what is unsure is said to be."""

from dataclasses import replace

import pytest

from netmon.model.events import Event, EventSeverity, EventValue, RaisedState
from netmon.status.traps import event_pieces, raised_pieces, trap_cell
from netmon.trap_board import TrapSummary
from tests.unit.status.test_status import ATTACKS, Markup

EVENT = Event(
    7, 100.0, 160.0, 3, "192.0.2.1", "sw1", "IF-MIB::linkDown", "1.3.6.1.6.3.1.1.5.3", EventSeverity.WARNING,
    2, False, "", False, "", "", 1.0, (EventValue("IF-MIB::ifIndex.3", "1.3", "INTEGER", "3"),),
)  # fmt: skip
CALM = {"div", "p", "b", "small", "span", "a", "time", "wbr", "details", "summary", "dl", "dt", "dd", "h2",
        "ul", "li", "td"}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_of_an_event_becomes_markup(attack: str) -> None:
    """Every text of an event and of a state may be hostile."""
    event = replace(
        EVENT, source=attack, host=attack, trap=attack, user=attack, authenticated=True, agent_address=attack,
        values=(EventValue(attack, attack, attack, attack),),
    )  # fmt: skip
    state = RaisedState(attack, attack, 1.0, 2.0, True, False, 1, attack)
    html = "".join(event_pieces([event], 5, linked=True).values()) + "".join(raised_pieces([state]).values())
    html += trap_cell(TrapSummary(1.0, attack, EventSeverity.INFO, 2))
    markup = Markup(html)
    assert set(markup.tags) <= CALM
    assert not [name for name, _ in markup.attributes if name.startswith("on") or name in {"src", "style"}]


def test_an_event_says_how_often_from_where_and_whether_it_is_sure() -> None:
    """In words, not in colour alone."""
    text = Markup(event_pieces([EVENT], 5, linked=True)["event-7"]).text
    assert "warning: IF-MIB::linkDown 3 times" in text
    assert "sw1, from 192.0.2.1, v2c trap, not authenticated" in text
    sure = replace(EVENT, version=3, inform=True, authenticated=True, user="ops", count=1)
    text = Markup(event_pieces([sure], 5, linked=False)["event-7"]).text
    assert "from 192.0.2.1, v3 inform, user ops" in text
    assert "times" not in text


def test_events_are_as_many_as_asked_for() -> None:
    """With a heading, and nothing at all where there are none."""
    events = [replace(EVENT, id=number) for number in range(9, 0, -1)]
    assert list(event_pieces(events, 2, linked=False)) == ["traps-title", "event-9", "event-8"]
    assert event_pieces([], 2, linked=False) == {}
    assert raised_pieces([]) == {}
    assert "none" in trap_cell(None)


def test_an_origin_that_another_sender_names_is_shown() -> None:
    """A relay speaks for somebody else."""
    text = Markup(event_pieces([replace(EVENT, agent_address="10.9.9.9")], 5, linked=False)["event-7"]).text
    assert "from 192.0.2.1 for 10.9.9.9" in text


def test_many_raised_states_are_cut() -> None:
    """Eight are named, the rest counted."""
    states = [RaisedState("link_down", str(n), 1.0, 0.0, False, False, n, "x") for n in range(20)]
    assert "12 more" in raised_pieces(states)["raised"]
