"""Every panel of every dashboard, asked of a real Prometheus that has scraped the demo's company.

All machines of the demo are there, and what goes wrong is what goes wrong in the demo: the spool of
one host is full, another boots, a UPS runs on its battery, a link is lost.  One company, one agent and one
Prometheus serve all tests.
"""

import json
import math
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import promql_parser
import pytest

from dashboards.build import DASHBOARDS, FOLDER
from dashboards.build.left_out import NOT_IN_DEMO
from netmon.demo.cast import whole
from netmon.demo.company import Company
from netmon.demo.notify import COLD_START, ON_BATTERY, link
from netmon.demo.story import STORIES
from tests.servers.agent import AgentProcess
from tests.servers.prometheus import Prometheus
from tests.servers.watched_demo import watched_demo

VALUES = {"$__rate_interval": "10s", "$__range": "1m", "$job": ".+", "$host": ".+", "$site": ".*"}
SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? \S+$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
Series = tuple[str, Mapping[str, str]]

BOARDS = {name: json.loads((FOLDER / name).read_text()) for name in DASHBOARDS}
PANELS = [
    pytest.param(panel, id=f"{name.removesuffix('.json')}-{panel['title'].replace(' ', '_')}")
    for name, board in BOARDS.items()
    for panel in board["panels"]
    if panel["type"] != "row"
]
FILLED = [param for param in PANELS if param.values[0]["title"] not in NOT_IN_DEMO]
EMPTY = [param for param in PANELS if param.values[0]["title"] in NOT_IN_DEMO]


(SPOOL,) = [story for story in STORIES if story.name == "spool"]


@dataclass(frozen=True)
class Watched:
    """What the tests ask."""

    server: Prometheus
    series: Sequence[Series]  # of /metrics, calm and in trouble
    begun: float

    def curves(self, expression: str) -> list[list[float]]:
        """The values of each series that `expression` has had, second by second."""
        asked = {"query": filled(expression), "start": self.begun, "end": time.time(), "step": 1}
        answer = httpx.post(f"{self.server.url}/api/v1/query_range", data=asked, timeout=10, trust_env=False)
        body = answer.json()
        assert body["status"] == "success", body
        return [[float(value) for _, value in row["values"]] for row in body["data"]["result"]]


def filled(expression: str) -> str:
    """An expression with its variables filled in, as Grafana does with All chosen."""
    for variable, value in VALUES.items():
        expression = expression.replace(variable, value)
    return expression


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """The demo's whole company, calm for a while and then in trouble, scraped every second."""
    begun = time.time()
    with watched_demo(tmp_path_factory.mktemp("dashboards")) as demo:
        watcher, server = demo.watcher, demo.server
        calm = series(watcher)
        demo.act(lambda company: company.machines["mx2"].vanish())
        watcher.await_verdict("mx2", "host_down")
        demo.act(SPOOL.steps[1].act)  # the spool of mx1 fills, and no mail is taken any more
        demo.act(lambda company: company.mail("mx2").come_back(booted=True))
        watcher.await_verdict("mx1", "mail_starved")
        server.await_samples("netmon_host_cause", 20)
        for count, (name, told) in enumerate(
            (
                ("ups1", ON_BATTERY),
                ("mx2", COLD_START),
                ("core1", link(2, up=False)),
                ("core1", link(2, up=True)),
            ),
            1,
        ):
            demo.act(partial(Company.tell, name=name, told=told))
            server.await_samples(f"sum(netmon_traps_total) == {count}", 20)
        server.await_samples("netmon_host_silenced_info", 20)
        server.await_samples("netmon_mailflow_delivery_seconds", 20)
        server.await_samples("rate(netmon_mailflow_messages_total[10s])", 20)
        server.await_samples("rate(netmon_trap_commits_total[10s]) > 0", 20)
        yield Watched(server, [*calm, *series(watcher)], begun)


def series(watcher: AgentProcess) -> list[Series]:
    """Names and labels of what stands on /metrics."""
    found = (SAMPLE.match(line) for line in watcher.get("/metrics").text.splitlines())
    return [(one[1], dict(LABEL.findall(one[2] or ""))) for one in found if one]


