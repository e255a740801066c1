"""Request-ids: drawn at random, and remembered for a while when they have had their time.

One socket carries everything, so every agent that is asked knows its port: a device that could foretell
the ids of its neighbours could answer in their place.
"""

import os
from array import array
from collections import OrderedDict
from collections.abc import MutableMapping
from typing import Any, Final

from netmon.snmp.exchange import Stats

_BITS: Final = 0x7FFFFFFF  # RFC 3416 §3
_DRAWN: Final = 1_024  # at a time
_REMEMBERED: Final = 4_096  # of either sort, to tell a late reply from a duplicate


class RequestIds:
    """The ids of a client; `pending` holds its requests under way by their ids, and is the client's own."""

    def __init__(self, pending: MutableMapping[int, Any]) -> None:
        self._pending = pending
        self._abandoned: OrderedDict[int, None] = OrderedDict()
        self._answered: OrderedDict[int, None] = OrderedDict()
        self._drawn = array("I")

    def draw(self) -> int:
        """One that no request under way has."""
        while True:
            if not self._drawn:
                self._drawn.frombytes(os.urandom(self._drawn.itemsize * _DRAWN))
            number = self._drawn.pop() & _BITS
            if number and number not in self._pending:
                return number

    def retire(self, request_id: int) -> None:
        """It has its answer; another one is a duplicate."""
        self._pending.pop(request_id, None)
        _remember(self._answered, request_id)

    def abandon(self, request_id: int) -> None:
        """If it is under way, nobody waits for its answer any more; one that comes is late."""
        if self._pending.pop(request_id, None) is not None:
            _remember(self._abandoned, request_id)

    def count(self, request_id: int, stats: Stats) -> None:
        """Count an answer from a known agent that no request waits for."""
        if request_id in self._abandoned:
            stats.late += 1
        elif request_id in self._answered:
            stats.duplicate += 1
        else:
            stats.unmatched += 1


def _remember(ids: OrderedDict[int, None], request_id: int) -> None:
    ids[request_id] = None
    if len(ids) > _REMEMBERED:
        ids.popitem(last=False)
