"""What the receiver tells the agent of states: in order, bounded, and the sure ones always."""

from netmon.model.events import TrapChange
from netmon.traps.handler import Outcome, Words
from netmon.traps.notices import ALL, MOST, Notices
from netmon.traps.translate import Meaning


def outcome(
    number: int, *, active: bool, authenticated: bool, instance: str = "3", host: str = "sw1"
) -> Outcome:
    """An event of a host that changes a state was committed."""
    change = TrapChange("link_down", instance, active, 60.0, cause=False)
    meaning = Meaning("IF-MIB::linkDown", "1.3", "warning", "[]", change, "IF-MIB::linkDown")
    row = (
        1.0, 1.0, 1, "192.0.2.1", host, "IF-MIB::linkDown", "1.3", "warning", 2, False, "", authenticated,
        "", "", None, "[]",
    )  # fmt: skip
    return Outcome(events=[(number, row, Words(meaning, b""))])


def told(of: Notices) -> list[tuple[str, bool, bool]]:
    """Instance, whether it is raised, and whether that is sure."""
    return [(change[2], change[3], change[6]) for change in of.take()["changes"]]


def test_a_forged_trap_does_not_take_the_place_of_an_authenticated_one() -> None:
    """Both are told where both came within one notice."""
    notices = Notices()
    notices.add(outcome(1, active=True, authenticated=True))
    notices.add(outcome(2, active=False, authenticated=False))
    assert told(notices) == [("3", True, True), ("3", False, False)]


def test_the_later_change_is_told_later() -> None:
    """Raised, cleared by another sender and raised again: raised is the last word."""
    notices = Notices()
    notices.add(outcome(1, active=True, authenticated=False))
    notices.add(outcome(2, active=False, authenticated=True))
    notices.add(outcome(3, active=True, authenticated=False))
    assert told(notices) == [("3", False, True), ("3", True, False)]


def test_a_flood_leaves_room_for_authenticated_changes() -> None:
    """A thousand forged interfaces fill a notice, and the true one is in it all the same."""
    notices = Notices()
    for number in range(2 * MOST):
        notices.add(outcome(number, active=True, authenticated=False, instance=str(number)))
    notices.add(outcome(9999, active=True, authenticated=True, instance="true"))
    changes = told(notices)
    assert len(changes) == MOST + 1
    assert changes[-1] == ("true", True, True)


def test_a_flood_in_the_name_of_many_hosts_is_told_in_turns() -> None:
    """The agent judges each host that changes, on the loop by which it polls; nothing is left out."""
    notices = Notices()
    for number in range(120):
        for active in (True, False):
            instance = str(active)
            notices.add(
                outcome(number, active=active, authenticated=False, instance=instance, host=f"h{number}")
            )
    hosts = []
    while not notices.empty:
        changes = notices.take()["changes"]
        assert len(changes) <= 100
        hosts += [change[0] for change in changes]
    assert hosts == [f"h{number}" for number in range(120) for _ in range(2)]
    notices.add(outcome(1, active=True, authenticated=False))
    assert len(notices.take(ALL)["changes"]) == 1
