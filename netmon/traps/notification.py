"""What a trap or inform says: the PDUs of RFC 3416 §4.2.6 and §4.2.7, and that of SNMPv1.

A trap of v1 is told in the words of v2 (RFC 3584 §3.1), so that whatever comes behind this knows one
kind of notification.  Two things are read more leniently than the standards have them, because
devices really send them and nothing in them is ambiguous: snmpTrapOID.0 may stand anywhere in the
list, and sysUpTime.0 may be missing.
"""

from typing import Final, NamedTuple

from netmon.snmp.ber import (
    INTEGER,
    IP_ADDRESS,
    OBJECT_IDENTIFIER,
    SEQUENCE,
    TIME_TICKS,
    DecodeError,
    check_oids,
    decode_unsigned,
    encode_oid,
    expect,
    expect_integer,
    header,
)
from netmon.snmp.message import INFORM, Varbinds
from netmon.snmp.varbinds import decode_varbinds
from netmon.traps.records import Admitted, Notification

TRAP_V1: Final = 0xA4  # the Trap-PDU of RFC 1157 §4.1.6

SYS_UP_TIME: Final = encode_oid("1.3.6.1.2.1.1.3.0")
SNMP_TRAP_OID: Final = encode_oid("1.3.6.1.6.3.1.1.4.1.0")
_SNMP_TRAP_ENTERPRISE: Final = encode_oid("1.3.6.1.6.3.1.1.4.3.0")
_SNMP_TRAP_ADDRESS: Final = encode_oid("1.3.6.1.6.3.18.1.3.0")
_SNMP_TRAP_COMMUNITY: Final = encode_oid("1.3.6.1.6.3.18.1.4.0")
_SNMP_TRAPS: Final = encode_oid("1.3.6.1.6.3.1.1.5")
_ENTERPRISE_SPECIFIC: Final = 6  # generic-trap, RFC 1157 §4.1.6
_IPV4_OCTETS: Final = 4
_MAX_32: Final = 0xFFFFFFFF
_MAX_31: Final = 0x7FFFFFFF
_LONGEST_INTEGER: Final = 5  # octets of 32 bits without a sign
# 30 len 06 08 sysUpTime.0: how nearly all lists begin.
_UP_TIME_NAME: Final = bytes((OBJECT_IDENTIFIER, len(SYS_UP_TIME))) + SYS_UP_TIME


def read(admitted: Admitted) -> Notification:
    """What an admitted message says.  Raises DecodeError and nothing else."""
    if admitted.pdu_type == TRAP_V1:
        return _read_v1(admitted)
    data, end = admitted.data, admitted.end
    request_id, at = expect_integer(data, admitted.start, end)
    _, at = expect_integer(data, at, end)
    _, at = expect_integer(data, at, end)
    at, stop = expect(data, at, end, SEQUENCE)
    if stop != end:
        raise DecodeError(f"octet {stop}: something follows the varbinds inside the PDU")
    oids, tags, values = decode_varbinds(data, at, end)
    uptime: int | None = None
    # RFC 3416 §4.2.6: the first two are sysUpTime.0 and snmpTrapOID.0.
    if len(oids) > 1 and oids[0] == SYS_UP_TIME and oids[1] == SNMP_TRAP_OID:
        trap, tag, uptime = values[1], tags[1], _ticks(tags[0], values[0])
        del oids[:2], tags[:2], values[:2]
    else:
        try:
            place = oids.index(SNMP_TRAP_OID)
        except ValueError:
            raise DecodeError("a notification without snmpTrapOID.0") from None
        trap, tag = values.pop(place), tags.pop(place)
        del oids[place]
        if SYS_UP_TIME in oids:
            place = oids.index(SYS_UP_TIME)
            uptime = _ticks(tags.pop(place), values.pop(place))
            del oids[place]
    if tag != OBJECT_IDENTIFIER or not isinstance(trap, bytes):
        raise DecodeError(f"snmpTrapOID.0 has a value of the tag {tag:#04x}, wanted an OBJECT IDENTIFIER")
    varbinds = Varbinds(oids, tags, values)
    address = ""
    if _SNMP_TRAP_ADDRESS in oids:
        place = oids.index(_SNMP_TRAP_ADDRESS)
        value = values[place]
        if tags[place] == IP_ADDRESS and isinstance(value, bytes):
            address = _dotted(value)
    if _SNMP_TRAP_COMMUNITY in oids:
        _forget_community(varbinds)
    return Notification(
        admitted.version, admitted.pdu_type == INFORM, request_id, trap, uptime, varbinds, address
    )


