"""Commands read a config whose secrets only the agent has."""

from pathlib import Path
from typing import Any

import pytest

from netmon.config import ConfigError
from netmon.fields import AbsentError
from netmon.loading import load_config
from netmon.mib.modules import builtin_modules
from tests.unit.cli.calling import call

CONFIG = """\
auths:
  lab: {version: 2, community: "${env:COMMUNITY}"}
  core:
    {version: 3, username: u, security_level: authPriv, password: "${env:AUTH}",
     priv_password: "${file:nosuch}"}
hosts:
  - {name: sw1, address: 127.0.0.1, ping: true, snmp: {auth: lab, modules: [system]}}
  - name: mx1
    address: 127.0.0.1
    smtp: [{port: 465, tls: implicit, login: {username: x, password: "${env:PASSWORD}"}}]
traps: {listen: ["127.0.0.1:0"], communities: ["${env:TRAPS}"], users: [core]}
alerting:
  alertmanagers: ["https://alerts.example.net/${env:TOKEN}"]
  webhooks: [{url: "${env:HOOK}", headers: {X-Token: "${env:TOKEN}"}, template: "${env:TEMPLATE}"}]
state: {path: state}
"""


def test_a_secret_is_missed_when_it_is_used(tmp_path: Path) -> None:
    """And not before; who runs the agent is told of each at once."""
    path = tmp_path / "netmon.yml"
    path.write_text(CONFIG)
    with pytest.raises(ConfigError) as caught:
        load_config(path, builtin_modules(), {})
    assert len(caught.value.mistakes) == 9
    config = load_config(path, builtin_modules(), {"COMMUNITY": "known"}, strict=False)
    assert config.auths["lab"].community.reveal() == "known"
    with pytest.raises(AbsentError, match=r"netmon.yml:4:\d+: the environment variable AUTH is not set"):
        config.auths["core"].password.reveal()
    with pytest.raises(AbsentError, match="the file nosuch cannot be read"):
        config.auths["core"].priv_password.reveal()


def test_what_is_no_secret_must_be_there(tmp_path: Path) -> None:
    """Nobody can go on with the name of nobody knows whom."""
    path = tmp_path / "netmon.yml"
    path.write_text('hosts: [{name: "${env:NAME}", ping: true}]\n')
    with pytest.raises(ConfigError, match="the environment variable NAME is not set"):
        load_config(path, builtin_modules(), {}, strict=False)


def test_commands_do_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that need none work; a probe that needs one says which."""
    (tmp_path / "netmon.yml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    assert "no history yet" in call("report").output
    assert call("mib", "find", "ifAlias").exit_code == 0
    assert call("trap", "tail", "--once").exit_code == 0
    done = call("probe", "sw1", "snmp")
    assert done.exit_code == 3
    assert "the environment variable COMMUNITY is not set" in done.output.splitlines()[0]


def test_a_config_that_the_user_may_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends as one with a mistake, which a service manager does not try again, and says who is to read."""
    opened = Path.open

    def refused(file: Path, *how: Any, **more: Any) -> Any:
        if file == path:
            raise PermissionError(13, "Permission denied")
        return opened(file, *how, **more)

    path = tmp_path / "netmon.yml"
    path.write_text("hosts: []\n")
    monkeypatch.setattr(Path, "open", refused)
    for command in ("run", "report"):
        done = call(command, "--config", str(path))
        assert done.exit_code == 78
        assert "cannot be read: Permission denied; netmon runs as uid" in done.output
