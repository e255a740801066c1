"""`windows` of the config, and what a command reads of a config that is not its own."""

from datetime import UTC, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from netmon.config import ConfigError, load, state_path
from netmon.config.windows import ZoneError, local_zone
from netmon.probes import PROBES
from netmon.windows import Once, Selector, Weekly
from tests.unit.config.reading import ENV, MODULES, read

HOSTS = "hosts: [{name: mx1, ping: true}]\n"


def test_windows_become_records(tmp_path: Path) -> None:
    """Unquoted times are times, days are counted from Monday, the machine's zone is the default."""
    path = tmp_path / "netmon.yml"
    path.write_text(
        HOSTS
        + """\
groups: {switches: {}}
windows:
  - {name: nightly, hosts: [mx1, "sw-*"], groups: [switches], start: 02:00, duration: 2h}
  - name: weekend
    labels: {site: waw}
    days: [sat, sun]
    start: 22:30
    duration: 1d
    timezone: Europe/Warsaw
    why: backups
  - {name: move, all: true, from: 2026-12-01 02:00, to: 2026-12-01T04:00:30, timezone: UTC}
"""
    )
    nightly, weekend, move = load(path, PROBES, MODULES, {**ENV, "TZ": "Asia/Kolkata"}).windows
    assert nightly.selector == Selector(("mx1", "sw-*"), ("switches",))
    assert nightly.hours == Weekly(time(2), 7200.0, ZoneInfo("Asia/Kolkata"))
    assert (weekend.why, weekend.selector) == ("backups", Selector(labels={"site": "waw"}))
    assert weekend.hours == Weekly(time(22, 30), 86400.0, ZoneInfo("Europe/Warsaw"), frozenset({5, 6}))
    assert move.selector == Selector()
    begin = datetime(2026, 12, 1, 2, tzinfo=UTC).timestamp()
    assert move.hours == Once(begin, begin + 7230)
    assert read(tmp_path, HOSTS).windows == ()


def test_the_machines_own_zone(tmp_path: Path) -> None:
    """By TZ, else by /etc/localtime, else UTC; a zone that cannot be read is no UTC."""
    localtime = tmp_path / "localtime"
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert local_zone({}, localtime).utcoffset(noon) == UTC.utcoffset(noon)
    localtime.write_bytes(Path("/usr/share/zoneinfo/Europe/Warsaw").read_bytes())
    wanted = ZoneInfo("Europe/Warsaw").utcoffset(noon)
    assert local_zone({}, localtime).utcoffset(noon) == wanted
    assert local_zone({"TZ": ":Europe/Warsaw"}, tmp_path).utcoffset(noon) == wanted
    assert local_zone({"TZ": f":{localtime}"}, tmp_path).utcoffset(noon) == wanted
    localtime.write_bytes(b"nonsense")
    for env in ({}, {"TZ": "Nowhere/X"}, {"TZ": "/nothing"}, {"TZ": "../x"}):
        with pytest.raises(ZoneError, match="give the window a timezone"):
            local_zone(env, localtime)


def test_a_window_without_any_zone_is_a_mistake_at_its_place(tmp_path: Path) -> None:
    """Never UTC by guess."""
    path = tmp_path / "netmon.yml"
    path.write_text(f"{HOSTS}windows: [{{name: a, all: true, start: 02:00, duration: 2h}}]\n")
    with pytest.raises(ConfigError, match=r'yml:2:11: windows\[0\]: this machine.*TZ="Nowhere/X"'):
        load(path, PROBES, MODULES, {"TZ": "Nowhere/X"})


def test_a_machine_without_zones_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The package is named."""
    monkeypatch.setattr("zoneinfo.available_timezones", set)
    text = "windows: [{name: a, all: true, start: 02:00, duration: 2h, timezone: No/Where}]\n"
    with pytest.raises(ConfigError, match=r'"No/Where" is not known: .* package tzdata'):
        read(tmp_path, HOSTS + text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("hosts: []", "/var/lib/netmon"),
        ("state: {path: /srv/x}", "/srv/x"),
        ("state: {path: st}", "{folder}/st"),
        ('state: {path: "${env:WHERE}/x"}', "/here/x"),
        ('state: {path: st}\nauths: {a: {community: "${env:UNSET}"}}\nnonsense: 1', "{folder}/st"),
    ],
)
def test_the_state_folder_of_another_agents_config(text: str, wanted: str, tmp_path: Path) -> None:
    """Neither its secrets nor its other mistakes matter."""
    path = tmp_path / "netmon.yml"
    path.write_text(text)
    assert str(state_path(path, {"WHERE": "/here"})) == wanted.format(folder=tmp_path)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("state: {path: 7}", "7 is not a path"),
        ("state: {path: [a]}", "a list is not a path"),
        ('state: {path: "${env:UNSET}"}', "UNSET is not set"),
        ("state: {path: {", "netmon.yml:[12]:"),
    ],
)
def test_a_state_folder_that_cannot_be_told(text: str, wanted: str, tmp_path: Path) -> None:
    """It is a mistake with its place."""
    path = tmp_path / "netmon.yml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=wanted):
        state_path(path, {})


def test_an_environment_that_is_no_text(tmp_path: Path) -> None:
    """Octets that are not UTF-8 are a mistake with its place, not an error wherever the secret is used."""
    path = tmp_path / "netmon.yml"
    path.write_text('state: {path: "${env:WHERE}"}')
    with pytest.raises(ConfigError, match="the environment variable WHERE is not UTF-8 text") as caught:
        state_path(path, {"WHERE": "/odd\udcff"})
    assert "odd" not in str(caught.value)
