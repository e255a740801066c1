"""What is remembered of a mail server: over runs, over days, over restarts."""

from typing import Any

from netmon.mail.memory import NAMES, RARE, Memory
from netmon.model import CheckKey, Confirm

KEY = CheckKey("mx1", "smtp", "mx1:25")
CONFIRM = Confirm(fail=2, recover=2)
DAY = 86400.0


def missed(memory: Memory, there: bool, now: float) -> list[tuple[str, float]]:  # noqa: FBT001
    """One run."""
    return list(memory.saw(KEY, {"STARTTLS": there}, CONFIRM, now))


def test_it_survives_a_restart() -> None:
    """What was offered and what is missed come back from the notes, and only changes are written."""
    notes: dict[str, Any] = {}
    written = []

    def keep(name: str, value: object) -> None:
        written.append(name)
        notes[name] = value

    memory = Memory(keep=keep)
    for now in range(5):
        assert missed(memory, there=True, now=now) == []
    assert len(written) == 1
    again = Memory(notes, keep)
    assert missed(again, there=False, now=10.0) == []
    assert missed(again, there=False, now=20.0) == [("STARTTLS", 10.0)]
    assert missed(Memory(notes), there=False, now=30.0) == [("STARTTLS", 10.0)]
    again.planned([])
    assert notes == {"mx1\0smtp\0mx1:25": None}


def test_after_a_week_it_is_meant() -> None:
    """What was taken away on purpose is no finding for ever."""
    memory = Memory()
    for now in (0.0, 10.0, 20.0):
        missed(memory, there=not now, now=now)
    assert missed(memory, there=False, now=7 * DAY) == [("STARTTLS", 10.0)]
    assert missed(memory, there=False, now=8 * DAY) == []
    assert missed(memory, there=False, now=9 * DAY) == []


def test_a_rare_test_is_rare() -> None:
    """Once a day, a clock that stepped back aside; what it found stands until the next."""
    memory = Memory()
    assert memory.due(KEY, "vrfy", 1000.0)
    memory.tested(KEY, "vrfy", 1000.0, "it tells who is there")
    assert not memory.due(KEY, "vrfy", 1000.0 + RARE - 1)
    assert memory.due(KEY, "vrfy", 1000.0 + RARE)
    assert memory.due(KEY, "vrfy", 900.0)
    assert memory.found(KEY, "vrfy") == (1000.0, "it tells who is there")
    assert memory.found(KEY, "open_relay") is None
    assert not Memory(tests=False).due(KEY, "vrfy", 1000.0)


def test_notes_that_nobody_understands() -> None:
    """A broken note is no note."""
    broken: list[Any] = [None, 7, [], {}, {"offers": 3, "tests": {}}, {"offers": {"A": [1]}, "tests": {}}]
    memory = Memory({str(number): value for number, value in enumerate(broken)})
    assert missed(memory, there=False, now=1.0) == []


def test_names_without_end() -> None:
    """A server with another name at every run makes ten of them known in a day, and then none."""
    memory = Memory()
    known = [memory.named(KEY, f"h{number}.example.test", 1000.0 + number) for number in range(50)]
    assert known == [True] * NAMES + [False] * 40
    assert memory.named(KEY, "h3.example.test", 2000.0)
    assert memory.named(KEY, "h49.example.test", 1000.0 + DAY + 60)
