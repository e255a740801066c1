"""Senders' clocks over a restart of the receiver."""

from pathlib import Path

import pytest

from netmon.traps import clocks
from netmon.traps.peers import Clock
from netmon.traps.records import Drop, Refusal
from tests.unit.traps.messages import door, v3


def test_a_captured_trap_is_no_news_after_a_restart(tmp_path: Path) -> None:
    """What was seen before is on disk, and what is older than that is refused."""
    before = door()
    before.admit(v3(time=5000), 1.0)
    clocks.save(tmp_path, before.security.note())
    after = door(boots=8)
    after.security.peers.restore(clocks.load(tmp_path), 0.0)
    answer = after.admit(v3(time=1000), 1.0)
    assert isinstance(answer, Refusal)
    assert answer.reason is Drop.NOT_IN_TIME_WINDOW
    assert not isinstance(after.admit(v3(time=5001), 1.0), Refusal)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"80": [1]}', '{"zz": [1, 2]}', '{"80": [1, -2]}', '{"80": 5}', "[[[["]
)
def test_a_broken_file_is_told_and_left(tmp_path: Path, text: str) -> None:
    """Receiving does not wait for it."""
    (tmp_path / clocks.FILE).write_text(text)
    assert clocks.load(tmp_path) == {}


def test_nothing_known_and_nowhere_to_write(tmp_path: Path) -> None:
    """The first start, and a folder that is gone."""
    assert clocks.load(tmp_path) == {}
    clocks.save(tmp_path / "gone", {"8000000001": Clock(1, 2)})
