"""How long each host was in which state: spans on disk, and what SNMP and mail agreed on over hours and days.

A row is a span between two changes and never a run, so a host that is well for a month is one row.  The
spans of the last month are in memory as well, a few bytes each: pages and reports add them up and
read no disk.  While no agent ran nothing is known, and nothing is made up for it.
"""

from netmon.history.agreement import WINDOWS, Agreement, agreement
from netmon.history.keeper import History
from netmon.history.track import Totals

__all__ = ["WINDOWS", "Agreement", "History", "Totals", "agreement"]
