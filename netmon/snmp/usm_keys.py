"""From passwords to keys: RFC 3414 §2.6 and appendix A.2, RFC 7860 §4, and longer keys for AES.

Three steps.  A password becomes a master key, which takes a megabyte of hashing and so is done once
for each password (`Masters`).  A master key is localised to an engine ID, which is cheap.  A cipher
that needs more octets than the hash gives has them by one of two drafts that never became RFCs:
Blumenthal's goes on hashing the key (AES192, AES256), Reeder's takes the key for a password and
begins again (Cisco's AES192C, AES256C).
"""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_MEGABYTE: Final = 1 << 20  # octets of repeated password, RFC 3414 §A.2
_MASTERS: Final = 1_024


@dataclass(frozen=True, slots=True)
class AuthProtocol:
    """An authentication protocol: the hash by hashlib's name, and the octets of a digest in a message."""

    digest: str
    octets: int


@dataclass(frozen=True, slots=True)
class PrivProtocol:
    """A privacy protocol: cipher, octets of its key, and whether a longer key is Reeder's."""

    cipher: str  # des or aes
    octets: int
    reeder: bool = False


# By the names of snmp_exporter's snmp.yml.  RFC 3414 §6 and §7, RFC 7860 §4.1.
AUTH_PROTOCOLS: Final[Mapping[str, AuthProtocol]] = {
    "MD5": AuthProtocol("md5", 12),
    "SHA": AuthProtocol("sha1", 12),
    "SHA224": AuthProtocol("sha224", 16),
    "SHA256": AuthProtocol("sha256", 24),
    "SHA384": AuthProtocol("sha384", 32),
    "SHA512": AuthProtocol("sha512", 48),
}
# RFC 3414 §8 (8 octets of key and 8 of pre-IV), RFC 3826 §3.1.2.1.
PRIV_PROTOCOLS: Final[Mapping[str, PrivProtocol]] = {
    "DES": PrivProtocol("des", 16),
    "AES": PrivProtocol("aes", 16),
    "AES192": PrivProtocol("aes", 24),
    "AES192C": PrivProtocol("aes", 24, reeder=True),
    "AES256": PrivProtocol("aes", 32),
    "AES256C": PrivProtocol("aes", 32, reeder=True),
}


def password_to_key(digest: str, password: bytes) -> bytes:
    """The master key Ku of a password that is not empty (RFC 3414 §A.2.1 and §A.2.2)."""
    whole, rest = divmod(_MEGABYTE, len(password))
    return hashlib.new(digest, password * whole + password[:rest]).digest()


def localise(digest: str, key: bytes, engine_id: bytes) -> bytes:
    """The key Kul of a master key at one engine (RFC 3414 §2.6)."""
    return hashlib.new(digest, key + engine_id + key).digest()


def privacy_key(digest: str, master: bytes, engine_id: bytes, protocol: PrivProtocol) -> bytes:
    """The localised key of a cipher, made longer where the hash is too short for it."""
    key = localise(digest, master, engine_id)
    last = key
    while len(key) < protocol.octets:
        if protocol.reeder:
            last = localise(digest, password_to_key(digest, last), engine_id)
            key += last
        else:
            key += hashlib.new(digest, key).digest()
    return key[: protocol.octets]


class Masters:
    """Master keys by password, each made once; the longest unused go when there are too many."""

    __slots__ = ("_keys", "_most")

    def __init__(self, most: int = _MASTERS) -> None:
        self._most = max(most, _MASTERS)
        self._keys: OrderedDict[tuple[str, bytes], bytes] = OrderedDict()

    def of(self, digest: str, password: bytes) -> bytes:
        """The master key of a password."""
        name = (digest, password)
        key = self._keys.get(name)
        if key is None:
            key = self._keys[name] = password_to_key(digest, password)
            if len(self._keys) > self._most:
                self._keys.popitem(last=False)
        else:
            self._keys.move_to_end(name)
        return key
