"""What a server's TLS session and certificate say, also when the certificate is bad.

A client that verifies learns nothing from a bad certificate but that it is bad.  So the handshake
is unverified and the judgement comes after it, on the chain that was presented: OpenSSL's own
path validation (RFC 5280 §6, through pyOpenSSL) with the configured trust store, and the service's
name (RFC 9525 §6), one apart from the other.  Judgements are kept by the chain's fingerprint,
because a server presents the same chain at every run.
"""

import ipaddress
import os
import ssl
import stat
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from hashlib import sha256
from typing import Any, Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from OpenSSL import crypto

from netmon.errors import NetmonError, Reason
from netmon.mail.keys import UNKNOWN, Key, key_of, self_signed, weaknesses

_CHAINS: Final = 5_000  # remembered judgements
_NAMES: Final = 200_000  # names in all of them: a server may present another 10,000 at every run
_AGE: Final = 3600.0  # seconds that a judgement is kept: the trust store may have changed
_LONGEST_CHAIN: Final = 20  # certificates looked at
_UNREADABLE: Final = (
    ValueError,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
    crypto.Error,
)
_VERSION_REASONS: Final = {
    "UNSUPPORTED_PROTOCOL",
    "NO_PROTOCOLS_AVAILABLE",
    "TLSV1_ALERT_PROTOCOL_VERSION",
    "WRONG_SSL_VERSION",
    "VERSION_TOO_LOW",
}


class ChainFault(Enum):
    """What is wrong with a chain, as far as people mend it differently."""

    NONE = auto()
    EXPIRED = auto()
    NOT_YET_VALID = auto()
    SELF_SIGNED = auto()  # the server's own certificate, and nobody trusts it
    UNKNOWN_ISSUER = auto()
    OTHER = auto()


_FAULTS: Final = {  # by OpenSSL's X509_V_ERR_
    9: ChainFault.NOT_YET_VALID,
    10: ChainFault.EXPIRED,
    18: ChainFault.SELF_SIGNED,  # DEPTH_ZERO_SELF_SIGNED_CERT
    2: ChainFault.UNKNOWN_ISSUER,  # UNABLE_TO_GET_ISSUER_CERT
    19: ChainFault.UNKNOWN_ISSUER,  # SELF_SIGNED_CERT_IN_CHAIN: its root came along and is not trusted
    20: ChainFault.UNKNOWN_ISSUER,  # UNABLE_TO_GET_ISSUER_CERT_LOCALLY
    21: ChainFault.UNKNOWN_ISSUER,  # UNABLE_TO_VERIFY_LEAF_SIGNATURE
}


class TrustError(NetmonError):
    """The trust store cannot be read: netmon's own side."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What was presented and what it is worth; times are seconds since the epoch.

    `not_before` and `not_after` are the server's own certificate's, `chain_not_after` is the
    earliest end in the chain as presented, and `used_not_after` the earliest in the chain as
    verified (where none verifies, the server's own).
    """

    chain_error: str  # OpenSSL's words; empty for a valid chain
    fault: ChainFault = ChainFault.NONE  # the first that OpenSSL found
    self_signed: bool = False  # whether trusted or not
    key: Key = UNKNOWN
    weaknesses: tuple[str, ...] = ()  # of keys and signatures in the presented chain, in words
    names: tuple[str, ...] = ()  # the DNS names and addresses that it is for
    not_before: float = 0.0
    not_after: float = 0.0
    chain_not_after: float = 0.0
    used_not_after: float = 0.0


@dataclass(frozen=True, slots=True)
class TlsFacts:
    """One session's facts; the certificate's name is judged apart from its chain."""

    version: str
    cipher: str
    certificate: Certificate
    name_valid: bool

    @property
    def chain_valid(self) -> bool:
        """Whether the presented chain leads to a trusted certificate."""
        return not self.certificate.chain_error


@dataclass(frozen=True, slots=True)
class _Judged:
    certificate: Certificate
    since: float  # the judgement stands between these times
    until: float


