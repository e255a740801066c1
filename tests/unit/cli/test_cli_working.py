"""What long work says of itself on a terminal."""

import io

import pytest

from netmon.cli.common import working


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        """It is."""
        return True


def test_long_work_is_told_and_wiped_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the patience has run out; in the end the line is empty again."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with working("compiling MIBs", patience=0.0):
        while not terminal.getvalue():
            pass
    assert terminal.getvalue().startswith("\rcompiling MIBs, 0 s so far")
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_short_work_and_pipes_are_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing before the patience has run out, and nothing where no terminal is."""
    terminal, pipe = Terminal(), io.StringIO()
    monkeypatch.setattr("sys.stderr", terminal)
    with working("compiling MIBs", patience=60.0):
        pass
    monkeypatch.setattr("sys.stderr", pipe)
    with working("compiling MIBs", patience=0.0):
        pass
    assert (terminal.getvalue(), pipe.getvalue()) == ("", "")
