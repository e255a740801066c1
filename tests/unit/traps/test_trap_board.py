"""What the agent keeps of traps: counts, raised states and the latest events."""

import json
from collections.abc import Mapping
from typing import Any

from netmon.model.events import Event, EventSeverity
from netmon.trap_board import TrapBoard

NOW = 1_000_000.0


class Notes:
    """Notes as the store keeps them, through JSON."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def note(self, _kind: str, name: str, value: Any) -> None:
        """Keep, or forget."""
        if value is None:
            self.kept.pop(name, None)
        else:
            self.kept[name] = json.dumps(value)

    def noted(self, _kind: str) -> Mapping[str, Any]:
        """All of them."""
        return {name: json.loads(text) for name, text in self.kept.items()}


def board(*hosts: str, notes: Notes | None = None, wall: float = NOW) -> TrapBoard:
    """One that knows these hosts."""
    notes = notes or Notes()
    made = TrapBoard(note=notes.note, noted=notes.noted)
    made.planned(hosts, wall)
    return made


def change(
    state: str = "link_down",
    instance: str = "3",
    *,
    host: str = "sw1",
    active: bool = True,
    ttl: float = 60.0,
    cause: bool = False,
    authenticated: bool = False,
    at: float = NOW,
) -> dict[str, Any]:
    """A notice of one change."""
    return {
        "changes": [[host, state, instance, active, ttl, cause, authenticated, at, 7, "IF-MIB::linkDown"]]
    }


def event(number: int, host: str = "sw1", count: int = 1) -> Event:
    """One event."""
    return Event(
        number, NOW, NOW + number, count, "192.0.2.1", host, "IF-MIB::linkDown", "1.3.6.1.6.3.1.1.5.3",
        EventSeverity.WARNING, 2, False, "", False, "", "", 1.0, (),
    )  # fmt: skip


def series(of: TrapBoard, name: str) -> dict[tuple[str, ...], float]:
    """The values of a family by its labels' values."""
    return {tuple(labels.values()): value for n, _, _, labels, value in of.readings() if n == name}


def test_a_state_is_raised_and_cleared() -> None:
    """linkDown raises it, linkUp ends it; the metric goes back to 0 and does not vanish."""
    of = board("sw1")
    assert of.take(change(), NOW) == {"sw1"}
    assert [(r.state, r.instance, r.text) for r in of.raised_of("sw1")] == [
        ("link_down", "3", "IF-MIB::linkDown")
    ]
    assert series(of, "netmon_trap_state") == {("sw1", "link_down"): 1}
    assert of.take(change(active=False), NOW) == {"sw1"}
    assert of.raised_of("sw1") == ()
    assert series(of, "netmon_trap_state") == {("sw1", "link_down"): 0}


def test_each_instance_counts_once() -> None:
    """Two interfaces are two; the same one told twice, by whomever, is one."""
    of = board("sw1")
    for instance, authenticated in (("3", False), ("3", True), ("4", False)):
        of.take(change(instance=instance, authenticated=authenticated), NOW)
    assert series(of, "netmon_trap_state") == {("sw1", "link_down"): 2}
    assert {raised.instance: raised.authenticated for raised in of.raised_of("sw1")} == {
        "3": True,
        "4": False,
    }


def test_a_repeat_is_no_change_and_lasts_longer() -> None:
    """A UPS says each minute that it is on battery: its state lasts as long as it says so."""
    of = board("sw1")
    of.take(change("on_battery", "", ttl=180), NOW)
    assert of.take(change("on_battery", "", ttl=180, at=NOW + 60), NOW + 60) == set()
    assert of.tick(NOW + 200) == set()
    assert of.raised_of("sw1")[0].at == NOW
    assert of.tick(NOW + 240) == {"sw1"}
    assert of.raised_of("sw1") == ()


def test_nobody_unauthenticated_ends_or_replaces_what_an_authenticated_sender_told() -> None:
    """A forged linkUp changes nothing; an authenticated one ends both."""
    of = board("sw1")
    of.take(change(authenticated=True, cause=True), NOW)
    of.take(change(), NOW)
    of.take(change(active=False), NOW)
    assert [raised.authenticated for raised in of.raised_of("sw1")] == [True]
    of.take(change(), NOW)
    of.take(change(active=False, authenticated=True), NOW)
    assert of.raised_of("sw1") == ()


