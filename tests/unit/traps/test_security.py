"""SNMPv3 on the receiving side: RFC 3414 §3.2, and what a forger or a replayer tries."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.snmp.ber import OCTET_STRING, SEQUENCE, encode_integer, encode_oid, tlv
from netmon.snmp.message import INFORM, REPORT, RESPONSE, decode_pdu
from netmon.snmp.message_v3 import (
    AUTH,
    MAX_TIME,
    PRIV,
    decode_encrypted,
    decode_head,
    decode_scoped,
    encode_global,
)
from netmon.snmp.usm import Keys, Level, User, keys_at
from netmon.snmp.usm_keys import Masters
from netmon.traps import peers as peers_module
from netmon.traps import security as security_module
from netmon.traps.door import Door
from netmon.traps.notification import read
from netmon.traps.records import Admitted, Drop, Refusal
from tests.unit.traps.messages import ALICE, BOB, CAROL, LINK_DOWN, MASTERS, OWN, SENDER, door, settings, v3

EVE = User("eve", Level.AUTH_PRIV, "SHA256", b"guess guess guess", "AES", b"guess guess guess")


def admitted(guard: Door, data: bytes, now: float = 1.0) -> Admitted:
    """The message, which must be taken."""
    answer = guard.admit(data, now)
    assert isinstance(answer, Admitted), answer
    return answer


def refused(guard: Door, data: bytes, now: float = 1.0) -> Drop:
    """Why a message is not taken; no secret is in the sentence."""
    answer = guard.admit(data, now)
    assert isinstance(answer, Refusal), answer
    assert "horse" not in answer.why
    assert "battery" not in answer.why
    return answer.reason


def with_digest(data: bytes, digest: bytes) -> bytes:
    """The message with other octets for a digest, of whatever length, all lengths around it mended."""
    head = decode_head(data)
    parameters = (
        tlv(OCTET_STRING, head.engine_id)
        + encode_integer(head.boots)
        + encode_integer(head.time)
        + tlv(OCTET_STRING, head.user)
        + tlv(OCTET_STRING, digest)
        + tlv(OCTET_STRING, head.salt)
    )
    security = tlv(OCTET_STRING, tlv(SEQUENCE, parameters))
    return tlv(SEQUENCE, encode_global(head.msg_id, head.flags) + security + data[head.data_at : head.end])


@pytest.mark.parametrize("user", [ALICE, BOB, CAROL], ids=lambda user: user.name)
def test_a_trap_of_each_level_is_taken(user: User) -> None:
    """Under the sender's own engine; only a digest makes it authenticated."""
    message = admitted(door(), v3(user))
    assert (message.user, message.engine_id) == (user.name, SENDER)
    assert message.authenticated is bool(user.level)
    assert read(message).trap == LINK_DOWN


@pytest.mark.parametrize("digest", [b"", b"\0", b"\0" * 11, b"\0" * 12, b"\0" * 24, b"\xff" * 24, b"\0" * 25])
def test_no_digest_but_the_right_one_is(digest: bytes) -> None:
    """Neither an empty one, nor one that is cut, nor zeros."""
    assert refused(door(), with_digest(v3(), digest)) is Drop.WRONG_DIGEST


