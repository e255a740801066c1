"""Whom a request speaks for in SNMPv3: a user of the User-based Security Model (RFC 3414).

A `User` is what a person configures; `keys_at` makes of it what one engine wants to see.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, NamedTuple

from netmon.snmp.ber import EncodeError
from netmon.snmp.usm_crypto import Aes, Cipher, Des, Mac
from netmon.snmp.usm_keys import AUTH_PROTOCOLS, PRIV_PROTOCOLS, Masters, localise, privacy_key

MIN_PASSWORD: Final = 8  # octets, RFC 3414 §11.2; net-snmp takes no shorter one either
MAX_NAME: Final = 32  # octets of a user's or a context's name, RFC 3414 §2.4, RFC 3411 §5
MAX_ENGINE_ID: Final = 32  # octets, RFC 3411 §5; at least five


class Level(IntEnum):
    """A security level by its bits in msgFlags (RFC 3412 §6.4)."""

    NO_AUTH_NO_PRIV = 0
    AUTH_NO_PRIV = 1
    AUTH_PRIV = 3


LEVELS: Final = {
    "noAuthNoPriv": Level.NO_AUTH_NO_PRIV,
    "authNoPriv": Level.AUTH_NO_PRIV,
    "authPriv": Level.AUTH_PRIV,
}


@dataclass(frozen=True, slots=True)
class User:
    """A user at a security level, and the context that he asks in.

    The protocols are names of `usm_keys`; those that the level does not use are left aside.  An empty
    `context_engine_id` means that of the engine that is asked.  Raises EncodeError for what cannot be.
    """

    name: str
    level: Level = Level.NO_AUTH_NO_PRIV
    auth_protocol: str = "MD5"
    auth_password: bytes = field(default=b"", repr=False)
    priv_protocol: str = "DES"
    priv_password: bytes = field(default=b"", repr=False)
    context_name: bytes = b""
    context_engine_id: bytes = b""

    def __post_init__(self) -> None:
        if not 0 < len(self.name.encode()) <= MAX_NAME:
            raise EncodeError(f"a user name of {len(self.name.encode())} octets, wanted 1 to {MAX_NAME}")
        if len(self.context_name) > MAX_NAME or len(self.context_engine_id) > MAX_ENGINE_ID:
            raise EncodeError(f"a context name or engine ID of more than {MAX_NAME} octets")
        if self.level & Level.AUTH_NO_PRIV and (
            self.auth_protocol not in AUTH_PROTOCOLS or not self.auth_password
        ):
            raise EncodeError(f"user {self.name}: authentication without a password or a known protocol")
        if self.level is Level.AUTH_PRIV and (
            self.priv_protocol not in PRIV_PROTOCOLS or not self.priv_password
        ):
            raise EncodeError(f"user {self.name}: privacy without a password or a known protocol")

    @property
    def shown_context(self) -> str:
        """The context name for a message: one line of ASCII, whatever it holds."""
        return self.context_name.decode(errors="replace").encode("unicode_escape").decode()


class Keys(NamedTuple):
    """A user's keys at one engine, ready for use; None where the level has no use for them."""

    mac: Mac | None
    cipher: Cipher | None


def mac_at(user: User, engine_id: bytes, masters: Masters) -> Mac | None:
    """What alone proves a message: a privacy key may take a megabyte of hashing for each engine ID."""
    if not user.level & Level.AUTH_NO_PRIV:
        return None
    auth = AUTH_PROTOCOLS[user.auth_protocol]
    return Mac(
        auth.digest,
        localise(auth.digest, masters.of(auth.digest, user.auth_password), engine_id),
        auth.octets,
    )


def keys_at(user: User, engine_id: bytes, masters: Masters) -> Keys:
    """Localise a user's keys.  The first time that a password is met takes milliseconds."""
    mac = mac_at(user, engine_id, masters)
    if user.level is not Level.AUTH_PRIV:
        return Keys(mac, None)
    auth = AUTH_PROTOCOLS[user.auth_protocol]
    priv = PRIV_PROTOCOLS[user.priv_protocol]
    # The privacy key is made with the hash of the authentication protocol (RFC 3414 §2.6).
    master = masters.of(auth.digest, user.priv_password)
    secret = privacy_key(auth.digest, master, engine_id, priv)
    return Keys(mac, Aes(secret) if priv.cipher == "aes" else Des(secret))
