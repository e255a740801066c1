"""The receiver's own engine over its restarts."""

import json
from pathlib import Path

import pytest

from netmon.snmp.message_v3 import MAX_TIME
from netmon.traps.own_engine import FILE, EngineError, take_up


def test_its_id_stays_and_its_boots_rise(tmp_path: Path) -> None:
    """Senders remember the one, and the other tells a replay from news."""
    first = take_up(tmp_path / "events", 10.0)
    second = take_up(tmp_path / "events", 20.0)
    assert first.engine_id == second.engine_id
    assert (first.boots, second.boots) == (1, 2)
    assert len(first.engine_id) == 13
    assert first.engine_id[0] & 0x80
    assert take_up(tmp_path / "other", 0.0).engine_id != first.engine_id


def test_its_time_is_counted_from_its_start(tmp_path: Path) -> None:
    """By the clock that it is given, to its end and not beyond."""
    engine = take_up(tmp_path, 10.0)
    assert (engine.time(10.9), engine.time(12.0), engine.time(1e12)) == (0, 2, MAX_TIME)


def test_boots_stay_at_their_end(tmp_path: Path) -> None:
    """RFC 3414 §2.2.2: then nothing is fresh until somebody gives the engine a new ID."""
    (tmp_path / FILE).write_text(json.dumps({"engine_id": "8000000001", "boots": MAX_TIME}))
    assert take_up(tmp_path, 0.0).boots == MAX_TIME


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"engine_id": "80", "boots": 1}', '{"engine_id": "8000000001", "boots": -1}',
     '{"engine_id": "8000000001", "boots": "1"}', '{"engine_id": 5, "boots": 1}'],
)  # fmt: skip
def test_a_broken_file_is_not_replaced(tmp_path: Path, text: str) -> None:
    """The ID in it may be known to senders: a person decides."""
    (tmp_path / FILE).write_text(text)
    with pytest.raises(EngineError, match=FILE.replace(".", r"\.")):
        take_up(tmp_path, 0.0)
    assert (tmp_path / FILE).read_text() == text


def test_new_boots_are_on_disk_before_they_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that cannot be written gives no engine, and the old one stays whole."""
    take_up(tmp_path, 0.0)
    before = (tmp_path / FILE).read_text()

    def full(_number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(EngineError, match="No space left"):
        take_up(tmp_path, 0.0)
    assert (tmp_path / FILE).read_text() == before
