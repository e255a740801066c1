"""Prometheus's rules: promtool's opinion, their cases, and that they speak of what netmon really exports."""

import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from netmon.explain import ALERTS, URGENCY
from netmon.exposition import Exposition
from netmon.model import (
    AlertName,
    Finding,
    Host,
    HostVerdict,
    MailState,
    Severity,
    Silenced,
    SilenceKind,
    SnmpState,
    Urgency,
    Verdict,
    VerdictName,
)
from tests.servers.agent import agent
from tests.unit.exposition.test_text import read
from tests.unit.exposition.world import World, host

DASHBOARDS = Path(__file__).parents[2] / "dashboards"
FILE = DASHBOARDS / "netmon.rules.yml"
CASES = sorted((DASHBOARDS / "tests").glob("*.yml"))
GROUPS: dict[str, list[dict[str, Any]]] = {
    group["name"]: group["rules"] for group in yaml.safe_load(FILE.read_text())["groups"]
}
RULES = [rule for rules in GROUPS.values() for rule in rules]
ALERTING = {rule["alert"]: rule for rule in RULES if "alert" in rule}
GATE = "unless on (host) (netmon_host_silenced == 1)"
# Metrics of netmon's own sending, which an agent without `alerting` has none of.
OF_SENDING = {
    ("netmon_alerts_waiting", frozenset({("receiver", "oncall")})),
    ("netmon_alert_deliveries_total", frozenset({("outcome", "failed")})),
    ("netmon_alert_deliveries_total", frozenset({("outcome", "refused")})),
}

Series = set[tuple[str, frozenset[tuple[str, str]]]]