def selectors(expression: str) -> Iterator[Any]:
    """Every selector of an expression."""

    def visit(node: Any) -> Iterator[Any]:
        if isinstance(node, promql_parser.VectorSelector):
            yield node
        for child in ("expr", "lhs", "rhs", "vector_selector", "param"):
            if (below := getattr(node, child, None)) is not None:
                yield from visit(below)
        for argument in getattr(node, "args", ()) or ():
            yield from visit(argument)

    yield from visit(promql_parser.parse(filled(expression)))


def matches(selector: Any, labels: Mapping[str, str]) -> bool:
    """Whether a series of these labels is one of a selector's; Prometheus adds the job."""
    labels = {**labels, "job": "netmon"}
    for matcher in selector.matchers.matchers:
        value = labels.get(matcher.name, "")
        equal = value == matcher.value
        fits = re.fullmatch(matcher.value, value) is not None
        verdicts = {"Equal": equal, "NotEqual": not equal, "Re": fits, "NotRe": not fits}
        if not verdicts[str(matcher.op).rpartition(".")[2]]:
            return False
    return True


@pytest.mark.parametrize("panel", FILLED)
def test_a_panel_has_data(watched: Watched, panel: dict[str, Any]) -> None:
    """Each query of a panel has had samples, and they are such as the panel's unit and states allow."""
    unit = panel["fieldConfig"]["defaults"]["unit"]
    (told,) = panel["fieldConfig"]["defaults"].get("mappings") or [{"options": {}}]
    numbers = {float(number) for number in told["options"] if number.isdigit()}
    for target in panel["targets"]:
        for selector in selectors(target["expr"]):
            mine = [labels for name, labels in watched.series if name == selector.name]
            assert mine, f"{selector.name} is not on /metrics"
            # A single state of a set may be one that nothing is in, but the series is there.
            assert any(matches(selector, labels) for labels in mine), selector
        curves = watched.curves(target["expr"])
        assert curves, target["expr"]
        values = [value for curve in curves for value in curve if not math.isnan(value)]
        assert values, "nothing but NaN"
        assert all(math.isfinite(value) for value in values)
        if panel["type"] == "state-timeline":
            assert set(values) <= numbers
        elif unit == "percentunit":
            assert 0 <= min(values) <= max(values) <= 1.05
        elif unit == "percent":
            assert 0 <= min(values) <= max(values) <= 100
        elif panel["title"] not in {"Certificates", "Time until the certificate ends"}:
            assert min(values) >= -1.0  # the two clocks may differ by a little


@pytest.mark.parametrize("panel", EMPTY)
def test_a_panel_that_the_demo_cannot_fill(watched: Watched, panel: dict[str, Any]) -> None:
    """Prometheus takes its queries, and the demo has indeed nothing to show for them."""
    assert [watched.curves(target["expr"]) for target in panel["targets"]] == [[]] * len(panel["targets"])


def test_some_panels_say_what_happened(watched: Watched) -> None:
    """The verdicts, the cause and the traps of the trouble are what the panels show of it."""
    board = {param.values[0]["title"]: param.values[0] for param in PANELS}

    def rows(title: str) -> list[dict[str, str]]:
        return [sample.labels for sample in watched.server.query(filled(board[title]["targets"][0]["expr"]))]

    wrong = rows("What is wrong now")
    assert {(row["host"], row["verdict"]) for row in wrong} >= {("mx1", "mail_starved")}
    assert "mx1" in {row["host"] for row in rows("Why: causes of mail faults")}
    matrix = {row["host"]: row for row in rows("Verdict matrix")}
    assert set(matrix) == set(Company(whole(1)).machines)
    assert (matrix["mx1"]["mail"], matrix["mx1"]["snmp"]) == ("down", "ok")
    assert matrix["sw1"]["verdict"] == "healthy"
    assert matrix["sw1"]["site"] == "demo"
    assert {row["host"] for row in rows("Top sources")} == {"ups1", "mx2", "core1"}
    seen_traps = watched.curves(board["Traps by kind"]["targets"][0]["expr"])
    # A rate does not see the first of its kind; the last trap may be younger than the last second.
    assert len(seen_traps) >= 3
    assert {max(curve) for curve in seen_traps} == {1.0}
    (verdict,) = watched.curves(
        board["Verdicts"]["targets"][0]["expr"].replace('host=~"$host"', 'host="mx1"')
    )
    names = board["Verdicts"]["fieldConfig"]["defaults"]["mappings"][0]["options"]
    seen = [names[f"{number:g}"]["text"] for number in verdict]
    assert "healthy" in seen
    assert seen[-1] == "mail_starved"
