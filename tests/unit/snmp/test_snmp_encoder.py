"""The encoder of a conversation says what `encode_request` says, octet for octet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.snmp.ber import EncodeError, encode_oid
from netmon.snmp.encoder import Encoder
from netmon.snmp.message import GET, GETBULK, GETNEXT, encode_head, encode_request
from tests.unit.snmp.test_snmp_ber import OIDS

IDS = st.one_of(st.integers(0, 2**31 - 1), st.integers(0x7FFFF0, 0x80000F))
ASKS = st.tuples(
    st.sampled_from((GET, GETNEXT, GETBULK)),
    IDS,
    st.lists(OIDS.map(encode_oid), max_size=3),
    st.sampled_from((0, 0, 0, 1, 300)),
    st.sampled_from((25, 25, 0, 127, 128, 1_000)),
)


@given(st.sampled_from((1, 2)), st.binary(max_size=200), st.lists(ASKS, max_size=8))
def test_it_encodes_as_encode_request_does(
    version: int, community: bytes, asks: list[tuple[int, int, list[bytes], int, int]]
) -> None:
    """Whatever is asked after whatever, on both sides of every length that takes one octet more."""
    encoder = Encoder(encode_head(version, community))
    for pdu_type, request_id, oids, first, second in asks:
        wanted = encode_request(version, community, pdu_type, request_id, oids, first, second)
        assert encoder.encode(pdu_type, request_id, oids, first, second) == wanted


def test_an_unknown_version_is_refused() -> None:
    """Before anything is sent."""
    with pytest.raises(EncodeError, match="version 3"):
        encode_head(3, b"public")
