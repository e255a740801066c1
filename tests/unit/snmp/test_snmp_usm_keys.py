"""Keys, digests and ciphers of SNMPv3 by the standards' vectors, and against pysnmp for every combination."""

from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyasn1.codec.ber import decoder
from pyasn1.type import univ
from pysnmp.proto.mpmod.rfc3412 import SNMPv3Message
from pysnmp.proto.secmod.rfc3414 import service

from netmon.snmp.ber import COUNTER32, DecodeError, EncodeError, encode_oid
from netmon.snmp.message import GET, REPORT, RESPONSE, Response, encode_message, encode_varbind
from netmon.snmp.message_v3 import Head, decode_head, decode_message_id, encode_scope, is_version_3
from netmon.snmp.usm import Level, User, keys_at
from netmon.snmp.usm_crypto import Aes, Des, Mac
from netmon.snmp.usm_engine import Again, Dropped, Refused, Session
from netmon.snmp.usm_keys import AUTH_PROTOCOLS, PRIV_PROTOCOLS, Masters, localise, password_to_key

ENGINE_ID = bytes.fromhex("000000000000000000000002")  # of RFC 3414 appendix A.3
PASSWORD = b"maplesyrup"
AUTH: dict[str, Any] = {
    "MD5": service.hmacmd5.HmacMd5(),
    "SHA": service.hmacsha.HmacSha(),
    "SHA224": service.hmacsha2.HmacSha2(service.hmacsha2.HmacSha2.SHA224_SERVICE_ID),
    "SHA256": service.hmacsha2.HmacSha2(service.hmacsha2.HmacSha2.SHA256_SERVICE_ID),
    "SHA384": service.hmacsha2.HmacSha2(service.hmacsha2.HmacSha2.SAH384_SERVICE_ID),
    "SHA512": service.hmacsha2.HmacSha2(service.hmacsha2.HmacSha2.SHA512_SERVICE_ID),
}
PRIV: dict[str, Any] = {
    "DES": service.des.Des(),
    "AES": service.aes.Aes(),
    "AES192": service.aes192.AesBlumenthal192(),
    "AES192C": service.aes192.Aes192(),
    "AES256": service.aes256.AesBlumenthal256(),
    "AES256C": service.aes256.Aes256(),
}
AUTH_IDS = {
    "MD5": service.hmacmd5.HmacMd5.SERVICE_ID,
    "SHA": service.hmacsha.HmacSha.SERVICE_ID,
    "SHA224": service.hmacsha2.HmacSha2.SHA224_SERVICE_ID,
    "SHA256": service.hmacsha2.HmacSha2.SHA256_SERVICE_ID,
    "SHA384": service.hmacsha2.HmacSha2.SAH384_SERVICE_ID,
    "SHA512": service.hmacsha2.HmacSha2.SHA512_SERVICE_ID,
}
MASTERS = Masters()


@pytest.mark.parametrize(
    ("digest", "master", "localised"),
    [
        ("md5", "9faf3283884e92834ebc9847d8edd963", "526f5eed9fcce26f8964c2930787d82b"),
        ("sha1", "9fb5cc0381497b3793528939ff788d5d79145211", "6695febc9288e36282235fc7151f128497b38f3f"),
    ],
)
def test_keys_are_those_of_rfc_3414(digest: str, master: str, localised: str) -> None:
    """Appendix A.3.1 and A.3.2: the password maplesyrup at the engine 00..02."""
    key = password_to_key(digest, PASSWORD)
    assert key.hex() == master
    assert localise(digest, key, ENGINE_ID).hex() == localised


