"""The probes.  A new one is a file beside this and a row here; config and scheduling follow."""

from collections.abc import Mapping
from typing import Final

from netmon.probes import ping, policy, smtp, snmp
from netmon.probes.base import ProbeKind

PROBES: Final[Mapping[str, ProbeKind]] = {
    kind.name: kind for kind in (ping.KIND, snmp.KIND, smtp.KIND, policy.KIND)
}