def promtool(*arguments: object) -> None:
    """Run promtool; what it has to say is the failure."""
    done = subprocess.run(
        ["promtool", *map(str, arguments)], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_takes_the_rules() -> None:
    """They are valid for Debian's Prometheus, without a duplicate."""
    promtool("check", "rules", FILE)


@pytest.mark.parametrize("cases", CASES, ids=lambda path: path.stem)
def test_the_cases_hold(cases: Path) -> None:
    """Each alert fires when it should and at no other time, and what is recorded is right."""
    promtool("test", "rules", cases)


def test_every_alert_of_the_closed_list_has_one_rule() -> None:
    """Name, severity and explanation are those of the model; no rule alerts by another name."""
    assert [rule["alert"] for rule in RULES if "alert" in rule] == [str(name) for name in ALERTING]
    assert set(ALERTING) == set(AlertName) == set(ALERTS)
    severities = {name: rule["labels"] for name, rule in ALERTING.items()}
    assert severities == {name: {"severity": urgency.value} for name, urgency in URGENCY.items()}
    assert set(URGENCY.values()) == set(Urgency)


@pytest.mark.parametrize("name", AlertName)
def test_an_alert_says_what_to_do_and_where_to_read_on(name: AlertName) -> None:
    """A summary, a first step, the command and the page that explain it; of a host what changes besides."""
    said = ALERTING[name]["annotations"]
    assert said["explain"] == f"netmon explain {name}"
    url = '{{ with query "netmon_web_info" }}{{ . | first | label "url" }}{{ end }}'
    assert said["runbook_url"] == f"{url}/explain/{name}"
    assert len(said["summary"]) < 110
    assert len(said["description"]) > 60
    of_host = ALERTING[name] in GROUPS["netmon-hosts"]
    assert ("verdict" in said, "cause" in said, "last_healthy" in said) == (of_host,) * 3
    # What the other texts take from the alert are its labels; everything else was expanded in the cases.
    taken = re.findall(r"\{\{(.*?)\}\}", said["summary"] + said["description"])
    labels = (
        {" $labels.host "}
        if of_host
        else {" $labels.instance ", " $labels.probe ", " $labels.receiver ", " $labels.domain "}
        | {" $labels.reason ", ' $value | printf "%.0f" '}
    )
    if name is not AlertName.ABSENT:
        assert set(taken) <= labels


def test_no_alert_is_about_a_silenced_host_or_tells_its_verdict_apart() -> None:
    """Every rule over hosts has the gate, and gives the labels of the host alone."""
    for rule in GROUPS["netmon-hosts"]:
        assert GATE in rule["expr"]
        assert rule["expr"].startswith("netmon_host_info\n")
        assert set(rule["labels"]) == {"severity"}


def test_only_what_is_unknown_waits() -> None:
    """A verdict is confirmed when it is exported: the rules over hosts add no time."""
    waiting = {rule["alert"]: rule["for"] for rule in GROUPS["netmon-hosts"] if "for" in rule}
    assert waiting == {AlertName.HOST_UNKNOWN: "15m"}


@pytest.mark.parametrize("name", AlertName)
def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_not(name: AlertName) -> None:
    """The watchdog alone has none of the second kind."""
    fires, quiet = set(), set()
    for path in CASES:
        for scene in yaml.safe_load(path.read_text())["tests"]:
            for case in scene.get("promql_expr_test", ()):
                for sample in case["exp_samples"]:
                    fires |= set(re.findall(r'alertname="(\w+)",alertstate="firing"', sample["labels"]))
                if not case["exp_samples"]:
                    quiet |= set(re.findall(r'^ALERTS\{alertname="(\w+)"\}$', case["expr"]))
    assert name in fires
    assert name in quiet or name is AlertName.WATCHDOG


def scene_of(verdict: VerdictName, mail: MailState, *, silenced: bool) -> tuple[Host, HostVerdict]:
    """A host of that state, by a name that tells it."""
    one = host(f"{verdict}-{mail}-{'silenced' if silenced else 'open'}", labels={"site": "waw"})
    judged = Verdict(verdict, "", (), (), (), mail, SnmpState.OK)
    over = Silenced(SilenceKind.SILENCE, "moves", 1.8e9) if silenced else None
    return one, HostVerdict(one.name, judged, 1.7e9, judged, alive=True, silenced=over)


def alert_of(verdict: VerdictName, mail: MailState) -> AlertName | None:
    """The table of verdicts and alerts, as people are told it."""
    starved = {MailState.DOWN: AlertName.MAIL_DOWN, MailState.DEGRADED: AlertName.MAIL_DEGRADED}
    return {
        VerdictName.HOST_DOWN: AlertName.HOST_DOWN,
        VerdictName.DEVICE_DOWN: AlertName.DEVICE_DOWN,
        VerdictName.MAIL_STARVED: starved.get(mail),
        VerdictName.PATH_FILTERED: AlertName.MAIL_DOWN,
        VerdictName.MAIL_DOWN: AlertName.MAIL_DOWN,
        VerdictName.MAIL_DEGRADED: AlertName.MAIL_DEGRADED,
        VerdictName.AGENT_DOWN: AlertName.SNMP_AGENT_DOWN,
        VerdictName.DEVICE_DEGRADED: AlertName.DEVICE_DEGRADED,
        VerdictName.UNKNOWN: AlertName.HOST_UNKNOWN,
    }.get(verdict)


def scraped(page: bytes, target: Mapping[str, str]) -> Iterator[tuple[str, dict[str, str], float]]:
    """A page's series as Prometheus keeps them: a scraped label gives way to one of the target."""
    for (name, labels), value in read(page).items():
        kept = {f"exported_{label}" if label in target else label: text for label, text in labels}
        yield name, kept | dict(target), value


def series(name: str, labels: Mapping[str, str]) -> str:
    """A series as PromQL writes it."""
    inner = ",".join(f'{label}="{text}"' for label, text in sorted(labels.items()))
    return f"{name}{{{inner}}}"


def test_every_verdict_gives_its_alert_in_each_way_to_scrape(tmp_path: Path) -> None:
    """Real pages of every state that a host may be in: scraped whole, by two agents, and through /sd."""
    scenes = {
        one.name: (one, judged)
        for verdict, mail, silenced in product(VerdictName, MailState, (False, True))
        for one, judged in [scene_of(verdict, mail, silenced=silenced)]
    }
    restless, calm = scene_of(VerdictName.HEALTHY, MailState.OK, silenced=False)
    scenes["restless"] = (replace(restless, name="restless"), replace(calm, host="restless", flapping=True))
    world = World(*(one for one, _ in scenes.values()))
    world.judged |= {name: judged for name, (_, judged) in scenes.items()}
    exposition = Exposition(world)
    whole = b"".join(exposition.metrics())
    ways = [*scraped(whole, {"job": "netmon", "instance": "one:9162"})]
    ways += scraped(whole, {"job": "netmon", "instance": "two:9162"})
    for name in scenes:
        page = b"".join(exposition.metrics(name))
        ways += scraped(page, {"job": "by_sd", "instance": name, "site": "waw"})

    fired = [series("ALERTS", labels("NetmonWatchdog", "none"))]
    for name, (one, judged) in scenes.items():
        alert = (
            AlertName.HOST_FLAPPING
            if judged.flapping
            else alert_of(judged.confirmed.name, judged.confirmed.mail)
        )
        if alert is None or judged.silenced:
            continue
        about = labels(alert, URGENCY[alert]) | one.labels | {"host": name}
        fired += [
            series("ALERTS", about | {"job": "netmon", "instance": f"{n}:9162"}) for n in ("one", "two")
        ]
        # Where Prometheus does not honour netmon's labels, a host's own come twice.
        fired.append(series("ALERTS", about | {"job": "by_sd", "instance": name, "exported_site": "waw"}))
    case = {
        "rule_files": [str(FILE)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": series(name, has), "values": f"{value:g}x20"}
                    for name, has, value in ways
                    if value == value  # noqa: PLR0124 - no NaN
                ]
                + [{"series": 'netmon_build_info{job="netmon"}', "values": "1x20"}],
                "promql_expr_test": [
                    {
                        "expr": "ALERTS",
                        "eval_time": "16m",
                        "exp_samples": [{"labels": one, "value": 1} for one in fired],
                    }
                ],
            }
        ],
    }
    path = tmp_path / "case.yml"
    path.write_text(yaml.safe_dump(case, width=1000))
    promtool("test", "rules", path)


