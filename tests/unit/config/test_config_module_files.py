"""`module_files`: modules and auths of the peers' files, joined with netmon's own, and their mistakes."""

from pathlib import Path

import pytest

from netmon.fields import Secret
from netmon.loading import load_config, modules_of
from netmon.mib import document
from netmon.mib.modules import builtin_modules
from tests.unit.config.reading import mistakes, read

SNMP = """\
auths:
  public_v2: {community: file, security_level: noAuthNoPriv, auth_protocol: MD5, version: 2}
  old: {community: "${SECRET}", version: 1}
modules:
  mine: {get: [1.3.6.1.2.1.1.5.0], metrics: [{name: sysName, oid: 1.3.6.1.2.1.1.5, type: DisplayString}]}
"""
OTHER = "modules: {more: {walk: [1.3.6.1.2.1.2], metrics: []}}\n"


def written(folder: Path, name: str, text: str) -> None:
    """A file beside netmon.yml."""
    (folder / name).write_text(text)


def test_modules_and_auths_join(tmp_path: Path) -> None:
    """Hosts name them as netmon's own; an auth of netmon.yml wins, a file's public_v2 over the usual one."""
    written(tmp_path, "snmp.yml", SNMP)
    written(tmp_path, "more.yml", OTHER)
    config = read(
        tmp_path,
        "module_files: [snmp.yml, more.yml]\n"
        "auths: {old: {version: 2, community: own}}\n"
        "hosts: [{name: sw1, snmp: {auth: public_v2, modules: [mine, more, system]}}]\n",
    )
    assert set(config.modules) == {"mine", "more"}
    assert config.auths["public_v2"].community == Secret("file")
    assert config.auths["old"].community == Secret("own")
    assert config.notices == ("Auths of netmon.yml take the place of those in snmp.yml, more.yml: old.",)


def test_variables_of_the_files(tmp_path: Path) -> None:
    """`${NAME}` in credentials is the environment's; one that is not set is a mistake with its place."""
    written(tmp_path, "snmp.yml", SNMP)
    text = "module_files: [snmp.yml]\nhosts: [{name: sw1, snmp: {auth: old, modules: [mine]}}]\n"
    assert read(tmp_path, text).auths["old"].community == Secret("swordfish")
    written(tmp_path, "snmp.yml", SNMP.replace("SECRET", "NOWHERE"))
    assert mistakes(tmp_path, text)[0] == (
        "snmp.yml:3:20: auths.old.community: the environment variable NOWHERE is not set"
    )


def test_a_module_takes_the_place_of_netmons_own(tmp_path: Path) -> None:
    """That is said as a notice, and it is what checks and /snmp get."""
    written(tmp_path, "snmp.yml", SNMP.replace("mine:", "system:"))
    written(tmp_path, "netmon.yml", "module_files: [snmp.yml]\nhosts: [{name: sw1, snmp: true}]\n")
    builtin = builtin_modules()
    config = load_config(tmp_path / "netmon.yml", builtin, {"SECRET": "x"})
    assert config.notices == ("Modules of snmp.yml take the place of netmon's own: system.",)
    modules = modules_of(config, builtin)
    assert len(modules["system"].metrics) == 1
    assert modules["if_mib"] is builtin["if_mib"]


@pytest.mark.parametrize("text", ["modules:\n  snap:\n    prober: tcp\n", "modules: {snap: {prober: tcp}}\n"])
def test_modules_for_probe(tmp_path: Path, text: str) -> None:
    """A blackbox.yml stands beside snmp.yml; its modules are for /probe and for no check."""
    written(tmp_path, "snmp.yml", SNMP)
    written(tmp_path, "blackbox.yml", text + "  #\n")
    config = read(tmp_path, "module_files: [blackbox.yml, snmp.yml]\nhosts: []\n")
    assert (set(config.probe_modules), set(config.modules)) == ({"snap"}, {"mine"})
    told = mistakes(tmp_path, "module_files: [blackbox.yml]\nhosts: [{name: sw1, snmp: {modules: [snap]}}]\n")
    assert '"snap"' in told[0]


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        ("[nowhere.yml]", 'netmon.yml:1:16: module_files[0]: "nowhere.yml" is not there'),
        ("[.]", 'netmon.yml:1:16: module_files[0]: "." is no file'),
        ("[7]", "netmon.yml:1:16: module_files[0]: 7 is not a text; put it in quotes"),
        ("snmp.yml", "netmon.yml:1:15: module_files: the value is not a list"),
        ("[snmp.yml, again.yml]", "again.yml:1:1: modules.mine is in snmp.yml too; "),
        ("[broken.yml]", "broken.yml:1:27: modules.bad.walk[0]: "),
        ("[blackbox.yml]", "blackbox.yml:4:16: modules.smtp.tcp.tsl: is not a known key; did you mean"),
        ("[version.yml]", "version.yml:1:24: auths.new.version: "),
    ],
)
def test_mistakes(tmp_path: Path, files: str, wanted: str) -> None:
    """Each is told where it is: in netmon.yml, or in the file by line and column."""
    written(tmp_path, "snmp.yml", SNMP)
    written(tmp_path, "again.yml", SNMP)
    written(tmp_path, "broken.yml", "modules: {bad: {walk:    [nothing], metrics: []}}\n")
    written(tmp_path, "blackbox.yml", "modules:\n  smtp:\n    prober: tcp\n    tcp: {tsl: true}\n")
    written(tmp_path, "version.yml", f"auths: {{new: {{version: 4}}}}\n{OTHER}")
    told = mistakes(tmp_path, f"module_files: {files}\nhosts: []\n")
    assert [line for line in told if line.startswith(wanted)], told


def test_no_mistake_moves_the_cursor(tmp_path: Path) -> None:
    """A file may be somebody else's: what a line quotes of it, keys and values, is plain characters."""
    written(
        tmp_path,
        "snmp.yml",
        'modules:\n  "m\\e[31m":\n    walk: ["\\e[2Jfoo"]\n    "k\\r\\n": 1\n'
        'auths:\n  "a\\e[31m": {version: "9\\e[31m"}\n',
    )
    told = mistakes(tmp_path, 'module_files: [snmp.yml]\nweb: {probe_targets: ["\\e[31m"]}\nhosts: []\n')
    assert len(told) >= 3
    assert all(line.isprintable() for line in told), told
    assert any("modules.m\\u001b[31m.walk[0]" in line for line in told)


@pytest.mark.parametrize("how", ["<<: [{}]", "x: [{}]"])
def test_aliases_that_stand_for_more_than_memory_holds_are_a_mistake(
    tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said at once, and not after hours."""
    monkeypatch.setattr(document, "_MOST", 10_000)
    lines = ["  a0: &a0 {x: [1]}"]
    for number in range(1, 6):
        many = how.format(", ".join([f"*a{number - 1}"] * 40))
        lines.append(f"  a{number}: &a{number} {{{many}}}")
    written(tmp_path, "snmp.yml", "modules:\n" + "\n".join(lines) + "\n")
    told = mistakes(tmp_path, "module_files: [snmp.yml]\nhosts: []\n")
    assert told
    if how.startswith("<<"):
        assert "aliases make more of this file than 10000 values" in told[0]
