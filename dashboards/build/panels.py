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
WORDS: Final = ((None, "text"),)  # the colour of what is only said
PER_SECOND: Final = "suffix:/s"  # "ops/s" of datagrams is no unit, and of "pps" Grafana makes milli-packets
COUNTS: Final = {"short", "reqps", PER_SECOND}
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
WIDE: Final = 12  # columns of the grid's 24


def lines(
    title: str,
    description: str,
    unit: str,
    *queries: Query,
    steps: Steps = PLAIN,
    stacked: bool = False,
    stepped: bool = False,
    colors: Mapping[str, str] | None = None,
    bottom: float | None = 0,
    top: float | None = None,
    least_first: bool = False,
    empty: str = "",
    span: int = WIDE,
    height: int = 8,
) -> Panel:
    """Curves over time; with `steps` beyond one, dashed lines stand at the thresholds.

    `stepped` is for counts of states, which are never in between.  `colors` are those of series, by
    their names.  In the legend stands first what is most now, or least with `least_first`.
    """
    panel = timeseries.Panel().unit(unit).fill_opacity(40 if stacked else 8).line_width(1)
    panel = panel.show_points(options.VisibilityMode.NEVER).legend(_legend(span, least_first=least_first))
    tooltip = common.VizTooltipOptions().mode(options.TooltipDisplayMode.MULTI)
    panel = panel.tooltip(tooltip.sort(options.SortOrder.DESCENDING))
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(options.StackingMode.NORMAL).group("A"))
    if stepped:
        panel = panel.line_interpolation(options.LineInterpolation.STEP_AFTER)
    if bottom is not None:
        panel = panel.min(bottom)
    if top is not None:
        panel = panel.max(top)
    if unit == "short":
        panel = panel.decimals(0)  # things that are counted; increase() gives parts of them
    if len(steps) > 1 and steps[1][0] == 1 and unit in COUNTS:
        # Without it an axis with nothing but zeros reaches to 100, and the line of 1 lies on the curves.
        panel = panel.axis_soft_max(2)
    for name, color in (colors or {}).items():
        fixed = {"mode": "fixed", "fixedColor": color}
        panel = panel.override_by_name(name, [model.DynamicConfigValue("color", fixed)])
    shown = (
        options.GraphThresholdsStyleMode.DASHED if len(steps) > 1 else options.GraphThresholdsStyleMode.OFF
    )
    panel = panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(shown))
    panel = panel.title(title).description(description).thresholds(_steps(steps))
    if empty:
        panel = panel.no_value(empty)
    return panel.targets(_ranges(queries)).datasource(DATASOURCE).span(span).height(height)


def _legend(span: int, *, least_first: bool) -> common.VizLegendOptions:
    """A table beside the curves; beneath them, only three of its rows are seen."""
    place = options.LegendPlacement.RIGHT if span >= WIDE else options.LegendPlacement.BOTTOM
    legend = common.VizLegendOptions().display_mode(options.LegendDisplayMode.TABLE).placement(place)
    legend = legend.show_legend(True).calcs(["lastNotNull", "max"])
    return legend.sort_by("Last *").sort_desc(not least_first)


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
    *queries: Query,
    steps: Steps = PLAIN,
    span: int = 12,
    height: int = 8,
) -> Panel:
    """Bars, the longest first as the query sorts them, or in the order of the queries."""
    panel = bargauge.Panel().unit(unit).orientation(options.VizOrientation.HORIZONTAL).min(0)
    panel = panel.display_mode(options.BarGaugeDisplayMode.BASIC)
    panel = panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    panel = panel.title(title).description(description).thresholds(_steps(steps))
    return panel.targets(_instant(*queries)).datasource(DATASOURCE).span(span).height(height)


def timeline(
    title: str,
    description: str,
    states: Sequence[State],
    *queries: Query,
    empty: str = "",
    span: int = 24,
    height: int = 8,
) -> Panel:
    """A coloured band for each series: what state it was in, and when.

    Words in bands are cut to what fits, so with more than two states a legend has them whole.
    """
    several = len(states) > 2  # noqa: PLR2004  # good and bad need no legend
    panel = (
        statetimeline.Panel().unit("none").merge_values(True).row_height(0.85).fill_opacity(80).line_width(0)
    )
    # A band that is there says all: "now" cut to "no" says the contrary.
    panel = panel.show_value(
        options.VisibilityMode.NEVER if states == PRESENT else options.VisibilityMode.AUTO
    )
    # The scheme that Grafana takes by itself is one from green to red, and has no legend.
    panel = panel.color_scheme(build.FieldColor().mode(model.FieldColorModeId.PALETTE_CLASSIC))
    legend = common.VizLegendOptions().display_mode(options.LegendDisplayMode.LIST)
    panel = panel.legend(legend.placement(options.LegendPlacement.BOTTOM).show_legend(several))
    panel = panel.per_page(bands_that_fit(height, legend=several))
    panel = panel.title(title).description(description).thresholds(_steps(PLAIN)).mappings(_mappings(states))
    if empty:
        panel = panel.no_value(empty)
    return panel.targets(_ranges(queries)).datasource(DATASOURCE).span(span).height(height)


def bands_that_fit(height: int, *, legend: bool) -> int:
    """How many bands a panel has room for, so that their names do not cover each other."""
    # The pixels of Grafana's grid, its title, axis and turning of pages, its legend, and a name.
    inside = height * 38 - 8 - 100 - (30 if legend else 0)
    return max(1, inside // 15)


def rows(
    title: str,
    description: str,
    unit: str,
    query: Query,
    columns: Mapping[str, str],
    *,
    value: str = "",
    steps: Steps = WORDS,
    states: Sequence[State] = (),
    colors: Mapping[str, str] | None = None,
    sort: str = "",
    empty: str = "",
    span: int = 12,
    height: int = 8,
) -> Panel:
    """A table of the present: a row for each series, its labels as `columns` (label: heading), in order.

    The value is a column named `value`, or is left out.  `colors` are those of words in cells.  Rows
    stand as the query sorts them, or by the column `sort`.
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
    if sort:
        panel = panel.sort_by([common.TableSortByFieldState().display_name(sort)])
    if empty:
        panel = panel.no_value(empty)
    if "host" in columns:
        link = {"title": "Host", "url": "/d/netmon-host?var-host=${__value.text}&${datasource:queryparam}"}
        panel = panel.override_by_name(columns["host"], [model.DynamicConfigValue("links", [link])])
    return (
        panel.targets(_instant(query, form=PromQueryFormat.TABLE))
        .datasource(DATASOURCE)
        .span(span)
        .height(height)
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


def _instant(*queries: Query, form: PromQueryFormat = PromQueryFormat.TIME_SERIES) -> list[Builder[Target]]:
    return [_query(place, query).instant().format(form) for place, query in enumerate(queries)]


def _query(place: int, query: Query) -> Dataquery:
    made = Dataquery().expr(query.expr).ref_id(chr(ord("A") + place)).datasource(DATASOURCE)
    return made.legend_format(query.legend) if query.legend else made
