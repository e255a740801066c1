"""TLS facts as metric tables and findings, alike for every mail protocol; pure."""

import datetime as dt
from collections.abc import Iterator
from typing import Final

from netmon.mail.tls import Certificate, ChainFault, TlsFacts
from netmon.mail.trail import printable
from netmon.model import Column, Family, Finding, FindingKind, Kind, Severity, Table

TLS: Final = Family("netmon_tls_info", Kind.GAUGE, "TLS version and cipher of the latest session.")
EXPIRY: Final = Family(
    "netmon_tls_certificate_expiry_timestamp_seconds",
    Kind.GAUGE,
    "When the first certificate of the presented chain ends.",
)
CHAIN: Final = Family(
    "netmon_tls_chain_valid", Kind.GAUGE, "1 if the presented chain leads to a trusted certificate."
)
NAME: Final = Family("netmon_tls_name_valid", Kind.GAUGE, "1 if the certificate is for the server's name.")
BEGIN: Final = Family(
    "netmon_tls_certificate_not_before_timestamp_seconds",
    Kind.GAUGE,
    "When the time of the server's own certificate begins.",
)
SELF_SIGNED: Final = Family(
    "netmon_tls_certificate_self_signed",
    Kind.GAUGE,
    "1 if the server's own certificate is signed by its own key.",
)
KEY: Final = Family(
    "netmon_tls_certificate_key_size",
    Kind.GAUGE,
    "Size of the server's key in bits, by its kind: rsa, ec, ed25519, ed448, dsa or other.",
)
FAMILIES: Final = (TLS, EXPIRY, BEGIN, CHAIN, NAME, SELF_SIGNED, KEY)

_SHOWN: Final = 4  # names of a certificate that may hold hundreds
_DAY: Final = 86400.0


def scalar(*columns: tuple[Family, float]) -> Table:
    """A table of one row without labels."""
    return Table((), ((),), tuple(Column(family, (value,)) for family, value in columns))


def tls_tables(facts: TlsFacts) -> tuple[Table, ...]:
    """One session's series; the labels host and endpoint come on output."""
    tables = (
        Table(("version", "cipher"), ((facts.version, facts.cipher),), (Column(TLS, (1,)),)),
        scalar((CHAIN, int(facts.chain_valid)), (NAME, int(facts.name_valid))),
    )
    certificate = facts.certificate
    if not certificate.chain_not_after:
        return tables  # unreadable: no time is better than 1970
    return (
        *tables,
        scalar(
            (EXPIRY, certificate.chain_not_after),
            (BEGIN, certificate.not_before),
            (SELF_SIGNED, int(certificate.self_signed)),
        ),
        Table(("key_type",), ((certificate.key.kind,),), (Column(KEY, (certificate.key.bits,)),)),
    )


def certificate_findings(
    facts: TlsFacts, name: str, *, warn: float, strict: bool, now: float
) -> list[Finding]:
    """What is wrong with the certificate for the service `name`, at most one finding a kind.

    `strict` is for endpoints whose clients verify (submission, implicit TLS).  Elsewhere senders
    take any certificate (RFC 7435, RFC 3207 §4.1), so it is information there; but a certificate
    that is good now and ends within `warn` seconds is a risk everywhere.
    """
    certificate = facts.certificate
    weight = Severity.FAULT if strict else Severity.INFO
    findings = list(_times(facts, weight, warn=warn, strict=strict, now=now))
    told = {ChainFault.EXPIRED: FindingKind.CERTIFICATE_EXPIRED}
    told[ChainFault.NOT_YET_VALID] = FindingKind.CERTIFICATE_NOT_YET_VALID
    if certificate.fault is ChainFault.SELF_SIGNED:
        text = "the certificate is self-signed and proves nothing; if it is meant, name it by ca_file"
        findings.append(Finding(FindingKind.CERTIFICATE_SELF_SIGNED, weight, text))
    elif not facts.chain_valid and told.get(certificate.fault) not in [found.kind for found in findings]:
        said = printable(certificate.chain_error.encode())
        text = f"the certificate is not trusted: {said}; if its authority is your own, name it by ca_file"
        findings.append(Finding(FindingKind.CERTIFICATE_CHAIN_INVALID, weight, text))
    if certificate.weaknesses:
        text = f"the certificate is weak: {'; '.join(certificate.weaknesses[:_SHOWN])}"
        severity = Severity.RISK if strict else Severity.INFO
        findings.append(Finding(FindingKind.CERTIFICATE_WEAK, severity, text))
    if not facts.name_valid:
        text = f"the certificate is for {_names(certificate)}, not for {name}; tls_name says which to expect"
        findings.append(Finding(FindingKind.CERTIFICATE_NAME_MISMATCH, weight, text))
    return findings


def _times(facts: TlsFacts, weight: Severity, *, warn: float, strict: bool, now: float) -> Iterator[Finding]:
    """Before its time, after it, or near its end: one of the three."""
    certificate = facts.certificate
    begin, end, used = certificate.not_before, certificate.not_after, certificate.used_not_after
    if end and end <= now:
        text = f"the certificate ended {_ago(now - end)} ago, on {_day(end)}"
        yield Finding(FindingKind.CERTIFICATE_EXPIRED, weight, text)
    elif begin > now:
        text = f"the certificate begins in {_ago(begin - now)} only, on {_day(begin)}"
        yield Finding(FindingKind.CERTIFICATE_NOT_YET_VALID, weight, text)
    elif used and used <= now + warn:
        what = "the certificate" if used == end else "the chain's first"
        text = f"{what} ends in {_ago(used - now)}, on {_day(used)}"
        severity = Severity.RISK if facts.chain_valid or strict else Severity.INFO
        yield Finding(FindingKind.CERTIFICATE_EXPIRING, severity, text)


def _names(certificate: Certificate) -> str:
    shown = ", ".join(name[:80] for name in certificate.names[:_SHOWN]) or "no name"
    more = len(certificate.names) - _SHOWN
    return printable(shown.encode(errors="replace")) + (f" and {more} more" if more > 0 else "")


def _ago(seconds: float) -> str:
    return f"{seconds / _DAY:.0f} days" if seconds >= 2 * _DAY else f"{seconds / 3600:.0f} hours"


def _day(timestamp: float) -> str:
    return dt.datetime.fromtimestamp(timestamp, dt.UTC).strftime("%Y-%m-%d")
