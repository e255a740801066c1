"""Requests to one agent, for one conversation.

The requests of a walk differ in nothing but request-id and name, so they are filled into a form: the
octets around the two, made once for each length of a name.  The messages are those of
`message.encode_request`, octet for octet.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from netmon.snmp.ber import NULL, SEQUENCE, encode_integer, tlv
from netmon.snmp.message import encode_message, encode_varbind

_ID_OCTETS: Final = 4
_LARGEST_ID: Final = 0x7FFFFFFF
_SMALLEST_ID: Final = 0x800000  # of those that take all four octets
_NULL_VALUE: Final = bytes((NULL, 0))


class Encoder:
    """Makes requests behind a head: that of `encode_head`, or an SNMPv3 scope, which makes scoped PDUs."""

    __slots__ = ("_head",)

    def __init__(self, head: bytes) -> None:
        self._head = head

    def encode(self, pdu_type: int, request_id: int, oids: Sequence[bytes], first: int, second: int) -> bytes:
        """A GET, GETNEXT or GETBULK; see `message.encode_request`."""
        if len(oids) != 1 or request_id < _SMALLEST_ID:
            varbinds = b"".join(map(encode_varbind, oids))
            return encode_message(self._head, pdu_type, request_id, first, second, varbinds)
        oid = oids[0]
        before, after = _form(self._head, pdu_type, len(oid), first, second)
        return b"".join((before, request_id.to_bytes(_ID_OCTETS, "big"), after, oid, _NULL_VALUE))


@lru_cache(maxsize=4096)
def _form(head: bytes, pdu_type: int, octets: int, first: int, second: int) -> tuple[bytes, bytes]:
    """What comes before the request-id, and what between it and a name of so many octets."""
    varbind = encode_varbind(bytes(octets))
    whole = encode_message(head, pdu_type, _LARGEST_ID, first, second, varbind)
    behind_id = encode_integer(first) + encode_integer(second) + tlv(SEQUENCE, varbind)
    return whole[: -len(behind_id) - _ID_OCTETS], behind_id[: -octets - len(_NULL_VALUE)]
