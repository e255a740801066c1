"""Where the mail of a domain goes, and the verdicts over domains."""

from dataclasses import dataclass
from enum import StrEnum

from netmon.model.checks import Finding, Route


class DomainVerdictName(StrEnum):
    """The closed list of verdicts over domains; `netmon_domain_verdict{verdict}`."""

    UNKNOWN = "unknown"  # nothing is known yet
    UNTESTABLE = "untestable"  # DNS is silent, or no server of it can be tested from here
    DOWN = "down"  # no mail server accepts, or DNS says that there is none
    DEGRADED = "degraded"  # some accept
    HEALTHY = "healthy"


class DnsState(StrEnum):
    """What DNS says of a domain, once it is certain."""

    NOT_ASKED = "not_asked"
    ANSWERS = "answers"
    NOTHING = "nothing"  # several times in a row: nobody takes its mail
    SILENT = "silent"  # several times in a row, or from the start


@dataclass(frozen=True, slots=True)
class Lookup:
    """What DNS says of where a domain's mail goes.

    `mx` in the order of preference; `named`: the latest answer names servers, if none that could be used;
    `unsure`: DNS did not answer for the addresses of all of them.  `good`: when it last answered, wall
    clock; 0: never.
    """

    domain: str
    dns: DnsState
    mx: tuple[str, ...] = ()
    routes: tuple[Route, ...] = ()
    findings: tuple[Finding, ...] = ()  # what weighs most, or decides, stands first
    named: bool = False
    unsure: bool = False
    good: float = 0.0


@dataclass(frozen=True, slots=True)
class DomainVerdict:
    """The judgement over one domain; `since` is wall clock; `accepting` are the MX that take mail.

    `failing` are those that were tested and do not; the rest could not be, or not yet.
    """

    domain: str
    name: DomainVerdictName
    sentence: str
    findings: tuple[Finding, ...] = ()
    since: float = 0.0
    accepting: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
