"""A message of SNMPv3 around a scoped PDU: encrypted and signed as a level wants it (RFC 3414 §3.1)."""

from netmon.snmp.ber import OCTET_STRING, SEQUENCE, tlv
from netmon.snmp.message_v3 import AUTH, PRIV, encode_global, encode_security
from netmon.snmp.usm import Keys
from netmon.snmp.usm_crypto import SALT_OCTETS


def seal(  # noqa: PLR0917 - the fields of the message, in their order
    engine_id: bytes, boots: int, time: int, user: bytes, keys: Keys, flags: int, msg_id: int, scoped: bytes
) -> bytes:
    """The whole message; `flags` are msgFlags, whose level says which of the keys are used."""
    mac = keys.mac if flags & AUTH else None
    cipher = keys.cipher if flags & PRIV else None
    octets = mac.octets if mac is not None else 0
    salts = SALT_OCTETS if cipher is not None else 0
    security, digest_at = encode_security(engine_id, boots, time, user, octets, salts)
    if cipher is not None:
        salt, encrypted = cipher.encrypt(scoped, boots, time)
        security = security[:-SALT_OCTETS] + salt
        scoped = tlv(OCTET_STRING, encrypted)
    message = tlv(SEQUENCE, encode_global(msg_id, flags) + security + scoped)
    if mac is None:
        return message
    at = len(message) - len(scoped) - len(security) + digest_at
    return b"".join((message[:at], mac.sign(message), message[at + octets :]))
