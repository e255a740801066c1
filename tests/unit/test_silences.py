"""The book of silences and windows, over clock steps and restarts."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.model import Host, Silenced, SilenceKind
from netmon.silences import MAX_SECONDS, MAX_SILENCES, SilenceError, Silences
from netmon.windows import Once, Selector, Window

MX1 = Host("mx1", "192.0.2.1")
SW1 = Host("sw-1", "192.0.2.2", groups=("switches",))
HOUR = 3600.0
NOW, WALL = 500.0, 1_700_000_000.0


class Notes:
    """A store's notes, as JSON holds them."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def note(self, kind: str, name: str, value: Any) -> None:
        """Keep or forget."""
        assert kind == "silence"
        if value is None:
            self.texts.pop(name, None)
        else:
            self.texts[name] = json.dumps(value)

    def noted(self, kind: str) -> Mapping[str, Any]:
        """All of them."""
        assert kind == "silence"
        return {name: json.loads(text) for name, text in self.texts.items()}


def book(notes: Notes | None = None, boot: str = "b1", now: float = NOW, wall: float = WALL) -> Silences:
    """A book on notes of its own, or on what another left."""
    return Silences(notes or Notes(), boot=boot, now=now, wall=wall)


def add(to: Silences, pattern: str, seconds: float = HOUR, why: str = "new kernel") -> str:
    """A silence from NOW on; its id."""
    return to.add(pattern, seconds, why, "anna", now=NOW, wall=WALL).id


def window(name: str, begin: float, end: float, *hosts: str, why: str = "") -> Window:
    """A window at these seconds after WALL."""
    return Window(name, why, Selector(hosts=hosts), Once(WALL + begin, WALL + end))


def test_a_silence_holds_for_the_hosts_of_its_pattern_until_its_end() -> None:
    """By name or shell pattern, and not a moment longer."""
    silences = book()
    assert silences.quiet(NOW, WALL)
    add(silences, "mx1")
    add(silences, "sw-*", 2 * HOUR, "power works")
    assert not silences.quiet(NOW, WALL)
    assert silences.of(MX1, NOW, WALL) == Silenced(SilenceKind.SILENCE, "new kernel", WALL + HOUR)
    assert silences.of(SW1, NOW, WALL) == Silenced(SilenceKind.SILENCE, "power works", WALL + 2 * HOUR)
    assert silences.of(Host("mx2", ""), NOW, WALL) is None
    assert silences.of(MX1, NOW + HOUR - 0.5, WALL + HOUR - 0.5) is not None
    assert silences.of(MX1, NOW + HOUR, WALL + HOUR) is None
    assert silences.quiet(NOW + 2 * HOUR, WALL + 2 * HOUR)


def test_the_one_that_lasts_longest_is_told() -> None:
    """Of several silences and windows for a host."""
    silences = book()
    add(silences, "mx1", HOUR, "short")
    add(silences, "m*", 3 * HOUR, "long")
    silences.set_windows([window("w1", 0, 2 * HOUR), window("w2", 0, 9 * HOUR, "sw-1")])
    assert silences.of(MX1, NOW, WALL) == Silenced(SilenceKind.SILENCE, "long", WALL + 3 * HOUR)
    assert silences.of(SW1, NOW, WALL) == Silenced(SilenceKind.WINDOW, "w2", WALL + 9 * HOUR)
    silences.set_windows([window("w3", 0, 4 * HOUR, why="the move")])
    assert silences.of(MX1, NOW, WALL) == Silenced(SilenceKind.WINDOW, "the move", WALL + 4 * HOUR)


def test_windows_follow_the_wall_clock_back_and_forth() -> None:
    """What was found for one time is not taken for another."""
    silences = book()
    silences.set_windows([window("w", HOUR, 2 * HOUR)])
    for hours, wanted in (
        (0, True),
        (1, False),
        (1.5, False),
        (0.5, True),
        (1.9, False),
        (2, True),
        (0, True),
    ):
        assert silences.quiet(NOW, WALL + hours * HOUR) is wanted
        assert (silences.of(MX1, NOW, WALL + hours * HOUR) is None) is wanted


