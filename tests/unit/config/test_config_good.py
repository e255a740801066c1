"""What a valid config means: groups and defaults merged in, references expanded, names resolved."""

import re
from pathlib import Path

import pytest

from netmon.config import PUBLIC_AUTH, Config, HostConfig, Listen, load, starter
from netmon.fields import Secret
from netmon.model import Confirm
from netmon.probes import PROBES
from netmon.probes.snmp_target import target_of
from netmon.snmp.usm import Level, User
from tests.unit.config.reading import ENV, GOOD, MODULES, SECRET, mistakes, read


def host_of(config: Config, name: str) -> HostConfig:
    """The host of that name."""
    return next(entry for entry in config.hosts if entry.host.name == name)


def test_every_section_arrives(tmp_path: Path) -> None:
    """The example of the documentation, section by section."""
    config = read(tmp_path, GOOD)
    assert config.agent.name == "probe1.example.net"
    assert config.auths["lab"].community == Secret(SECRET)
    assert (config.auths["old"].version, config.auths[PUBLIC_AUTH].version) == (1, 2)
    assert config.web.listen == Listen("127.0.0.1", 9162)
    assert config.state.path == tmp_path / "state"
    assert config.state.retention == 90 * 86400
    assert config.dns.servers == ("192.0.2.53",)
    mx1 = host_of(config, "mx1")
    assert mx1.host.addresses == ("192.0.2.10", "2001:db8::10")
    assert mx1.host.labels == {"site": "waw # east"}
    assert mx1.host.depends_on == ("core-sw1",)
    assert [probe.kind.name for probe in mx1.probes] == ["ping", "snmp", "smtp", "smtp"]
    assert mx1.probes[2].settings.port == 2525


def test_defaults_without_any_key(tmp_path: Path) -> None:
    """A host of two keys is a whole config; its name is its address."""
    config = read(tmp_path, "hosts: [{name: mx1.example.org, ping: true}]\n")
    (entry,) = config.hosts
    assert entry.host.address == "mx1.example.org"
    assert (entry.interval, entry.timeout, entry.retries, entry.host.confirm) == (60.0, 10.0, 2, Confirm())
    assert config.state.path == Path("/var/lib/netmon")
    assert set(config.auths) == {PUBLIC_AUTH}


def test_the_nearer_wins(tmp_path: Path) -> None:
    """A host over its groups, the first group over the second, groups over the defaults."""
    config = read(
        tmp_path,
        """\
defaults: {interval: 10s, timeout: 1s, retries: 1, confirm: {fail: 9, recover: 8}}
groups:
  one: {interval: 20s, labels: {a: one, b: one}, snmp: {port: 1001, modules: [system]}}
  two: {interval: 30s, timeout: 3s, labels: {b: two, c: two}, snmp: {port: 1002, max_repetitions: 7}}
hosts:
  - {name: h, groups: [one, two], labels: {a: own}, snmp: {auth: public_v2}, confirm: {fail: 5}}
""",
    )
    (entry,) = config.hosts
    assert (entry.interval, entry.timeout, entry.retries) == (20.0, 3.0, 1)
    assert entry.host.labels == {"a": "own", "b": "one", "c": "two"}
    assert entry.host.confirm == Confirm(5, 8, 15.0)
    snmp = entry.probes[0].settings
    assert (snmp.port, snmp.modules, snmp.max_repetitions) == (1001, ("system",), 7)


def test_true_takes_what_the_group_says_and_false_takes_it_away(tmp_path: Path) -> None:
    """`snmp: true` keeps the group's settings, `snmp: false` and an empty list leave the probe out."""
    config = read(
        tmp_path,
        """\
groups: {g: {ping: true, snmp: {port: 1161}, smtp: [{port: 25}]}}
hosts:
  - {name: all, groups: [g], snmp: true}
  - {name: some, groups: [g], snmp: false, smtp: []}
  - {name: alone, snmp: true}
""",
    )
    assert [probe.kind.name for probe in host_of(config, "all").probes] == ["ping", "snmp", "smtp"]
    assert host_of(config, "all").probes[1].settings.port == 1161
    assert [probe.kind.name for probe in host_of(config, "some").probes] == ["ping"]
    assert host_of(config, "alone").probes[0].settings.port == 161


def test_a_list_replaces_the_groups_list(tmp_path: Path) -> None:
    """Entries of lists have no names to merge them by."""
    config = read(
        tmp_path,
        "groups: {g: {smtp: [{port: 25}, {port: 465}]}}\n"
        "hosts: [{name: h, groups: [g], smtp: [{port: 587}]}]\n",
    )
    assert [probe.settings.port for probe in config.hosts[0].probes] == [587]


