"""The TLS side of a module: the client's context, and what a finished handshake says.

The handshake itself accepts any certificate; the judgement comes after it (netmon.mail.tls), so that
a bad certificate can be described.  Whether it ends the conversation is the module's to say.
"""

import ipaddress
import ssl
import warnings
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography import x509

from netmon.errors import Reason
from netmon.mail.faults import MailError, failed, untestable
from netmon.mail.tls import TlsFacts, TrustError, TrustStores, presented_chain
from netmon.tcpprobe.names import cipher_suite, distinguished, serial_number
from netmon.tcpprobe.records import TlsSettings

NEVER: Final = -62135596800  # Go's zero time: no chain was verified
_VERSIONS: Final = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}
_NAMES: Final = {"TLSv1": "TLS 1.0", "TLSv1.1": "TLS 1.1", "TLSv1.2": "TLS 1.2", "TLSv1.3": "TLS 1.3"}
_OLD: Final = ("TLS10", "TLS11")
_KEPT_LEAF: Final = 8192  # octets of a certificate that is remembered


@dataclass(frozen=True, slots=True)
class Leaf:
    """The server's own certificate in the words of probe_ssl_last_chain_info."""

    fingerprint: str
    subject: str
    issuer: str
    names: str
    serial: str


@dataclass(frozen=True, slots=True)
class Session:
    """A finished handshake; `last_expiry` is NEVER where no chain was verified."""

    version: str  # "TLS 1.3"
    cipher: str
    facts: TlsFacts
    leaf: Leaf | None  # None for a certificate that cannot be read
    last_expiry: float


def client_context(settings: TlsSettings) -> ssl.SSLContext:
    """A client's context by a module's settings.  Raises MailError where a file cannot be used."""
    if not settings.cert_file or not settings.key_file:
        return _shared_context(settings.min_version, settings.max_version)
    context = _context(settings.min_version, settings.max_version)
    for name in (settings.cert_file, settings.key_file):
        path = Path(name)
        if path.exists() and not path.is_file():  # reading a pipe or a device could take for ever
            raise untestable(Reason.LOCAL_ERROR, f"cannot use {name}: it is no file")
    try:
        context.load_cert_chain(settings.cert_file, settings.key_file, lambda: "")
    except (OSError, ssl.SSLError) as error:
        words = error.reason if isinstance(error, ssl.SSLError) else error.strerror
        raise untestable(
            Reason.LOCAL_ERROR, f"cannot use {settings.cert_file} with {settings.key_file}: {words}"
        ) from error
    return context


def _context(least: str, most: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.options |= ssl.OP_NO_RENEGOTIATION  # as Go's clients
    least = least or "TLS12"  # as Go's clients since 1.18
    # Go's clients know nothing of OpenSSL's levels, which refuse TLS 1.1 and weak keys before they are seen.
    context.set_ciphers("DEFAULT:@SECLEVEL=0" if least in _OLD else "DEFAULT:@SECLEVEL=1")
    with warnings.catch_warnings():
        # TLS 1.0 and 1.1 are deprecated, which whoever writes them into a module knows.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = _VERSIONS[least]
        if most:
            context.maximum_version = _VERSIONS[most]
    return context


_shared_context = lru_cache(maxsize=32)(_context)  # one costs more than the rest of a probe


def sni(name: str) -> str | None:
    """The name for SNI, which takes no address (RFC 6066 §3)."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name or None
    return None


def examine(
    session: ssl.SSLObject, settings: TlsSettings, name: str, trust: TrustStores, now: float
) -> Session:
    """What the handshake says; `now` is wall time.  Raises MailError where the ca_file cannot be read."""
    try:
        facts = trust.examine(session, name, settings.ca_file, now)
    except TrustError as error:
        raise untestable(Reason.LOCAL_ERROR, str(error)) from error
    cipher, chain = session.cipher(), presented_chain(session)
    valid = facts.chain_valid and facts.name_valid and not settings.insecure_skip_verify
    return Session(
        version=_NAMES.get(session.version() or "", "unknown"),
        cipher=cipher_suite(cipher[0]) if cipher else "",
        facts=facts,
        leaf=_leaf(chain[0]) if chain else None,
        last_expiry=facts.certificate.used_not_after if valid else NEVER,
    )


def untrusted(session: Session, settings: TlsSettings, name: str) -> MailError | None:
    """Why the certificate ends the conversation, if it does."""
    if settings.insecure_skip_verify or (session.facts.chain_valid and session.facts.name_valid):
        return None
    words = session.facts.certificate.chain_error
    if not words:
        shown = ", ".join(session.facts.certificate.names[:5]) or "nobody"
        words = f"it is for {shown}, not for {name}"
    return failed(Reason.CERTIFICATE_UNTRUSTED, f"the certificate is not to be trusted: {words}")


def _leaf(der: bytes) -> Leaf | None:
    """A server presents the same certificate at every probe; a huge one is not worth its memory."""
    return _known_leaf(der) if len(der) <= _KEPT_LEAF else _read_leaf(der)


def _read_leaf(der: bytes) -> Leaf | None:
    try:
        certificate = x509.load_der_x509_certificate(der)
        try:
            extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            names = ",".join(extension.get_values_for_type(x509.DNSName))
        except x509.ExtensionNotFound:
            names = ""
        return Leaf(
            sha256(der).hexdigest(),
            distinguished(certificate.subject),
            distinguished(certificate.issuer),
            names,
            serial_number(certificate),
        )
    except (ValueError, x509.DuplicateExtension, x509.InvalidVersion, x509.UnsupportedGeneralNameType):
        return None


_known_leaf = lru_cache(maxsize=1000)(_read_leaf)
