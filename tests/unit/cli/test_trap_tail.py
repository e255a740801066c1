"""`netmon trap tail`."""

import json
from pathlib import Path

import pytest

from netmon.cli import trap_tail
from netmon.cli.trap_tail import follow, told
from netmon.events import Reader, Wanted, Writer
from tests.unit.cli.calling import call
from tests.unit.events.making import DAY, Wall, row


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks at once."""
    monkeypatch.setattr(trap_tail, "_PACE", 0.0)


def pen(folder: Path) -> Writer:
    """A writer."""
    return Writer(folder, retention=DAY, max_size=10**9, wall=Wall())


def test_it_follows(tmp_path: Path) -> None:
    """The last ones, then what comes, then what came again."""
    writer = pen(tmp_path)
    writer.commit([row("sw1"), row("sw2"), row("sw3")])
    lines = follow(Reader(tmp_path), Wanted(), 2, as_json=False, colours=False, once=False)
    assert ["sw2" in next(lines), "sw3" in next(lines)] == [True, True]
    writer.commit([row("sw4")])
    assert "sw4" in next(lines)
    writer.commit([], [(4, 1_800_000_001.0, 5)])
    assert "(5 times)" in next(lines)
    writer.close()


def test_a_repeat_behind_many_others_is_told(tmp_path: Path) -> None:
    """Events that the filter leaves out do not hide that a printed one came again."""
    writer = pen(tmp_path)
    writer.commit([row("sw1"), *[row("sw2") for _ in range(300)], row("sw1")])
    lines = follow(Reader(tmp_path), Wanted(host="sw1"), 9, as_json=False, colours=False, once=False)
    assert ["sw1" in next(lines), "sw1" in next(lines)] == [True, True]
    writer.commit([row("sw1")], [(302, 1_800_000_001.0, 5)])
    assert "(5 times)" in next(lines)
    writer.close()


def test_what_comes_between_two_questions_is_printed_once(tmp_path: Path) -> None:
    """A commit after the newest ID was read is in the answer and not in the next one."""
    writer = pen(tmp_path)
    writer.commit([row("sw1")])

    class Late(Reader):
        """A commit follows each look for the newest ID."""

        more = 3

        def last_id(self) -> int:
            found = super().last_id()
            if self.more:
                self.more -= 1
                writer.commit([row(f"late{self.more}")])
            return found

    lines = follow(Late(tmp_path), Wanted(), 9, as_json=True, colours=False, once=False)
    assert [json.loads(next(lines))["id"] for _ in range(4)] == [1, 2, 3, 4]
    writer.commit([row("sw9")])
    assert json.loads(next(lines))["id"] == 5
    writer.close()


def test_json_lines(tmp_path: Path) -> None:
    """One event a line, in the shape of `/api/events`; `once` ends."""
    writer = pen(tmp_path)
    writer.commit([row("sw1"), row("sw2")])
    lines = list(follow(Reader(tmp_path), Wanted(host="sw2"), 9, as_json=True, colours=False, once=True))
    assert [json.loads(line)["id"] for line in lines] == [2]
    writer.close()


def test_nothing_of_the_network_reaches_the_terminal(tmp_path: Path) -> None:
    """Escape sequences are shown, not obeyed, and a long value is cut."""
    writer = pen(tmp_path)
    writer.commit([row("sw1", values=(("IF-MIB::ifDescr.1", "\x1b[2J\nroot:" + "x" * 5000),))])
    line = told(Reader(tmp_path).latest(limit=1)[0])
    assert line.isprintable()
    assert len(line) < 500
    assert "ifDescr.1=" in line
    writer.close()


def test_the_command(tmp_path: Path) -> None:
    """Against a config: what is there, and mistakes in sentences."""
    config = tmp_path / "netmon.yml"
    config.write_text(
        "traps: {listen: ['127.0.0.1:0'], communities: [a]}\n"
        "hosts: [{name: sw1, address: 192.0.2.1, ping: true}]\nstate: {path: state}\n"
    )
    writer = pen(tmp_path / "state/events")
    writer.commit([row("sw1"), row("", severity="critical")])
    writer.close()
    arguments = ["trap", "tail", "--once", "--config", str(config)]
    assert call(*arguments).output.count("linkDown") == 2
    assert call(*arguments, "--severity", "critical", "--json").output.count("linkDown") == 1
    for wrong, sentence in (
        (["--host", "sw2"], 'no host "sw2"; did you mean "sw1"?'),
        (["--severity", "crit"], 'did you mean "critical"?'),
    ):
        answer = call(*arguments, *wrong)
        assert answer.exit_code == 1
        assert sentence in answer.output
    config.write_text("hosts: [{name: sw1, address: 192.0.2.1, ping: true}]\n")
    assert "no section traps" in call(*arguments).output


def test_a_folder_that_cannot_be_read(tmp_path: Path) -> None:
    """It says so, and does not wait for ever."""
    config = tmp_path / "netmon.yml"
    config.write_text("traps: {listen: ['127.0.0.1:0'], communities: [a]}\nstate: {path: state}\n")
    (tmp_path / "state").mkdir()
    (tmp_path / "state/events").touch()
    answer = call("trap", "tail", "--config", str(config))
    assert answer.exit_code == 1
    assert "state/events cannot be read: Not a directory; run this as the agent's user" in answer.output
