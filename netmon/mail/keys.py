"""What a certificate's key and signature are worth; pure.

Below 112 bits of strength neither is fit for use (NIST SP 800-131A rev. 2 §3): that is RSA and DSA
under 2048 bits and curves under 224.  MD5 and SHA-1 no longer protect a signature from forgery; a root's
signature of itself protects nothing and is not looked at.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

LEAST_RSA: Final = 2048
LEAST_CURVE: Final = 224
_FORGEABLE: Final = {"md2", "md4", "md5", "sha1"}


@dataclass(frozen=True, slots=True)
class Key:
    """A public key: `kind` is `rsa`, `ec`, `ed25519`, `ed448`, `dsa` or `other`; `bits` is 0 if unknown."""

    kind: str
    bits: int

    def __str__(self) -> str:
        return f"{self.kind.upper()} {self.bits} bits" if self.bits else "a key of unknown kind"

    @property
    def weak(self) -> bool:
        """Whether it is too short for its kind."""
        least = {"rsa": LEAST_RSA, "dsa": LEAST_RSA, "ec": LEAST_CURVE}.get(self.kind, 0)
        return 0 < self.bits < least


UNKNOWN: Final = Key("other", 0)


def key_of(certificate: x509.Certificate) -> Key:
    """The certificate's public key."""
    try:
        public = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return UNKNOWN
    if isinstance(public, ec.EllipticCurvePublicKey):
        return Key("ec", public.curve.key_size)
    if isinstance(public, rsa.RSAPublicKey | dsa.DSAPublicKey):
        return Key("rsa" if isinstance(public, rsa.RSAPublicKey) else "dsa", public.key_size)
    of_one_size = {ed25519.Ed25519PublicKey: Key("ed25519", 256), ed448.Ed448PublicKey: Key("ed448", 456)}
    return next((key for kind, key in of_one_size.items() if isinstance(public, kind)), UNKNOWN)


def self_signed(certificate: x509.Certificate) -> bool:
    """Whether it is signed by its own key, which equal names alone do not show."""
    try:
        if certificate.issuer != certificate.subject:
            return False
        certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):  # a name or a key that nobody can read
        return False
    try:
        certificate.verify_directly_issued_by(certificate)
    except (InvalidSignature, TypeError, UnsupportedAlgorithm):
        return False
    except ValueError:  # a digest that cryptography takes no more, as SHA-1: the names must do
        return True
    return True


def weaknesses(chain: Sequence[x509.Certificate]) -> tuple[str, ...]:
    """What is too weak in a chain as presented, the server's own first; in words."""
    return tuple(_weaknesses(chain))


def _weaknesses(chain: Sequence[x509.Certificate]) -> Iterator[str]:
    for place, certificate in enumerate(chain):
        whose = "its" if not place else "an issuer's"
        if (key := key_of(certificate)).weak:
            yield f"{whose} key has {key}, under {LEAST_CURVE if key.kind == 'ec' else LEAST_RSA}"
        if self_signed(certificate):
            continue
        if (name := _digest(certificate)) in _FORGEABLE:
            yield f"{whose} signature is made with {name.upper()}"


def _digest(certificate: x509.Certificate) -> str:
    try:
        algorithm = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return ""
    return algorithm.name if algorithm else ""
