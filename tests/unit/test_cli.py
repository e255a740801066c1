"""The command line: what it writes, what it says, and how it exits."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from netmon import __version__
from netmon.cli import app

COMMANDS = ("run", "demo", "init", "check-config", "schema")


def call(*arguments: str) -> Result:
    """Call `netmon` with these arguments."""
    return CliRunner().invoke(app, list(arguments))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    """`--help` works on each, and the overview names it."""
    assert call(command, "--help").exit_code == 0
    assert command in call("--help").output


def test_version() -> None:
    """`--version` says it and does nothing else."""
    assert call("--version").output == f"netmon {__version__}\n"


def test_init_writes_a_config_that_is_valid_and_never_overwrites(tmp_path: Path) -> None:
    """The starter passes check-config; a second init leaves the file alone and says so."""
    assert call("init", str(tmp_path)).exit_code == 0
    config = tmp_path / "netmon.yml"
    checked = call("check-config", str(config))
    assert (checked.exit_code, "fine" in checked.output) == (0, True)
    config.write_text("hosts: []\n")
    again = call("init", str(tmp_path))
    assert again.exit_code == 1
    assert "is there already" in again.output
    assert config.read_text() == "hosts: []\n"


def test_check_config_tells_every_mistake_with_its_place(tmp_path: Path) -> None:
    """Exit 78, one line a mistake: file, line, column, path, what was seen and what was meant."""
    config = tmp_path / "netmon.yml"
    config.write_text("hosts:\n  - name: mx1\n    adress: 127.0.0.1\n    smtp: [{port: 25, tls: startls}]\n")
    done = call("check-config", str(config))
    assert done.exit_code == 78
    lines = done.output.splitlines()
    assert [line.removeprefix(f"{config}:").split(": ")[0] for line in lines] == ["3:5", "4:28"]
    assert 'did you mean "address"?' in lines[0]
    assert 'did you mean "starttls"?' in lines[1]


def test_schema_is_json_schema() -> None:
    """Editors can read it: it is an object with the config's keys."""
    schema = json.loads(call("schema").output)
    assert schema["type"] == "object"
    assert {"hosts", "groups", "auths", "web", "state"} <= schema["properties"].keys()
