"""The receiver's counters, in memory that it shares with the agent.

A `memfd` is made by the agent and inherited by the receiver, so the agent reads it at any time and
nothing is lost when the receiver dies.  Every slot has one writer: the receiver for all but
`Drop.KERNEL` and `Drop.RECEIVER_DIED`, which are the agent's.  A slot is one aligned word, so a
reader never sees half of a number.
"""

import mmap
import os
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from netmon.traps.records import Drop, Stage


class Gauge(StrEnum):
    """What the receiver tells of itself besides the ways of datagrams."""

    QUEUE = "queue"  # events that wait for a commit
    LAST_ID = "last_id"  # of the newest event
    COMMITS = "commits"
    COMMIT_MICROSECONDS = "commit_microseconds"  # spent on them, all together
    FOLDED = "folded"  # datagrams that only counted up an event
    SOURCES = "sources"  # addresses with a token bucket
    PEERS = "peers"  # SNMPv3 engines whose clock is known
    FOLDS = "folds"  # notifications that a repeat would be folded into
    INFORMS = "informs"  # acknowledgements sent
    REPORTS = "reports"  # Reports sent (RFC 3414 §3.2)
    REPLIES_LOST = "replies_lost"  # acknowledgements and Reports that the kernel would not send
    FORWARDED = "forwarded"
    FORWARD_LOST = "forward_lost"
    LINES_LOST = "lines_lost"  # log lines that found the pipe full
    DEFECTS = "defects"  # datagrams on which the receiver itself failed


Name = Stage | Drop | Gauge
_NAMES: Final[tuple[Name, ...]] = (*Stage, *Drop, *Gauge)
SLOT: Final[Mapping[Name, int]] = {name: slot for slot, name in enumerate(_NAMES)}
_OCTETS: Final = 8 * len(_NAMES)
# What received datagrams can have become, besides an event.
_ENDS: Final = tuple(SLOT[reason] for reason in Drop if reason is not Drop.KERNEL)


def make() -> int:
    """A descriptor of counters that are all zero, for `Counters`; to be inherited, and to be closed."""
    descriptor = os.memfd_create("netmon-traps")
    os.ftruncate(descriptor, _OCTETS)
    return descriptor


class Counters:
    """A view of the shared counters: `cells[SLOT[name]]` where it must be fast, methods elsewhere."""

    def __init__(self, descriptor: int) -> None:
        """Map the memory behind a descriptor of `make`, which may be closed afterwards."""
        self.cells = memoryview(mmap.mmap(descriptor, _OCTETS)).cast("Q")

    def __getitem__(self, name: Name) -> int:
        return self.cells[SLOT[name]]

    def __setitem__(self, name: Name, value: int) -> None:
        self.cells[SLOT[name]] = value

    def add(self, name: Name, count: int = 1) -> None:
        """Count; only the one writer of that slot may."""
        self.cells[SLOT[name]] += count

    def book_death(self) -> int:
        """After the receiver's death: what it had received and not ended goes to RECEIVER_DIED.

        Returns how many those were.  Only the agent calls this, and only while no receiver runs.
        """
        lost = self[Stage.RECEIVED] - self[Stage.COMMITTED] - sum(self.cells[slot] for slot in _ENDS)
        # A receiver that is killed between a commit and its count leaves fewer, never more.
        if lost > 0:
            self.add(Drop.RECEIVER_DIED, lost)
        return max(lost, 0)
