"""Notifications as bytes, right and wrong, for the tests of the receiver."""

from pathlib import Path

from netmon.snmp.ber import (
    INTEGER,
    IP_ADDRESS,
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    SEQUENCE,
    TIME_TICKS,
    encode_integer,
    encode_oid,
    tlv,
)
from netmon.snmp.message import INFORM, TRAP, encode_head, encode_message, encode_varbind
from netmon.snmp.message_v3 import REPORTABLE, encode_scope
from netmon.snmp.usm import Keys, Level, User, keys_at
from netmon.snmp.usm_keys import Masters
from netmon.snmp.usm_seal import seal
from netmon.traps.door import Door
from netmon.traps.own_engine import OwnEngine
from netmon.traps.records import Settings

COMMUNITY = b"nightwatch"
LINK_DOWN = encode_oid("1.3.6.1.6.3.1.1.5.3")
SYS_UP_TIME = encode_oid("1.3.6.1.2.1.1.3.0")
SNMP_TRAP_OID = encode_oid("1.3.6.1.6.3.1.1.4.1.0")
IF_INDEX = encode_oid("1.3.6.1.2.1.2.2.1.1.3")
SENDER = bytes.fromhex("8000000001020304")
OWN = bytes.fromhex("80007ed9050102030405060708")
ALICE = User("alice", Level.AUTH_PRIV, "SHA256", b"correct horse", "AES", b"battery staple")
BOB = User("bob", Level.AUTH_NO_PRIV, "SHA", b"another password")
CAROL = User("carol")
MASTERS = Masters()


def settings(**more: object) -> Settings:
    """Of a receiver that knows the community and the three users."""
    fields: dict[str, object] = {"communities": (COMMUNITY,), "users": (ALICE, BOB, CAROL)}
    return Settings(Path("events"), **(fields | more))  # type: ignore[arg-type]


def door(*, boots: int = 7, started: float = 0.0, **more: object) -> Door:
    """A door of that receiver."""
    return Door(settings(**more), OwnEngine(OWN, boots, started))


def varbinds(trap: bytes = LINK_DOWN, uptime: int = 4711, index: int = 3) -> bytes:
    """The usual three: sysUpTime.0, snmpTrapOID.0, ifIndex."""
    return (
        encode_varbind(SYS_UP_TIME, TIME_TICKS, uptime)
        + encode_varbind(SNMP_TRAP_OID, OBJECT_IDENTIFIER, trap)
        + encode_varbind(IF_INDEX, INTEGER, index)
    )


def v2c(
    *,
    pdu_type: int = TRAP,
    community: bytes = COMMUNITY,
    request_id: int = 17,
    content: bytes | None = None,
    uptime: int = 4711,
    index: int = 3,
) -> bytes:
    """A message of SNMPv2c."""
    content = varbinds(uptime=uptime, index=index) if content is None else content
    return encode_message(encode_head(2, community), pdu_type, request_id, 0, 0, content)


def v1(
    generic: int = 2,
    specific: int = 0,
    *,
    enterprise: str = "1.3.6.1.4.1.8072.3.2.10",
    address: bytes = bytes((10, 1, 2, 3)),
    ticks: int = 4711,
    content: bytes = encode_varbind(IF_INDEX, INTEGER, 3),
) -> bytes:
    """A message of SNMPv1 with a Trap-PDU."""
    pdu = (
        tlv(OBJECT_IDENTIFIER, encode_oid(enterprise))
        + tlv(IP_ADDRESS, address)
        + encode_integer(generic)
        + encode_integer(specific)
        + encode_integer(ticks, TIME_TICKS)
        + tlv(SEQUENCE, content)
    )
    return tlv(SEQUENCE, encode_integer(0) + tlv(OCTET_STRING, COMMUNITY) + tlv(0xA4, pdu))


def v3(
    user: User = ALICE,
    *,
    engine_id: bytes = SENDER,
    boots: int = 4,
    time: int = 1000,
    pdu_type: int = TRAP,
    level: int | None = None,
    reportable: bool | None = None,
    content: bytes | None = None,
    request_id: int = 17,
    msg_id: int = 99,
) -> bytes:
    """A message of SNMPv3, sealed with the user's keys."""
    flags = int(user.level if level is None else level)
    if reportable if reportable is not None else pdu_type == INFORM:
        flags |= REPORTABLE
    content = varbinds() if content is None else content
    scoped = encode_message(encode_scope(engine_id, b""), pdu_type, request_id, 0, 0, content)
    keys = keys_at(user, engine_id, MASTERS) if engine_id else Keys(None, None)
    return seal(engine_id, boots, time, user.name.encode(), keys, flags, msg_id, scoped)