@pytest.mark.parametrize("step", [-100 * HOUR, -HOUR, -1.5, 0.5, HOUR, 1e9])
def test_a_step_of_the_wall_clock_neither_ends_nor_prolongs_a_silence(step: float) -> None:
    """Within a boot only elapsed time counts, and the end that people see is mended."""
    notes = Notes()
    silences = book(notes)
    add(silences, "mx1")
    assert silences.of(MX1, NOW + 10, WALL + 10 + step)
    found = silences.of(MX1, NOW + 12, WALL + 12 + step)
    assert found is not None
    assert found.until == pytest.approx(WALL + HOUR + step, abs=1.0)
    again = book(notes, now=NOW + 20, wall=WALL + 20 + step)
    for one in (silences, again):
        assert one.of(MX1, NOW + HOUR - 1, WALL + HOUR - 1 + step) is not None
        assert one.of(MX1, NOW + HOUR, WALL + HOUR + step) is None


def test_a_killed_agent_goes_on_where_it_was_whatever_the_clock_did_meanwhile() -> None:
    """The note of each silence is all that is needed."""
    notes = Notes()
    add(book(notes), "mx1")
    later = book(notes, now=NOW + HOUR - 1, wall=WALL - 1e6)
    (silence,) = later.active(NOW + HOUR - 1, WALL - 1e6)
    assert (silence.why, silence.by, silence.made) == ("new kernel", "anna", WALL)
    assert later.of(MX1, NOW + HOUR, WALL - 1e6) is None
    assert notes.texts == {}


def test_after_a_boot_of_the_machine_the_wall_clock_counts() -> None:
    """CLOCK_MONOTONIC begins anew; a clock that is stepped back afterwards prolongs nothing."""
    notes = Notes()
    add(book(notes), "mx1")
    booted = book(notes, "b2", now=3.0, wall=WALL + 1800)
    assert booted.of(MX1, 3.0, WALL + 1800) == Silenced(SilenceKind.SILENCE, "new kernel", WALL + HOUR)
    assert booted.of(MX1, 3.0 + 1799, WALL + 1000) is not None
    assert booted.of(MX1, 3.0 + 1800, WALL + 1000) is None
    late = book(notes_of(notes, MX1), "b3", now=3.0, wall=WALL + HOUR)
    assert late.quiet(3.0, WALL + HOUR)


def notes_of(notes: Notes, host: Host) -> Notes:
    """The notes as they are with a fresh silence of an hour for the host."""
    add(book(notes), host.name)
    return notes


def test_after_a_boot_with_a_clock_far_behind_the_mended_clock_ends_it() -> None:
    """A machine without a clock of its own starts in 1970, until the network tells it the time."""
    notes = Notes()
    add(book(notes), "mx1")
    booted = book(notes, "b2", now=3.0, wall=WALL - 1e6)
    assert booted.of(MX1, 4.0, WALL - 1e6) is not None
    assert booted.of(MX1, 5.0, WALL + HOUR) is None


def test_ending_by_pattern_ends_all_of_it_and_by_id_one() -> None:
    """A pattern comes before an id, since a host may be called like one."""
    silences = book()
    first, second, _ = add(silences, "mx1"), add(silences, "mx1"), add(silences, "s1")
    assert first == "s1"
    assert [one.id for one in silences.end("mx1", now=NOW, wall=WALL)] == [first, second]
    assert [one.pattern for one in silences.end("s1", now=NOW, wall=WALL)] == ["s1"]
    assert silences.end("mx1", now=NOW, wall=WALL) == []
    fourth = add(silences, "sw-*")
    assert fourth == "s4"
    assert [one.pattern for one in silences.end(fourth, now=NOW, wall=WALL)] == ["sw-*"]
    assert silences.quiet(NOW, WALL)


def test_a_change_is_seen_for_a_host_that_was_asked_about_before() -> None:
    """What was found for a host does not outlive a change of silences, windows or the host itself."""
    silences = book()
    add(silences, "other")
    assert silences.of(MX1, NOW, WALL) is None
    add(silences, "mx1")
    assert silences.of(MX1, NOW, WALL) is not None
    silences.end("mx1", now=NOW, wall=WALL)
    assert silences.of(MX1, NOW, WALL) is None
    silences.set_windows([Window("w", "", Selector(groups=("mail",)), Once(0.0, WALL * 2))])
    assert silences.of(MX1, NOW, WALL) is None
    assert silences.of(Host("mx1", "", groups=("mail",)), NOW, WALL) is not None


