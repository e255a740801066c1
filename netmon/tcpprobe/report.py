"""The series of one conversation, under the names and with the values of blackbox_exporter; pure.

netmon's own begin with netmon_: dashboards that know blackbox_exporter's never meet a changed meaning.
"""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from netmon.model import Column, Family, Kind, Table, Value
from netmon.tcpprobe.conversation import Outcome
from netmon.tcpprobe.session import Session


def _gauge(name: str, text: str) -> Family:
    return Family(name, Kind.GAUGE, text)


SUCCESS: Final = _gauge("probe_success", "1 if the conversation went as the module says, else 0.")
DURATION: Final = _gauge("probe_duration_seconds", "Time that the probe took, name lookup included.")
LOOKUP: Final = _gauge("probe_dns_lookup_time_seconds", "Time that the lookup of the target's name took.")
PROTOCOL: Final = _gauge("probe_ip_protocol", "4 or 6, the IP version of the probe; 0 without an address.")
ADDRESS: Final = _gauge(
    "probe_ip_addr_hash", "FNV-1a hash of the address that was probed; it changes when the address does."
)
BY_REGEX: Final = _gauge(
    "probe_failed_due_to_regex", "1 if the server ended the stream before a line matched an expect."
)
BY_BYTES: Final = _gauge("probe_failed_due_to_bytes", "1 if other octets came than an expect_bytes says.")
EARLIEST: Final = _gauge(
    "probe_ssl_earliest_cert_expiry", "Earliest end of the certificates that the server presented."
)
LAST_CHAIN: Final = _gauge(
    "probe_ssl_last_chain_expiry_timestamp_seconds",
    "When the verified chain ends; -62135596800 if none was verified.",
)
CHAIN_INFO: Final = _gauge("probe_ssl_last_chain_info", "The server's own certificate, as labels.")
TLS_VERSION: Final = _gauge("probe_tls_version_info", "The TLS version, as a label.")
TLS_CIPHER: Final = _gauge("probe_tls_cipher_info", "The TLS cipher suite, as a label.")
EXPECT: Final = _gauge("probe_expect_info", "What the labels of a module's steps took out of the answers.")
REASON: Final = _gauge("netmon_probe_reason_info", "How the conversation of /probe ended, as a label.")
REJECTED: Final = _gauge("netmon_probe_rejected", "1 if a line matched a reject of the module.")
NOT_BEFORE: Final = _gauge(
    "netmon_probe_ssl_not_before_timestamp_seconds", "From when on the server's own certificate counts."
)
CHAIN_VALID: Final = _gauge(
    "netmon_probe_ssl_chain_valid", "1 if the presented chain leads to a trusted certificate, else 0."
)
NAME_VALID: Final = _gauge(
    "netmon_probe_ssl_name_valid", "1 if the certificate is for the name that was asked for, else 0."
)
FAMILIES: Final = (
    SUCCESS, DURATION, LOOKUP, PROTOCOL, ADDRESS, BY_REGEX, BY_BYTES, EARLIEST, LAST_CHAIN, CHAIN_INFO,
    TLS_VERSION, TLS_CIPHER, EXPECT, REASON, REJECTED, NOT_BEFORE, CHAIN_VALID, NAME_VALID,
)  # fmt: skip

# FNV-1a, 32 bits: draft-eastlake-fnv.
_OFFSET, _PRIME, _BITS = 0x811C9DC5, 0x01000193, 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Report:
    """A conversation and what went before it; seconds.  `lookup` is None where nothing was looked up."""

    outcome: Outcome
    duration: float
    lookup: float | None = None
    address: str = ""


def tables(report: Report) -> tuple[Table, ...]:
    """The series of a conversation."""
    return tuple(_tables(report))


def address_hash(address: str) -> int:
    """The hash of an address's octets."""
    number = _OFFSET
    for octet in ipaddress.ip_address(address).packed:
        number = (number ^ octet) * _PRIME & _BITS
    return number


def _tables(report: Report) -> Iterator[Table]:
    outcome = report.outcome
    values: list[tuple[Family, Value]] = [(SUCCESS, int(outcome.success)), (DURATION, report.duration)]
    if report.lookup is not None:
        address = report.address
        values += [
            (LOOKUP, report.lookup),
            (PROTOCOL, 0 if not address else 6 if ":" in address else 4),
            (ADDRESS, address_hash(address) if address else 0),
        ]
    values += [
        (BY_REGEX, int(outcome.failed_by_regex)),
        (BY_BYTES, int(outcome.failed_by_bytes)),
        (REJECTED, int(outcome.rejected)),
    ]
    yield Table((), ((),), tuple(Column(family, (value,)) for family, value in values))
    yield _info(REASON, reason=outcome.reason.value)
    if outcome.session is not None:
        yield from _of_session(outcome.session)
    for names, texts in outcome.infos:
        yield Table(names, (texts,), (Column(EXPECT, (1,)),))


def _of_session(session: Session) -> Iterator[Table]:
    certificate = session.facts.certificate
    values: list[tuple[Family, Value]] = [(LAST_CHAIN, _stamp(session.last_expiry))]
    if certificate.not_after:  # else it cannot be read, and 1970 would look like its end
        values += [
            (EARLIEST, _stamp(certificate.chain_not_after)),
            (NOT_BEFORE, _stamp(certificate.not_before)),
        ]
    values += [
        (CHAIN_VALID, int(session.facts.chain_valid)),
        (NAME_VALID, int(session.facts.name_valid)),
    ]
    yield Table((), ((),), tuple(Column(family, (value,)) for family, value in values))
    yield _info(TLS_VERSION, version=session.version)
    yield _info(TLS_CIPHER, cipher=session.cipher)
    if (leaf := session.leaf) is not None:
        yield _info(
            CHAIN_INFO,
            fingerprint_sha256=leaf.fingerprint,
            issuer=leaf.issuer,
            serialnumber=leaf.serial,
            subject=leaf.subject,
            subjectalternative=leaf.names,
        )


def _info(family: Family, **labels: str) -> Table:
    return Table(tuple(labels), (tuple(labels.values()),), (Column(family, (1,)),))


def _stamp(seconds: float) -> Value:
    return int(seconds)