@pytest.mark.parametrize(
    ("protocol", "wanted"),
    [
        ("MD5", "9294727a3638bb1c13f48ef8"),  # RFC 2202 §2 and §3, first case
        ("SHA", "b617318655057264e28bc0b6"),
        # RFC 4231 §4.2, cut as RFC 7860 §4.1 says
        ("SHA224", "896fb1128abbdf196832107cd49df33f"),
        ("SHA256", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da7"),
        ("SHA384", "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c"),
        (
            "SHA512",
            "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4",
        ),
    ],
)
def test_digests_are_those_of_the_standards(protocol: str, wanted: str) -> None:
    """HMAC with the key 0b..0b over "Hi There", and as many octets as go into a message."""
    auth = AUTH_PROTOCOLS[protocol]
    key = b"\x0b" * (16 if protocol == "MD5" else 20)
    assert Mac(auth.digest, key, auth.octets).sign(b"Hi There").hex() == wanted


def by_pysnmp(auth: str, priv: str) -> tuple[Any, Any]:
    """Localised keys as pysnmp makes them."""
    engine_id = univ.OctetString(ENGINE_ID)
    one, two = AUTH[auth], PRIV[priv]
    auth_key = one.localize_key(one.hash_passphrase(PASSWORD), engine_id)
    priv_key = two.localize_key(
        AUTH_IDS[auth], two.hash_passphrase(AUTH_IDS[auth], b"privpassword"), engine_id
    )
    return auth_key, priv_key


@pytest.mark.parametrize(("auth", "priv"), list(product(AUTH, PRIV)))
def test_pysnmp_opens_what_we_seal_and_the_reverse(auth: str, priv: str) -> None:
    """Message, digest, key and cipher agree for each pair of protocols."""
    user = User("ana", Level.AUTH_PRIV, auth, PASSWORD, priv, b"privpassword", b"vlan-7")
    session = Session(user, MASTERS)
    session._meet(Head(1, 0, ENGINE_ID, 9, 1_000_000, b"", 0, 0, b"", 0, 0), 100.0)
    scoped = encode_message(encode_scope(ENGINE_ID, b"vlan-7"), GET, 77_777_777, 0, 0, b"")
    sealed = session.seal(77_777_777, scoped, 107.9)
    auth_key, priv_key = by_pysnmp(auth, priv)

    message, rest = decoder.decode(sealed, asn1Spec=SNMPv3Message())
    security, more = decoder.decode(
        bytes(message["msgSecurityParameters"]), asn1Spec=service.UsmSecurityParameters()
    )
    assert not rest
    assert not more
    assert int(message["msgGlobalData"]["msgID"]) == 77_777_777
    assert bytes(message["msgGlobalData"]["msgFlags"]) == b"\x07"
    assert [int(security.getComponentByPosition(at)) for at in (1, 2)] == [9, 1_000_007]
    digest = security.getComponentByPosition(4)
    AUTH[auth].authenticate_incoming_message(auth_key, digest, sealed)
    salt = security.getComponentByPosition(5)
    encrypted = univ.OctetString(bytes(message["msgData"]["encryptedPDU"]))
    assert PRIV[priv].decrypt_data(priv_key, (9, 1_000_007, salt), encrypted).startswith(scoped)

    keys = keys_at(user, ENGINE_ID, MASTERS)
    assert keys.mac is not None
    assert keys.cipher is not None
    theirs, their_salt = PRIV[priv].encrypt_data(priv_key, (9, 1_000_007, None), scoped)
    assert keys.cipher.decrypt(bytes(theirs), bytes(their_salt), 9, 1_000_007).startswith(scoped)
    octets = keys.mac.octets
    signed = AUTH[auth].authenticate_outgoing_message(auth_key, b"head" + bytes(octets) + b"tail")
    assert keys.mac.verify(signed, 4, octets)
    assert not keys.mac.verify(signed, 4, octets - 1)
    assert not keys.mac.verify(signed + b"!", 4, octets)


@pytest.mark.parametrize("cipher", [Aes(bytes(16)), Des(bytes(16))])
def test_no_salt_comes_twice(cipher: Any) -> None:
    """Each message has its own, across the end of the counter too."""
    cipher._salt = 0xFFFFFFFF if isinstance(cipher, Des) else 0xFFFFFFFFFFFFFFFF
    assert len({cipher.encrypt(b"x", 1, 1)[0] for _ in range(100)}) == 100


@pytest.mark.parametrize("cipher", [Aes(bytes(16)), Des(bytes(16))])
@pytest.mark.parametrize("salt", [b"", bytes(7), bytes(9), bytes(64)])
def test_a_salt_of_another_length_is_refused(cipher: Any, salt: bytes) -> None:
    """It comes from the network."""
    with pytest.raises(DecodeError):
        cipher.decrypt(bytes(8), salt, 1, 1)


def test_half_a_block_of_des_is_refused() -> None:
    """It cannot be what an agent encrypted."""
    with pytest.raises(DecodeError, match="no whole blocks"):
        Des(bytes(16)).decrypt(bytes(9), bytes(8), 1, 1)


def test_a_password_is_hashed_once_for_all_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand hosts of one credential cost one megabyte of hashing for each of its passwords."""
    hashed: list[bytes] = []

    def count(digest: str, password: bytes) -> bytes:
        hashed.append(password)
        return password_to_key(digest, password)

    monkeypatch.setattr("netmon.snmp.usm_keys.password_to_key", count)
    masters = Masters()
    for number in range(100):
        keys_at(
            User("ana", Level.AUTH_PRIV, "SHA256", PASSWORD, "AES256", b"privpassword"),
            b"engine %d" % number,
            masters,
        )
    assert hashed == [PASSWORD, b"privpassword"]


def test_the_memory_of_passwords_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The longest unused goes."""
    monkeypatch.setattr("netmon.snmp.usm_keys.password_to_key", lambda _, password: password)
    masters = Masters()
    for number in range(2_000):
        masters.of("md5", b"%d" % number)
    assert len(masters._keys) == 1_024


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "n" * 33},
        {"context_name": bytes(33)},
        {"context_engine_id": bytes(33)},
        {"level": Level.AUTH_NO_PRIV},
        {"level": Level.AUTH_NO_PRIV, "auth_protocol": "SHA3", "auth_password": PASSWORD},
        {"level": Level.AUTH_PRIV, "auth_password": PASSWORD},
        {
            "level": Level.AUTH_PRIV,
            "auth_password": PASSWORD,
            "priv_password": PASSWORD,
            "priv_protocol": "RC4",
        },
    ],
)
def test_a_user_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    """Before anything is sent, and without the password in the message."""
    with pytest.raises(EncodeError) as caught:
        User(**{"name": "ana", **wrong})
    assert "maplesyrup" not in str(caught.value)


