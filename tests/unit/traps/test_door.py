"""Who may send, in SNMPv1 and v2c."""

import pytest

from netmon.snmp.ber import SEQUENCE, encode_integer, tlv
from netmon.snmp.message import GET, GETNEXT, INFORM, RESPONSE, SET, TRAP, decode_response
from netmon.traps import door as door_module
from netmon.traps.records import Admitted, Drop, Refusal
from tests.unit.traps.messages import COMMUNITY, door, v1, v2c, v3


def refused(data: bytes, **more: object) -> Drop:
    """Why a datagram is not taken."""
    answer = door(**more).admit(data, 1.0)
    assert isinstance(answer, Refusal)
    assert COMMUNITY.decode() not in answer.why
    return answer.reason


def test_the_right_community_is_admitted() -> None:
    """A trap of either version is taken with a configured community, and its PDU is found."""
    for data, version in ((v1(), 1), (v2c(), 2)):
        admitted = door().admit(data, 1.0)
        assert isinstance(admitted, Admitted)
        assert (admitted.version, admitted.authenticated, admitted.reply) == (version, False, None)
        assert admitted.end == len(data)


@pytest.mark.parametrize("community", [b"", b"nightwatc", b"nightwatch2", b"NIGHTWATCH", b"\0", b"x" * 300])
def test_no_other_community_is(community: bytes) -> None:
    """Nothing near the community is enough."""
    assert refused(v2c(community=community)) is Drop.UNKNOWN_COMMUNITY


def test_nobody_may_send_by_default() -> None:
    """Without communities none is right, without users none of SNMPv3 is."""
    assert refused(v2c(), communities=()) is Drop.UNKNOWN_COMMUNITY
    assert refused(v1(), communities=()) is Drop.UNKNOWN_COMMUNITY
    assert refused(v3(), users=()) is Drop.UNKNOWN_USER


@pytest.mark.parametrize("pdu_type", [GET, GETNEXT, RESPONSE, SET, 0xA5, 0xA4, 0xA8, 0xA9])
def test_what_is_no_notification_is_told_so(pdu_type: int) -> None:
    """Requests, responses and PDUs of the other version are of no use here."""
    assert refused(v2c(pdu_type=pdu_type)) is Drop.NOT_A_NOTIFICATION


def test_a_trap_of_v2_in_a_message_of_v1_is_none() -> None:
    """RFC 3584 knows no such thing."""
    data = v2c()
    at = data.index(b"\2\1\1")
    assert refused(data[:at] + b"\2\1\0" + data[at + 3 :]) is Drop.NOT_A_NOTIFICATION


@pytest.mark.parametrize("version", [2, 4, 255, -1, 2**31])
def test_other_versions(version: int) -> None:
    """Version 2 on the wire is the SNMPv2p that died, and there is none above 3."""
    assert refused(tlv(SEQUENCE, encode_integer(version) + b"\4\0\xa7\0")) is Drop.MALFORMED


def test_an_inform_is_answered_with_its_own_varbinds() -> None:
    """RFC 3416 §4.2.7: a Response with the same request-id and varbinds."""
    data = v2c(pdu_type=INFORM, request_id=-5)
    guard = door()
    admitted = guard.admit(data, 1.0)
    assert isinstance(admitted, Admitted)
    answer = guard.acknowledge(admitted, 1.0)
    response = decode_response(answer)
    assert (response.version, response.community, response.request_id) == (2, COMMUNITY, -5)
    assert (response.error_status, response.error_index) == (0, 0)
    assert answer.endswith(data[admitted.end - 30 :])


def test_a_trap_waits_for_no_answer() -> None:
    """Only an inform carries what an answer needs."""
    admitted = door().admit(v2c(pdu_type=TRAP), 1.0)
    assert isinstance(admitted, Admitted)
    assert admitted.reply is None


def test_a_community_beyond_all_bounds_is_compared_with_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison takes time for each octet that the sender chose to send."""
    monkeypatch.setattr(door_module, "compare_digest", lambda *_: pytest.fail("compared"))
    answer = door().admit(v2c(community=b"x" * 60_000), 1.0)
    assert isinstance(answer, Refusal)
    assert answer.reason is Drop.UNKNOWN_COMMUNITY
