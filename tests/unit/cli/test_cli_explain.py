"""Every name that netmon uses has its text, and no text is about nothing."""

import ast
import json
import re
from pathlib import Path

import pytest

import netmon
from netmon.cli import app
from netmon.errors import Reason
from netmon.explain import (
    ALERTS,
    FINDINGS,
    KINDS,
    METRICS,
    REASONS,
    RESULTS,
    SILENCES,
    URGENCY,
    VERDICTS,
    Text,
)
from netmon.explain.labels import LABELS
from netmon.exposition import SelfMetrics
from netmon.loading import explained
from netmon.mib.modules import builtin_modules
from netmon.model import AlertName, FindingKind, Result, SilenceKind, Urgency, VerdictName
from netmon.probes import PROBES
from tests.unit.cli.calling import call

ROOT = Path(netmon.__file__).parents[1]
SOURCES = sorted(Path(netmon.__file__).parent.rglob("*.py"))
KNOWN = explained(builtin_modules())
TEXTS: dict[str, Text] = {
    **REASONS,
    **FINDINGS,
    **METRICS,
    **ALERTS,
    **{f"silence {k}": v for k, v in SILENCES.items()},
    **{f"result {k}": v for k, v in RESULTS.items()},
} | {f"verdict {k}": v for k, v in VERDICTS.items()}


def test_every_name_has_a_text_and_every_text_a_name() -> None:
    """The texts are keyed by the enums' members: all of them, and nothing else."""
    assert set(REASONS) == set(Reason)
    assert set(RESULTS) == set(Result)
    assert set(VERDICTS) == set(VerdictName)
    assert set(FINDINGS) == set(FindingKind)
    assert set(ALERTS) == set(URGENCY) == set(AlertName)
    assert set(SILENCES) == set(SilenceKind)


def test_every_metric_of_the_agent_has_its_text() -> None:
    """What stands on the agent's own page is explained; what others add to it they explain as well."""
    page = SelfMetrics("0.1.0", ["snmp"]).text().decode()
    ours = set(re.findall(r"^# TYPE (netmon_\w+)", page, re.MULTILINE))
    assert ours
    assert ours - set(METRICS) == set()


def test_a_page_and_a_ticket_say_what_to_do() -> None:
    """Whoever is told by an alert finds a first step; how urgent it is stands in its text."""
    assert [alert for alert in AlertName if not ALERTS[alert].todo] == []
    for alert in AlertName:
        assert f"Severity: {URGENCY[alert]}." in " ".join(call("explain", alert).output.split())
    assert {urgency for alert, urgency in URGENCY.items() if alert is AlertName.WATCHDOG} == {Urgency.NONE}


def test_every_finding_that_weighs_says_what_to_do() -> None:
    """Findings name a likely cause and a step."""
    assert [kind for kind in FindingKind if not (FINDINGS[kind].causes and FINDINGS[kind].todo)] == []


def test_the_document_is_fresh() -> None:
    """docs/explain.md is what `netmon explain --markdown` prints."""
    document = ROOT / "docs" / "explain.md"
    fresh = document.read_text() == call("explain", "--markdown").output
    assert fresh, "make it anew: .venv/bin/netmon explain --markdown > docs/explain.md"


def test_the_reference_of_metrics_is_fresh() -> None:
    """docs/metrics.md is what `netmon explain --metrics` prints; no labels are of nothing."""
    made = call("explain", "--metrics").output
    assert (ROOT / "docs" / "metrics.md").read_text() == made, (
        "make it anew: .venv/bin/netmon explain --metrics > docs/metrics.md"
    )
    own = {entry.name for entry in KNOWN if entry.kind == "metric" and not entry.of_device}
    assert set(LABELS) - own == set()
    assert set(re.findall(r"^\| `(\w+)` \|", made, re.MULTILINE)) == own


def test_the_document_has_every_name_but_the_devices_metrics() -> None:
    """A heading for each, with what it means."""
    document = call("explain", "--markdown").output
    assert document.count("\n### ") == sum(not entry.of_device for entry in KNOWN)
    assert [kind for kind in KINDS if f"\n## {kind.capitalize()}s\n" not in document] == []


def test_markdown_of_one_name() -> None:
    """Signs that Markdown would read are escaped; code stays code."""
    told = call("explain", "--markdown", "process_multiplied").output
    assert "its `max` in snmp.processes" in told
    assert "limits.storage_\\*" in call("explain", "--markdown", "storage_filling").output


def test_every_finding_is_from_the_closed_list() -> None:
    """In the code a finding's kind is a member of the enum, handed on, or a probe with its result."""
    kinds = set()
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding":
                kinds.add(ast.unparse(node.args[0]))
    named = {kind for kind in kinds if kind.startswith("FindingKind.")}
    assert kinds - named == {"kind", "finding.kind", "f'{key.probe}_{state.result}'"}
    used = "".join(source.read_text() for source in SOURCES if "explain" not in source.parts)
    assert [kind for kind in FindingKind if f"FindingKind.{kind.name}" not in used] == []


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_is_short_and_whole(name: str) -> None:
    """A sentence with its full stop; causes and steps without; commands in it are those that there are."""
    text = TEXTS[name]
    assert text.means.endswith(".")
    assert len(text.means) <= 120
    for item in (*text.causes, *text.todo):
        assert 0 < len(item) <= 110
        assert not item.endswith(".")
    commands = {command.name for command in app.registered_commands} | {"snmp"}
    for line in (text.means, *text.causes, *text.todo):
        for mention in re.findall(r"(?:`|: )netmon ([a-z-]+)", line):
            assert mention in commands


def test_every_reason_but_the_good_ones_says_what_to_do() -> None:
    """Whoever reads a reason at night finds a first step."""
    assert [reason for reason in Reason if reason is not Reason.OK and not REASONS[reason].todo] == []


def test_a_name_of_two_kinds_is_told_twice() -> None:
    """`unreachable` is a verdict and a reason."""
    told = call("explain", "unreachable")
    assert told.exit_code == 0
    assert "unreachable (verdict)" in told.output
    assert "unreachable (reason)" in told.output


@pytest.mark.parametrize("probe", PROBES)
def test_a_probe_and_its_result_is_a_finding(probe: str) -> None:
    """As `netmon_host_finding` has them."""
    assert f"{probe}_failed (finding)" in call("explain", f"{probe}_failed").output


def test_metrics_of_devices_and_of_netmon() -> None:
    """With their type, and where a device's comes from."""
    assert "1.3.6.1.2.1.31.1.1.1.6 of the module if_mib" in call("explain", "ifHCInOctets").output
    assert "(gauge)" in call("explain", "netmon_check_up").output


def test_an_unknown_name_exits_1_with_the_nearest() -> None:
    """A typing mistake is answered with the name that was meant."""
    told = call("explain", "mail_starvd")
    assert told.exit_code == 1
    assert 'did you mean "mail_starved"?' in told.output


def test_alone_it_lists_all_names() -> None:
    """All but the devices' metrics, one line each; as JSON everything."""
    told = call("explain").output
    assert [entry.name for entry in KNOWN if not entry.of_device and entry.name not in told] == []
    assert max(map(len, told.splitlines())) <= 110
    listed = {(entry["kind"], entry["name"]) for entry in json.loads(call("explain", "--json").output)}
    assert listed == {(entry.kind, entry.name) for entry in KNOWN}
    assert {kind for kind, _ in listed} == set(KINDS)
