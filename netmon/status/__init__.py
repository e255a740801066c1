"""The status page and its JSON: each host's SNMP and mail side by side, and the verdict over both.

First the store's records become rows that say what is shown (`row_of`), then rows become HTML or
JSON; neither end knows the other's shapes.
"""

from netmon.status.html import render_host, render_hosts
from netmon.status.rows import HostRow, row_of, to_json

__all__ = ["HostRow", "render_host", "render_hosts", "row_of", "to_json"]
