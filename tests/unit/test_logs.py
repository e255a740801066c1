"""Logging: JSON for machines, lines for people, and never a local variable."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from netmon import logs


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It is one."""
        return True


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Logging is the process's: put it back for the other tests."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def crash() -> None:
    """Log an exception whose frame holds a secret."""
    community = "canary".swapcase()
    try:
        int(community[:0])
    except ValueError as error:
        structlog.get_logger("netmon.test").error("probe crashed", host="mx1", exc_info=error)


def test_elsewhere_each_line_is_one_json_object() -> None:
    """netmon's own lines and those of libraries alike, with time, level and logger."""
    stream = io.StringIO()
    logs.configure(stream=stream)
    structlog.get_logger("netmon.test").info("plan", added=3)
    logging.getLogger("some.library").warning("careful %s", "now")
    crash()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["event"], line["level"]) for line in lines] == [
        ("plan", "info"),
        ("careful now", "warning"),
        ("probe crashed", "error"),
    ]
    assert all(line["timestamp"] and line["logger"] for line in lines)
    assert (lines[0]["added"], lines[2]["host"]) == (3, "mx1")
    assert "ValueError" in lines[2]["exception"]


def test_on_a_terminal_lines_are_for_people() -> None:
    """No JSON, and a traceback."""
    stream = Terminal()
    logs.configure(stream=stream)
    structlog.get_logger("netmon.test").info("plan", added=3)
    crash()
    said = stream.getvalue()
    assert "plan" in said
    assert "Traceback" in said
    assert not said.startswith("{")


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()], ids=["json", "terminal"])
def test_a_traceback_shows_no_local_variable(stream: io.StringIO) -> None:
    """Frames hold communities and passwords."""
    logs.configure(stream=stream)
    crash()
    assert "probe crashed" in stream.getvalue()
    assert "CANARY" not in stream.getvalue()