@pytest.mark.parametrize(
    ("pattern", "seconds", "why", "by", "wanted"),
    [
        ("", 1.0, "x", "x", "host is empty"),
        ("x" * 254, 1.0, "x", "x", "at most 253"),
        ("a\nb", 1.0, "x", "x", "cannot be printed"),
        ("a", 0.0, "x", "x", "out of range"),
        ("a", -1.0, "x", "x", "out of range"),
        ("a", float("nan"), "x", "x", "out of range"),
        ("a", float("inf"), "x", "x", "out of range"),
        ("a", MAX_SECONDS + 1, "x", "x", "at most 365d"),
        ("a", True, "x", "x", "out of range"),
        ("a", "60", "x", "x", "out of range"),
        ("a", 1.0, " ", "x", "why is empty"),
        ("a", 1.0, "x" * 501, "x", "at most 500"),
        ("a", 1.0, "\x1b[2J", "x", "cannot be printed"),
        ("a", 1.0, "x\u202ey", "x", "cannot be printed"),
        ("a", 1.0, "\ud800", "x", "cannot be printed"),
        ("a", 1.0, "x", None, "by is empty"),
    ],
)
def test_what_cannot_be_taken_is_refused(
    pattern: str, seconds: float, why: str, by: str, wanted: str
) -> None:
    """With a sentence, and nothing is kept."""
    notes = Notes()
    with pytest.raises(SilenceError, match=wanted):
        book(notes).add(pattern, seconds, why, by, now=NOW, wall=WALL)
    assert notes.texts == {}


def test_there_is_an_end_to_their_number() -> None:
    """A script that goes wild fills no memory; what is over makes room."""
    silences = book()
    for number in range(MAX_SILENCES):
        add(silences, f"h{number}", 60.0 + number)
    with pytest.raises(SilenceError, match="1000 silences already"):
        add(silences, "mx1")
    assert len(silences.active(NOW, WALL)) == MAX_SILENCES
    assert silences.add("mx1", 1.0, "x", "y", now=NOW + 60, wall=WALL + 60).id == "s1001"


GOOD = {
    "pattern": "mx1",
    "why": "x",
    "by": "y",
    "made": WALL,
    "until": WALL + HOUR,
    "ends": NOW + HOUR,
    "boot": "b1",
}


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("s1", None),
        ("s1", []),
        ("s1", {**GOOD, "ends": "soon"}),
        ("s1", {**GOOD, "pattern": 7}),
        ("s1", {**GOOD, "later": 1}),
        ("s1", {**GOOD, "ends": 1e300}),
        ("s1", {**GOOD, "until": "x", "boot": "b0"}),
        ("s1", {**GOOD, "made": None}),
        ("x", GOOD),
    ],
)
def test_a_note_that_is_not_understood_is_dropped(name: str, note: object) -> None:
    """The agent starts, whatever a later version or a disk wrote."""
    notes = Notes()
    notes.texts[name] = json.dumps(note)
    assert book(notes).quiet(NOW, WALL)
    assert notes.texts == {}


@given(st.integers(min_value=-(2**31), max_value=2**31), st.integers(1, 10**6), st.integers(0, 10**6))
def test_a_silence_lasts_its_time_over_any_step_and_restart(step: int, length: int, asked: int) -> None:
    """Asked at any moment after any step, by the same agent or the next one of the boot."""
    notes = Notes()
    silences = book(notes)
    add(silences, "mx1", float(length))
    now, wall = NOW + asked, WALL + asked + step
    held = asked < length
    assert (silences.of(MX1, now, wall) is not None) is held
    assert (book(notes, now=now, wall=wall).of(MX1, now, wall) is not None) is held


def test_json_of_what_is_active() -> None:
    """Programs get what is left in seconds beside the times of day."""
    silences = book()
    add(silences, "mx1")
    silences.set_windows([window("w", -HOUR, HOUR, why="backups"), window("later", HOUR, 2 * HOUR)])
    assert silences.to_json(NOW + 60, WALL + 60) == {
        "silences": [
            {
                "id": "s1",
                "host": "mx1",
                "why": "new kernel",
                "by": "anna",
                "made": WALL,
                "until": WALL + HOUR,
                "left": HOUR - 60,
            }
        ],
        "windows": [{"name": "w", "why": "backups", "until": WALL + HOUR, "left": HOUR - 60}],
    }
