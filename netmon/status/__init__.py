"""The status page and its JSON: each host's SNMP and mail side by side, and the verdict over both.

First the store's records become rows that say what is shown (`row_of`), then rows become pieces of
pages or JSON; neither end knows the other's shapes.  A page is sent whole once, and then only what
differs (`Live`).
"""

from netmon.status.domains import DomainRow, domain_rows
from netmon.status.explain import explain_list, explain_page
from netmon.status.host import host_page
from netmon.status.live import GoneError, Live, TooManyError
from netmon.status.overview import overview
from netmon.status.page import Frame, Page, missing, render
from netmon.status.past import NO_PAST, Past
from netmon.status.rows import HostRow, Source, more_of, more_to_json, row_of, to_json
from netmon.status.traps import NoTraps, Traps
from netmon.status.view import View

__all__ = [
    "NO_PAST",
    "DomainRow",
    "Frame",
    "GoneError",
    "HostRow",
    "Live",
    "NoTraps",
    "Page",
    "Past",
    "Source",
    "TooManyError",
    "Traps",
    "View",
    "domain_rows",
    "explain_list",
    "explain_page",
    "host_page",
    "missing",
    "more_of",
    "more_to_json",
    "overview",
    "render",
    "row_of",
    "to_json",
]
