"""What notifications say, in all versions; and what broken or hostile ones do, which is nothing."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.snmp.ber import (
    IP_ADDRESS,
    NULL,
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    SEQUENCE,
    TIME_TICKS,
    DecodeError,
    decode_oid,
    encode_integer,
    encode_oid,
    tlv,
)
from netmon.snmp.message import INFORM, TRAP, encode_varbind
from netmon.traps.notification import read, repeat_key
from netmon.traps.records import Admitted, Drop, Notification, Refusal
from tests.fuzz.trap_cases import cases
from tests.unit.traps.messages import (
    COMMUNITY,
    IF_INDEX,
    LINK_DOWN,
    SNMP_TRAP_OID,
    SYS_UP_TIME,
    door,
    v1,
    v2c,
    v3,
    varbinds,
)


def admitted(data: bytes) -> Admitted:
    """The message, which is from somebody who may send."""
    answer = door().admit(data, 1.0)
    assert isinstance(answer, Admitted), answer
    return answer


def notification(data: bytes) -> Notification:
    """What it says."""
    return read(admitted(data))


def test_a_trap_of_v2c() -> None:
    """sysUpTime.0 and snmpTrapOID.0 are taken out of the list, the rest stays in its order."""
    said = notification(v2c())
    assert (said.version, said.inform, said.request_id, said.uptime) == (2, False, 17, 4711)
    assert (said.trap, said.varbinds.oids, said.varbinds.values) == (LINK_DOWN, [IF_INDEX], [3])
    assert notification(v2c(pdu_type=INFORM)).inform


def test_the_two_may_stand_elsewhere() -> None:
    """Some agents send them in another order, or no sysUpTime.0 at all: nothing about that is unclear."""
    up, trap, index = (
        encode_varbind(SYS_UP_TIME, TIME_TICKS, 5),
        encode_varbind(SNMP_TRAP_OID, OBJECT_IDENTIFIER, LINK_DOWN),
        encode_varbind(IF_INDEX, 2, 3),
    )
    for content, uptime in ((trap + up + index, 5), (index + trap + up, 5), (trap + index, None)):
        said = notification(v2c(content=content))
        assert (said.trap, said.uptime, said.varbinds.oids) == (LINK_DOWN, uptime, [IF_INDEX])


def test_without_its_own_name_it_is_none() -> None:
    """Nothing tells what happened where snmpTrapOID.0 is missing or no OID."""
    for content in (
        b"",
        encode_varbind(SYS_UP_TIME, TIME_TICKS, 5),
        encode_varbind(SNMP_TRAP_OID, OCTET_STRING, b"linkDown"),
        encode_varbind(SNMP_TRAP_OID, NULL),
    ):
        with pytest.raises(DecodeError):
            notification(v2c(content=content))


@pytest.mark.parametrize("generic", range(6))
def test_generic_traps_of_v1(generic: int) -> None:
    """RFC 3584 §3.1 (3): coldStart and its five kin are snmpTraps.1 to .6."""
    said = notification(v1(generic))
    assert decode_oid(said.trap) == f"1.3.6.1.6.3.1.1.5.{generic + 1}"
    assert (said.version, said.inform, said.uptime, said.agent_address) == (1, False, 4711, "10.1.2.3")


@pytest.mark.parametrize("specific", [0, 1, 127, 128, 16383, 16384, 2**31 - 1])
def test_specific_traps_of_v1(specific: int) -> None:
    """RFC 3584 §3.1 (2): the enterprise, a zero, and the number."""
    said = notification(v1(6, specific, enterprise="1.3.6.1.4.1.318"))
    assert decode_oid(said.trap) == f"1.3.6.1.4.1.318.0.{specific}"


def test_v1_tells_its_enterprise_and_never_its_community() -> None:
    """RFC 3584 §3.1 (4): snmpTrapEnterprise.0 is added, snmpTrapCommunity.0 is not: it is a secret."""
    said = notification(v1())
    assert [decode_oid(oid) for oid in said.varbinds.oids][-1] == "1.3.6.1.6.3.1.1.4.3.0"
    assert said.varbinds.values[-1] == encode_oid("1.3.6.1.4.1.8072.3.2.10")
    assert COMMUNITY not in said.varbinds.values


@pytest.mark.parametrize("generic", [-1, 7, 255, 2**31 - 1])
def test_a_generic_trap_that_is_none(generic: int) -> None:
    """0 to 6 are all that RFC 1157 has."""
    with pytest.raises(DecodeError):
        notification(v1(generic))


def test_what_a_proxy_adds() -> None:
    """snmpTrapAddress.0 is the origin; a community that it passes on is forgotten."""
    content = (
        varbinds()
        + encode_varbind(encode_oid("1.3.6.1.6.3.18.1.3.0"), IP_ADDRESS, bytes((192, 0, 2, 9)))
        + encode_varbind(encode_oid("1.3.6.1.6.3.18.1.4.0"), OCTET_STRING, b"their secret")
    )
    said = notification(v2c(content=content))
    assert said.agent_address == "192.0.2.9"
    assert b"their secret" not in said.varbinds.values
    assert len(said.varbinds.oids) == len(said.varbinds.tags) == len(said.varbinds.values) == 2


def test_an_agent_without_an_address() -> None:
    """0.0.0.0 in agent-addr is what agents of IPv6 send: it says nothing."""
    assert notification(v1(address=bytes(4))).agent_address == ""


def test_the_same_twice_has_one_key() -> None:
    """Request-id and uptime differ each time and do not matter; anything else does."""
    assert repeat_key(admitted(v2c(request_id=1, uptime=5))) == repeat_key(
        admitted(v2c(request_id=70000, uptime=2**31))
    )
    assert repeat_key(admitted(v1(ticks=1))) == repeat_key(admitted(v1(ticks=2**30)))
    assert repeat_key(admitted(v3(request_id=1, time=1))) == repeat_key(admitted(v3(request_id=2, time=2)))
    keys = [
        repeat_key(admitted(data))
        for data in (
            v2c(), v2c(index=4), v2c(pdu_type=INFORM), v1(), v1(3), v1(6, 1), v1(6, 2), v1(address=b"abcd"),
            v1(enterprise="1.3.6.1.4.1.9"), v3(), v3(engine_id=b"12345"),
        )
    ]  # fmt: skip
    assert len(set(keys)) == len(keys)
    assert None not in keys


def test_what_is_proven_is_no_repeat_of_what_is_not() -> None:
    """Neither of a user of the same name without a key, nor of v2c octets that look like engine and user."""
    proven = admitted(v3())
    said = replace_level(proven)
    assert repeat_key(said) != repeat_key(proven)
    key = repeat_key(proven)
    assert key is not None
    for cut in range(16):
        assert repeat_key(admitted(v2c(content=key[cut:]))) != key


def replace_level(message: Admitted) -> Admitted:
    """The same, and nobody has proven it."""
    return message._replace(authenticated=False)


def test_what_is_malformed_has_no_key() -> None:
    """A message that cannot be read is no repeat of one that could be, however much of it is the same."""
    right = v2c(pdu_type=INFORM)
    start = admitted(right).start
    sequence = right.index(b"\x30", start)
    for at, octet in ((start, 0), (start + 3, 4), (start + 6, 5), (sequence, 0x31), (sequence + 1, 5)):
        wrong = bytearray(right)
        wrong[at] = octet
        assert repeat_key(admitted(bytes(wrong))) is None
        with pytest.raises(DecodeError):
            read(admitted(bytes(wrong)))
    for at, octet in ((right.index(SYS_UP_TIME) + 8, 2), (right.index(SYS_UP_TIME) + 9, 1)):
        wrong = bytearray(right)
        wrong[at] = octet
        assert repeat_key(admitted(bytes(wrong))) != repeat_key(admitted(right))


# Shapes of published defects of other receivers, by what was wrong in them.

_LONG_OID = b"\x2b" + b"\1" * 2000
_HOSTILE = {
    "an OID of two thousand sub-identifiers": v2c(content=varbinds(trap=_LONG_OID)),
    "no enterprise": v1(6, 1).replace(tlv(OBJECT_IDENTIFIER, encode_oid("1.3.6.1.4.1.8072.3.2.10")), b""),
    "an enterprise that leaves no room for the specific trap": v1(
        6, 1, enterprise=".".join(["1", "3"] + ["1"] * 126)
    ),
    "a length of 2**63": b"\x30\x88" + b"\x7f" + b"\xff" * 7 + v2c(),
    "a length of 2**32 - 1": b"\x30\x84\xff\xff\xff\xff" + v2c(),
    "the indefinite length": b"\x30\x80" + v2c()[2:] + b"\0\0",
    "a length of no octets": b"\x30\x00",
    "nesting without end": b"\x30\x82\xff\xff" * 10_000,
    "a tag of many octets": b"\x3f\xff\xff\xff\x7f\x02" + v2c(),
    "an empty integer": tlv(SEQUENCE, b"\2\0" + b"\4\0"),
    "an integer of 9 octets": tlv(SEQUENCE, b"\2\x09" + b"\1" * 9),
    "nothing": b"",
    "one octet": b"\x30",
    "the greatest datagram": b"\x30" * 65_507,
    "zeros": bytes(65_507),
    "an empty PDU": tlv(SEQUENCE, encode_integer(1) + tlv(OCTET_STRING, COMMUNITY) + tlv(TRAP, b"")),
    "an agent-addr of no octets": v1(address=b""),
    "an agent-addr of five": v1(address=b"12345"),
    "a varbind list that overruns": v2c()[:-1],
    "a varbind without a value": v2c(content=varbinds() + tlv(SEQUENCE, tlv(OBJECT_IDENTIFIER, IF_INDEX))),
    "a varbind without a name": v2c(content=varbinds() + tlv(SEQUENCE, b"")),
    "a sub-identifier above 32 bits": v2c(content=varbinds(trap=b"\x2b\x90\x80\x80\x80\x00")),
    "an OID that does not end": v2c(content=varbinds(trap=b"\x2b\x86")),
    "v3 without an end": v3()[:-1],
    "v3 whose security parameters are zeros": v3()[:30] + bytes(len(v3()) - 30),
}


@pytest.mark.parametrize("name", _HOSTILE)
def test_hostile_shapes(name: str) -> None:
    """Each is refused in words, and nothing is believed of it."""
    answer = door().admit(_HOSTILE[name], 1.0)
    if isinstance(answer, Admitted):
        repeat_key(answer)
        with pytest.raises(DecodeError):
            read(answer)
    else:
        assert answer.reason in {Drop.MALFORMED, Drop.NOT_A_NOTIFICATION}


def test_octets_behind_the_message() -> None:
    """Padding behind it is ignored, as elsewhere; it does not become part of what is said."""
    assert notification(v2c() + b"\0" * 100).varbinds.values == [3]


def handle(data: bytes) -> None:
    """The whole way of a datagram through this part: no exception but DecodeError leaves `read`."""
    guard = door()
    answer = guard.admit(data, 1.0)
    if isinstance(answer, Refusal):
        assert answer.why
        return
    repeat_key(answer)
    try:
        said = read(answer)
    except DecodeError:
        return
    assert len(said.varbinds.oids) == len(said.varbinds.tags) == len(said.varbinds.values)
    if answer.reply is not None:
        guard.acknowledge(answer, 1.0)


def test_generated_faults() -> None:
    """A seeded sample of the families of faults in encodings and in values."""
    generator = random.Random(20261125)  # noqa: S311 - it must be the same each time
    for data in cases(generator, 3000):
        handle(data)


@given(st.binary(max_size=300))
def test_any_octets(data: bytes) -> None:
    """Whatever comes."""
    handle(data)


@given(st.binary(max_size=120))
def test_any_varbinds(content: bytes) -> None:
    """Whatever stands where the varbinds should, in any version, behind a valid head."""
    for data in (
        v2c(content=content),
        v2c(content=content, pdu_type=INFORM),
        v1(content=content),
        v3(content=content),
    ):
        handle(data)


@pytest.mark.parametrize(
    "form", [b"\x81%c", b"\x82\0%c", b"\x83\0\0%c", b"\x84\0\0\0%c"], ids=["81", "82", "83", "84"]
)
def test_the_last_varbind_with_a_long_length(form: bytes) -> None:
    """A length may take more octets than it needs (RFC 3417 §8), at the very end of a datagram too."""
    usual = encode_varbind(IF_INDEX, 2, 3)
    content = varbinds()[: -len(usual)] + b"\x30" + form % (len(usual) - 2) + usual[2:]
    assert notification(v2c(content=content)).varbinds.values == [3]
