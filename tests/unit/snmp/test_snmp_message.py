"""Messages: round trips, and that no datagram whatever gets past the decoder but as a valid reply."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.snmp import ber, message
from tests.unit.snmp.test_snmp_ber import OIDS

UNSIGNED32 = (ber.COUNTER32, ber.GAUGE32, ber.TIME_TICKS)
STRINGS = (ber.OCTET_STRING, ber.OPAQUE, ber.IP_ADDRESS)
ABSENT = (ber.NULL, ber.NO_SUCH_OBJECT, ber.NO_SUCH_INSTANCE, ber.END_OF_MIB_VIEW)
VALUES = st.one_of(
    st.tuples(st.just(ber.INTEGER), st.integers(-(2**31), 2**31 - 1)),
    st.tuples(st.sampled_from(UNSIGNED32), st.integers(0, 2**32 - 1)),
    st.tuples(st.just(ber.COUNTER64), st.integers(0, 2**64 - 1)),
    st.tuples(st.sampled_from(STRINGS), st.binary(max_size=300)),
    st.tuples(st.just(ber.OBJECT_IDENTIFIER), OIDS.map(ber.encode_oid)),
    st.tuples(st.sampled_from(ABSENT), st.none()),
)
VARBINDS = st.lists(st.tuples(OIDS.map(ber.encode_oid), VALUES), max_size=30)
INTEGER32 = st.integers(-(2**31), 2**31 - 1)


@given(st.sampled_from((1, 2)), st.binary(max_size=200), INTEGER32, INTEGER32, INTEGER32, VARBINDS)
def test_a_response_survives_both_ways(  # noqa: PLR0917 - the fields of a response
    version: int,
    community: bytes,
    request_id: int,
    status: int,
    index: int,
    varbinds: list[tuple[bytes, tuple[int, ber.Value]]],
) -> None:
    """Every field and every varbind comes back as it went in."""
    encoded = [message.encode_varbind(oid, tag, value) for oid, (tag, value) in varbinds]
    datagram = message.encode_response(version, community, request_id, status, index, encoded)
    decoded = message.decode_response(datagram)
    assert (decoded.version, decoded.community, decoded.pdu_type) == (version, community, message.RESPONSE)
    assert (decoded.request_id, decoded.error_status, decoded.error_index) == (request_id, status, index)
    assert decoded.varbinds.oids == [oid for oid, _ in varbinds]
    assert decoded.varbinds.tags == [tag for _, (tag, _) in varbinds]
    assert decoded.varbinds.values == [value for _, (_, value) in varbinds]
    assert message.decode_request_id(datagram) == request_id


@given(
    st.sampled_from((message.GET, message.GETNEXT, message.GETBULK)), INTEGER32, st.lists(OIDS, max_size=30)
)
def test_a_request_survives_both_ways(pdu_type: int, request_id: int, oids: list[tuple[int, ...]]) -> None:
    """What a manager encodes, an agent decodes."""
    names = list(map(ber.encode_oid, oids))
    datagram = message.encode_request(2, b"public", pdu_type, request_id, names, 1, 25)
    decoded = message.decode_request(datagram)
    assert (decoded.version, decoded.community, decoded.pdu_type) == (2, b"public", pdu_type)
    assert (decoded.request_id, decoded.non_repeaters, decoded.max_repetitions) == (request_id, 1, 25)
    assert (decoded.varbinds.oids, set(decoded.varbinds.values)) == (names, {None} if names else set())


def sample(seed: int) -> bytes:
    """A valid reply with varbinds of every kind, some of unusual length."""
    chance = random.Random(seed)  # noqa: S311 - to be repeatable
    varbinds = []
    for column in range(chance.randrange(1, 9)):
        oid = ber.encode_oid(
            (1, 3, 6, 1, 2, 1, 31, 1, 1, 1, column, chance.choice((3, 300, 10_101, 436_207_616)))
        )
        tag, value = chance.choice(
            (
                (ber.INTEGER, chance.randrange(-(2**31), 2**31)),
                (ber.GAUGE32, chance.randrange(2**32)),
                (ber.COUNTER64, chance.randrange(2**64)),
                (ber.OCTET_STRING, chance.randbytes(chance.choice((0, 6, 130)))),
                (ber.OBJECT_IDENTIFIER, oid),
                (ber.NO_SUCH_INSTANCE, None),
            )
        )
        varbinds.append(message.encode_varbind(oid, tag, value))
    return message.encode_response(chance.choice((1, 2)), b"public", chance.randrange(2**31), 0, 0, varbinds)


def assert_valid(response: message.Response) -> None:
    """Whatever the decoder lets through is a valid response: it can be encoded again to the same."""
    varbinds = response.varbinds
    assert len(varbinds.oids) == len(varbinds.tags) == len(varbinds.values)
    for oid, tag, value in zip(varbinds.oids, varbinds.tags, varbinds.values, strict=True):
        assert ber.encode_oid(ber.decode_oid(oid)) == oid
        if tag == ber.OBJECT_IDENTIFIER:
            assert isinstance(value, bytes)
            assert ber.decode_oid(value)
        elif tag == ber.INTEGER:
            assert isinstance(value, int)
            assert -(2**63) <= value < 2**63
        elif tag in (*UNSIGNED32, ber.UINTEGER32, ber.COUNTER64):
            assert isinstance(value, int)
            assert 0 <= value < (2**64 if tag == ber.COUNTER64 else 2**32)
        elif tag in ABSENT:
            assert value is None
        else:
            assert isinstance(value, bytes)


@pytest.mark.parametrize("seed", range(20))
def test_every_truncation_is_refused(seed: int) -> None:
    """A reply that lost its end is never taken for a shorter one."""
    datagram = sample(seed)
    assert_valid(message.decode_response(datagram))
    for length in range(len(datagram)):
        with pytest.raises(ber.DecodeError):
            message.decode_response(datagram[:length])


def test_mutations_are_refused_or_valid() -> None:
    """50,000 damaged replies: one exception type, or a response that is whole in itself."""
    chance = random.Random(20)  # noqa: S311 - to be repeatable
    samples = [bytearray(sample(seed)) for seed in range(50)]
    refused = 0
    for _ in range(50_000):
        datagram = chance.choice(samples).copy()
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(datagram))
            kind = chance.randrange(4)
            if kind == 0:
                datagram[at] = chance.randrange(256)
            elif kind == 1:
                datagram[at] ^= 1 << chance.randrange(8)
            elif kind == 2 and len(datagram) > 1:
                del datagram[at : at + chance.randrange(1, 4)]
            datagram[at:at] = chance.randbytes(chance.randrange(3)) if kind == 3 else b""
            datagram = datagram or bytearray(1)
        try:
            response = message.decode_response(bytes(datagram))
        except ber.DecodeError:
            refused += 1
        else:
            assert_valid(response)
    assert 10_000 < refused < 50_000


@given(st.binary(max_size=2_000))
def test_random_octets_are_refused(datagram: bytes) -> None:
    """Noise raises DecodeError in every decoder."""
    for decode in (message.decode_response, message.decode_request, message.decode_request_id):
        with pytest.raises(ber.DecodeError):
            decode(datagram)


def test_padding_behind_the_message_is_ignored() -> None:
    """Some agents pad their datagrams, and net-snmp reads them."""
    datagram = sample(1)
    assert message.decode_response(datagram + bytes(7)) == message.decode_response(datagram)


def test_other_pdus_and_versions_are_refused() -> None:
    """A request is no response, a response no request, SNMPv1 has no GETBULK, and version 3 is not spoken."""
    response = message.encode_response(2, b"", 1, 0, 0, ())
    request = message.encode_request(1, b"", message.GETBULK, 1, ())
    with pytest.raises(ber.DecodeError, match="0xa5, wanted a Response"):
        message.decode_response(request)
    with pytest.raises(ber.DecodeError, match="wanted a request"):
        message.decode_request(response)
    with pytest.raises(ber.DecodeError, match="wanted a request of version 1"):
        message.decode_request(request)
    with pytest.raises(ber.DecodeError, match="message version 3"):
        message.decode_response(response.replace(b"\x02\x01\x01", b"\x02\x01\x03", 1))
    with pytest.raises(ber.EncodeError, match="version 3"):
        message.encode_request(3, b"", message.GET, 1, ())


def test_an_error_status_has_its_standard_name() -> None:
    """What no standard names shows its number."""
    assert message.error_name(5) == "genErr"
    assert message.error_name(16) == "authorizationError"
    assert message.error_name(99) == "error-status 99"
    assert message.error_name(-1) == "error-status -1"


def test_a_community_does_not_print() -> None:
    """It is a password, on the wire in plain text as it is."""
    assert "public" not in repr(message.decode_response(sample(1)))
