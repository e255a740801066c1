"""A conversation over TCP by a module of blackbox_exporter's prober `tcp`, one connection, once.

`/probe` stands in for blackbox_exporter, so its modules are read as they are (`reading`) and mean here
what they mean there: lines, RE2 expressions, STARTTLS, and one address of the target.  What is added
never changes a module that does without it: `reject` ends a conversation at the first refusal, and the
certificate is described also when it is bad.  Nothing here knows who may ask for what: netmon.scrape does.
"""

from netmon.tcpprobe.conversation import Outcome, Place, converse
from netmon.tcpprobe.reading import read_probe_modules
from netmon.tcpprobe.records import OtherModule, ProbeModule, TcpModule
from netmon.tcpprobe.report import FAMILIES, Report, tables
from netmon.tcpprobe.transcript import Transcript

__all__ = [
    "FAMILIES", "OtherModule", "Outcome", "Place", "ProbeModule", "Report", "TcpModule", "Transcript",
    "converse", "read_probe_modules", "tables",
]  # fmt: skip
