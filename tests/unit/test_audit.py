"""The audit trail."""

import json
import os
from pathlib import Path

import pytest

from netmon.audit import FILE, Audit


def test_a_line_for_each_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One JSON object a line with who did it, behind sudo too, for its owner's eyes; in the log besides."""
    monkeypatch.setenv("SUDO_USER", "anna")
    audit = Audit(tmp_path)
    audit.write("one", target="sw1")
    audit.write("two", text="a\nb")
    first, second = [json.loads(line) for line in (tmp_path / FILE).read_text().splitlines()]
    assert (first["event"], first["target"], first["sudo_user"]) == ("one", "sw1", "anna")
    assert first["user"]
    assert second["text"] == "a\nb"
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert len(caplog.records) == 2


def test_without_a_folder_it_goes_to_the_log_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """No folder is made for it, and who expects the file is told."""
    Audit(tmp_path / "none").write("one")
    Audit(None).write("two")
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO", "INFO"]
    assert "no audit.log is kept" in caplog.text
    assert not (tmp_path / "none").exists()


def test_no_link_is_followed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A link in the file's place is told in the log and left alone."""
    victim = tmp_path / "victim"
    (tmp_path / FILE).symlink_to(victim)
    Audit(tmp_path).write("one")
    assert [record.levelname for record in caplog.records] == ["INFO", "ERROR"]
    assert not victim.exists()


def test_neither_a_fifo_nor_a_second_name_is_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever owns the folder can neither hold up a command of root's nor have another file written."""
    os.mkfifo(tmp_path / FILE)
    Audit(tmp_path).write("one")
    (tmp_path / FILE).unlink()
    reader = tmp_path / FILE
    os.mkfifo(reader)
    handle = os.open(reader, os.O_RDONLY | os.O_NONBLOCK)
    Audit(tmp_path).write("two")
    os.close(handle)
    (tmp_path / FILE).unlink()
    victim = tmp_path / "victim"
    victim.write_text("as it was")
    (tmp_path / FILE).hardlink_to(victim)
    Audit(tmp_path).write("three")
    assert [record.levelname for record in caplog.records] == ["INFO", "ERROR"] * 3
    assert victim.read_text() == "as it was"