def labels(alert: str, severity: str) -> dict[str, str]:
    """Those that every firing alert has."""
    return {"alertname": str(alert), "alertstate": "firing", "severity": str(severity)}


def exported(page: bytes) -> Series:
    """The series on a page."""
    return set(read(page))


def everything_of_a_host() -> Series:
    """The page of a host to which all happens that may."""
    one, judged = scene_of(VerdictName.MAIL_STARVED, MailState.DOWN, silenced=True)
    cause = Finding("storage_full", Severity.CAUSE, "full")
    world = World(one)
    world.judged[one.name] = replace(judged, candidate=replace(judged.confirmed, findings=(cause,)))
    return exported(b"".join(Exposition(world).metrics()))


def selectors() -> Iterable[tuple[str, list[tuple[str, str]]]]:
    """Every metric of netmon that the rules name, in expressions and in texts, with its matchers."""
    # No comment and no link is one.
    texts = [rule["expr"] for rule in RULES] + [
        text for rule in RULES for text in rule.get("annotations", {}).values()
    ]
    for name, matchers in re.findall(r"\b(netmon_\w+)(\{[^}]*\})?", "\n".join(texts)):
        yield name, re.findall(r'(\w+)=~?("[^"]*"|%q)', matchers)


def test_the_rules_speak_of_what_netmon_exports(tmp_path: Path) -> None:
    """Every metric, label and value that they name is on the page of a real agent or of a host in trouble."""
    config = (
        f'web: {{listen: "127.0.0.1:0"}}\nstate: {{path: {tmp_path}/state}}\nagent: {{name: a.example.net}}\n'
    )
    config += "hosts: [{name: here, address: 127.0.0.1, ping: true}]\n"
    config += 'traps: {listen: ["127.0.0.1:0"], communities: [s3cret]}\n'
    config += 'domains: [{name: mail.invalid}]\ndns: {servers: ["127.0.0.1:1"]}\n'
    with agent(tmp_path, config) as running:
        found = exported(running.get("/metrics").content) | everything_of_a_host() | OF_SENDING
        assert ("netmon_web_info", frozenset({("url", running.url)})) in found
    known = {name: {label for other, has in found if other == name for label in has} for name, _ in found}
    for name, matchers in selectors():
        assert name in known, f"{name} is on no page"
        for label, value in matchers:
            if value == "%q":  # filled from the alert's own labels
                assert label in {"job", "instance", "host"}
                continue
            for one in value.strip('"').split("|"):
                assert (label, one) in known[name], f"{name} has no {label}={one}"


def test_labels_that_rules_join_and_group_by_are_there() -> None:
    """`on`, `by` and `without` name labels of Prometheus or of netmon."""
    named = {
        label.strip()
        for rule in RULES
        for group in re.findall(r"\b(?:on|by|without) \(([^)]*)\)", rule["expr"])
        for label in group.split(",")
    }
    assert named <= {"", "job", "instance", "host", "verdict", "probe"}
