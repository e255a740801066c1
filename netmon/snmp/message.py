"""Messages of SNMPv1 and SNMPv2c: requests out, responses in, and both ways round for an agent.

RFC 1157 §4 and RFC 1901 §3 give the message, RFC 3416 §3 the PDUs.  `decode_response` is where
netmon spends its days: one loop over the varbind list, no call and no object per varbind.  It knows
the shape that practically every varbind has (short lengths, nothing between the elements) and
leaves any other to `ber`.  The code is plain and fully typed so that mypyc can compile it as it is.

`version` is the number people say: 1 or 2 (the wire carries 0 and 1).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from netmon.snmp.ber import (
    COUNTER32,
    COUNTER64,
    GAUGE32,
    INTEGER,
    NULL,
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    SEQUENCE,
    TIME_TICKS,
    DecodeError,
    EncodeError,
    Value,
    check_oids,
    decode_value,
    encode_integer,
    encode_value,
    expect,
    expect_integer,
    header,
    tlv,
)

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
_NEGATIVE: Final = 0x80
# By tag: so many octets of an unsigned type are within its range whatever they say.
_SAFE_OCTETS: Final = bytes(
    {COUNTER32: 4, GAUGE32: 4, TIME_TICKS: 4, COUNTER64: 8}.get(tag, 0) for tag in range(256)
)


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
    version, community, pdu_type, start, stop = _open_message(datagram)
    if pdu_type != RESPONSE:
        raise DecodeError(f"a PDU of type {pdu_type:#04x}, wanted a Response")
    request_id, status, index, varbinds = decode_pdu(datagram, start, stop)
    return Response(version, community, pdu_type, request_id, status, index, varbinds)


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
    return request_id, first, second, _decode_varbinds(data, at, end)


def _decode_varbinds(data: bytes, at: int, end: int) -> Varbinds:
    oids: list[bytes] = []
    tags: list[int] = []
    values: list[Value] = []
    add_oid = oids.append
    add_tag = tags.append
    add_value = values.append
    from_bytes = int.from_bytes
    try:
        while at < end:
            # 30 len 06 len OID tag len value.  When the outer length takes one octet and the
            # three inner elements fill it exactly, then their lengths took one octet each too.
            length = data[at + 1]
            stop = at + 2 + length
            name = at + 4
            name_end = name + data[at + 3]
            tag = data[name_end]
            start = name_end + 2
            size = data[name_end + 1]
            if (
                length >= _SHORT
                or start + size != stop
                or data[at] != SEQUENCE
                or data[at + 2] != OBJECT_IDENTIFIER
            ):
                name, name_end, tag, start, stop = _unusual_varbind(data, at, end)
                size = stop - start
            at = stop
            add_oid(data[name:name_end])
            add_tag(tag)
            if tag == OCTET_STRING:
                add_value(data[start:stop])
            elif 0 < size <= _SAFE_OCTETS[tag]:
                add_value(data[start] if size == 1 else from_bytes(data[start:stop], "big"))
            elif tag == INTEGER and size == 1:
                octet = data[start]
                add_value(octet if octet < _NEGATIVE else octet - 256)
            else:
                add_value(decode_value(tag, data, start, stop))
    except IndexError:
        raise DecodeError(f"octet {at}: a varbind is cut off") from None
    if at != end:
        raise DecodeError(f"octet {at}: the last varbind overruns the list")
    check_oids(oids)
    return Varbinds(oids, tags, values)


def _unusual_varbind(data: bytes, at: int, end: int) -> tuple[int, int, int, int, int]:
    """Bounds of the name, tag and bounds of the value, where lengths take more than one octet."""
    at, stop = expect(data, at, end, SEQUENCE)
    name, name_end = expect(data, at, stop, OBJECT_IDENTIFIER)
    tag, start, value_end = header(data, name_end, stop)
    if value_end != stop:
        raise DecodeError(f"octet {value_end}: something follows the value of a varbind")
    return name, name_end, tag, start, stop


def encode_varbind(oid: bytes, tag: int = NULL, value: Value = None) -> bytes:
    """One varbind: the name's content octets, and a value as `Varbinds` holds it."""
    if tag != NULL:
        return tlv(SEQUENCE, tlv(OBJECT_IDENTIFIER, oid) + encode_value(tag, value))
    size = len(oid)
    if size < _SHORT - 4:
        return bytes((SEQUENCE, size + 4, OBJECT_IDENTIFIER, size)) + oid + _NULL_VALUE
    return tlv(SEQUENCE, tlv(OBJECT_IDENTIFIER, oid) + _NULL_VALUE)


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
    varbinds = [encode_varbind(oid) for oid in oids]
    return _message(version, community, pdu_type, request_id, non_repeaters, max_repetitions, varbinds)


def encode_response(  # noqa: PLR0917 - as above
    version: int,
    community: bytes,
    request_id: int,
    error_status: int,
    error_index: int,
    varbinds: Iterable[bytes],
) -> bytes:
    """An agent's reply; `varbinds` are encoded already, so that an agent can keep them so."""
    return _message(version, community, RESPONSE, request_id, error_status, error_index, varbinds)


def _message(  # noqa: PLR0917 - as above
    version: int,
    community: bytes,
    pdu_type: int,
    request_id: int,
    first: int,
    second: int,
    varbinds: Iterable[bytes],
) -> bytes:
    if version not in (1, 2):
        raise EncodeError(f"SNMP version {version}, wanted 1 or 2")
    pdu = (
        encode_integer(request_id)
        + encode_integer(first)
        + encode_integer(second)
        + tlv(SEQUENCE, b"".join(varbinds))
    )
    return tlv(SEQUENCE, encode_integer(version - 1) + tlv(OCTET_STRING, community) + tlv(pdu_type, pdu))