def _read_v1(admitted: Admitted) -> Notification:
    """RFC 3584 §3.1."""
    head = _head_of_v1(admitted.data, admitted.start, admitted.end)
    start, stop = expect(admitted.data, head.end, admitted.end, SEQUENCE)
    if stop != admitted.end:
        raise DecodeError(f"octet {stop}: something follows the varbinds inside the PDU")
    varbinds = Varbinds(*decode_varbinds(admitted.data, start, stop))
    check_oids((head.enterprise,))
    if head.generic == _ENTERPRISE_SPECIFIC:
        trap = head.enterprise + b"\0" + _sub_identifier(head.specific)  # §3.1 (2)
        check_oids((trap,))
    elif 0 <= head.generic < _ENTERPRISE_SPECIFIC:
        trap = _SNMP_TRAPS + bytes((head.generic + 1,))  # §3.1 (3)
    else:
        raise DecodeError(f"generic-trap {head.generic}, wanted 0 to 6")
    # §3.1 (4), but for the community, which is a secret.
    if _SNMP_TRAP_ENTERPRISE not in varbinds.oids:
        varbinds.oids.append(_SNMP_TRAP_ENTERPRISE)
        varbinds.tags.append(OBJECT_IDENTIFIER)
        varbinds.values.append(head.enterprise)
    if _SNMP_TRAP_COMMUNITY in varbinds.oids:
        _forget_community(varbinds)
    return Notification(1, False, 0, trap, head.ticks, varbinds, head.address)


class _Head(NamedTuple):
    """All of a Trap-PDU of v1 before its varbinds, and where its time-stamp and they begin."""

    enterprise: bytes
    address: str
    generic: int
    specific: int
    ticks: int
    stamp_at: int
    end: int


def _head_of_v1(data: bytes, at: int, end: int) -> _Head:
    start, at = expect(data, at, end, OBJECT_IDENTIFIER)
    enterprise = data[start:at]
    start, at = expect(data, at, end, IP_ADDRESS)
    address = data[start:at]
    if len(address) != _IPV4_OCTETS:
        raise DecodeError(f"octet {start}: an agent-addr of {len(address)} octets, wanted 4")
    generic, at = expect_integer(data, at, end)
    specific, at = expect_integer(data, at, end)
    if not 0 <= specific <= _MAX_31:
        raise DecodeError(f"specific-trap {specific} is out of range")
    tag, start, stop = header(data, at, end)
    if tag not in {TIME_TICKS, INTEGER}:  # a time-stamp as INTEGER is an old mistake of agents
        raise DecodeError(f"octet {at}: a time-stamp of the tag {tag:#04x}")
    ticks = decode_unsigned(data, start, stop, _MAX_32)
    return _Head(enterprise, _dotted(address), generic, specific, ticks, at, stop)


def repeat_key(admitted: Admitted) -> bytes | None:
    """The octets in which two notifications that say the same are equal; None where it has no such.

    That is all but the request-id and the value of sysUpTime.0, which differ each time.
    """
    data, end = admitted.data, admitted.end
    try:
        if admitted.pdu_type == TRAP_V1:
            head = _head_of_v1(data, admitted.start, end)
            key = data[admitted.start : head.stamp_at] + data[head.end : end]
        else:
            at = admitted.start
            for _ in range(3):  # request-id, error-status, error-index
                if data[at] != INTEGER or not 0 < data[at + 1] <= _LONGEST_INTEGER:
                    return None
                at += 2 + data[at + 1]
            at, stop = expect(data, at, end, SEQUENCE)
            if stop != end:
                return None
            # 30 len 06 08 sysUpTime.0 43 len ...
            value = at + 2 + len(_UP_TIME_NAME)
            if (
                data[at + 2 : value] == _UP_TIME_NAME
                and data[value] == TIME_TICKS
                and 0 < data[value + 1] <= _LONGEST_INTEGER
                and data[at + 1] == len(_UP_TIME_NAME) + 2 + data[value + 1]
            ):
                at += 2 + data[at + 1]
            key = data[at:end]
    except (IndexError, DecodeError):
        return None  # `read` says what is wrong
    # What nobody has proven is no repeat of what somebody has, nor the other way round: a forger who
    # says the same first would hide the true one.
    if admitted.version != 3:  # noqa: PLR2004 - SNMPv3
        return b"%c%c%b" % (admitted.version << 1, admitted.pdu_type, key)
    kind, user = admitted.version << 1 | admitted.authenticated, admitted.user.encode()
    size = len(admitted.engine_id)
    return b"%c%c%c%b%c%b%b" % (kind, admitted.pdu_type, size, admitted.engine_id, len(user), user, key)


def _ticks(tag: int, value: object) -> int | None:
    """Hundredths of a second; None for a value that is none, which costs the trap nothing."""
    return value if tag == TIME_TICKS and isinstance(value, int) else None


def _dotted(address: bytes) -> str:
    """An address for people; empty for 0.0.0.0, by which an agent says that it has none."""
    return ".".join(map(str, address)) if len(address) == _IPV4_OCTETS and any(address) else ""


def _sub_identifier(number: int) -> bytes:
    octets = [number & 0x7F]
    while number := number >> 7:
        octets.append(number & 0x7F | 0x80)
    return bytes(reversed(octets))


def _forget_community(varbinds: Varbinds) -> None:
    """snmpTrapCommunity.0 of a proxy (RFC 3584 §3.1): a password, which nobody needs to read."""
    kept = [place for place, oid in enumerate(varbinds.oids) if oid != _SNMP_TRAP_COMMUNITY]
    varbinds.oids[:] = [varbinds.oids[place] for place in kept]
    varbinds.tags[:] = [varbinds.tags[place] for place in kept]
    varbinds.values[:] = [varbinds.values[place] for place in kept]