def test_files_are_relative_to_the_file_that_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret's file and the host files lie beside the config, wherever netmon was started."""
    etc = tmp_path / "etc"
    (etc / "hosts.d").mkdir(parents=True)
    (etc / "community").write_text("swordfish\n")
    for name in ("b", "a"):
        (etc / "hosts.d" / f"{name}.yml").write_text(f"hosts: [{{name: {name}, ping: true}}]\n")
    text = 'auths: {lab: {community: "${file:community}"}}\nhost_files: ["hosts.d/*.yml", hosts.d/a.yml]\n'
    config = read(etc, text + "hosts: [{name: z, ping: true}]\n")
    assert config.auths["lab"].community == Secret("swordfish")
    assert [entry.host.name for entry in config.hosts] == ["z", "a", "b"]  # own first, then by file name
    monkeypatch.chdir(tmp_path)
    assert [entry.host.name for entry in load("etc/netmon.yml", PROBES, MODULES, ENV).hosts] == [
        "z",
        "a",
        "b",
    ]


def test_references_inside_texts_and_an_escaped_one(tmp_path: Path) -> None:
    """A reference may be a part of a text; `$${` stands for a plain `${`."""
    config = read(
        tmp_path,
        'hosts: [{name: "h-${env:PORT}", ping: true,'
        ' labels: {a: "$${x}", b: "${env:PORT}/${env:PORT}", c: $5}}]\n',
    )
    assert config.hosts[0].host.name == "h-2525"
    assert config.hosts[0].host.labels == {"a": "${x}", "b": "2525/2525", "c": "$5"}


def test_a_value_of_the_environment_is_not_expanded_again(tmp_path: Path) -> None:
    """What a reference stands for is data."""
    path = tmp_path / "netmon.yml"
    path.write_text('hosts: [{name: a, ping: true, labels: {x: "${env:A}"}}]\n')
    config = load(path, PROBES, MODULES, {"A": "${env:B}", "B": "secret"})
    assert config.hosts[0].host.labels == {"x": "${env:B}"}


def test_aliases_and_anchors(tmp_path: Path) -> None:
    """An alias says the same again, in several hosts at once."""
    config = read(
        tmp_path,
        "hosts:\n  - {name: a, smtp: &mail [{port: 25}, {port: 587}]}\n  - {name: b, smtp: *mail}\n",
    )
    assert [len(entry.probes) for entry in config.hosts] == [2, 2]


def test_the_same_endpoint_on_two_hosts_is_fine(tmp_path: Path) -> None:
    """Endpoints need differ within a host only."""
    assert not mistakes(tmp_path, "hosts: [{name: a, smtp: [{}]}, {name: b, smtp: [{}]}]\n")


@pytest.mark.parametrize(
    ("text", "listen"),
    [
        ("[::]:9162", Listen("::", 9162)),
        (":0", Listen("", 0)),
        ("localhost:80", Listen("localhost", 80)),
    ],
)
def test_web_listen(tmp_path: Path, text: str, listen: Listen) -> None:
    """Addresses of both families, names, all addresses, and any free port; they print as written."""
    config = read(tmp_path, f'web: {{listen: "{text}"}}\nhosts: [{{name: a, ping: true}}]\n')
    assert config.web.listen == listen
    assert str(config.web.listen) == text


def test_starter_is_valid_as_it_stands_and_with_its_examples(tmp_path: Path) -> None:
    """`netmon init` gives a config that passes, and its commented examples pass when uncommented."""
    config = read(tmp_path, starter())
    assert [entry.host.name for entry in config.hosts] == ["localhost"]
    # Prose begins with "# " and a word; what is left behind the "#" else is an example.
    whole = re.sub(r"(?m)^#(?! \S)", "", starter())
    (tmp_path / "snmp.yml").write_text("modules: {mine: {walk: [1.3.6.1.4.1.9999]}}\n")
    config = read(tmp_path, re.sub(r"\$\{env:\w+\}", "${env:SECRET}", whole))
    assert len(config.hosts) == 3
    assert [webhook.name for webhook in config.alerting.webhooks] == ["pager", "chat"]
    assert list(config.modules) == ["mine"]
    assert (config.settings.allow[0], config.web.probe_targets != "configured") == ("sysContact", True)


def test_a_user_of_snmpv3_arrives(tmp_path: Path) -> None:
    """Every key of the schema, and the defaults that snmp_exporter has; the target speaks for that user."""
    config = read(
        tmp_path,
        """
auths:
  core: {version: "3", username: ana, security_level: authPriv, auth_protocol: SHA256,
         password: "auth-secret", priv_protocol: AES256C, priv_password: "priv-secret", context_name: vlan-7}
  bare: {version: 3, username: guest}
hosts: [{name: a, ping: true}]
""",
    )
    target = target_of(config.auths["core"], "192.0.2.1", 161, timeout=1.0, retries=0)
    assert target.version == 3
    assert target.user == User(
        "ana", Level.AUTH_PRIV, "SHA256", b"auth-secret", "AES256C", b"priv-secret", b"vlan-7"
    )
    other = target_of(
        config.auths["core"], "::1", 161, timeout=1.0, retries=0, context_name="", context_engine_id=b"12345"
    )
    assert other.user is not None
    assert (other.user.context_name, other.user.context_engine_id) == (b"", b"12345")
    bare = config.auths["bare"]
    assert (bare.security_level, bare.auth_protocol, bare.priv_protocol) == ("noAuthNoPriv", "MD5", "DES")
    assert target_of(config.auths["public_v2"], "::1", 161, timeout=1.0, retries=0).user is None
