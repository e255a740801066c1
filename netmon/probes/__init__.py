"""The probes.  A new one is a file beside this and a row here; config and scheduling follow."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from netmon.model import Table
from netmon.probes import imap, mailflow, ping, policy, pop3, smtp, snmp
from netmon.probes.base import ProbeKind

PROBES: Final[Mapping[str, ProbeKind]] = {
    kind.name: kind
    for kind in (ping.KIND, snmp.KIND, smtp.KIND, imap.KIND, pop3.KIND, policy.KIND, mailflow.KIND)
}


def unrun_tables() -> dict[str, Callable[[Any], Sequence[Table]]]:
    """What stands on a page before a check's first run, by probe, from its settings."""
    return {kind.name: kind.unrun for kind in PROBES.values() if kind.unrun is not None}