def test_a_flood_of_instances_is_bounded_and_pushes_no_authenticated_one_out() -> None:
    """Whoever sends a thousand interfaces keeps 256 of them, and those of others stay."""
    of = board("sw1")
    of.take(change("on_battery", "", authenticated=True, ttl=0), NOW)
    for number in range(1000):
        of.take(change(instance=str(number), at=NOW + number), NOW + number)
    raised = of.raised_of("sw1")
    assert len(raised) == 256
    assert (raised[0].state, raised[1].instance) == ("on_battery", "999")


def test_states_survive_a_restart_but_not_their_time() -> None:
    """What was raised before a restart is raised after it, unless its time was over meanwhile."""
    notes = Notes()
    of = board("sw1", "sw2", notes=notes)
    of.take(change(ttl=60, authenticated=True, cause=True), NOW)
    of.take(change(host="sw2", ttl=0), NOW)
    again = board("sw1", "sw2", notes=notes, wall=NOW + 30)
    assert again.raised_of("sw1") == of.raised_of("sw1")
    late = board("sw1", "sw2", notes=notes, wall=NOW + 61)
    assert late.raised_of("sw1") == ()
    assert [raised.state for raised in late.raised_of("sw2")] == ["link_down"]


def test_a_note_that_makes_no_sense_is_nothing() -> None:
    """A later version wrote it, or nobody knows who."""
    notes = Notes()
    for number, junk in enumerate(["x", [["a"]], [[1, 2, 3]], {"a": 1}, 5]):
        notes.kept[f"h{number}"] = json.dumps(junk)
    of = board(*notes.kept, notes=notes)
    assert not any(of.raised_of(name) for name in notes.kept)


def test_a_host_that_left_the_config_is_forgotten() -> None:
    """Its states, its metrics and its note; what it sent is counted under no host."""
    notes = Notes()
    of = board("sw1", "sw2", notes=notes)
    of.take(change() | {"traps": [["sw1", "IF-MIB::linkDown", "warning", 3, NOW]]}, NOW)
    of.planned(["sw2"], NOW)
    assert notes.kept == {}
    assert series(of, "netmon_trap_state") == series(of, "netmon_trap_last_timestamp_seconds") == {}
    assert series(of, "netmon_traps_total") == {("", "other", "warning"): 3}
    assert of.take(change(), NOW) == set()


def test_traps_are_counted_by_host_name_and_severity() -> None:
    """Those of strangers under no host; a time of the future is the present."""
    of = board("sw1")
    notice = {"traps": [
        ["sw1", "IF-MIB::linkDown", "warning", 2, NOW + 99],
        ["sw1", "IF-MIB::linkDown", "warning", 1, NOW - 5],
        ["", "other", "info", 4, NOW], ["gone", "other", "odd", 1, NOW],
    ]}  # fmt: skip
    of.take(notice, NOW)
    assert series(of, "netmon_traps_total") == {
        ("sw1", "IF-MIB::linkDown", "warning"): 3,
        ("", "other", "info"): 5,
    }
    assert series(of, "netmon_trap_last_timestamp_seconds") == {("sw1", "IF-MIB::linkDown"): NOW}


def test_recent_events_are_bounded_and_a_repeat_renews_its_event() -> None:
    """Newest first; the same event again with a higher count stands once."""
    of = board("sw1")
    of.show(event(number) for number in range(100))
    of.show([event(99, count=5), event(100, host="")])
    assert [(e.id, e.count) for e in of.recent("sw1")[:2]] == [(99, 5), (98, 1)]
    assert len(of.recent("sw1")) == 20
    assert (of.recent()[0].id, len(of.recent())) == (100, 60)
    assert of.recent("nobody") == ()


def test_a_summary_is_of_the_latest_trap() -> None:
    """None where none came; else when, what, how bad, and how many states are raised."""
    of = board("sw1", "sw2")
    assert of.summary("sw1") is None
    of.take(change() | {"traps": [["sw1", "IF-MIB::linkDown", "warning", 1, NOW]]}, NOW)
    summary = of.summary("sw1")
    assert summary is not None
    assert (summary.at, summary.trap, summary.severity, summary.raised) == (
        NOW, "IF-MIB::linkDown", EventSeverity.WARNING, 1,
    )  # fmt: skip
    assert of.summary("sw2") is None