class TrustStores:
    """The client's TLS context and the trust stores, by `ca_file`; shared by all probes.

    Without a `ca_file` the system's store counts; with one, that file alone.
    """

    def __init__(self) -> None:
        self._context: ssl.SSLContext | None = None
        self._stores: dict[tuple[str | None, int], crypto.X509Store] = {}
        self._judged: OrderedDict[bytes, _Judged] = OrderedDict()
        self._names = 0  # in `_judged`

    @property
    def context(self) -> ssl.SSLContext:
        """A client context that accepts any certificate; `examine` judges it afterwards."""
        if self._context is None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            context.options |= ssl.OP_NO_RENEGOTIATION  # what was judged stays what is spoken to
            # Older ones are told apart as a fault of their own rather than spoken.
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            self._context = context
        return self._context

    def examine(self, session: ssl.SSLObject, name: str, ca_file: str | None, now: float) -> TlsFacts:
        """The facts of a finished handshake with the service called `name` (or its address).

        `now` is wall time; it says how long a kept judgement stands.
        Raises TrustError if `ca_file` cannot be read.
        """
        certificate = self._certificate(presented_chain(session), ca_file, now)
        cipher = session.cipher()
        return TlsFacts(
            version=session.version() or "",
            cipher=cipher[0] if cipher else "",
            certificate=certificate,
            name_valid=matches(certificate.names, name),
        )

    def _certificate(self, chain: Sequence[bytes], ca_file: str | None, now: float) -> Certificate:
        stamp = _stamp(ca_file)
        digest = sha256(f"{ca_file}\0{stamp}\0".encode())
        for der in chain:
            digest.update(len(der).to_bytes(4) + der)
        key = digest.digest()
        known = self._judged.get(key)
        if known is None or not known.since <= now < known.until:
            fresh = _judge(chain, self._store(ca_file, stamp), now)
            self._names += len(fresh.certificate.names) - (len(known.certificate.names) if known else 0)
            known = self._judged[key] = fresh
        self._judged.move_to_end(key)
        while len(self._judged) > _CHAINS or self._names > _NAMES:
            _, old = self._judged.popitem(last=False)
            self._names -= len(old.certificate.names)
        return known.certificate

    def _store(self, ca_file: str | None, stamp: int) -> crypto.X509Store:
        store = self._stores.get((ca_file, stamp))
        if store is None:
            store = crypto.X509Store()
            # A chain may end at a trusted certificate that is not self-signed, as in browsers.
            store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
            paths = ssl.get_default_verify_paths()
            try:
                if ca_file is not None:
                    store.load_locations(ca_file)
                elif paths.cafile or paths.capath:
                    store.load_locations(paths.cafile, paths.capath)
            except crypto.Error as error:
                raise TrustError(
                    f"cannot read the certificates in {ca_file or paths.cafile}: {error}"
                ) from error
            for old in [key for key in self._stores if key[0] == ca_file]:
                del self._stores[old]
            self._stores[ca_file, stamp] = store
        return store


def handshake_fault(error: Exception) -> tuple[Reason, str]:
    """The reason and a sentence for an exception out of a client's handshake."""
    if isinstance(error, ssl.SSLError):
        code = getattr(error, "reason", None) or str(error)
        words = code.replace("_", " ").lower()
        if code in _VERSION_REASONS:
            text = f"no TLS version in common (netmon speaks TLS 1.2 and 1.3): {words}"
            return Reason.TLS_PROTOCOL_VERSION, text
        return Reason.TLS_HANDSHAKE, f"the TLS handshake failed: {words}"
    if isinstance(error, OSError):
        return Reason.CONNECTION_LOST, "the server closed the connection in the TLS handshake"
    return Reason.TLS_HANDSHAKE, f"the TLS handshake cannot be made: {error}"


def presented_chain(session: ssl.SSLObject) -> list[bytes]:
    """The certificates in DER that the server sent, its own first."""
    if hasattr(session, "get_unverified_chain"):  # public from Python 3.13
        return list(session.get_unverified_chain())[:_LONGEST_CHAIN]
    private: Any = getattr(session, "_sslobj", None)
    try:
        return [bytes(item.public_bytes(2)) for item in private.get_unverified_chain() or ()][:_LONGEST_CHAIN]
    except AttributeError:
        own = session.getpeercert(binary_form=True)
        return [own] if own else []


