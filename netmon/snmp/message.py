"""Messages of SNMPv1 and SNMPv2c: requests out, responses in, and both ways round for an agent.

RFC 1157 §4 and RFC 1901 §3 give the message, RFC 3416 §3 the PDUs.  `decode_response` knows the shape
that large replies nearly always have and leaves any other to `ber`; what they hold is for `varbinds`.

`version` is the number people say: 1 or 2 (the wire carries 0 and 1).
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from netmon.snmp.ber import (
    INTEGER,
    NULL,
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    SEQUENCE,
    DecodeError,
    EncodeError,
    Value,
    encode_integer,
    encode_value,
    expect,
    expect_integer,
    header,
    tlv,
)
from netmon.snmp.varbinds import decode_varbinds

# PDU types, RFC 3416 §3.
GET: Final = 0xA0
GETNEXT: Final = 0xA1
RESPONSE: Final = 0xA2
SET: Final = 0xA3
GETBULK: Final = 0xA5
INFORM: Final = 0xA6
TRAP: Final = 0xA7
REPORT: Final = 0xA8

PDU_NAMES: Final = {
    GET: "GET",
    GETNEXT: "GETNEXT",
    RESPONSE: "Response",
    SET: "SET",
    GETBULK: "GETBULK",
    INFORM: "Inform",
    TRAP: "Trap",
    REPORT: "Report",
}

# error-status by number, RFC 3416 §3.
ERROR_NAMES: Final = (
    "noError",
    "tooBig",
    "noSuchName",
    "badValue",
    "readOnly",
    "genErr",
    "noAccess",
    "wrongType",
    "wrongLength",
    "wrongEncoding",
    "wrongValue",
    "noCreation",
    "inconsistentValue",
    "resourceUnavailable",
    "commitFailed",
    "undoFailed",
    "authorizationError",
    "notWritable",
    "inconsistentName",
)
NO_ERROR: Final = 0
TOO_BIG: Final = 1
NO_SUCH_NAME: Final = 2
GEN_ERR: Final = 5
NO_ACCESS: Final = 6
AUTHORIZATION_ERROR: Final = 16

_VERSIONS: Final = {0: 1, 1: 2}  # wire to people
_NULL_VALUE: Final = bytes((NULL, 0))
_SHORT: Final = 0x80  # lengths below take one octet
# The parts of a large response between community, request-id and varbinds: 30 82 LEN 02 01 version
# 04 len, A2 82 LEN 02 len, 02 01 error-status 02 01 error-index 30 82 LEN.
_MESSAGE_HEAD: Final = struct.Struct(">HHHBBB")
_PDU_HEAD: Final = struct.Struct(">HHBB")
_PDU_REST: Final = struct.Struct(">HBHBHH")
_LONG_HEAD: Final = 4  # octets of a tag and a length of two octets
_LONG_SEQUENCE: Final = SEQUENCE << 8 | 0x82
_LONG_RESPONSE: Final = RESPONSE << 8 | 0x82
_ONE_OCTET: Final = INTEGER << 8 | 1  # an INTEGER of one octet
_ID_OCTETS: Final = 4  # RFC 3416 §3: 32 bits


@dataclass(slots=True)
class Varbinds:
    """Varbinds as three parallel lists, in the order of the wire.

    `oids` are content octets; `tags` the BER tags; `values` int for INTEGER, Counter32, Gauge32,
    TimeTicks and Counter64, raw bytes for OCTET STRING, Opaque, IpAddress and OBJECT IDENTIFIER,
    None for NULL, noSuchObject, noSuchInstance and endOfMibView, which the tag tells apart.
    """

    oids: list[bytes] = field(default_factory=list)
    tags: list[int] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.oids)

    def extend(self, other: "Varbinds", count: int | None = None) -> None:
        """Append the first `count` varbinds of another, or all."""
        if count is None or count == len(other.oids):
            self.oids += other.oids
            self.tags += other.tags
            self.values += other.values
        else:
            self.oids += other.oids[:count]
            self.tags += other.tags[:count]
            self.values += other.values[:count]


@dataclass(slots=True)
class Response:
    """A Response-PDU and the message around it; `error_index` counts varbinds from 1."""

    version: int
    community: bytes = field(repr=False)
    pdu_type: int
    request_id: int
    error_status: int
    error_index: int
    varbinds: Varbinds


@dataclass(slots=True)
class Request:
    """What a manager sent; the two counts mean something in a GetBulkRequest-PDU only."""

    version: int
    community: bytes = field(repr=False)
    pdu_type: int
    request_id: int
    non_repeaters: int
    max_repetitions: int
    varbinds: Varbinds


def error_name(error_status: int) -> str:
    """The standard's name of an error-status, or its number where it has none."""
    return (
        ERROR_NAMES[error_status] if 0 <= error_status < len(ERROR_NAMES) else f"error-status {error_status}"
    )


