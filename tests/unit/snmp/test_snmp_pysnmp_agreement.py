"""The codec held against pysnmp's own, on generated messages, in both directions."""

from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pyasn1.codec.ber import decoder, encoder
from pysnmp.proto import api

from netmon.snmp import ber, message
from tests.unit.snmp.test_snmp_ber import OIDS
from tests.unit.snmp.test_snmp_message import INTEGER32

PROTOCOLS: dict[int, Any] = {
    1: api.PROTOCOL_MODULES[api.SNMP_VERSION_1],
    2: api.PROTOCOL_MODULES[api.SNMP_VERSION_2C],
}
NAMES = {
    ber.INTEGER: "Integer",
    ber.OCTET_STRING: "OctetString",
    ber.OBJECT_IDENTIFIER: "ObjectIdentifier",
    ber.NULL: "Null",
    ber.IP_ADDRESS: "IpAddress",
    ber.COUNTER32: "Counter",
    ber.GAUGE32: "Gauge",
    ber.TIME_TICKS: "TimeTicks",
    ber.OPAQUE: "Opaque",
    ber.COUNTER64: "Counter64",
}
V2_NAMES = {ber.INTEGER: "Integer32", ber.COUNTER32: "Counter32", ber.GAUGE32: "Gauge32"}
V1_VALUES = st.one_of(
    st.tuples(st.just(ber.INTEGER), INTEGER32),
    st.tuples(st.sampled_from((ber.COUNTER32, ber.GAUGE32, ber.TIME_TICKS)), st.integers(0, 2**32 - 1)),
    st.tuples(st.sampled_from((ber.OCTET_STRING, ber.OPAQUE)), st.binary(max_size=300)),
    st.tuples(st.just(ber.IP_ADDRESS), st.binary(min_size=4, max_size=4)),
    st.tuples(st.just(ber.OBJECT_IDENTIFIER), OIDS.map(ber.encode_oid)),
    st.tuples(st.just(ber.NULL), st.none()),
)
V2_VALUES = V1_VALUES | st.tuples(st.just(ber.COUNTER64), st.integers(0, 2**64 - 1))


def messages(values: Any) -> Any:
    """Request-id, error-status, error-index and varbinds."""
    varbinds = st.lists(st.tuples(OIDS.map(ber.encode_oid), values), max_size=8)
    return st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 5), st.integers(0, 8), varbinds)


CASES = st.tuples(st.just(1), messages(V1_VALUES)) | st.tuples(st.just(2), messages(V2_VALUES))


def by_pysnmp(version: int, case: Any) -> bytes:
    """The response as pysnmp encodes it."""
    proto = PROTOCOLS[version]
    request_id, status, index, varbinds = case
    pdu = proto.GetResponsePDU() if version == 1 else proto.ResponsePDU()
    proto.apiPDU.set_defaults(pdu)
    proto.apiPDU.set_request_id(pdu, request_id)
    proto.apiPDU.set_error_status(pdu, status)
    proto.apiPDU.set_error_index(pdu, index)
    pairs = []
    for oid, (tag, value) in varbinds:
        name = V2_NAMES.get(tag, NAMES[tag]) if version == 2 else NAMES[tag]
        kind = getattr(proto, name)
        if tag == ber.NULL:
            encoded = kind("")
        elif tag == ber.OBJECT_IDENTIFIER:
            encoded = kind(ber.decode_oid(value))
        else:
            encoded = kind(value)
        pairs.append((ber.decode_oid(oid), encoded))
    proto.apiPDU.set_varbinds(pdu, pairs)
    whole = proto.Message()
    proto.apiMessage.set_defaults(whole)
    proto.apiMessage.set_community(whole, "public")
    proto.apiMessage.set_pdu(whole, pdu)
    return bytes(encoder.encode(whole))


@settings(max_examples=60, deadline=None)
@given(CASES)
def test_what_pysnmp_encodes_is_decoded_alike(case: Any) -> None:
    """Every field, type and value that pysnmp puts on the wire arrives."""
    version, (request_id, status, index, varbinds) = case
    decoded = message.decode_response(by_pysnmp(version, case[1]))
    assert (decoded.version, decoded.community) == (version, b"public")
    assert (decoded.request_id, decoded.error_status, decoded.error_index) == (request_id, status, index)
    assert decoded.varbinds.oids == [oid for oid, _ in varbinds]
    assert list(zip(decoded.varbinds.tags, decoded.varbinds.values, strict=True)) == [
        pair for _, pair in varbinds
    ]


# pyasn1 puts an octet of ones before these, which X.690 §8.3.2 forbids.
PADDED = frozenset(-(1 << bits) for bits in (7, 15, 23, 31))


@settings(max_examples=60, deadline=None)
@given(CASES)
def test_our_encoding_is_the_same_octets(case: Any) -> None:
    """The shortest form is unique, so a response is the same to the last octet."""
    version, (request_id, status, index, varbinds) = case
    assume(not PADDED.intersection([request_id, status, index, *(value for _, (_, value) in varbinds)]))
    encoded = [message.encode_varbind(oid, tag, value) for oid, (tag, value) in varbinds]
    ours = message.encode_response(version, b"public", request_id, status, index, encoded)
    assert ours == by_pysnmp(version, case[1])


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from((1, 2)),
    st.sampled_from((message.GET, message.GETNEXT, message.GETBULK)),
    st.integers(0, 2**31 - 1),
    st.lists(OIDS.map(ber.encode_oid), max_size=8),
)
def test_pysnmp_reads_our_requests(version: int, pdu_type: int, request_id: int, oids: list[bytes]) -> None:
    """An independent decoder finds in a request what was asked for."""
    proto = PROTOCOLS[version]
    if version == 1 and pdu_type == message.GETBULK:
        pdu_type = message.GETNEXT
    bulk = pdu_type == message.GETBULK
    counts = (1, 25) if bulk else (0, 0)
    datagram = message.encode_request(version, b"secret", pdu_type, request_id, oids, *counts)
    whole, rest = decoder.decode(datagram, asn1Spec=proto.Message())
    assert not rest
    assert bytes(proto.apiMessage.get_community(whole)) == b"secret"
    pdu = proto.apiMessage.get_pdu(whole)
    wanted = {
        message.GET: "GetRequestPDU",
        message.GETNEXT: "GetNextRequestPDU",
        message.GETBULK: "GetBulkRequestPDU",
    }
    assert pdu.isSameTypeWith(getattr(proto, wanted[pdu_type])())
    reader = proto.apiBulkPDU if bulk else proto.apiPDU
    assert int(reader.get_request_id(pdu)) == request_id
    assert [str(oid) for oid, _ in reader.get_varbinds(pdu)] == [ber.decode_oid(oid) for oid in oids]
    if bulk:
        assert (int(reader.get_non_repeaters(pdu)), int(reader.get_max_repetitions(pdu))) == counts
