"""The probes.  A new one is a file beside this and a row here; config and scheduling follow."""

from collections.abc import Mapping
from typing import Final

from netmon.probes import imap, mailflow, ping, policy, pop3, smtp, snmp
from netmon.probes.base import ProbeKind

PROBES: Final[Mapping[str, ProbeKind]] = {
    kind.name: kind
    for kind in (ping.KIND, snmp.KIND, smtp.KIND, imap.KIND, pop3.KIND, policy.KIND, mailflow.KIND)
}