def decode_response(datagram: bytes) -> Response:
    """Decode the reply of an agent.  Raises DecodeError and nothing else."""
    if (usual := _open_usual_response(datagram)) is not None:
        version, community, request_id, status, index, start, stop = usual
        oids, tags, values = decode_varbinds(datagram, start, stop)
        return Response(version, community, RESPONSE, request_id, status, index, Varbinds(oids, tags, values))
    version, community, pdu_type, start, stop = _open_message(datagram)
    if pdu_type != RESPONSE:
        raise DecodeError(f"a PDU of type {pdu_type:#04x}, wanted a Response")
    request_id, status, index, varbinds = decode_pdu(datagram, start, stop)
    return Response(version, community, pdu_type, request_id, status, index, varbinds)


def _open_usual_response(data: bytes) -> tuple[int, bytes, int, int, int, int, int] | None:
    """Version, community, request-id, error-status, error-index and the bounds of the varbinds.

    Of a response as agents send a large one: lengths of two octets around the varbinds, of one octet
    before them.  None for any other: whether that is right is for `_open_message` and `decode_pdu`
    to say.
    """
    try:
        message, length, number, version, string, size = _MESSAGE_HEAD.unpack_from(data)
        at = _MESSAGE_HEAD.size + size
        stop = _LONG_HEAD + length
        pdu, pdu_length, integer, id_size = _PDU_HEAD.unpack_from(data, at)
        id_at = at + _PDU_HEAD.size
        rest = id_at + id_size
        status_head, status, index_head, index, varbinds, varbinds_length = _PDU_REST.unpack_from(data, rest)
    except struct.error:
        return None
    if (
        message == _LONG_SEQUENCE == varbinds
        and pdu == _LONG_RESPONSE
        and number == status_head == index_head == _ONE_OCTET
        and version in _VERSIONS
        and string == OCTET_STRING
        and integer == INTEGER
        and size < _SHORT
        and 0 < id_size <= _ID_OCTETS
        and status < _SHORT
        and index < _SHORT
        and len(data) >= stop == at + _LONG_HEAD + pdu_length == rest + _PDU_REST.size + varbinds_length
    ):
        request_id = int.from_bytes(data[id_at:rest], "big", signed=True)
        community = data[_MESSAGE_HEAD.size : at]
        return _VERSIONS[version], community, request_id, status, index, rest + _PDU_REST.size, stop
    return None


def decode_request(datagram: bytes) -> Request:
    """Decode what a manager sends: GET, GETNEXT, GETBULK, SET or an Inform.  Raises DecodeError."""
    version, community, pdu_type, start, stop = _open_message(datagram)
    if pdu_type not in (GET, GETNEXT, SET, INFORM) and (pdu_type != GETBULK or version == 1):
        raise DecodeError(f"a PDU of type {pdu_type:#04x}, wanted a request of version {version}")
    request_id, first, second, varbinds = decode_pdu(datagram, start, stop)
    return Request(version, community, pdu_type, request_id, first, second, varbinds)


def decode_request_id(datagram: bytes) -> int:
    """The request-id of any message, the rest unread: to count a stray reply without decoding it."""
    _, _, _, start, stop = _open_message(datagram)
    return expect_integer(datagram, start, stop)[0]


