"""What is done with localised keys: digests of messages (RFC 3414 §6, RFC 7860) and ciphers.

A digest is HMAC (RFC 2104) written out over `hashlib`: the two states that depend on the key alone
are made once and copied for each message, which takes half the time of `hmac`.

Ciphers are DES-CBC (RFC 3414 §8) and AES in CFB mode (RFC 3826 §3).  A salt is never used twice with
one key: it counts up from a random number.
"""

import hashlib
import secrets
import struct
from hmac import compare_digest
from typing import Final, Protocol

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher as Crypter
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from netmon.snmp.ber import DecodeError

try:  # where it lives from cryptography 47 on
    from cryptography.hazmat.decrepit.ciphers.modes import CFB
except ImportError:  # pragma: no cover - cryptography 46
    from cryptography.hazmat.primitives.ciphers.modes import CFB

SALT_OCTETS: Final = 8
_INNER: Final = bytes(octet ^ 0x36 for octet in range(256))  # RFC 2104 §2
_OUTER: Final = bytes(octet ^ 0x5C for octet in range(256))
_DES_OCTETS: Final = 8  # of a block, of the key and of the pre-IV
_MAX_32: Final = 0xFFFFFFFF
_MAX_64: Final = 0xFFFFFFFFFFFFFFFF
_TIMES: Final = struct.Struct(">II")


class Mac:
    """The digests of one localised key, cut to `octets`."""

    __slots__ = ("_inner", "_outer", "_zeros", "octets")

    def __init__(self, digest: str, key: bytes, octets: int) -> None:
        block = hashlib.new(digest).block_size
        padded = key.ljust(block, b"\0")
        self._inner = hashlib.new(digest, padded.translate(_INNER))
        self._outer = hashlib.new(digest, padded.translate(_OUTER))
        self._zeros = bytes(octets)
        self.octets = octets

    def sign(self, message: bytes) -> bytes:
        """The digest of a message that has zeros in the digest's place."""
        inner = self._inner.copy()
        inner.update(message)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()[: self.octets]

    def verify(self, message: bytes, at: int, octets: int) -> bool:
        """Whether the `octets` of a message at `at` are its digest.  Takes the same time either way.

        A digest that is cut short, or empty, is none (RFC 3414 §6.3.2 step 1).
        """
        if octets != self.octets:
            return False
        stop = at + octets
        signed = self.sign(b"".join((message[:at], self._zeros, message[stop:])))
        return compare_digest(signed, message[at:stop])


class Cipher(Protocol):
    """A cipher with its key."""

    def encrypt(self, plain: bytes, boots: int, time: int) -> tuple[bytes, bytes]:
        """The salt, and the octets encrypted."""

    def decrypt(self, data: bytes, salt: bytes, boots: int, time: int) -> bytes:
        """The plain octets, perhaps with padding behind them.  Raises DecodeError."""


class Aes:
    """AES-CFB128 with 128, 192 or 256 bits of key; the IV is boots, time and salt (RFC 3826 §3.1.2.1)."""

    __slots__ = ("_algorithm", "_salt")

    def __init__(self, key: bytes) -> None:
        self._algorithm = AES(key)
        self._salt = secrets.randbits(64)

    def encrypt(self, plain: bytes, boots: int, time: int) -> tuple[bytes, bytes]:
        """See Cipher."""
        self._salt = (self._salt + 1) & _MAX_64
        salt = self._salt.to_bytes(SALT_OCTETS, "big")
        mode = CFB(_TIMES.pack(boots, time) + salt)
        return salt, Crypter(self._algorithm, mode).encryptor().update(plain)

    def decrypt(self, data: bytes, salt: bytes, boots: int, time: int) -> bytes:
        """See Cipher."""
        if len(salt) != SALT_OCTETS:
            raise DecodeError(f"a salt of {len(salt)} octets, wanted {SALT_OCTETS}")
        mode = CFB(_TIMES.pack(boots, time) + salt)
        return Crypter(self._algorithm, mode).decryptor().update(data)


class Des:
    """DES-CBC; the salt is boots and a counter, the IV that and the pre-IV (RFC 3414 §8.1.1.1).

    It is spoken as triple DES with three equal keys, which is the same cipher.
    """

    __slots__ = ("_algorithm", "_pre_iv", "_salt")

    def __init__(self, key: bytes) -> None:
        self._algorithm = TripleDES(key[:_DES_OCTETS] * 3)
        self._pre_iv = int.from_bytes(key[_DES_OCTETS : 2 * _DES_OCTETS], "big")
        self._salt = secrets.randbits(32)

    def encrypt(self, plain: bytes, boots: int, time: int) -> tuple[bytes, bytes]:
        """See Cipher."""
        del time
        self._salt = (self._salt + 1) & _MAX_32
        salt = _TIMES.pack(boots, self._salt)
        padded = plain + bytes(-len(plain) % _DES_OCTETS)
        return salt, Crypter(self._algorithm, self._mode(salt)).encryptor().update(padded)

    def decrypt(self, data: bytes, salt: bytes, boots: int, time: int) -> bytes:
        """See Cipher."""
        del boots, time
        if len(salt) != SALT_OCTETS or len(data) % _DES_OCTETS:
            raise DecodeError(f"{len(data)} octets of DES with a salt of {len(salt)}: no whole blocks")
        return Crypter(self._algorithm, self._mode(salt)).decryptor().update(data)

    def _mode(self, salt: bytes) -> CBC:
        return CBC((int.from_bytes(salt, "big") ^ self._pre_iv).to_bytes(_DES_OCTETS, "big"))
