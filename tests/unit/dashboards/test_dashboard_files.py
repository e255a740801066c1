"""The dashboards as they are in the repository: fresh, sound for Grafana, and complete.

Each test is of all dashboards; a new one needs none of its own.  The rules of Grafana's dashboard
linter that make sense here are among them.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import promql_parser
import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.build import DASHBOARDS, FOLDER, texts
from dashboards.build.left_out import NOT_IN_DEMO, NOT_SHOWN
from dashboards.build.promql import ALL_HOSTS
from netmon.history import Agreement
from netmon.loading import explained
from netmon.model import VerdictName

UIDS = {
    "netmon-overview", "netmon-host", "netmon-network", "netmon-mail", "netmon-traps", "netmon-agent",
}  # fmt: skip
VALUES = {"$__rate_interval": "5m", "$__range": "1h", "$job": ".+", "$host": ".+", "$site": ".*"}
COUNTER = re.compile(r"(_total|_bucket|_count|_sum|Octets|UcastPkts|Errors|Discards)$")
# Present values of counters are what these show: where a datagram stands, and who sent most so far.
SINCE_START = {"Funnel", "Top sources", "Defects"}

READ = {name: json.loads((FOLDER / name).read_text()) for name in DASHBOARDS}
PANELS = [
    pytest.param(panel, id=f"{name.removesuffix('.json')}-{panel['title'].replace(' ', '_')}")
    for name, board in READ.items()
    for panel in board["panels"]
    if panel["type"] != "row"
]
each_dashboard = pytest.mark.parametrize("board", READ.values(), ids=READ.keys())
each_panel = pytest.mark.parametrize("panel", PANELS)


def of_kind(kind: str) -> pytest.MarkDecorator:
    """The panels of one kind."""
    return pytest.mark.parametrize("panel", [one for one in PANELS if one.values[0]["type"] == kind])


def parsed(expression: str) -> Any:
    """An expression as Prometheus reads it, its variables filled in."""
    for variable, value in VALUES.items():
        expression = expression.replace(variable, value)
    return promql_parser.parse(expression)


def selectors(node: Any) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The name and the matchers of every selector in a parsed expression."""
    if isinstance(node, promql_parser.VectorSelector):
        matchers = {matcher.name: matcher.value for matcher in node.matchers.matchers}
        yield node.name or matchers.get("__name__", ""), matchers
    for child in ("expr", "lhs", "rhs", "vector_selector", "vs", "param"):
        if (below := getattr(node, child, None)) is not None:
            yield from selectors(below)
    for argument in getattr(node, "args", ()) or ():
        yield from selectors(argument)


