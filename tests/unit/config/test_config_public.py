"""What others see of the config: the text of /config and the JSON Schema."""

import json
import re
from pathlib import Path

from netmon.config import public_dump, schema
from netmon.config.key_texts import KEY_TEXTS
from netmon.config.reference import as_markdown
from netmon.probes import PROBES
from tests.unit.config.reading import GOOD, SECRET, read


def test_public_text_hides_secrets_and_comments_and_keeps_the_rest(tmp_path: Path) -> None:
    """Secrets read `<secret>`, references stay unexpanded, comments go, the layout stays."""
    text = public_dump(read(tmp_path, GOOD))
    assert SECRET not in text
    assert (
        "  lab: {version: 2, community: <secret>}\n  old: {version: 1, community: <secret>}\ngroups:" in text
    )
    assert '- {port: "${env:PORT}", tls: starttls}' in text
    assert 'labels: {site: "waw # east"}' in text
    assert "2525" not in text


def test_secrets_in_every_yaml_style_are_hidden(tmp_path: Path) -> None:
    """Block texts, folded ones, quotes, anchors and aliases hide a secret no worse."""
    text = """\
auths:
  a:
    community: |
      swordfish
      # swordfish
    version: 2
  b: {community: 'sword''fish swordfish'}
  c: {community: &x swordfish}
  d: {community: *x}
  e:
    community:
      swordfish
      swordfish
hosts: [{name: a, ping: true}]
"""
    shown = public_dump(read(tmp_path, text))
    assert SECRET not in shown
    assert shown.count("<secret>") == 4  # the alias stands for itself


def test_public_text_of_several_files_names_them(tmp_path: Path) -> None:
    """Host files follow under their names."""
    (tmp_path / "more.yml").write_text("hosts: [{name: b, ping: true}]\n")
    text = public_dump(read(tmp_path, "host_files: [more.yml]\nhosts: [{name: a, ping: true}]\n"))
    assert f"# {tmp_path}/more.yml\nhosts: [{{name: b, ping: true}}]\n" in text


def test_schema_describes_hosts_probes_and_defaults() -> None:
    """An editor learns the keys of every probe, their choices and their defaults as they are written."""
    found = schema(PROBES)
    records = found["$defs"]
    assert records["HostEntry"]["required"] == ["name"]
    assert {"boolean"} == {
        o["type"] for o in records["HostEntry"]["properties"]["ping"]["anyOf"] if "type" in o
    }
    assert records["SmtpSettings"]["properties"]["tls"]["enum"] == ["none", "starttls", "implicit"]
    assert records["DefaultsEntry"]["properties"]["interval"]["default"] == "60s"
    snmp = records["SnmpSettings"]["properties"]
    assert {"const": "auto"} in snmp["modules"]["anyOf"]
    assert list(snmp["modules"]["default"]) == ["system", "if_mib"]
    for place in (
        found["properties"]["module_files"],
        snmp["cache"],
        records["SettingsEntry"]["properties"]["allow"],
    ):
        assert place["description"]
    community = records["AuthEntry"]["properties"]["community"]
    assert (community["type"], community["writeOnly"], "default" in community) == ("string", True, False)
    assert all(
        record["additionalProperties"] is False for record in records.values() if "properties" in record
    )


def test_schema_is_json_without_nulls() -> None:
    """It can be written out, and an empty value is not allowed, as in the config."""
    assert '"null"' not in json.dumps(schema(PROBES))


def test_each_key_is_told_and_no_text_is_about_nothing() -> None:
    """Every key of every record has a description; every text of the table has its key."""
    found = schema(PROBES)
    records = {"": found, **found["$defs"]}
    keys = set()
    for record, whole in records.items():
        for node in (whole, *whole.get("anyOf", ())):
            for key, place in node.get("properties", {}).items():
                keys.add((record, key))
                assert place["description"]
    known = {key for _, key in keys} | {f"{record}.{key}" for record, key in keys}
    assert set(KEY_TEXTS) - known == set()


def test_the_document_is_fresh() -> None:
    """docs/config.md is what `netmon schema --markdown` prints, and each of its links leads somewhere."""
    made = as_markdown(schema(PROBES))
    fresh = (Path(__file__).parents[3] / "docs" / "config.md").read_text() == f"{made}\n"
    assert fresh, "make it anew: .venv/bin/netmon schema --markdown > docs/config.md"
    assert set(re.findall(r"\(#([a-z0-9]+)\)", made)) == set(re.findall(r'<a id="([a-z0-9]+)">', made))