@given(st.binary(max_size=300))
def test_any_octets_decode_or_are_refused(data: bytes) -> None:
    """One exception type and no other."""
    is_version_3(data)
    for decode in (decode_head, decode_message_id):
        try:
            decode(data)
        except DecodeError:
            continue


SESSION = Session(User("ana", Level.AUTH_PRIV, "SHA256", PASSWORD, "AES", b"privpassword"), MASTERS)
SESSION._meet(Head(1, 0, ENGINE_ID, 9, 1_000, b"", 0, 0, b"", 0, 0), 0.0)
SEALED = SESSION.seal(77_777_777, encode_message(encode_scope(ENGINE_ID, b""), GET, 1, 0, 0, b""), 0.0)


@given(st.data())
def test_a_message_with_wrong_octets_decodes_or_is_refused(data: st.DataObject) -> None:
    """Octets changed, cut off and put in anywhere in a good message."""
    broken = bytearray(SEALED)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(broken) - 1))
        size = data.draw(st.integers(0, 3))
        broken[at : at + size] = data.draw(st.binary(max_size=4))
        if not broken:
            return
    try:
        head = decode_head(bytes(broken))
    except DecodeError:
        return
    assert 0 <= head.digest_at <= head.data_at <= head.end <= len(broken)


@dataclass
class Asked:
    """As much of a request as a session looks at."""

    request_id: int = 77
    engine_id: bytes = ENGINE_ID
    resyncs: int = 0
    unproven: bool = False
    target: str = "192.0.2.1:161"


VARBINDS = encode_varbind(encode_oid("1.3.6.1.6.3.15.1.1.2.0"), COUNTER32, 7)


@given(st.sampled_from((RESPONSE, REPORT)), st.sampled_from((b"", ENGINE_ID)), st.data())
def test_a_session_meets_any_octets_with_an_outcome(pdu_type: int, asked: bytes, data: st.DataObject) -> None:
    """Whatever stands in a message that authenticates itself by nothing: an outcome, or DecodeError."""
    session = Session(User("guest"), MASTERS)
    session._meet(Head(1, 0, ENGINE_ID, 9, 1_000, b"", 0, 0, b"", 0, 0), 0.0)
    good = session.seal(77, encode_message(encode_scope(ENGINE_ID, b""), pdu_type, 77, 0, 0, VARBINDS), 0.0)
    broken = bytearray(good)
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(broken)))
        broken[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    request: Any = Asked(engine_id=asked)
    try:
        outcome = session.receive(bytes(broken), decode_head(bytes(broken)), request, 1.0)
    except DecodeError:
        return
    assert isinstance(outcome, Response | Again | Refused | Dropped)
    if bytes(broken) == good and asked:
        assert isinstance(outcome, Response if pdu_type == RESPONSE else Refused)


def test_every_protocol_is_held_against_pysnmp() -> None:
    """A new one needs a row above."""
    assert AUTH_PROTOCOLS.keys() == AUTH.keys()
    assert PRIV_PROTOCOLS.keys() == PRIV.keys()
