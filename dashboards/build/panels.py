"""The kinds of panel that the dashboards are made of, each with its title, unit, description and queries."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final

from grafana_foundation_sdk.builders import bargauge, common, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery as Target
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

DATASOURCE: Final = model.DataSourceRef(type_val="prometheus", uid="$datasource")
GREEN, BLUE, YELLOW, ORANGE, RED, PURPLE, GREY = (
    "green", "blue", "yellow", "orange", "red", "purple", "#8e8e8e",
)  # fmt: skip
ZERO_IS_GOOD: Final = ((None, GREEN), (1, RED))
ONE_IS_GOOD: Final = ((None, RED), (1, GREEN))
PLAIN: Final = ((None, BLUE),)
Steps = Sequence[tuple[float | None, str]]
Panel = Builder[model.Panel]


@dataclass(frozen=True, slots=True)
class Query:
    """One expression; `legend` names its series with labels in braces."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """What a number of a state timeline or table stands for."""

    number: int
    text: str
    color: str


UP_DOWN: Final = (State(0, "no", RED), State(1, "yes", GREEN))
PRESENT: Final = (State(0, "", "transparent"), State(1, "now", ORANGE))
OFFERED: Final = (State(0, "", "transparent"), State(1, "offered", GREEN))


def lines(
    title: str,
    description: str,
    unit: str,
    *queries: Query,
    steps: Steps = PLAIN,
    stacked: bool = False,
    top: float | None = None,
    span: int = 12,
    height: int = 8,
) -> Panel:
    """Curves over time; with `steps` beyond one, coloured lines stand at the thresholds."""
    panel = timeseries.Panel().unit(unit).fill_opacity(40 if stacked else 8).min(0)
    panel = panel.show_points(options.VisibilityMode.NEVER).line_width(1)
    legend = common.VizLegendOptions().display_mode(options.LegendDisplayMode.TABLE)
    legend = legend.placement(options.LegendPlacement.BOTTOM).show_legend(True).calcs(["lastNotNull", "max"])
    panel = panel.legend(legend)
    tooltip = common.VizTooltipOptions().mode(options.TooltipDisplayMode.MULTI)
    panel = panel.tooltip(tooltip.sort(options.SortOrder.DESCENDING))
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(options.StackingMode.NORMAL).group("A"))
    if top is not None:
        panel = panel.max(top)
    shown = options.GraphThresholdsStyleMode.LINE if len(steps) > 1 else options.GraphThresholdsStyleMode.OFF
    panel = panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(shown))
    panel = panel.title(title).description(description).thresholds(_steps(steps))
    return panel.targets(_ranges(queries)).datasource(DATASOURCE).span(span).height(height)


def number(
    title: str,
    description: str,
    unit: str,
    query: Query,
    *,
    steps: Steps = PLAIN,
    states: Sequence[State] = (),
    span: int = 4,
    height: int = 4,
) -> Panel:
    """One figure as it is now, large."""
    panel = stat.Panel().unit(unit).color_mode(options.BigValueColorMode.VALUE)
    panel = panel.graph_mode(options.BigValueGraphMode.NONE)
    panel = panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    panel = panel.title(title).description(description).thresholds(_steps(steps)).mappings(_mappings(states))
    return panel.targets(_instant(query)).datasource(DATASOURCE).span(span).height(height)


def ranking(
    title: str,
    description: str,
    unit: str,
    query: Query,
    *,
    steps: Steps = PLAIN,
    span: int = 12,
    height: int = 8,
) -> Panel:
    """Bars, the longest first as the query sorts them."""
    panel = bargauge.Panel().unit(unit).orientation(options.VizOrientation.HORIZONTAL).min(0)
    panel = panel.display_mode(options.BarGaugeDisplayMode.BASIC)
    panel = panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    panel = panel.title(title).description(description).thresholds(_steps(steps))
    return panel.targets(_instant(query)).datasource(DATASOURCE).span(span).height(height)


def timeline(
    title: str,
    description: str,
    states: Sequence[State],
    *queries: Query,
    span: int = 24,
    height: int = 8,
) -> Panel:
    """A coloured band for each series: what state it was in, and when."""
    panel = statetimeline.Panel().unit("none").merge_values(True).show_value(options.VisibilityMode.AUTO)
    panel = panel.row_height(0.85).fill_opacity(80).line_width(0)
    panel = panel.title(title).description(description).thresholds(_steps(PLAIN)).mappings(_mappings(states))
    return panel.targets(_ranges(queries)).datasource(DATASOURCE).span(span).height(height)


def rows(
    title: str,
    description: str,
    unit: str,
    query: Query,
    columns: Mapping[str, str],
    *,
    value: str = "",
    steps: Steps = PLAIN,
    states: Sequence[State] = (),
    colors: Mapping[str, str] | None = None,
    span: int = 12,
    height: int = 8,
) -> Panel:
    """A table of the present: a row for each series, its labels as `columns` (label: heading), in order.

    The value is a column named `value`, or is left out.  `colors` are those of words in cells.
    """
    panel = table.Panel().unit(unit).filterable(True).show_header(True)
    order = {name: place for place, name in enumerate([*columns, "Value"])}
    hidden = {"Time": True} | ({} if value else {"Value": True})
    names = dict(columns) | ({"Value": value} if value else {})
    panel = panel.with_transformation(
        model.DataTransformerConfig(
            id_val="organize",
            options={"excludeByName": hidden, "indexByName": order, "renameByName": names},
        )
    )
    panel = panel.title(title).description(description).thresholds(_steps(steps))
    panel = panel.mappings([*_mappings(states), *_words(colors or {})])
    if value and (len(steps) > 1 or states):
        panel = panel.override_by_name(value, [_colored("color-text")])
    if colors:
        cells = "|".join(columns.values())
        panel = panel.override_by_regexp(f"/^({cells})$/", [_colored("color-text")])
    if "host" in columns:
        link = {"title": "Host", "url": "/d/netmon-host?var-host=${__value.text}&${datasource:queryparam}"}
        panel = panel.override_by_name(columns["host"], [model.DynamicConfigValue("links", [link])])
    return (
        panel.targets(_instant(query, PromQueryFormat.TABLE)).datasource(DATASOURCE).span(span).height(height)
    )


def _colored(kind: str) -> model.DynamicConfigValue:
    return model.DynamicConfigValue("custom.cellOptions", {"type": kind})


def _steps(steps: Steps) -> build.ThresholdsConfig:
    thresholds = [model.Threshold(value, color) for value, color in steps]
    return build.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(thresholds)


def _mappings(states: Sequence[State]) -> list[model.ValueMapping]:
    return _mapping({str(state.number): (state.text, state.color) for state in states})


def _words(colors: Mapping[str, str]) -> list[model.ValueMapping]:
    return _mapping({word: (word, color) for word, color in colors.items()})


def _mapping(results: Mapping[str, tuple[str, str]]) -> list[model.ValueMapping]:
    places = count()
    told = {
        seen: model.ValueMappingResult(text=text, color=color, index=next(places))
        for seen, (text, color) in results.items()
    }
    return [model.ValueMap(options=told)] if told else []


def _ranges(queries: Iterable[Query]) -> list[Builder[Target]]:
    return [_query(place, query).range() for place, query in enumerate(queries)]


def _instant(query: Query, form: PromQueryFormat = PromQueryFormat.TIME_SERIES) -> list[Builder[Target]]:
    return [_query(0, query).instant().format(form)]


def _query(place: int, query: Query) -> Dataquery:
    made = Dataquery().expr(query.expr).ref_id(chr(ord("A") + place)).datasource(DATASOURCE)
    return made.legend_format(query.legend) if query.legend else made
