"""On-demand SNMP, as snmp_exporter does it: one query, one read of a device, its tables.

A Prometheus that asked snmp_exporter asks `/snmp` by changing a port, so the query is taken by its
rules (`query`).  What may be asked is the config's to say (`access`), since whoever reaches the web
port could otherwise send datagrams anywhere from here.  `service` reads, lets equal queries of one
moment share a read, and keeps what several clients wait for apart from how long each of them waits;
`transcript` shows the exchange to people.  Nothing here renders or knows of HTTP but its status codes.
"""

from netmon.scrape.access import Access, Device, ProbeTargets, device
from netmon.scrape.query import QueryError
from netmon.scrape.service import FAMILIES, Answer, Scraper

__all__ = ["FAMILIES", "Access", "Answer", "Device", "ProbeTargets", "QueryError", "Scraper", "device"]
