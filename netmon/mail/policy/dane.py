"""DANE for SMTP: TLSA records against what a server presents (RFC 7672, RFC 6698, RFC 7671).

Only DANE-TA(2) and DANE-EE(3) count for SMTP (RFC 7672 §3.1).  A record of another sort is unusable,
and a server whose records are all unusable must still speak TLS, unauthenticated (§2.2).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256, sha512
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)
from OpenSSL import crypto

from netmon.mail.policy.judged import Judged, Policy, PolicyError, missing
from netmon.mail.policy.presented import Presented
from netmon.mail.tls import certificate_names, matches
from netmon.model import Finding, FindingKind, Severity

TA: Final = 2
EE: Final = 3
_PKIX: Final = {0: "PKIX-TA(0)", 1: "PKIX-EE(1)"}
_DIGESTS: Final = {1: 32, 2: 64}  # matching type -> octets
_LONGEST: Final = 16_384  # octets of a record's data
_UNREADABLE: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    crypto.Error,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


@dataclass(frozen=True, slots=True)
class Association:
    """A TLSA record (RFC 6698 §2.1)."""

    usage: int
    selector: int
    matching: int
    data: bytes

    def __str__(self) -> str:
        return f"{self.usage} {self.selector} {self.matching} {self.data[:8].hex()}..."


@dataclass(frozen=True, slots=True)
class Match:
    """What a server's chain is worth by its records."""

    valid: bool
    matched: tuple[Association, ...]
    idle: tuple[Association, ...]  # usable, but nothing presented is meant by them
    why: str  # what is wrong, or which record it was


def name(server: str, port: int) -> str:
    """Where the records stand (RFC 6698 §3)."""
    return f"_{port}._tcp.{server}"


def check_usable(record: Association) -> None:
    """Raise PolicyError, saying why, if SMTP cannot use the record (RFC 7672 §3.1.3, RFC 7671 §4)."""
    if record.usage in _PKIX:
        raise PolicyError(f"{record}: usage {_PKIX[record.usage]} is not for SMTP; publish 3 1 1")
    if record.usage not in {TA, EE}:
        raise PolicyError(f"{record}: usage {record.usage} is unknown")
    if record.selector not in {0, 1}:
        raise PolicyError(f"{record}: selector {record.selector} is unknown")
    if record.matching in _DIGESTS:
        if len(record.data) != _DIGESTS[record.matching]:
            raise PolicyError(
                f"{record}: {len(record.data)} octets are no digest of type {record.matching}, "
                f"which has {_DIGESTS[record.matching]}"
            )
        return
    if record.matching != 0:
        raise PolicyError(f"{record}: matching type {record.matching} is unknown")
    if len(record.data) > _LONGEST:
        raise PolicyError(f"{record}: {len(record.data)} octets, more than {_LONGEST}")
    try:
        if record.selector == 0:
            x509.load_der_x509_certificate(record.data)
        else:
            load_der_public_key(record.data)
    except _UNREADABLE:
        what = "certificate" if record.selector == 0 else "public key"
        raise PolicyError(f"{record}: the data is no {what}") from None


def means(record: Association, der: bytes) -> bool:
    """Whether a record means this certificate (DER); False for one that cannot be read."""
    try:
        chosen = der if record.selector == 0 else _public_key(der)
    except _UNREADABLE:
        return False
    if record.matching == 1:
        chosen = sha256(chosen).digest()
    elif record.matching == 2:  # noqa: PLR2004 (RFC 6698 §2.1.3)
        chosen = sha512(chosen).digest()
    return chosen == record.data


def _public_key(der: bytes) -> bytes:
    key = x509.load_der_x509_certificate(der).public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def judge(records: Sequence[Association], chain: Sequence[bytes], names: Sequence[str]) -> Match:
    """Usable records against the presented chain, DER, the server's own certificate first.

    `names` are those that the certificate may be for under DANE-TA: the server's and the domain's
    (RFC 7672 §3.2.2).  DANE-EE looks neither at names nor at times (§3.1.1).
    """
    if not chain:
        return Match(valid=False, matched=(), idle=tuple(records), why="no certificate was presented")
    matched, whys = [], []
    for record in records:
        if record.usage == EE:
            if means(record, chain[0]):
                matched.append(record)
            continue
        anchors = [der for der in chain if means(record, der)]
        if anchors:
            why = _leads_to(anchors[0], chain) or _is_for(chain[0], names)
            if why:
                whys.append(f"{record}: {why}")
            else:
                matched.append(record)
    idle = tuple(record for record in records if record not in matched)
    if matched:
        return Match(valid=True, matched=tuple(matched), idle=idle, why=f"by {matched[0]}")
    why = "; ".join(whys) or f"none of {len(records)} TLSA records means what it presents"
    return Match(valid=False, matched=(), idle=idle, why=why)


def _leads_to(anchor: bytes, chain: Sequence[bytes]) -> str:
    """What keeps the chain from leading to the trust anchor; "" where it does (RFC 7671 §5.2)."""
    try:
        store = crypto.X509Store()
        store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
        store.add_cert(crypto.load_certificate(crypto.FILETYPE_ASN1, anchor))
        own, *others = [crypto.load_certificate(crypto.FILETYPE_ASN1, der) for der in chain]
        crypto.X509StoreContext(store, own, others).verify_certificate()
    except crypto.X509StoreContextError as error:
        return f"the chain does not lead to it: {error}"
    except _UNREADABLE:
        return "the chain cannot be read"
    return ""