def matches(names: Sequence[str], wanted: str) -> bool:
    """Whether the service `wanted` (a name or an address) is among a certificate's identifiers.

    RFC 9525 §6.3: a wildcard stands for exactly one whole leftmost label; addresses match only
    iPAddress identifiers (§6.4); the common name counts for nothing.
    """
    try:
        return str(ipaddress.ip_address(wanted.strip("[]"))) in names
    except ValueError:
        pass
    wanted = _ascii(wanted)
    _, _, parent = wanted.partition(".")
    for name in map(_ascii, names):
        if name == wanted or (name.startswith("*.") and parent and name[2:] == parent and "." in parent):
            return bool(wanted)
    return False


def _ascii(name: str) -> str:
    name = name.rstrip(".").lower()
    if name.isascii():
        return name
    try:
        return name.encode("idna").decode()
    except UnicodeError:
        return name


def _judge(chain: Sequence[bytes], store: crypto.X509Store, now: float) -> _Judged:
    if not chain:
        return _Judged(Certificate("no certificate was presented", ChainFault.OTHER), now, now + _AGE)
    try:
        certificates = [x509.load_der_x509_certificate(der) for der in chain]
        handles = [crypto.load_certificate(crypto.FILETYPE_ASN1, der) for der in chain]
        leaf = certificates[0]
        names, serves = certificate_names(leaf), _serves(leaf)
        starts = [item.not_valid_before_utc.timestamp() for item in certificates]
        ends = [item.not_valid_after_utc.timestamp() for item in certificates]
    except _UNREADABLE as error:
        words = f"the certificate cannot be read: {str(error)[:200]}"
        return _Judged(Certificate(words, ChainFault.OTHER), now, now + _AGE)
    chain_error, fault, used = "", ChainFault.NONE, ends[:1]
    # By the machine's clock: OpenSSL takes a store's time once and ignores any later one, and its
    # choice between issuers of one name needs the time.
    try:
        verified = crypto.X509StoreContext(store, handles[0], handles[1:]).get_verified_chain()
    except crypto.X509StoreContextError as error:
        chain_error, fault = str(error), _FAULTS.get(error.errors[0], ChainFault.OTHER)
    else:
        used = [item.to_cryptography().not_valid_after_utc.timestamp() for item in verified]
        if not serves:
            chain_error = "unsuitable certificate purpose: it is not for servers"
            fault = ChainFault.OTHER
    certificate = Certificate(
        chain_error=chain_error,
        fault=fault,
        self_signed=self_signed(leaf),
        key=key_of(leaf),
        weaknesses=weaknesses(certificates),
        names=names,
        not_before=starts[0],
        not_after=ends[0],
        chain_not_after=min(ends),
        used_not_after=min(used),
    )
    edges = [edge for edge in (*starts, *ends, *used) if edge > now]
    return _Judged(certificate, now, min([now + _AGE, *edges]))


def certificate_names(leaf: x509.Certificate) -> tuple[str, ...]:
    """The DNS names and addresses that a certificate is for; the parser's exceptions for a broken one."""
    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return (
        *extension.get_values_for_type(x509.DNSName),
        *(str(address) for address in extension.get_values_for_type(x509.IPAddress)),
    )


def _serves(leaf: x509.Certificate) -> bool:
    """Whether this certificate may serve TLS (RFC 5280 §4.2.1.12)."""
    try:
        usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return ExtendedKeyUsageOID.SERVER_AUTH in usage or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usage


def _stamp(ca_file: str | None) -> int:
    """The file's time of change; the system's store is looked at once."""
    if ca_file is None:
        return 0
    try:
        found = os.stat(ca_file)  # noqa: PTH116 (runs at every probe; Path costs twice)
    except OSError as error:
        raise TrustError(f"cannot read the certificates in {ca_file}: {error.strerror}") from error
    if not stat.S_ISREG(found.st_mode):  # reading a pipe or a device could take for ever
        raise TrustError(f"cannot read the certificates in {ca_file}: it is no file")
    return found.st_mtime_ns