def _open_message(data: bytes) -> tuple[int, bytes, int, int, int]:
    """Version, community, PDU type and the bounds of the PDU's content.

    Octets behind the message are ignored, as net-snmp does: some agents pad their datagrams.
    """
    at, end = expect(data, 0, len(data), SEQUENCE)
    number, at = expect_integer(data, at, end)
    version = _VERSIONS.get(number)
    if version is None:
        raise DecodeError(f"message version {number}, wanted 0 (SNMPv1) or 1 (SNMPv2c)")
    start, at = expect(data, at, end, OCTET_STRING)
    community = data[start:at]
    pdu_type, start, stop = header(data, at, end)
    if stop != end:
        raise DecodeError(f"octet {stop}: something follows the PDU inside the message")
    return version, community, pdu_type, start, stop


def decode_pdu(data: bytes, at: int, end: int) -> tuple[int, int, int, Varbinds]:
    """The three integers and the varbinds of a PDU whose content is `data[at:end]` (RFC 3416 §3).

    The integers are request-id, error-status and error-index; of a GetBulkRequest-PDU the latter
    two are non-repeaters and max-repetitions.  Raises DecodeError.
    """
    request_id, at = expect_integer(data, at, end)
    first, at = expect_integer(data, at, end)
    second, at = expect_integer(data, at, end)
    at, stop = expect(data, at, end, SEQUENCE)
    if stop != end:
        raise DecodeError(f"octet {stop}: something follows the varbinds inside the PDU")
    return request_id, first, second, Varbinds(*decode_varbinds(data, at, end))


def encode_varbind(oid: bytes, tag: int = NULL, value: Value = None) -> bytes:
    """One varbind: the name's content octets, and a value as `Varbinds` holds it."""
    if tag != NULL:
        return tlv(SEQUENCE, tlv(OBJECT_IDENTIFIER, oid) + encode_value(tag, value))
    size = len(oid)
    if size < _SHORT - 4:
        return bytes((SEQUENCE, size + 4, OBJECT_IDENTIFIER, size)) + oid + _NULL_VALUE
    return tlv(SEQUENCE, tlv(OBJECT_IDENTIFIER, oid) + _NULL_VALUE)


def encode_head(version: int, community: bytes) -> bytes:
    """What all messages to one agent begin with."""
    if version not in (1, 2):
        raise EncodeError(f"SNMP version {version}, wanted 1 or 2")
    return encode_integer(version - 1) + tlv(OCTET_STRING, community)


def encode_request(  # noqa: PLR0917 - the fields of the message, in its order
    version: int,
    community: bytes,
    pdu_type: int,
    request_id: int,
    oids: Sequence[bytes],
    non_repeaters: int = 0,
    max_repetitions: int = 0,
) -> bytes:
    """A GET, GETNEXT or GETBULK for the objects `oids`, all with a NULL value (RFC 3416 §3)."""
    varbinds = b"".join(map(encode_varbind, oids))
    head = encode_head(version, community)
    return encode_message(head, pdu_type, request_id, non_repeaters, max_repetitions, varbinds)


def encode_response(  # noqa: PLR0917 - as above
    version: int,
    community: bytes,
    request_id: int,
    error_status: int,
    error_index: int,
    varbinds: Iterable[bytes],
) -> bytes:
    """An agent's reply; `varbinds` are encoded already, so that an agent can keep them so."""
    head = encode_head(version, community)
    return encode_message(head, RESPONSE, request_id, error_status, error_index, b"".join(varbinds))


def encode_message(  # noqa: PLR0917 - as above
    head: bytes, pdu_type: int, request_id: int, first: int, second: int, varbinds: bytes
) -> bytes:
    """Any message behind a head of `encode_head`, with varbinds that are encoded already."""
    numbers = encode_integer(request_id) + encode_integer(first) + encode_integer(second)
    return tlv(SEQUENCE, head + tlv(pdu_type, numbers + tlv(SEQUENCE, varbinds)))
