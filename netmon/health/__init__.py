"""The judgement: what SNMP says and what mail says of one host, joined into one verdict.

Pure: `judge(view, now)` sees records and a monotonic `now`, does no I/O and reads no clock.
"""

from netmon.health.confirm import confirm
from netmon.health.judge import judge
from netmon.health.view import HostView, Upstream, is_stale

__all__ = ["HostView", "Upstream", "confirm", "is_stale", "judge"]
