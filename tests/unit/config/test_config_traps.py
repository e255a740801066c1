"""`traps` as it is read, and as the receiver is told it."""

import re
from ipaddress import ip_network
from pathlib import Path

import pytest

from netmon.config import load, public_dump, receiver_settings
from netmon.config.records import Config
from netmon.config.traps import TrapsEntry
from netmon.fields import parse_size
from netmon.probes import PROBES
from netmon.snmp.usm import Level
from netmon.traps.records import Drop, Forward, Rule

WHOLE = """
auths:
  core: {version: 3, username: noc, security_level: authPriv, auth_protocol: SHA256,
         password: swordfish1, priv_protocol: AES, priv_password: swordfish2}
state: {path: /var/lib/netmon, retention: 30d, max_size: 1.5GiB}
traps:
  listen: ["127.0.0.1:1162", "[::1]:1162"]
  communities: [swordfish3, public]
  users: [core]
  allow: [192.0.2.0/24, "::/0"]
  relays: [198.51.100.1]
  engines: {"0x80:00:1F:88:04:DE:AD:BE:EF": a}
  learn: 5
  rate: 50
  burst: 60
  fold: 0s
  log: false
  forward: [{address: "[2001:db8::7]:1162", community: swordfish4}, {address: 192.0.2.7, community: c}]
  webhooks: ["https://hook.example.org/swordfish5", {url: "http://b", severities: [critical]}]
  rules:
    IF-MIB::linkDown: {severity: warning, raises: link_down, instance: ifIndex, ttl: 1h, cause: true}
    1.3.6.1.4.1.9.9.1.0.1: {clears: link_down}
hosts: [{name: a, address: 192.0.2.1, ping: true}]
"""


def read(tmp_path: Path, text: str) -> Config:
    """The config of a text."""
    path = tmp_path / "netmon.yml"
    path.write_text(text)
    return load(path, PROBES, (), {})


def test_the_receiver_is_told_everything_that_the_section_says(tmp_path: Path) -> None:
    """Every key reaches the receiver's settings, names as the user's keys, spellings as one."""
    settings = receiver_settings(read(tmp_path, WHOLE), {"192.0.2.1": "a"})
    assert settings is not None
    assert settings.folder == Path("/var/lib/netmon/events")
    assert settings.communities == (b"swordfish3", b"public")
    (user,) = settings.users
    assert (user.name, user.level, user.auth_protocol, user.priv_password) == (
        "noc",
        Level.AUTH_PRIV,
        "SHA256",
        b"swordfish2",
    )
    assert settings.allow == (ip_network("192.0.2.0/24"), ip_network("::/0"))
    assert settings.hosts == {"192.0.2.1": "a"}
    assert settings.engines == {"80001f8804deadbeef": "a"}
    assert settings.relays == ("198.51.100.1",)
    assert (settings.learn, settings.rate, settings.burst, settings.fold, settings.log) == (
        5,
        50,
        60,
        0,
        False,
    )
    assert (settings.retention, settings.max_size) == (30 * 86400, 3 * 2**29)
    assert settings.forward == (Forward("2001:db8::7", 1162, b"swordfish4"), Forward("192.0.2.7", 162, b"c"))
    assert settings.rules == {
        "IF-MIB::linkDown": Rule("warning", "link_down", "", "ifIndex", 3600, cause=True),
        "1.3.6.1.4.1.9.9.1.0.1": Rule(clears="link_down"),
    }


def test_what_is_dangerous_is_noticed_and_no_secret_is_shown(tmp_path: Path) -> None:
    """An open network and the well-known community are allowed and told; no secret is in a dump or a repr."""
    config = read(tmp_path, WHOLE)
    assert len(config.notices) == 2
    assert "traps.allow: ::/0" in config.notices[0]
    assert "well-known community" in config.notices[1]
    told = public_dump(config) + repr(config) + repr(receiver_settings(config, {}))
    assert "swordfish" not in told


def test_no_section_is_no_receiver_and_little_is_enough(tmp_path: Path) -> None:
    """Without `traps` there is nothing to tell; with a community all else has a default."""
    hosts = "hosts: [{name: a, ping: true}]\n"
    assert receiver_settings(read(tmp_path, hosts), {}) is None
    config = read(tmp_path, hosts + "traps: {communities: [s]}\n")
    assert config.traps is not None
    assert [str(listen) for listen in config.traps.listen] == ["0.0.0.0:162", "[::]:162"]
    assert config.notices == ()
    assert config.state.max_size == 2_000_000_000


@pytest.mark.parametrize(
    ("text", "octets"), [("10MB", 10_000_000), ("1 GiB", 2**30), ("1.5kB", 1500), ("7B", 7)]
)
def test_sizes_have_units(text: str, octets: int) -> None:
    """Decimal and binary units."""
    assert parse_size(text) == octets


PAGE = Path(__file__).parents[3] / "docs" / "traps.md"


def test_the_page_names_every_key_and_every_reason() -> None:
    """docs/traps.md leaves out no key of the section and no reason for which a datagram is dropped."""
    text = PAGE.read_text()
    told = set(re.findall(r"`(\w+)`", text))
    assert set(TrapsEntry.model_fields) <= told
    assert {reason.value for reason in Drop} <= told


def test_the_examples_of_the_page_are_valid(tmp_path: Path) -> None:
    """Each YAML block of docs/traps.md is a config, beside a host and the auth that it names."""
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        rest = "hosts: [{name: a, ping: true}]\nauths: {core: {version: 3, username: noc}}\n"
        path = tmp_path / "netmon.yml"
        path.write_text(rest + block)
        assert load(path, PROBES, (), {"TRAP_COMMUNITY": "s"}).traps is not None
