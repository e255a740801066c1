"""Which request-ids were given out, and what a datagram means that answers no request under way.

Request-ids follow one another from a random one on, so that one which was given out can be told from one
that never was, without remembering each.
"""

import secrets
from collections import OrderedDict
from collections.abc import Container
from typing import Final

from netmon.snmp.exchange import Stats

_MOST: Final = 0x7FFFFFFF  # RFC 3416 §3
_ABANDONED: Final = 4_096  # remembered to tell a late reply from a duplicate


class RequestIds:
    """The ids of a client; `pending` holds those of its requests under way."""

    def __init__(self, pending: Container[int]) -> None:
        self._pending = pending
        self._abandoned: OrderedDict[int, None] = OrderedDict()
        self._first = self.last = secrets.randbelow(_MOST)

    def next(self) -> int:
        """One that no request under way has."""
        while True:
            self.last = self.last % _MOST + 1
            if self.last not in self._pending:
                return self.last

    def abandon(self, request_id: int) -> None:
        """Remember that nobody waits for its answer any more."""
        self._abandoned[request_id] = None
        if len(self._abandoned) > _ABANDONED:
            self._abandoned.popitem(last=False)

    def count(self, request_id: int, stats: Stats) -> None:
        """Count an answer from a known agent that no request waits for."""
        if request_id in self._abandoned:
            stats.late += 1
        elif 0 < (request_id - self._first) % _MOST <= (self.last - self._first) % _MOST:
            stats.duplicate += 1
        else:
            stats.unmatched += 1