def _is_for(der: bytes, names: Sequence[str]) -> str:
    """What is wrong with the names of the server's own certificate; "" where nothing is."""
    try:
        there = certificate_names(x509.load_der_x509_certificate(der))
    except _UNREADABLE:
        return "the certificate cannot be read"
    if any(matches(there, wanted) for wanted in names):
        return ""
    return f"the certificate is not for {' or '.join(names)}"


def hints(records: Sequence[Association], match: Match) -> list[str]:
    """What will go wrong at the next change of certificate (RFC 7671 §5.1, §8)."""
    told = []
    if match.valid and match.idle:
        told.append(
            f"{len(match.idle)} of {len(records)} TLSA records mean nothing that is presented: right in a "
            f"rollover, to be removed after it ({match.idle[0]})"
        )
    if match.valid and all(record.usage == EE and record.selector == 0 for record in match.matched):
        told.append(
            f"{match.matched[0]} means this very certificate: its renewal breaks mail unless the next one's "
            "record is published first; 3 1 1 with the same key does not"
        )
    return told


@dataclass(frozen=True, slots=True)
class Server:
    """One MX and its records.

    `secure`: the answers that led to it (MX, addresses) and the records' own were validated.
    `failed`: the question for its records got an error instead of an answer, though its addresses are
    signed, which makes a sender wait (RFC 7672 §2.1.2).
    """

    name: str
    records: tuple[Association, ...] = ()
    secure: bool = False
    failed: bool = False


@dataclass(slots=True)
class _Domain:
    """What is found on the way through a domain's servers."""

    valid: dict[str, bool] = field(default_factory=dict)  # by server; only those that count
    findings: list[Finding] = field(default_factory=list)

    def add(self, kind: FindingKind, severity: Severity, server: str, text: str) -> None:
        self.findings.append(Finding(kind, severity, f"DANE: {server}: {text}", subject=server))


def judge_domain(
    domain: str, servers: Sequence[Server], presented: Sequence[Presented], *, validating: bool
) -> tuple[Judged, dict[str, bool]]:
    """All MX of a domain, and for those whose records count whether they are true."""
    published = [server for server in servers if server.records]
    seen = _Domain()
    for server in servers:
        if server.failed and validating:
            seen.valid[server.name] = False
            text = "DNS answers with an error to the question for its TLSA records, so senders with DANE wait"
            seen.add(FindingKind.DANE_INVALID, Severity.FAULT, server.name, text)
        elif server.records and not validating:
            text = "it has TLSA records, but nobody says that netmon's resolver validates (dns.validating)"
            seen.add(FindingKind.DANE_NOT_CHECKED, Severity.INFO, server.name, text)
        elif server.records and not server.secure:
            text = "its TLSA records count for nothing: they, its addresses or the MX record are not signed"
            seen.add(FindingKind.DANE_NOT_CHECKED, Severity.INFO, server.name, text)
        elif server.records:
            _judge_server(domain, server, [item for item in presented if item.server == server.name], seen)
        elif published:
            text = "it has no TLSA records, unlike others of the domain, so an attacker can lead mail there"
            seen.add(FindingKind.POLICY_MISSING, Severity.INFO, server.name, text)
    if not published and not seen.valid:
        return missing(Policy.DANE, "no TLSA records: DANE protects no server of the domain"), {}
    good = sum(seen.valid.values())
    return Judged(
        Policy.DANE,
        present=True,
        valid=all(seen.valid.values()) if seen.valid else None,
        summary=f"DANE: {len(published)} of {len(servers)} servers have TLSA records; "
        f"{good} of {len(seen.valid)} that were judged are as they say",
        findings=tuple(seen.findings),
    ), seen.valid


def _judge_server(domain: str, server: Server, presented: Iterable[Presented], seen: _Domain) -> None:
    usable = []
    for record in server.records:
        try:
            check_usable(record)
        except PolicyError as error:
            seen.add(FindingKind.DANE_UNUSABLE, Severity.RISK, server.name, f"unusable: {error}")
        else:
            usable.append(record)
    told: dict[str, None] = {}
    for item in presented:
        if item.no_tls:
            seen.valid[server.name] = False
            text = f"{item.address} offers no TLS, so senders with DANE do not deliver: {item.fault}"
            seen.add(FindingKind.DANE_INVALID, Severity.FAULT, server.name, text)
        elif item.fault or not usable:
            continue  # it could not be looked at, or there is nothing to hold it against
        else:
            match = judge(usable, item.chain, (server.name, domain))
            seen.valid[server.name] = match.valid and seen.valid.get(server.name, True)
            told |= dict.fromkeys(hints(usable, match))
            if not match.valid:
                text = f"{item.address}: {match.why}, so senders with DANE do not deliver"
                seen.add(FindingKind.DANE_INVALID, Severity.FAULT, server.name, text)
    for text in told:
        seen.add(FindingKind.DANE_ROLLOVER, Severity.INFO, server.name, text)
