"""Requests to one agent, for one conversation.

The requests of a walk differ in nothing but request-id and name, so they are filled into a form: the
octets around the two, made once for each length of a name.  The messages are those of
`message.encode_request`, octet for octet.
"""

from collections.abc import Sequence
from typing import Final

from netmon.snmp.ber import NULL, SEQUENCE, encode_integer, tlv
from netmon.snmp.message import encode_message, encode_varbind

_ID_OCTETS: Final = 4
_LARGEST_ID: Final = 0x7FFFFFFF
_SMALLEST_ID: Final = 0x800000  # of those that take all four octets
_NULL_VALUE: Final = bytes((NULL, 0))


class Encoder:
    """Makes requests behind a head: that of `encode_head`, or an SNMPv3 scope, which makes scoped PDUs."""

    __slots__ = ("_after", "_before", "_form", "_head")

    def __init__(self, head: bytes) -> None:
        self._head = head
        self._form: tuple[int, int, int, int] | None = None
        self._before = self._after = b""

    def encode(self, pdu_type: int, request_id: int, oids: Sequence[bytes], first: int, second: int) -> bytes:
        """A GET, GETNEXT or GETBULK; see `message.encode_request`."""
        if len(oids) != 1 or request_id < _SMALLEST_ID:
            varbinds = b"".join(map(encode_varbind, oids))
            return encode_message(self._head, pdu_type, request_id, first, second, varbinds)
        oid = oids[0]
        form = (pdu_type, len(oid), first, second)
        if form != self._form:
            self._draw_up(*form)
            self._form = form
        return b"".join((self._before, request_id.to_bytes(_ID_OCTETS, "big"), self._after, oid, _NULL_VALUE))

    def _draw_up(self, pdu_type: int, octets: int, first: int, second: int) -> None:
        varbind = encode_varbind(bytes(octets))
        whole = encode_message(self._head, pdu_type, _LARGEST_ID, first, second, varbind)
        behind_id = encode_integer(first) + encode_integer(second) + tlv(SEQUENCE, varbind)
        self._before = whole[: -len(behind_id) - _ID_OCTETS]
        self._after = behind_id[: -octets - len(_NULL_VALUE)]
