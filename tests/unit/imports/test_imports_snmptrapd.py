"""A snmptrapd.conf as netmon's config: it loads, it says the same, and it holds no secret."""

from pathlib import Path

import pytest

from netmon.config import load, receiver_settings
from netmon.imports import convert_snmptrapd, read_snmptrapd
from netmon.probes import PROBES
from netmon.snmp.usm import Level
from netmon.traps.records import Forward

CONF = """\
# a comment
snmpTrapdAddr udp:127.0.0.1:1162,udp6:[::1]:1162,tcp:162
authCommunity log,execute,net swordfish1 192.0.2.0/24
authCommunity log swordfish2 192.0.2.7
createUser -e 0x8000000001020304 noc SHA-256 "swordfish3 x" AES swordfish4
createUser one MD5 swordfish5
authUser log noc priv
authUser log one
authUser log stranger noauth
disableAuthorization yes
forward default udp:198.51.100.1:1162
forward .1.3.6.1.6.3.1.1.5.3 nms.example.org
traphandle default /usr/bin/traptoemail swordfish
doNotFork yes
perl print "swordfish"
"""
ENV = {
    "TRAP_COMMUNITY_1": "swordfish1",
    "TRAP_COMMUNITY_2": "swordfish2",
    "TRAP_AUTH_NOC": "swordfish3 x",
    "TRAP_PRIV_NOC": "swordfish4",
    "TRAP_AUTH_ONE": "swordfish5",
    "FORWARD_COMMUNITY": "swordfish6",
}


def test_it_loads_and_says_the_same(tmp_path: Path) -> None:
    """Addresses, communities, users with their levels and protocols, networks and receivers arrive."""
    path = tmp_path / "netmon.yml"
    text = convert_snmptrapd(CONF, "snmptrapd.conf")
    path.write_text(text)
    config = load(path, PROBES, (), ENV)
    assert config.traps is not None
    assert [str(listen) for listen in config.traps.listen] == ["127.0.0.1:1162", "[::1]:1162"]
    settings = receiver_settings(config, {})
    assert settings is not None
    assert settings.communities == (b"swordfish1", b"swordfish2")
    assert [(user.name, user.level) for user in settings.users] == [
        ("noc", Level.AUTH_PRIV),
        ("one", Level.AUTH_NO_PRIV),
        ("stranger", Level.NO_AUTH_NO_PRIV),
    ]
    noc = settings.users[0]
    assert (noc.auth_protocol, noc.priv_protocol) == ("SHA256", "AES")
    assert (noc.auth_password, noc.priv_password) == (b"swordfish3 x", b"swordfish4")
    assert [str(network) for network in settings.allow] == ["192.0.2.0/24", "192.0.2.7/32"]
    assert settings.forward == (Forward("198.51.100.1", 1162, b"swordfish6"),)


def test_no_secret_goes_over_and_the_rest_is_told() -> None:
    """Secrets stay in the old file; what has no counterpart is said with its line."""
    text = convert_snmptrapd(CONF, "snmptrapd.conf")
    assert "swordfish" not in text
    for told in (
        "line 2: snmpTrapdAddr tcp:162",
        "line 10: disableAuthorization",
        "line 12: forward to nms.example.org",
        "line 13: traphandle: netmon runs no programs",
        "line 15: perl: has no counterpart",
    ):
        assert told in text
    assert "doNotFork" not in text


@pytest.mark.parametrize(
    ("name", "text", "known"),
    [
        ("snmptrapd.conf", "", True),
        ("x.conf", "authCommunity log c\n", True),
        ("prometheus.yml", "scrape_configs: []\n", False),
    ],
)
def test_the_file_is_known_by_its_words(tmp_path: Path, name: str, text: str, *, known: bool) -> None:
    """By its name or its first word; a YAML file is none."""
    path = tmp_path / name
    path.write_text(text)
    assert (read_snmptrapd(path) is not None) is known
