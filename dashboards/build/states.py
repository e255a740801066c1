"""The states that netmon exports as sets, with the number, place and colour that they have in panels.

Their names come from netmon's own enums, so a new state is in the dashboards when they are built anew.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final

from dashboards.build.panels import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, YELLOW, State
from netmon.history import Agreement
from netmon.model import MailState, Result, SnmpState, VerdictName

VERDICT_COLORS: Final[Mapping[str, str]] = {
    VerdictName.UNKNOWN: GREY,
    VerdictName.UNREACHABLE: PURPLE,
    VerdictName.HOST_DOWN: "dark-red",
    VerdictName.DEVICE_DOWN: "semi-dark-red",
    VerdictName.MAIL_STARVED: "light-red",
    VerdictName.PATH_FILTERED: "dark-orange",
    VerdictName.MAIL_DOWN: RED,
    VerdictName.MAIL_DEGRADED: ORANGE,
    VerdictName.AGENT_DOWN: BLUE,
    VerdictName.DEVICE_DEGRADED: YELLOW,
    VerdictName.HEALTHY: GREEN,
}
STATE_COLORS: Final[Mapping[str, str]] = {
    "none": "transparent", "ok": GREEN, "degraded": YELLOW, "down": RED, "rejected": ORANGE,
    "deferred": YELLOW, "failed": RED, "untestable": GREY,
}  # fmt: skip
AGREEMENT_COLORS: Final[Mapping[str, str]] = {
    Agreement.BOTH: GREEN,
    Agreement.ONLY_SNMP: ORANGE,
    Agreement.ONLY_MAIL: YELLOW,
    Agreement.NEITHER: RED,
    Agreement.UNTOLD: GREY,
}
MAIL_FIRST: Final = 20
SNMP_FIRST: Final = 30
AGREEMENT_FIRST: Final = 40


def _numbered(names: Iterable[StrEnum], colors: Mapping[str, str], first: int) -> Sequence[State]:
    return tuple(State(place, name.value, colors[name]) for place, name in enumerate(names, first))


# Numbers begin with 1: 0 is what a band has that is in no state.
VERDICTS: Final = _numbered(VerdictName, VERDICT_COLORS, 1)
MAIL_STATES: Final = _numbered(MailState, STATE_COLORS, MAIL_FIRST)
SNMP_STATES: Final = _numbered(SnmpState, STATE_COLORS, SNMP_FIRST)
AGREEMENTS: Final = _numbered(Agreement, AGREEMENT_COLORS, AGREEMENT_FIRST)
RESULTS: Final = _numbered(Result, STATE_COLORS, 1)