def asked(panels: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The selectors of panels."""
    for panel in panels:
        for target in panel.get("targets", ()):
            yield from selectors(parsed(target["expr"]))


def test_files_are_what_the_code_builds() -> None:
    """The JSON in the repository is fresh; make dashboards writes it anew."""
    made = texts()
    assert {name: (FOLDER / name).read_text() for name in made} == dict(made)
    assert {path.name for path in FOLDER.glob("*.json")} == set(made)
    assert {board["uid"] for board in READ.values()} == UIDS


@each_dashboard
def test_the_sdks_types_take_it_whole(board: dict[str, Any]) -> None:
    """Read into Grafana's published types and written again, nothing of a dashboard is lost or added."""
    register_default_plugins()
    again = json.loads(JSONEncoder().encode(Dashboard.from_json(json.loads(json.dumps(board)))))
    for variable in again["templating"]["list"]:
        for added in ("auto", "auto_count", "auto_min"):  # of intervals; the SDK writes them for all
            assert variable.pop(added, None) is not None
    assert again == board


@each_dashboard
def test_variables_come_from_one_another(board: dict[str, Any]) -> None:
    """Data source, job, site and host are there, and each is asked of the data source chosen."""
    variables = {one["name"]: one for one in board["templating"]["list"]}
    assert list(variables) == ["datasource", "job", "site", "host"]
    for name in ("job", "site", "host"):
        assert variables[name]["datasource"]["uid"] == "$datasource"
        assert variables[name]["query"]["query"].startswith("label_values(")
    assert "$job" in variables["site"]["query"]["query"]
    assert "$site" in variables["host"]["query"]["query"]
    assert variables["host"].get("includeAll", False) == (board["uid"] != "netmon-host")


@each_dashboard
def test_dashboards_are_linked_and_laid_out(board: dict[str, Any]) -> None:
    """Links keep time and variables; ids are one each; panels fill their lines and cover none other."""
    (link,) = board["links"]
    assert (link["type"], link["tags"], link["includeVars"], link["keepTime"]) == (
        "dashboards",
        ["netmon"],
        True,
        True,
    )
    assert board["tags"] == ["netmon"]
    ids = Counter(panel["id"] for panel in board["panels"])
    assert ids.most_common(1)[0][1] == 1
    covered: Counter[tuple[int, int]] = Counter()
    for panel in board["panels"]:
        at = panel["gridPos"]
        covered.update(
            (x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
        )
    assert max(covered.values()) == 1
    assert max(x for x, _ in covered) == 23
    starts = Counter(panel["gridPos"]["y"] for panel in board["panels"])
    for y in starts:
        assert sum(panel["gridPos"]["w"] for panel in board["panels"] if panel["gridPos"]["y"] == y) == 24


def test_titles_are_one_each() -> None:
    """Within a dashboard no two panels have one title."""
    for board in READ.values():
        titles = Counter(panel["title"] for panel in board["panels"] if panel["type"] != "row")
        assert titles.most_common(1)[0][1] == 1, board["uid"]


@each_panel
def test_a_panel_says_what_it_shows(panel: dict[str, Any]) -> None:
    """A panel has a title, a description, a unit, thresholds and the chosen data source."""
    assert panel["title"]
    assert len(panel["description"]) > 15
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert steps[0]["value"] is None
    values = [step["value"] for step in steps[1:]]
    assert values == sorted(values)
    assert panel["datasource"]["uid"] == "$datasource"
    assert panel["targets"]
    references = [target["refId"] for target in panel["targets"]]
    assert len(set(references)) == len(references)
    assert all(target["datasource"]["uid"] == "$datasource" for target in panel["targets"])


@each_panel
def test_expressions_follow_the_variables(panel: dict[str, Any]) -> None:
    """Every expression is PromQL, every selector names the job, and the host where there is one."""
    for target in panel["targets"]:
        ranges = re.findall(r"(\w+)\([^\[(]*\[([^\]]+\](?: @ end\(\))?)", target["expr"])
        once = "$__range] @ end()"  # one number for all steps
        assert {over for name, over in ranges if name != "max_over_time"} <= {"$__rate_interval]", once}
        assert {over for name, over in ranges if name == "max_over_time"} <= {"$__range]"}
        for name, matchers in selectors(parsed(target["expr"])):
            assert name
            assert matchers.get("job") == VALUES["$job"], name
            if name.startswith(("netmon_host_", "netmon_check_up", "netmon_tls_", "if", "hr")):
                assert matchers["host"].startswith(VALUES["$host"]), name


@each_panel
def test_counters_are_shown_as_rates(panel: dict[str, Any]) -> None:
    """No curve climbs for ever: a counter stands in rate or increase."""
    if panel["title"] in SINCE_START:
        return
    for target in panel["targets"]:
        for name, _ in selectors(parsed(target["expr"])):
            if COUNTER.search(name):
                assert f"rate({name}{{" in target["expr"] or f"increase({name}{{" in target["expr"]


@of_kind("table")
def test_tables_have_room_for_their_columns(panel: dict[str, Any]) -> None:
    """On a page 1600 pixels wide no table is scrolled sideways: Grafana gives a column 150 at least."""
    (organized,) = panel["transformations"]
    columns = organized["options"]["renameByName"]
    assert len(columns) * 150 <= panel["gridPos"]["w"] * 66 - 24


@of_kind("state-timeline")
def test_bands_can_be_told_apart(panel: dict[str, Any]) -> None:
    """Names of bands have 15 pixels each, and several states have a legend, as words are cut to the band.

    Grafana has no legend for a continuous scheme, and one of thresholds would merge the states.
    """
    states = [told["text"] for told in panel["fieldConfig"]["defaults"]["mappings"][0]["options"].values()]
    legend = panel["options"]["legend"]["showLegend"]
    assert legend == (len(states) > 2)
    assert panel["fieldConfig"]["defaults"]["color"]["mode"] == "palette-classic"
    around = 138 if legend else 108  # the gap, title, axis and turning of pages; the legend
    assert panel["options"]["perPage"] * 15 <= panel["gridPos"]["h"] * 38 - around
    if panel["options"]["showValue"] != "never":
        cut = {word[:length] for word in states for length in range(2, len(word))}
        assert cut.isdisjoint(states)
        assert "now" not in states  # "no"


@of_kind("timeseries")
def test_curves_can_be_read(panel: dict[str, Any]) -> None:
    """Counts of zero are not drawn on a threshold, states have their own colours, and no state is left out.

    The legend goes on with the last number of a series that has ended.
    """
    settings = panel["fieldConfig"]["defaults"]
    steps = [step["value"] for step in settings["thresholds"]["steps"]]
    assert settings["unit"] not in {"ops", "cps"}
    if steps[1:2] == [1] and settings["unit"] != "s":
        assert settings["custom"]["axisSoftMax"] == 2
    colored = {override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"]}
    for target in panel["targets"]:
        assert "== 1" not in target["expr"]
        for label, states in (("verdict", VerdictName), ("agreement", Agreement)):
            if target["legendFormat"] == f"{{{{{label}}}}}":
                assert colored == set(states)


@each_panel
def test_what_no_choice_of_hosts_narrows_says_so(panel: dict[str, Any]) -> None:
    """Mailflows, domains, alerts and shares of time have no host."""
    names = {name for name, _ in asked([panel])}
    without = ("netmon_mailflow_", "netmon_domain_", "netmon_alerts", "netmon_agreement_ratio")
    own = not panel["title"].startswith("Alerts ")  # of the dashboard Agent, which is of agents alone
    expected = own and any(name.startswith(without) for name in names)
    assert (ALL_HOSTS in panel["description"]) == expected


def test_every_family_is_shown_or_left_out_for_a_reason() -> None:
    """netmon's own families are all on a panel or in NOT_SHOWN; neither holds what is not there."""
    ours = {entry.name for entry in explained({}) if entry.kind == "metric"}
    ours = {name for name in ours if name.startswith("netmon_")}
    shown = {re.sub("_(bucket|count|sum)$", "", name) for name, _ in asked([p.values[0] for p in PANELS])}
    assert {name for name in shown if name.startswith("netmon_")} - ours == set()
    assert ours - shown == set(NOT_SHOWN)


def test_no_data_in_the_demo_is_said_of_real_panels() -> None:
    """NOT_IN_DEMO names panels that exist, and they say themselves what is not there."""
    panels = {param.values[0]["title"]: param.values[0] for param in PANELS}
    assert set(NOT_IN_DEMO) <= set(panels)
    for title in NOT_IN_DEMO:
        assert panels[title]["fieldConfig"]["defaults"]["noValue"].endswith("."), title