@given(st.data())
def test_no_octet_of_an_authenticated_message_may_change(data: st.DataObject) -> None:
    """One changed bit anywhere keeps it out."""
    message = bytearray(v3(BOB))
    message[data.draw(st.integers(0, len(message) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert isinstance(door(users=(BOB,)).admit(bytes(message), 1.0), Refusal)


def test_the_whole_digest_is_the_right_one_after_all() -> None:
    """What `with_digest` builds is taken where the digest is kept: the cases above fail for it alone."""
    data = v3()
    head = decode_head(data)
    assert with_digest(data, data[head.digest_at : head.digest_at + head.digest_octets]) == data


def test_an_unknown_user() -> None:
    """Nobody whom the config does not name."""
    assert refused(door(), v3(EVE)) is Drop.UNKNOWN_USER


def test_a_known_name_with_another_key() -> None:
    """The name alone says nothing."""
    forged = User(
        "alice", EVE.level, EVE.auth_protocol, EVE.auth_password, EVE.priv_protocol, EVE.priv_password
    )
    assert refused(door(), v3(forged)) is Drop.WRONG_DIGEST


def test_one_name_with_several_keys() -> None:
    """Where each device has its own password, all under one name, each is tried."""
    other = User("alice", Level.AUTH_PRIV, "SHA", b"of another device", "AES", b"of another device")
    guard = door(users=(ALICE, other))
    assert admitted(guard, v3(ALICE)).authenticated
    assert admitted(guard, v3(other, engine_id=SENDER + b"2")).authenticated


@pytest.mark.parametrize(("user", "level"), [(ALICE, 0), (ALICE, AUTH), (BOB, 0)])
def test_less_security_than_configured_is_refused(user: User, level: int) -> None:
    """A user who has a password is not believed without it."""
    assert refused(door(), v3(user, level=level)) is Drop.UNSUPPORTED_SECURITY


def test_privacy_that_is_not_configured_is_refused() -> None:
    """There is no key to read it with."""
    more = User("bob", Level.AUTH_PRIV, "SHA", b"another password", "AES", b"another password")
    assert refused(door(), v3(more)) is Drop.UNSUPPORTED_SECURITY


def test_a_wrong_privacy_password() -> None:
    """The digest is right and what it covers cannot be read."""
    other = User("alice", ALICE.level, ALICE.auth_protocol, ALICE.auth_password, "AES", b"not this one")
    assert refused(door(), v3(other)) is Drop.DECRYPTION_ERROR


def test_the_same_message_again_is_a_replay() -> None:
    """The standard lets it in for 150 s; here the same octets count once."""
    guard = door()
    data = v3()
    admitted(guard, data, 1.0)
    assert refused(guard, data, 2.0) is Drop.REPLAYED
    assert refused(guard, data, 150.0) is Drop.REPLAYED


def test_a_replay_after_the_window() -> None:
    """At +151 s it is late by the receiver's own notion of the sender's time, however silent he was."""
    guard = door()
    data = v3(time=1000)
    admitted(guard, data, 1.0)
    assert refused(guard, data, 152.1) is Drop.NOT_IN_TIME_WINDOW


def test_a_replay_after_newer_messages() -> None:
    """What is more than 150 s older than the newest is refused at once."""
    guard = door()
    old = v3(time=1000)
    admitted(guard, v3(time=1151), 1.0)
    assert refused(guard, old, 1.0) is Drop.NOT_IN_TIME_WINDOW
    assert admitted(guard, v3(time=1001), 1.0)


def test_a_replay_of_an_earlier_boot() -> None:
    """The sender has restarted since: its times begin anew, and the old boots are over."""
    guard = door()
    old = v3(boots=4, time=1000)
    admitted(guard, v3(boots=5, time=3), 1.0)
    assert refused(guard, old, 1.0) is Drop.NOT_IN_TIME_WINDOW


def test_a_replay_to_a_restarted_receiver() -> None:
    """What a sender's clock was is known over a restart, so a captured trap is no fresh start."""
    guard = door()
    old = v3(time=1000)
    admitted(guard, v3(time=2000), 1.0)
    after = door(boots=8, started=50.0)
    after.security.peers.restore(guard.security.note(), 50.0)
    assert refused(after, old, 51.0) is Drop.NOT_IN_TIME_WINDOW
    assert admitted(after, v3(time=2001), 51.0)


def test_a_replay_after_a_reload() -> None:
    """Other settings forget nothing: neither the digests, nor how long a sender has been silent."""
    guard = door()
    data = v3(time=1000)
    admitted(guard, data, 1.0)
    after = Door(settings(learn=5), guard.security.own, guard.security.peers)
    assert refused(after, data, 2.0) is Drop.REPLAYED
    assert refused(after, data, 152.1) is Drop.NOT_IN_TIME_WINDOW


def test_a_replay_of_what_a_storm_had_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where more come than can be remembered, what is older than the memory is late."""
    monkeypatch.setattr(peers_module, "_DIGESTS", 10)
    guard = door(users=(BOB,))
    data = v3(BOB, time=1000)
    admitted(guard, data, 1.0)
    for number in range(31):
        admitted(guard, v3(BOB, engine_id=SENDER + b"2", time=number, msg_id=number), 11.0 + number)
    assert refused(guard, data, 43.0) is Drop.NOT_IN_TIME_WINDOW
    admitted(guard, v3(BOB, time=1042), 43.0)


def test_nobody_takes_the_place_of_an_engine_of_the_config() -> None:
    """Neither to be learned, nor so that its clock is forgotten and an old message of its is new."""
    guard = door(learn=2, engines={SENDER.hex(): "", (SENDER + b"2").hex(): ""})
    data = v3(time=1000)
    admitted(guard, data, 1.0)
    for number in range(9):
        guard.admit(v3(engine_id=b"other%d" % number), 2.0 + 90_000 * number)
    assert len(guard.security.peers) == 3
    admitted(guard, v3(engine_id=SENDER + b"2"), 900_000.0)
    assert refused(guard, data, 900_001.0) is Drop.NOT_IN_TIME_WINDOW


def test_who_proves_nothing_costs_no_privacy_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key of Reeder's takes a megabyte of hashing for each engine ID that a forger thinks of."""
    made: list[bytes] = []

    def making(user: User, engine_id: bytes, masters: Masters) -> Keys:
        made.append(engine_id)
        return keys_at(user, engine_id, masters)

    monkeypatch.setattr(security_module, "keys_at", making)
    reeder = User("alice", Level.AUTH_PRIV, "SHA", b"correct horse", "AES256C", b"battery staple")
    forged = User("alice", Level.AUTH_PRIV, "SHA", b"guess guess guess", "AES", b"guess guess guess")
    guard = door(users=(reeder,))
    for number in range(9):
        assert refused(guard, v3(forged, engine_id=b"engine%d" % number)) is Drop.WRONG_DIGEST
    assert made == []
    admitted(guard, v3(reeder))
    admitted(guard, v3(reeder, time=1001))
    assert made == [SENDER]


def test_a_fresh_replay_to_a_restarted_receiver() -> None:
    """Its digests are gone with the old life, so what is older than the latest of then stays out."""
    guard = door()
    old, latest = v3(time=1995), v3(time=2000)
    admitted(guard, old, 1.0)
    admitted(guard, latest, 6.0)
    after = door(boots=8, started=50.0)
    after.security.peers.restore(guard.security.note(), 50.0)
    assert refused(after, old, 50.5) is Drop.NOT_IN_TIME_WINDOW
    assert admitted(after, v3(time=2044), 50.5)


def test_boots_at_their_end() -> None:
    """RFC 3414 §3.2 step 7 b 2: an engine whose boots have reached the end is never fresh."""
    assert refused(door(), v3(boots=MAX_TIME)) is Drop.NOT_IN_TIME_WINDOW


def test_a_forged_message_moves_no_clock() -> None:
    """A far future under a wrong key must not lock the real sender out."""
    guard = door()
    forged = User("alice", ALICE.level, ALICE.auth_protocol, b"wrong password", "AES", b"wrong password")
    assert refused(guard, v3(forged, boots=MAX_TIME - 1, time=MAX_TIME)) is Drop.WRONG_DIGEST
    assert admitted(guard, v3(time=5))


def test_engines_that_may_not_send() -> None:
    """With `learn: 0` only the listed ones may, and the cap holds for all others."""
    assert refused(door(learn=0), v3()) is Drop.UNKNOWN_ENGINE
    assert admitted(door(learn=0, engines={SENDER.hex(): "sw1"}), v3())
    guard = door(learn=2)
    for last in (b"1", b"2"):
        admitted(guard, v3(engine_id=SENDER + last))
    assert refused(guard, v3(engine_id=SENDER + b"3")) is Drop.UNKNOWN_ENGINE
    assert admitted(guard, v3(engine_id=SENDER + b"1", time=1001))
    # One that was silent for a day makes room.
    assert admitted(guard, v3(engine_id=SENDER + b"3"), 90_000.0)


def test_who_is_not_authenticated_takes_no_place() -> None:
    """Without a key the table of engines cannot be filled."""
    guard = door(learn=2)
    for number in range(100):
        admitted(guard, v3(CAROL, engine_id=SENDER + bytes((number,))))
        refused(guard, with_digest(v3(engine_id=SENDER + bytes((number,))), b"\0" * 24))
    assert len(guard.security.peers) == 0


@pytest.mark.parametrize("engine_id", [b"", b"1234", b"1" * 33])
def test_engine_ids_that_are_none(engine_id: bytes) -> None:
    """RFC 3411 §5: 5 to 32 octets."""
    assert refused(door(), v3(CAROL, engine_id=engine_id)) is Drop.UNKNOWN_ENGINE


# Informs: our own engine is the authority.


def report_of(data: bytes) -> tuple[bytes, int, int]:
    """The counter that a Report names, and the boots and time that it tells."""
    head = decode_head(data)
    _, _, pdu_type, start, end = decode_scoped(data, head.data_at, head.end)
    assert pdu_type == REPORT
    return decode_pdu(data, start, end)[3].oids[0], head.boots, head.time


def test_discovery_is_answered_with_our_engine() -> None:
    """RFC 3414 §4: who asks without an engine ID is told ours by a Report."""
    answer = door().admit(v3(CAROL, engine_id=b"", pdu_type=INFORM), 1.0)
    assert isinstance(answer, Refusal)
    assert answer.reason is Drop.DISCOVERY
    assert decode_head(answer.reply).engine_id == OWN
    assert report_of(answer.reply)[0] == encode_oid("1.3.6.1.6.3.15.1.1.4.0")


@pytest.mark.parametrize("learn", [0, 100])
def test_an_inform_under_an_engine_that_we_once_were(learn: int) -> None:
    """Its sender is told who we are now, and the old name takes no place among the senders."""
    guard = door(learn=learn)
    answer = guard.admit(v3(ALICE, engine_id=OWN + b"old", boots=3, time=9, pdu_type=INFORM), 1.0)
    assert isinstance(answer, Refusal)
    assert report_of(answer.reply)[0] == encode_oid("1.3.6.1.6.3.15.1.1.4.0")
    assert len(guard.security.peers) == 0


def test_a_clock_that_is_unknown_is_told_under_the_users_key() -> None:
    """Step 7 a: the report is authenticated, so that it can be believed, and carries boots and time."""
    guard = door(boots=7, started=0.0)
    answer = guard.admit(v3(ALICE, engine_id=OWN, boots=0, time=0, pdu_type=INFORM), 500.0)
    assert isinstance(answer, Refusal)
    assert answer.reason is Drop.DISCOVERY
    assert report_of(answer.reply) == (encode_oid("1.3.6.1.6.3.15.1.1.2.0"), 7, 500)
    head = decode_head(answer.reply)
    mac = keys_at(ALICE, OWN, MASTERS).mac
    assert mac is not None
    assert mac.verify(answer.reply, head.digest_at, head.digest_octets)


@pytest.mark.parametrize("user", [ALICE, BOB, CAROL], ids=lambda user: user.name)
def test_an_inform_of_each_level_is_answered_at_its_level(user: User) -> None:
    """The Response has the same msgID, request-id and varbinds, under the same keys."""
    guard = door(boots=7)
    message = admitted(guard, v3(user, engine_id=OWN, boots=7, time=100, pdu_type=INFORM), 110.0)
    assert message.pdu_type == INFORM
    answer = guard.acknowledge(message, 111.0)
    head = decode_head(answer)
    assert (head.msg_id, head.flags, head.engine_id, head.user) == (99, user.level, OWN, user.name.encode())
    keys = keys_at(user, OWN, MASTERS)
    at, data = head.data_at, answer
    if keys.mac is not None:
        assert (head.boots, head.time) == (7, 111)
        assert keys.mac.verify(answer, head.digest_at, head.digest_octets)
    if head.flags & PRIV:
        assert keys.cipher is not None
        data, at = keys.cipher.decrypt(decode_encrypted(answer, head), head.salt, head.boots, head.time), 0
    _, _, pdu_type, start, end = decode_scoped(data, at, len(data))
    request_id, status, index, varbinds = decode_pdu(data, start, end)
    assert (pdu_type, request_id, status, index, len(varbinds)) == (RESPONSE, 17, 0, 0, 3)


def test_an_inform_that_comes_again_is_no_replay() -> None:
    """Its sender did not hear the answer: it must get one."""
    guard = door(boots=7)
    data = v3(BOB, engine_id=OWN, boots=7, time=100, pdu_type=INFORM)
    admitted(guard, data, 110.0)
    admitted(guard, data, 111.0)


@pytest.mark.parametrize(("boots", "at"), [(6, 100), (8, 100), (7, 261), (7, 0)])
def test_an_inform_from_another_time(boots: int, at: int) -> None:
    """150 s around our own clock, in our own boots."""
    guard = door(boots=7)
    late = v3(BOB, engine_id=OWN, boots=boots, time=at, pdu_type=INFORM)
    expected = 110.0 if at else 151.0
    assert refused(guard, late, expected) is Drop.NOT_IN_TIME_WINDOW


def test_no_report_for_what_asks_for_none() -> None:
    """A trap of whatever kind is never answered, so a forged source gets nothing."""
    guard = door()
    for data in (v3(EVE), v3(ALICE, level=0), with_digest(v3(), b""), v3(boots=MAX_TIME)):
        answer = guard.admit(data, 1.0)
        assert isinstance(answer, Refusal)
        assert answer.reply == b""


@pytest.mark.parametrize(
    ("data", "counter"),
    [
        (v3(EVE, engine_id=OWN, pdu_type=INFORM), 3),
        (v3(ALICE, engine_id=OWN, pdu_type=INFORM, level=0), 1),
        (with_digest(v3(ALICE, engine_id=OWN, pdu_type=INFORM), b"\0" * 24), 5),
    ],
    ids=["user", "level", "digest"],
)
def test_reports_name_what_was_wrong(data: bytes, counter: int) -> None:
    """RFC 3414 §5: the counters by which a sender's person learns what to mend; unauthenticated."""
    answer = door().admit(data, 1.0)
    assert isinstance(answer, Refusal)
    assert report_of(answer.reply) == (encode_oid(f"1.3.6.1.6.3.15.1.1.{counter}.0"), 0, 0)
    assert decode_head(answer.reply).flags == 0


def test_a_trap_under_our_engine_and_an_inform_under_another() -> None:
    """Neither is what the standard knows."""
    guard = door(boots=7)
    assert refused(guard, v3(BOB, engine_id=OWN, boots=7, time=1)) is Drop.NOT_A_NOTIFICATION
    assert refused(guard, v3(BOB, pdu_type=INFORM, reportable=False)) is Drop.UNKNOWN_ENGINE


def test_without_an_own_engine_nothing_is_answered() -> None:
    """Where its file cannot be used, traps are taken and informs are not."""
    guard = Door(settings(), None)
    assert admitted(guard, v3())
    answer = guard.admit(v3(CAROL, engine_id=b"", pdu_type=INFORM), 1.0)
    assert isinstance(answer, Refusal)
    assert answer.reply == b""


def test_a_step_of_the_wall_clock_means_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here asks the wall clock: an hour's step lets neither a replay in nor a sender out."""
    guard = door(boots=7)
    data = v3(time=1000)
    admitted(guard, data, 1.0)
    monkeypatch.setattr(time, "time", lambda: 3600.0)
    assert refused(guard, data, 152.1) is Drop.NOT_IN_TIME_WINDOW
    assert admitted(guard, v3(time=1152), 152.1)
