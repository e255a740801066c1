"""`netmon import`: realistic files in, a config that check-config takes out."""

import json
from pathlib import Path

import pytest

from netmon.config import Config, HostConfig
from netmon.imports.relabel import RelabelError, relabel
from netmon.loading import load_config
from netmon.mib.modules import builtin_modules
from tests.unit.cli.calling import call

DATA = Path(__file__).resolve().parents[2] / "data" / "prometheus"
ENV = {"SNMP_COMMUNITY_LINUX": "sesame", "SNMP_COMMUNITY_CORE": "sesame"}


def imported(file: Path, tmp_path: Path, env: dict[str, str] = ENV) -> tuple[str, Config]:
    """The text that is printed, and the config that it is."""
    done = call("import", str(file))
    assert done.exit_code == 0, done.output
    target = tmp_path / "netmon.yml"
    target.write_text(done.output)
    return done.output, load_config(target, builtin_modules(), env)


def host(config: Config, name: str) -> HostConfig:
    """A host by its name."""
    (found,) = (entry for entry in config.hosts if entry.host.name == name)
    return found


def test_a_realistic_prometheus_yml(tmp_path: Path) -> None:
    """Jobs about one address become one host, with what each job asked for."""
    text, config = imported(DATA / "prometheus.yml", tmp_path)
    assert [entry.host.name for entry in config.hosts] == [
        "192.0.2.1", "192.0.2.2", "192.0.2.10", "core-sw3", "2001:db8::4", "mx2.example.org",
    ]  # fmt: skip
    plain = host(config, "192.0.2.2")
    assert (plain.interval, plain.host.labels) == (30.0, {"site": "waw"})
    (snmp,) = plain.probes
    assert (snmp.settings.port, snmp.settings.auth, snmp.settings.modules) == (1161, "public_v2", ("if_mib",))

    mail = host(config, "192.0.2.10")
    by_kind = {probe.kind.name: probe.settings for probe in mail.probes if probe.kind.name != "smtp"}
    assert by_kind["ping"] is not None
    assert (by_kind["snmp"].auth, by_kind["snmp"].modules) == ("linux", ("system", "hrStorage"))
    ports = [(p.settings.port, p.settings.mode) for p in mail.probes if p.kind.name == "smtp"]
    assert ports == [(25, "starttls"), (587, "starttls")]

    assert "module_files: [snmp.yml]" in text  # where auths and modules of one's own are
    core = host(config, "core-sw3")
    assert (core.host.address, core.host.labels) == ("sw3.example.org", {"site": "krk"})
    assert config.auths["core"].community.reveal() == "sesame"
    odd = host(config, "2001:db8::4")
    assert odd.host.labels == {"note": "price ${x} # not a comment\nline"}
    second = host(config, "mx2.example.org")
    assert [(p.settings.port, p.settings.mode) for p in second.probes] == [
        (25, "starttls"),
        (465, "implicit"),
    ]
    assert "sesame" not in text


def test_what_was_left_out_is_said(tmp_path: Path) -> None:
    """Each in a comment: other jobs, other probes, discovery, rules that are not carried over."""
    text, _ = imported(DATA / "prometheus.yml", tmp_path)
    comments = [line.strip() for line in text.splitlines() if line.strip().startswith("#")]
    for wanted in (
        "job prometheus asks neither",
        "job node asks neither",
        "https://www.example.org/",
        "kubernetes_sd_configs would have to be asked",
        "the relabelling action hashmod",
    ):
        assert any(wanted in comment for comment in comments), (wanted, comments)
    assert "9100" not in text
    assert "- {port: 993, tls: implicit}" in text  # a job of blackbox_exporter's for IMAP


def test_a_file_sd_file(tmp_path: Path) -> None:
    """Without a job the port decides, and that is said."""
    file = tmp_path / "targets.json"
    file.write_text(json.dumps([{"targets": ["192.0.2.1", "mx1.example.org:25"], "labels": {"site": "waw"}}]))
    text, config = imported(file, tmp_path)
    assert [[p.kind.name for p in entry.probes] for entry in config.hosts] == [["snmp"], ["smtp"]]
    assert "names no job" in text


def test_nothing_to_import_is_a_valid_config(tmp_path: Path) -> None:
    """No hosts, and the reason."""
    file = tmp_path / "prometheus.yml"
    file.write_text("scrape_configs: [{job_name: self, static_configs: [{targets: ['localhost:9090']}]}]\n")
    text, config = imported(file, tmp_path)
    assert config.hosts == ()
    assert "job self asks neither" in text


