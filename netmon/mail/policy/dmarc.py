"""DMARC: what receivers do with messages that pass neither SPF nor DKIM for the domain (RFC 7489)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from netmon.mail.policy.judged import Judged, Policy, PolicyError, invalid, missing, quoted
from netmon.mail.policy.tags import one_record, parse_tags
from netmon.model import Finding, FindingKind, Severity

_VERSION: Final = "DMARC1"
_ACTIONS: Final = ("none", "quarantine", "reject")
_ALL: Final = 100
_CLIMBS: Final = 4  # names asked above the domain


@dataclass(frozen=True, slots=True)
class Record:
    """A record as far as a judgement needs it; `reports` are the addresses of `rua`."""

    action: str  # p
    subdomains: str  # sp
    percent: int = _ALL
    reports: tuple[str, ...] = ()


def names(domain: str) -> Iterator[tuple[str, str]]:
    """Where the record may stand, nearest first, each with its domain (§6.6.3).

    The standard asks the organisational domain next, by a list of public suffixes that nobody
    publishes in DNS; climbing finds the same record without the list.
    """
    labels = domain.split(".")
    last = max(1, len(labels) - 1)
    for up in (0, *range(max(1, last - _CLIMBS), last)):
        yield f"_dmarc.{'.'.join(labels[up:])}", ".".join(labels[up:])


def parse_record(text: str) -> Record:
    """A record (§6.3).  Raises PolicyError."""
    tags = parse_tags(text)
    if next(iter(tags.items()), None) != ("v", _VERSION):
        raise PolicyError(f"the record does not begin with v={_VERSION}")
    if "p" not in tags:
        raise PolicyError("the record has no p, so it asks for nothing")
    action = _one_of("p", tags["p"].lower(), _ACTIONS)
    for tag in ("adkim", "aspf"):
        _one_of(tag, tags.get(tag, "r").lower(), ("r", "s"))
    percent = tags.get("pct", str(_ALL))
    if not (percent.isdecimal() and len(percent) <= len(str(_ALL)) and int(percent) <= _ALL):
        raise PolicyError(f"pct: {quoted(percent)} is no number from 0 to 100")
    for uri in _uris(tags.get("ruf", "")):
        _mail(uri, "ruf")
    return Record(
        action=action,
        subdomains=_one_of("sp", tags.get("sp", action).lower(), _ACTIONS),
        percent=int(percent),
        reports=tuple(_mail(uri, "rua") for uri in _uris(tags.get("rua", ""))),
    )


def _uris(value: str) -> list[str]:
    return [uri.strip() for uri in value.split(",")] if value else []


def _one_of(tag: str, value: str, options: Sequence[str]) -> str:
    if value not in options:
        raise PolicyError(f"{tag}: {quoted(value)} is not one of {', '.join(options)}")
    return value


def _mail(uri: str, tag: str) -> str:
    """A mailto: address, perhaps with a limit of size as in `mailto:a@example.org!10m` (§6.2)."""
    scheme, _, rest = uri.partition(":")
    address = rest.partition("!")[0]
    if not scheme.isalpha() or (scheme.lower() == "mailto" and "@" not in address.strip("@")) or not rest:
        raise PolicyError(f"{tag}: {quoted(uri)} is no address like mailto:dmarc@example.org")
    return address


def judge(texts: Sequence[str], domain: str, asked: str) -> Judged:
    """Of the TXT records of the first name that has any; `domain` is that name's, `asked` the one watched."""
    try:
        text = one_record(texts, _VERSION)
        if text is None:
            return missing(Policy.DMARC, "no DMARC record: receivers decide alone about forged senders")
        record = parse_record(text)
    except PolicyError as error:
        return invalid(Policy.DMARC, FindingKind.DMARC_INVALID, Severity.RISK, f"DMARC of {domain}: {error}")
    action = record.action if domain == asked else record.subdomains
    whose = "" if domain == asked else f" (the record of {domain})"
    findings = []
    if action == "none":
        text = f"DMARC asks for nothing{whose}: p=none watches only"
        findings.append(Finding(FindingKind.DMARC_WEAK, Severity.INFO, text))
    elif record.percent < _ALL:
        text = f"DMARC is for {record.percent}% of the messages only{whose}"
        findings.append(Finding(FindingKind.DMARC_WEAK, Severity.INFO, text))
    reports = "" if record.reports else ", reports to nobody"
    return Judged(
        Policy.DMARC,
        present=True,
        valid=True,
        summary=f"DMARC: {action}, {record.percent}%{whose}{reports}",
        findings=tuple(findings),
    )
