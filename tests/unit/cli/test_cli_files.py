"""The command line: what it writes, what it says, and how it exits."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from netmon import __version__
from tests.unit.cli.calling import call

COMMANDS = (
    "run", "demo", "init", "check-config", "schema", "import", "probe", "snmp get", "snmp walk", "top",
    "explain", "silence", "reload",
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_by_example(command: str) -> None:
    """`--help` works on each and shows a line that could be typed; the overview names it."""
    told = call(*command.split(), "--help")
    assert told.exit_code == 0
    assert "xample" in told.output
    assert f" netmon {command} " in told.output.partition("xample")[2]
    assert command.split(maxsplit=1)[0] in call("--help").output


def test_version() -> None:
    """`--version` says it and does nothing else."""
    assert call("--version").output == f"netmon {__version__}\n"


@pytest.mark.parametrize("command", ["run --config", "check-config"])
def test_a_missing_config_names_init(command: str, tmp_path: Path) -> None:
    """Exit 78 and a sentence that says how to get one."""
    done = call(*command.split(), str(tmp_path / "netmon.yml"))
    assert done.exit_code == 78
    assert "is not there" in done.output
    assert "netmon init" in done.output


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("netmon pro", "probe"),
        ("netmon explain mail_st", "mail_starved"),
        ("netmon probe m", "mx1"),
        ("netmon silence m", "mx1"),
    ],
)
def test_the_shell_completes(typed: str, wanted: str, tmp_path: Path) -> None:
    """Commands, the names that can be explained, and the config's hosts."""
    (tmp_path / "netmon.yml").write_text("hosts: [{name: mx1, address: 127.0.0.1, ping: true}]\n")
    words = {"_NETMON_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
    done = subprocess.run(
        [sys.executable, "-c", "import sys; sys.argv = ['netmon']; from netmon.cli import main; main()"],
        env={**os.environ, **words, "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert wanted in done.stdout.split(), done


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


def test_check_config_counts_domains(tmp_path: Path) -> None:
    """A config of domains alone is not said to watch nothing."""
    config = tmp_path / "netmon.yml"
    config.write_text("domains: [{name: example.org}]\n")
    assert call("check-config", str(config)).output.endswith("fine, 0 hosts, 0 checks, 1 domain\n")


def test_check_config_hints_at_what_is_no_mistake(tmp_path: Path) -> None:
    """Secrets in the file itself, files that are not there, names that no MIB has: it is fine."""
    config = tmp_path / "netmon.yml"
    login = "{username: a, password: s3same-PLAIN}"
    config.write_text(
        "auths: {lab: {version: 2, community: s3same-PLAIN}}\n"
        "host_files: [nosuch/*.yml]\n"
        "settings: {allow: [nosuchname], auth_file: /nosuch}\n"
        f"hosts: [{{name: mx1, address: 127.0.0.1, imap: [{{ca_file: /nosuch, login: {login}}}]}}]\n"
        'alerting: {alertmanagers: ["http://127.0.0.1:9093"]}\n'
    )
    done = call("check-config", str(config))
    assert (done.exit_code, done.stdout) == (0, f"{config}: fine, 1 host, 1 check\n")
    hints = [line.split(": ")[1] for line in done.stderr.splitlines()]
    assert hints == [
        "host_files[0]",
        "auths.lab.community",
        "settings.auth_file",
        "hosts[0].imap[0].ca_file",
        "hosts[0].imap[0].login.password",
        "settings.allow",
    ]
    assert "s3same" not in done.output


def test_the_schema_takes_true_where_the_config_does() -> None:
    """An editor does not call `envelope: true` or `open_relay: true` wrong."""
    entry = json.loads(call("schema").output)["$defs"]["SmtpSettings"]["properties"]
    for key in ("envelope", "open_relay"):
        assert {"type": "boolean"} in entry[key]["anyOf"]


def test_a_probe_of_a_domain_names_what_to_type(tmp_path: Path) -> None:
    """`netmon probe DOMAIN policy` says how to look at what a domain publishes; no host is missed."""
    config = tmp_path / "netmon.yml"
    config.write_text("domains: [{name: example.org}]\n")
    done = call("probe", "example.org", "policy", "--config", str(config))
    assert done.exit_code == 3
    assert "netmon probe policy://example.org" in done.output
