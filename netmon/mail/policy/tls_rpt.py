"""SMTP TLS reporting: where senders send their daily reports of failed TLS (RFC 8460 §3)."""

from collections.abc import Sequence
from typing import Final

from netmon.mail.policy.judged import Judged, Policy, PolicyError, invalid, missing, quoted
from netmon.mail.policy.tags import one_record, parse_tags
from netmon.model import FindingKind, Severity

_VERSION: Final = "TLSRPTv1"


def name(domain: str) -> str:
    """Where the record stands."""
    return f"_smtp._tls.{domain}"


def parse_record(text: str) -> tuple[str, ...]:
    """The addresses for reports.  Raises PolicyError."""
    tags = parse_tags(text)
    if next(iter(tags.items()), None) != ("v", _VERSION):
        raise PolicyError(f"the record does not begin with v={_VERSION}")
    if "rua" not in tags:
        raise PolicyError("the record has no rua, so nobody gets reports")
    return tuple(_address(uri.strip()) for uri in tags["rua"].split(","))


def _address(uri: str) -> str:
    scheme, _, rest = uri.partition(":")
    good = (
        (scheme.lower() == "mailto" and "@" in rest.strip("@"))
        or (scheme.lower() == "https" and len(rest) > len("//") and rest.startswith("//"))
    ) and not any(c.isspace() or c == "!" for c in uri)
    if not good:
        raise PolicyError(f"rua: {quoted(uri)} is no mailto: or https: address")
    return uri


def judge(texts: Sequence[str]) -> Judged:
    """Of the TXT records at `name`."""
    try:
        record = one_record(texts, _VERSION)
        if record is None:
            return missing(Policy.TLS_RPT, "no TLS-RPT record: senders report failed TLS to nobody")
        addresses = parse_record(record)
    except PolicyError as error:
        return invalid(Policy.TLS_RPT, FindingKind.TLS_RPT_INVALID, Severity.INFO, f"TLS-RPT: {error}")
    summary = f"TLS-RPT: reports go to {', '.join(map(quoted, addresses[:3]))}"
    return Judged(Policy.TLS_RPT, present=True, valid=True, summary=summary)
