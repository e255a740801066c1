"""On-demand SNMP and TCP, as snmp_exporter and blackbox_exporter do it: one query, one read, its tables.

A Prometheus that asked snmp_exporter asks `/snmp` by changing a port, so the query is taken by its
rules (`query`).  What may be asked is the config's to say (`access`), since whoever reaches the web
port could otherwise send datagrams anywhere from here.  `service` reads, lets equal queries of one
moment share a read, and keeps what several clients wait for apart from how long each of them waits;
`transcript` shows the exchange to people.  `prober` does for `/probe` what `service` does for `/snmp`.
Nothing here renders or knows of HTTP but its status codes.
"""

from netmon import tcpprobe
from netmon.scrape import service
from netmon.scrape.access import Access, Device, ProbeTargets, device
from netmon.scrape.prober import Prober
from netmon.scrape.query import QueryError
from netmon.scrape.service import Answer, Scraper

# What the pages of /snmp and /probe say themselves.
FAMILIES = (*service.FAMILIES, *tcpprobe.FAMILIES)

__all__ = [
    "FAMILIES",
    "Access",
    "Answer",
    "Device",
    "ProbeTargets",
    "Prober",
    "QueryError",
    "Scraper",
    "device",
]
