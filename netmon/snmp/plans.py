"""How a subtree is best asked for, learned from the last time that it was read.

Who knows what a subtree held knows how many varbinds fill a datagram and where each reply will end.
So a plan cuts it into pieces that fit the path without fragments (IP fragments are what firewalls
drop), the last of which asks for one object more than there were, to see that the subtree ends there.
A piece is a stretch of the OID space with no gap to its neighbours: read one after another or at the
same time they give the same, and rows that come and go cost a request more and are never lost.

What an unknown subtree holds can only be guessed: `UNKNOWN` objects of the length of an ifAlias fit.
"""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final, NamedTuple

from netmon.snmp.ber import COUNTER32, COUNTER64, GAUGE32, TIME_TICKS, Value
from netmon.snmp.message import Varbinds

UNKNOWN: Final = 16  # varbinds to ask for where nothing is known of them
MOST: Final = 128  # varbinds in one request
_BEYOND: Final = 48  # octets kept for the object behind the end
_PIECES: Final = 1_000_000  # remembered in all, at about 60 octets each
_AROUND: Final = 6  # octets beside name and content: 30 len 06 len NAME tag len CONTENT
_LONG: Final = 0x80  # from here on lengths take more than one octet ...
_LONGER: Final = 4  # ... which is so many more: two each for the content and the varbind
_GROWING: Final = frozenset((COUNTER32, COUNTER64, GAUGE32, TIME_TICKS))
_LARGEST: Final = {COUNTER64: 9}  # content octets; 5 for the others

Key = tuple[object, ...]


class Piece(NamedTuple):
    """What lies behind `after`, up to and with `upto`, and how many objects (`size`) that was.

    An empty `upto` is the end of the subtree.  A `size` of None is not known; `last` marks the piece
    behind which there was nothing.
    """

    after: bytes
    upto: bytes
    size: int | None
    last: bool


class Plan(NamedTuple):
    """The counts of the pieces, and the last OID of each but the last."""

    counts: tuple[int, ...]
    bounds: tuple[bytes, ...]

    def pieces(self, after: bytes, upto: bytes) -> Iterator[Piece]:
        """The pieces of a stretch."""
        for count, bound in zip(self.counts, self.bounds, strict=False):
            yield Piece(after, bound, count, last=False)
            after = bound
        yield Piece(after, upto, self.counts[-1], last=True)


class Plans:
    """Plans by what they are for; past `limit` pieces the longest unused go."""

    def __init__(self, limit: int = _PIECES) -> None:
        self.pieces = 0
        self._limit = limit
        self._plans: OrderedDict[Key, Plan] = OrderedDict()

    def find(self, key: Key) -> Plan | None:
        """The plan, if there is one."""
        plan = self._plans.get(key)
        if plan is not None:
            self._plans.move_to_end(key)
        return plan

    def keep(self, key: Key, plan: Plan) -> None:
        """Remember a plan in place of an earlier one."""
        self.forget(key)
        self._plans[key] = plan
        self.pieces += len(plan.counts)
        while self.pieces > self._limit:
            self.forget(next(iter(self._plans)))

    def forget(self, key: Key) -> None:
        """Drop a plan, if there is one."""
        plan = self._plans.pop(key, None)
        if plan is not None:
            self.pieces -= len(plan.counts)


def plan_of(table: Varbinds, room: int, most: int) -> Plan:
    """Cut what a stretch held into pieces of at most `room` octets and `most` varbinds; pure.

    A single object larger than `room` has a piece to itself.
    """
    counts: list[int] = []
    bounds: list[bytes] = []
    filled = count = 0
    before = b""
    for oid, tag, value in zip(table.oids, table.tags, table.values, strict=True):
        size = octets_of(oid, tag, value)
        if count and (filled + size > room or count >= most):
            counts.append(count)
            bounds.append(before)
            filled = count = 0
        filled += size
        count += 1
        before = oid
    if count and (filled + _BEYOND > room or count >= most):
        counts.append(count)
        bounds.append(before)
        count = 0
    counts.append(count)
    return Plan(tuple(counts), tuple(bounds))


def octets_of(oid: bytes, tag: int, value: Value) -> int:
    """Octets of a varbind; of a number that grows, with room to do so."""
    if isinstance(value, int):
        content = value.bit_length() // 8 + 1
        if value and tag in _GROWING:
            content = min(content + 1, _LARGEST.get(tag, 5))
    else:
        content = 0 if value is None else len(value)
    size = len(oid) + content + _AROUND
    return size + _LONGER if size >= _LONG else size
