"""Grafana dashboards built from code, with grafana-foundation-sdk.

One function makes one dashboard, and one row of DASHBOARDS names it; its tests are generic.  The JSON
files beside this package are made by `make dashboards` and are what Grafana reads.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.build.agent import agent_dashboard
from dashboards.build.host import host_dashboard
from dashboards.build.mail import mail_dashboard
from dashboards.build.network import network_dashboard
from dashboards.build.overview import overview_dashboard
from dashboards.build.traps import traps_dashboard

FOLDER: Final = Path(__file__).parents[1]
DASHBOARDS: Final[Mapping[str, Callable[[], Dashboard]]] = {
    "netmon-overview.json": overview_dashboard,
    "netmon-host.json": host_dashboard,
    "netmon-network.json": network_dashboard,
    "netmon-mail.json": mail_dashboard,
    "netmon-traps.json": traps_dashboard,
    "netmon-agent.json": agent_dashboard,
}


def texts() -> Mapping[str, str]:
    """The JSON of each dashboard, by the name of its file."""
    encoder = JSONEncoder(sort_keys=True, indent=2)
    return {name: encoder.encode(make()) + "\n" for name, make in DASHBOARDS.items()}
