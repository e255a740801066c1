"""The clocks of SNMPv3 senders on disk."""

from pathlib import Path

import pytest

from netmon.traps.memory import FILE, read, write
from netmon.traps.peers import Clock


def test_clocks_come_back(tmp_path: Path) -> None:
    """What is written is read again."""
    clocks = {"8000000001020304": Clock(4, 1000)}
    write(tmp_path, clocks)
    assert read(tmp_path) == clocks


@pytest.mark.parametrize("text", ["", "[]", '{"zz": [1, 2]}', '{"80": [1]}', '{"80": [1, -2]}', '{"80": 1}'])
def test_a_broken_file_is_no_obstacle(tmp_path: Path, text: str) -> None:
    """Senders are learned anew where the file says nothing that can be."""
    (tmp_path / FILE).write_text(text)
    assert read(tmp_path) == {}


def test_no_folder_is_no_obstacle(tmp_path: Path) -> None:
    """Neither reading nor writing fails where there is no folder."""
    write(tmp_path / "none", {})
    assert read(tmp_path / "none") == {}
