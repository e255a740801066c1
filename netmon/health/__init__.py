"""The judgement: what SNMP says and what mail says of one host, joined into one verdict.

Pure: `judge(view, now)` sees records and a monotonic `now`, does no I/O and reads no clock.
"""

from netmon.health.confirm import confirm, is_flapping
from netmon.health.device import Device, follow
from netmon.health.domain import judge_domain
from netmon.health.isolation import Isolation, is_local
from netmon.health.judge import judge
from netmon.health.view import HostView, Upstream, is_stale, life_of

__all__ = [
    "Device",
    "HostView",
    "Isolation",
    "Upstream",
    "confirm",
    "follow",
    "is_flapping",
    "is_local",
    "is_stale",
    "judge",
    "judge_domain",
    "life_of",
]
