"""`netmon report`, over a history that an agent left."""

import json
import time
from pathlib import Path

import pytest

from netmon.history.disk import Change, Disk
from netmon.history.track import State
from netmon.model import MailState, SnmpState, VerdictName
from tests.unit.cli.calling import call

WELL = State(VerdictName.HEALTHY, MailState.OK, SnmpState.OK)
DOWN = State(VerdictName.MAIL_DOWN, MailState.DOWN, SnmpState.OK)


def left(folder: Path) -> list[str]:
    """A config and a history of two hosts; the options that name it."""
    now = time.time()
    disk = Disk(folder)
    disk.write([Change("mx1", now - 7200, WELL), Change("sw1", now - 7200, WELL)], now - 7200)
    disk.write([Change("mx1", now - 3600, DOWN)], now)
    disk.close()
    config = folder / "netmon.yml"
    config.write_text(
        "hosts: [{name: mx1, address: 192.0.2.1, ping: true}, {name: sw1, address: 192.0.2.2, ping: true}]\n"
        "state: {path: .}\n"
    )
    return ["--config", str(config)]


def test_all_hosts_the_worst_first(tmp_path: Path) -> None:
    """A line a host, and one for all."""
    lines = call("report", *left(tmp_path)).output.splitlines()
    assert lines[0].split()[:6] == ["THE", "LAST", "24H", "MAIL", "SNMP", "BOTH"]
    assert [line.split()[0] for line in lines[1:]] == ["mx1", "sw1", "all"]
    assert lines[1].replace(" %", "").split()[1:] == ["50.0", "100", "50.0", "50.0", "0.0", "0.0", "2.0", "h"]


def test_one_host_over_all_windows(tmp_path: Path) -> None:
    """And as JSON."""
    options = left(tmp_path)
    lines = call("report", "mx1", *options).output.splitlines()
    assert [line.split()[0] for line in lines] == ["THE", "1h", "24h", "7d", "30d"]
    told = json.loads(call("report", "mx1", "--json", *options).output)
    assert told["mx1"]["1h"]["mail"] == 0.0
    assert round(told["mx1"]["24h"]["mail"], 2) == 0.5


def test_mistakes(tmp_path: Path) -> None:
    """In sentences."""
    options = left(tmp_path)
    assert 'did you mean "mx1"' in call("report", "mx", *options).output
    assert "1h, 24h, 7d, 30d" in call("report", "--window", "2h", *options).output
    (tmp_path / "history.db").unlink()
    assert "no history yet" in call("report", *options).output


def test_colours_and_a_bar_where_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal: levels in colours, half the bar green and half red; no bar where it has no room."""
    options = left(tmp_path)
    monkeypatch.setattr("netmon.cli.report.paints", lambda: True)
    monkeypatch.setattr("netmon.cli.report.draws_blocks", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")
    head, mx1, sw1, _ = call("report", *options, colours=True).output.splitlines()
    assert "\x1b[32m  BOTH\x1b[0m  \x1b[31mONLY SNMP\x1b[0m" in head
    assert "\x1b[31m50.0 %\x1b[0m" in mx1
    assert mx1.endswith(f"\x1b[32m{'█' * 12}\x1b[0m\x1b[31m{'█' * 12}\x1b[0m")
    assert sw1.endswith(f"\x1b[32m{'█' * 24}\x1b[0m")
    monkeypatch.setenv("COLUMNS", "90")
    assert "█" not in call("report", *options, colours=True).output
