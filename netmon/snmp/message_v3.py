"""Messages of SNMPv3 with the parameters of USM: RFC 3412 §6, RFC 3414 §2.4.

A head is read without any key; what it says is proven by nobody until the digest is checked.  The
PDU inside the scoped PDU is that of SNMPv2 and is for `message`.
"""

from typing import Final, NamedTuple

from netmon.snmp.ber import (
    INTEGER,
    OCTET_STRING,
    SEQUENCE,
    DecodeError,
    encode_integer,
    expect,
    expect_integer,
    header,
    tlv,
)

AUTH: Final = 1  # bits of msgFlags, RFC 3412 §6.4
PRIV: Final = 2
REPORTABLE: Final = 4
USM: Final = 3  # msgSecurityModel
VERSION: Final = 3
_MAX_SIZE: Final = encode_integer(65_507)  # msgMaxSize: what fits an IPv4 datagram
MAX_TIME: Final = 0x7FFFFFFF  # of snmpEngineBoots and snmpEngineTime
_MAX_SALT: Final = 64  # octets; eight are right
_VERSION: Final = bytes((INTEGER, 1, VERSION))
_LONG_FORM: Final = 0x80
_SEVEN_BITS: Final = 0x7F


class Head(NamedTuple):
    """All of a message before its data, and where digest and data lie."""

    msg_id: int
    flags: int
    engine_id: bytes
    boots: int
    time: int
    user: bytes
    digest_at: int
    digest_octets: int
    salt: bytes
    data_at: int
    end: int


def is_version_3(data: bytes) -> bool:
    """Whether a datagram says that it is SNMPv3."""
    if len(data) < 2 or data[0] != SEQUENCE:  # noqa: PLR2004 - a tag and a length
        return False
    start = 2 if data[1] < _LONG_FORM else 2 + (data[1] & _SEVEN_BITS)
    return data[start : start + len(_VERSION)] == _VERSION


def decode_message_id(data: bytes) -> int:
    """msgID alone, the rest unread.  Raises DecodeError."""
    at, end = expect(data, 0, len(data), SEQUENCE)
    _, at = expect_integer(data, at, end)
    at, end = expect(data, at, end, SEQUENCE)
    return expect_integer(data, at, end)[0]


def decode_head(data: bytes) -> Head:
    """The head of an SNMPv3 message under USM.  Raises DecodeError and nothing else."""
    at, end = expect(data, 0, len(data), SEQUENCE)
    version, at = expect_integer(data, at, end)
    if version != VERSION:
        raise DecodeError(f"message version {version}, wanted 3")
    start, at = expect(data, at, end, SEQUENCE)
    msg_id, start = expect_integer(data, start, at)
    _, start = expect_integer(data, start, at)  # msgMaxSize: what they take is no matter here
    flags_at, stop = expect(data, start, at, OCTET_STRING)
    if stop != flags_at + 1:
        raise DecodeError(f"octet {flags_at}: msgFlags of {stop - flags_at} octets")
    flags = data[flags_at]
    if flags & PRIV and not flags & AUTH:
        raise DecodeError(f"octet {flags_at}: privacy without authentication")
    model, stop = expect_integer(data, stop, at)
    if model != USM or stop != at:
        raise DecodeError(f"security model {model}, wanted {USM} (USM), and nothing behind it")
    outer, data_at = expect(data, at, end, OCTET_STRING)
    at, stop = expect(data, outer, data_at, SEQUENCE)
    start, at = expect(data, at, stop, OCTET_STRING)
    engine_id = data[start:at]
    boots, at = expect_integer(data, at, stop)
    time, at = expect_integer(data, at, stop)
    if not (0 <= boots <= MAX_TIME and 0 <= time <= MAX_TIME):
        raise DecodeError(f"engine boots {boots} and time {time}: one is out of range")
    start, at = expect(data, at, stop, OCTET_STRING)
    user = data[start:at]
    digest_at, at = expect(data, at, stop, OCTET_STRING)
    digest_octets = at - digest_at
    start, at = expect(data, at, stop, OCTET_STRING)
    if at != stop or stop != data_at or at - start > _MAX_SALT:
        raise DecodeError(f"octet {at}: security parameters of another length than they say")
    return Head(
        msg_id, flags, engine_id, boots, time, user, digest_at, digest_octets, data[start:at], data_at, end
    )


def decode_encrypted(data: bytes, head: Head) -> bytes:
    """The octets of an encryptedPDU.  Raises DecodeError."""
    start, stop = expect(data, head.data_at, head.end, OCTET_STRING)
    if stop != head.end:
        raise DecodeError(f"octet {stop}: something follows the encrypted PDU")
    return data[start:stop]


def decode_scoped(data: bytes, at: int, end: int) -> tuple[bytes, bytes, int, int, int]:
    """contextEngineID, contextName, PDU type and the bounds of the PDU's content.

    What follows the scoped PDU is padding of the cipher.  Raises DecodeError.
    """
    at, end = expect(data, at, end, SEQUENCE)
    start, at = expect(data, at, end, OCTET_STRING)
    engine_id = data[start:at]
    start, at = expect(data, at, end, OCTET_STRING)
    name = data[start:at]
    pdu_type, start, stop = header(data, at, end)
    if stop != end:
        raise DecodeError(f"octet {stop}: something follows the PDU inside the scoped PDU")
    return engine_id, name, pdu_type, start, stop


def encode_scope(context_engine_id: bytes, context_name: bytes) -> bytes:
    """What a scoped PDU begins with: a head for `message.encode_message`."""
    return tlv(OCTET_STRING, context_engine_id) + tlv(OCTET_STRING, context_name)


def encode_global(msg_id: int, flags: int) -> bytes:
    """Version and msgGlobalData."""
    rest = _MAX_SIZE + bytes((OCTET_STRING, 1, flags, INTEGER, 1, USM))
    return _VERSION + tlv(SEQUENCE, encode_integer(msg_id) + rest)


def encode_security(  # noqa: PLR0917 - the fields of the parameters, in their order
    engine_id: bytes, boots: int, time: int, user: bytes, digest_octets: int, salt_octets: int
) -> tuple[bytes, int]:
    """msgSecurityParameters with zeros for digest and salt, and where the digest begins in them.

    The salt is the last that stands in them.
    """
    before = (
        tlv(OCTET_STRING, engine_id) + encode_integer(boots) + encode_integer(time) + tlv(OCTET_STRING, user)
    )
    digest = tlv(OCTET_STRING, bytes(digest_octets))
    whole = before + digest + tlv(OCTET_STRING, bytes(salt_octets))
    wrapped = tlv(OCTET_STRING, tlv(SEQUENCE, whole))
    return wrapped, len(wrapped) - len(whole) + len(before) + len(digest) - digest_octets
