"""`netmon import` of an snmp.yml of snmp_exporter 0.21: modules the same, credentials under names."""

from pathlib import Path

from netmon.config import Config
from netmon.fields import Secret
from netmon.loading import load_config
from netmon.mib.modules import builtin_modules, parse_modules
from tests.servers.shared import shared
from tests.servers.snmp_exporter import new_file, old_file
from tests.unit.cli.calling import call

MODULES = """\
  walk: [1.3.6.1.2.1.2.2]
  max_repetitions: 10
  timeout: 3s
  metrics:
  - name: ifAdminStatus
    oid: 1.3.6.1.2.1.2.2.1.7
    type: EnumAsStateSet
    help: The desired state.
    indexes: [{labelname: ifIndex, type: gauge}]
    lookups: [{labels: [ifIndex], labelname: ifDescr, oid: 1.3.6.1.2.1.2.2.1.2, type: DisplayString}]
    enum_values: {1: "on", 2: "off"}
"""


def old(**auths: str) -> str:
    """A file of modules that differ in their credentials."""
    return "".join(f"{name}:\n{auth}{MODULES}" for name, auth in auths.items())


OLD = old(
    plain="",
    first="  version: 1\n",
    lab="  auth: {community: 'pa${ss: word'}\n",
    lab2="  version: 2\n  auth: {community: 'pa${ss: word'}\n",
    core=(
        "  version: 3\n  auth: {username: netmon, security_level: authPriv, password: passphrase1,"
        " auth_protocol: SHA, priv_protocol: AES, priv_password: passphrase2}\n"
    ),
)


def converted(tmp_path: Path, text: str, *options: str) -> str:
    """What the command prints."""
    source = tmp_path / "old.yml"
    source.write_text(text)
    done = call("import", str(source), *options)
    assert done.exit_code == 0, done.output
    return done.output


def loaded(tmp_path: Path, text: str, env: dict[str, str] | None = None) -> Config:
    """A config with the new file."""
    (tmp_path / "snmp.yml").write_text(text)
    (tmp_path / "netmon.yml").write_text("module_files: [snmp.yml]\nhosts: []\n")
    return load_config(tmp_path / "netmon.yml", builtin_modules(), env or {})


def test_modules_stay_and_credentials_get_names(tmp_path: Path) -> None:
    """Equal credentials are one auth, public ones have their usual names, comments say whose each was."""
    text = converted(tmp_path, OLD)
    config = loaded(tmp_path, text)
    assert set(config.modules) == {"plain", "first", "lab", "lab2", "core"}
    assert set(config.auths) == {"public_v1", "public_v2", "lab_v2", "core_v3"}
    assert config.auths["lab_v2"].community == Secret("pa${ss: word")
    assert config.auths["public_v1"].version == 1
    core = config.auths["core_v3"]
    assert (core.version, core.username, core.security_level) == (3, "netmon", "authPriv")
    assert (core.password, core.priv_password) == (Secret("passphrase1"), Secret("passphrase2"))
    assert "# auth=lab_v2: lab, lab2\n" in text
    (wanted,) = parse_modules(f"modules:\n plain:\n{MODULES}", "wanted.yml").values()
    assert config.modules["plain"] == wanted
    assert (config.modules["plain"].timeout, config.modules["plain"].max_repetitions) == (3.0, 10)


def test_secrets_may_come_from_the_environment(tmp_path: Path) -> None:
    """Then the new file holds none of them."""
    text = converted(tmp_path, OLD, "--secrets-from-env")
    assert "passphrase" not in text
    assert "word" not in text.replace("password", "")
    env = {
        "LAB_V2_COMMUNITY": "one",
        "CORE_V3_PASSWORD": "passphrase3",
        "CORE_V3_PRIV_PASSWORD": "passphrase4",
    }
    config = loaded(tmp_path, text, env)
    assert config.auths["lab_v2"].community == Secret("one")
    assert config.auths["core_v3"].priv_password == Secret("passphrase4")


def test_a_new_file_needs_no_converting(tmp_path: Path) -> None:
    """It is told where it belongs."""
    source = tmp_path / "snmp.yml"
    source.write_text("modules: {a: {walk: [1.3.6.1]}}\n")
    done = call("import", str(source))
    assert done.exit_code == 1
    assert "module_files: [snmp.yml]" in done.output


def test_the_stock_file_comes_back(tmp_path: Path) -> None:
    """The stock modules in the old format convert to what they were, module by module."""
    import yaml  # noqa: PLC0415 - only here

    stock = yaml.load(shared("peers/snmp.yml").read_text(), Loader=yaml.CSafeLoader)["modules"]
    some = {name: stock[name] for name in ("if_mib", "apcups", "printer_mib", "infrapower_pdu", "hrDevice")}
    config = loaded(tmp_path, converted(tmp_path, old_file(some, "public")))
    assert dict(config.modules) == parse_modules(new_file(some), "new.yml")


def test_names_of_the_file_cannot_become_config(tmp_path: Path) -> None:
    """Comments name modules of somebody else's file: what ends a line there, to YAML too, is escaped."""
    evil = [
        r'"a\nauths: {x: {version: 1}}"',
        r'"b\u2028auths: {y: {version: 1}}"',
        r'"c\x85z: 1"',
        r'"d\e[2J"',
    ]
    names = dict.fromkeys(evil, "  version: 1\n  auth: {community: hush}\n")
    text = converted(tmp_path, old(**names))
    comments, _, _ = text.partition("\nauths:\n")
    assert all(line.startswith("#") and line.isprintable() for line in comments.split("\n"))
    config = loaded(tmp_path, text)
    assert len(config.modules) == 4
    assert not {"x", "y", "z"} & set(config.auths)
