"""The four ways in which SNMP and mail can agree or not about a host."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from netmon.model import MailState, SnmpState

_WORKS: Final = frozenset({"ok", "degraded"})
_FAILS: Final = frozenset({"down", "failed", "rejected"})
# By name, in seconds; the longest is how far back spans are kept in memory.
WINDOWS: Final[Mapping[str, float]] = {"1h": 3600.0, "24h": 86_400.0, "7d": 604_800.0, "30d": 2_592_000.0}


class Agreement(StrEnum):
    """`netmon_host_agreement{agreement}`."""

    BOTH = "both"  # SNMP and mail work
    ONLY_SNMP = "only_snmp"
    ONLY_MAIL = "only_mail"
    NEITHER = "neither"
    UNTOLD = "untold"  # one of the two is not configured, or could not be tested


def works(state: MailState | SnmpState) -> bool | None:
    """Whether it works, at least in part; None if it is not configured or could not be tested."""
    return True if state in _WORKS else False if state in _FAILS else None


def agreement(mail: MailState, snmp: SnmpState) -> Agreement:
    """What the two say together."""
    mail_works, snmp_works = works(mail), works(snmp)
    if mail_works is None or snmp_works is None:
        return Agreement.UNTOLD
    if mail_works:
        return Agreement.BOTH if snmp_works else Agreement.ONLY_MAIL
    return Agreement.ONLY_SNMP if snmp_works else Agreement.NEITHER
