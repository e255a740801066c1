"""What every dashboard has: its uid, the variables, and the links to the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as model

from dashboards.build.panels import DATASOURCE, Panel

_ALL: Final = model.VariableOption(text="All", value="$__all")


@dataclass(frozen=True, slots=True)
class Row:
    """A heading and the panels under it."""

    title: str
    panels: Sequence[Panel]


def dashboard(
    uid: str, title: str, description: str, rows: Sequence[Row], *, one_host: bool = False
) -> model.Dashboard:
    """A dashboard; with `one_host` exactly one host is chosen."""
    made = build.Dashboard(f"netmon: {title}").uid(uid).description(description).tags(["netmon"]).readonly()
    made = made.time("now-1h", "now").refresh("30s").timezone("browser")
    made = made.tooltip(model.DashboardCursorSync.CROSSHAIR)
    link = build.DashboardLink("netmon").type(model.DashboardLinkType.DASHBOARDS).tags(["netmon"])
    made = made.link(link.include_vars(True).keep_time(True).as_dropdown(False))
    for variable in _variables(one_host=one_host):
        made = made.with_variable(variable)
    for row in rows:
        made = made.with_row(build.Row(row.title))
        for panel in row.panels:
            made = made.with_panel(panel)
    whole = made.build()
    # The SDK writes these three, which only variables of intervals have; the schema knows none of them.
    for model_ in (whole.templating and whole.templating.list_val) or []:
        model_.auto = model_.auto_count = model_.auto_min = None
    for number, placed in enumerate(whole.panels or [], 1):
        placed.id_val = number
    return whole


def _variables(*, one_host: bool) -> list[build.QueryVariable | build.DatasourceVariable]:
    source = build.DatasourceVariable("datasource").label("Data source").type("prometheus")
    job = _query("job", "Job", 'label_values({__name__=~"netmon_host_info|netmon_build_info"}, job)')
    site = _query("site", "Site", 'label_values(netmon_host_info{job=~"$job"}, site)')
    host = _query("host", "Host", 'label_values(netmon_host_info{job=~"$job",site=~"$site"}, host)')
    # Hosts without a site belong to "All" sites.  "All" hosts has no such word: it is those of the site.
    job = job.include_all(True).multi(True).all_value(".+").current(_ALL)
    site = site.include_all(True).multi(True).all_value(".*").current(_ALL)
    if not one_host:
        host = host.include_all(True).multi(True).current(_ALL)
    return [source, job, site, host]


def _query(name: str, label: str, query: str) -> build.QueryVariable:
    made = (
        build.QueryVariable(name).label(label).datasource(DATASOURCE).query({"query": query, "refId": name})
    )
    return made.refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(model.VariableSort.ALPHABETICAL_ASC)