def test_text_of_the_files_cannot_become_config(tmp_path: Path) -> None:
    """Names, labels and job names with line breaks and YAML in them stay texts and comments."""
    evil = 'x\n- name: evil\n  address: 192.0.2.66 # "'
    job = {
        "job_name": evil,
        "metrics_path": "/snmp",
        "params": {"module": [evil], "auth": [evil]},
        "static_configs": [
            {"targets": ["192.0.2.1", evil], "labels": {"a": evil, evil: "b", "__param_auth": evil}}
        ],
        "relabel_configs": [{"source_labels": ["__address__"], "target_label": "__param_target"}],
    }
    file = tmp_path / "prometheus.yml"
    file.write_text(json.dumps({"scrape_configs": [job]}))
    variable = "SNMP_COMMUNITY_X_NAME_EVIL_ADDRESS_192_0_2_66"
    _, config = imported(file, tmp_path, {variable: "sesame"})
    (only,) = config.hosts
    assert (only.host.name, only.host.labels) == ("192.0.2.1", {"a": evil})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"),
        ("a: [", "2:1: is not valid YAML"),
        ("a: 1", "neither a prometheus.yml"),
        ("text", "nor an snmp.yml"),
        ("# as Debian ships its snmp.yml\n", "holds nothing but comments"),
        ("!!python/object/apply:os.system [ls]", "is not valid YAML"),
        ("\x00", "is not valid YAML"),
    ],
)
def test_a_file_that_cannot_be_imported(content: str | None, words: str, tmp_path: Path) -> None:
    """A sentence with the place, and exit 1."""
    file = tmp_path / "prometheus.yml"
    if content is not None:
        file.write_text(content + "\n")
    done = call("import", str(file))
    assert done.exit_code == 1
    assert words in done.output


@pytest.mark.parametrize(
    ("rule", "labels"),
    [
        ({"source_labels": ["a", "b"], "target_label": "c"}, {"a": "1", "b": "2", "c": "1;2"}),
        ({"source_labels": ["a"], "regex": "x", "target_label": "c"}, {"a": "1", "b": "2"}),
        ({"target_label": "a", "replacement": ""}, {"b": "2"}),
        ({"target_label": "a", "replacement": "$$1"}, {"a": "$1", "b": "2"}),
        ({"source_labels": ["a"], "regex": "(?P<n>.)", "target_label": "${n}x"}, {"a": "1", "b": "2"}),
        (
            {"source_labels": ["b"], "target_label": "c", "replacement": "<$9>"},
            {"a": "1", "b": "2", "c": "<>"},
        ),
        ({"regex": "a", "action": "labeldrop"}, {"b": "2"}),
        ({"regex": "a", "action": "labelkeep"}, {"a": "1"}),
        ({"regex": "(a)", "action": "labelmap", "replacement": "m_$1"}, {"a": "1", "b": "2", "m_a": "1"}),
        ({"source_labels": ["a"], "regex": "1", "action": "keep"}, {"a": "1", "b": "2"}),
        ({"source_labels": ["a"], "regex": "1", "action": "drop"}, None),
        (
            {"source_labels": ["a"], "target_label": "c", "action": "Uppercase"},
            {"a": "1", "b": "2", "c": "1"},
        ),
    ],
)
def test_relabelling(rule: dict[str, object], labels: dict[str, str] | None) -> None:
    """As Prometheus does it: anchored patterns, `$1` and `${1}`, an empty value is no label."""
    assert relabel({"a": "1", "b": "2"}, [rule]) == labels


@pytest.mark.parametrize("rule", [{"action": "hashmod"}, {"regex": "("}, "text"])
def test_a_rule_that_is_not_understood(rule: object) -> None:
    """It is told, and its job is left out rather than imported wrongly."""
    with pytest.raises(RelabelError):
        relabel({}, [rule])


def test_modules_of_ones_own_are_left_to_the_own_file(tmp_path: Path) -> None:
    """A comment says how to get them; the config is good without them."""
    source = tmp_path / "prometheus.yml"
    source.write_text(
        "scrape_configs: [{job_name: s, metrics_path: /snmp, params: {module: [if_mib, own]}, "
        "static_configs: [{targets: [192.0.2.1]}], "
        "relabel_configs: [{source_labels: [__address__], target_label: __param_target}]}]"
    )
    text, config = imported(source, tmp_path)
    assert "the module own is not among netmon's; with your snmp.yml in module_files add it below" in text
    assert host(config, "192.0.2.1").probes[0].settings.modules == ("if_mib",)
