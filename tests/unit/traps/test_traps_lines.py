"""Log lines that keep nothing waiting, and refusals that do not fill the log."""

import os

from netmon.traps import lines as lines_module
from netmon.traps.lines import Lines, Refusals
from netmon.traps.records import Drop


def test_lines_are_written() -> None:
    """What is given before the end is written by then."""
    reading, writing = os.pipe()
    lines = Lines(writing)
    lines.put(b"one\ntwo\n", 2)
    lines.write("three\n")
    lines.finish(5.0)
    os.close(writing)
    with os.fdopen(reading, "rb") as out:
        assert out.read() == b"one\ntwo\nthree\n"
    assert lines.lost == 0


def test_a_full_pipe_drops_lines_and_counts_them() -> None:
    """When nobody reads the log nothing blocks, and each line that finds no room is counted."""
    reading, writing = os.pipe()
    lines = Lines(writing)
    piece = b"x" * 999 + b"\n"
    many = 100 + lines_module._MOST_OCTETS // 100_000
    for _ in range(many):
        lines.put(piece * 100, 100)
    assert lines.lost >= 100
    os.close(reading)  # whoever read it is gone: the rest is lost, too
    lines.finish(5.0)
    os.close(writing)
    assert lines.lost <= 100 * many


def test_refusals_are_told_once_a_second() -> None:
    """One line a second for each reason at most, with the latest source and how many it stands for."""
    said: list[tuple[Drop, str, str, int]] = []
    refusals = Refusals(lambda *words: said.append(words))
    for source in ("a", "b"):
        refusals.note(Drop.MALFORMED, source, "why")
    refusals.note(Drop.RATE_LIMITED, "c", "fast")
    refusals.tell(0.0)
    refusals.note(Drop.MALFORMED, "d", "why")
    refusals.tell(0.5)
    assert said == [(Drop.MALFORMED, "b", "why", 2), (Drop.RATE_LIMITED, "c", "fast", 1)]
    refusals.tell(1.0)
    assert said[2:] == [(Drop.MALFORMED, "d", "why", 1)]
