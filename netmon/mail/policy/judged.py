"""What every judge of a policy gives, and the one error that every parser may raise."""

from dataclasses import dataclass
from enum import StrEnum

from netmon.errors import NetmonError
from netmon.mail.trail import printable
from netmon.model import Finding, FindingKind, Severity

_WIDTH = 200  # characters of the network's that a sentence quotes


class PolicyError(NetmonError):
    """A record or policy that is not in its standard's form; `str()` says what is wrong, printable."""

    def __init__(self, text: str) -> None:
        super().__init__(printable(text.encode(errors="replace")))


class Policy(StrEnum):
    """The closed list of policies; `netmon_mail_policy_valid{policy}`."""

    DANE = "dane"
    MTA_STS = "mta_sts"
    TLS_RPT = "tls_rpt"
    SPF = "spf"
    DKIM = "dkim"
    DMARC = "dmarc"
    REVERSE_DNS = "reverse_dns"


@dataclass(frozen=True, slots=True)
class Judged:
    """One policy of one domain.

    `present`: whether it is published; None: that could not be learned.  `valid`: whether what is
    published is sound and true; None where there is nothing to judge, or it could not be judged.
    """

    policy: Policy
    present: bool | None
    valid: bool | None
    summary: str  # one line for people
    findings: tuple[Finding, ...] = ()


def missing(policy: Policy, text: str) -> Judged:
    """Nothing is published."""
    found = Finding(FindingKind.POLICY_MISSING, Severity.INFO, text, subject=policy)
    return Judged(policy, present=False, valid=None, summary=text, findings=(found,))


def invalid(policy: Policy, kind: FindingKind, severity: Severity, text: str) -> Judged:
    """Published, and not sound."""
    return Judged(policy, present=True, valid=False, summary=text, findings=(Finding(kind, severity, text),))


def unknown(policy: Policy, text: str) -> Judged:
    """It could not be learned: DNS gave no answer."""
    return Judged(policy, present=None, valid=None, summary=text)


def quoted(text: str) -> str:
    """Text of the network within a sentence: printable and short."""
    shown = printable(text[:_WIDTH].encode(errors="replace"))
    return f'"{shown}{"..." if len(text) > _WIDTH else ""}"'
