"""Repeats: the same notification again is counted, not stored; an inform again is acknowledged again.

The memory of both is bounded, oldest first: what is forgotten early becomes an event of its own, which
costs a row and loses nothing.
"""

import hashlib
from collections import OrderedDict
from typing import Final

from netmon.events.codec import Row
from netmon.model.events import TrapChange

MOST_FOLDS: Final = 100_000
MOST_INFORMS: Final = 40_000
INFORM_MEMORY: Final = 150.0  # seconds; senders repeat an inform for one or two minutes at most
_MOST_STATES: Final = 100_000
_DIGEST: Final = 16  # octets
_NEVER: Final = -1  # the ID of an event that no commit took

StateKey = tuple[str, str, str]  # host or source, state, instance


class Entry:
    """An event that is on its way to the disk or there already, while repeats may still join it.

    `event_id` is 0 until it is committed, and `row` is kept only so long.  `stored` counts what is
    committed, `taken` what is in the commit that runs, `pending` what waits for the next one;
    `silent` are retransmitted informs, which raise no count.
    """

    __slots__ = (
        "active", "at", "event_id", "last", "pending", "row", "silent", "state", "stored", "taken",
        "taken_silent", "tally", "turn", "weight", "words",
    )  # fmt: skip

    def __init__(self, row: Row, at: float, last: float, tally: tuple[str, str, str], weight: int) -> None:
        self.row: Row | None = row
        self.at = at  # monotonic
        self.last = last  # wall clock
        self.event_id = 0
        self.stored = 0
        self.taken = 0
        self.taken_silent = 0
        self.pending = 1
        self.silent = 0
        self.tally = tally  # host, label, severity
        self.weight = weight  # octets that it holds
        self.state: StateKey | None = None
        self.active = False
        self.turn = 0
        self.words: object = None  # what the notice and the forwarding need of it, until it is committed

    def forget(self) -> None:
        """No commit took it: the next one of its kind is new."""
        self.event_id = _NEVER
        self.row = self.words = None


class Folding:
    """Who is a repeat of whom.  Keys are digests, so that long notifications cost no more than short ones."""

    def __init__(self, window: float, most: int = MOST_FOLDS, informs: int = MOST_INFORMS) -> None:
        self.window = window
        self._most = most
        self._most_informs = informs
        # Finding the oldest key of a plain dict gets slower with each that was taken from its front.
        self._entries: OrderedDict[bytes, Entry] = OrderedDict()
        self._informs: OrderedDict[bytes, tuple[Entry, float]] = OrderedDict()  # and since when
        self._states: OrderedDict[StateKey, tuple[bool, int]] = OrderedDict()
        self._turns = 0

    def __len__(self) -> int:
        return len(self._entries)

    def repeated(self, key: bytes, now: float) -> Entry | None:
        """The event that the same notification made not long ago, if no other undid its state since."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if now - entry.at >= self.window or entry.event_id == _NEVER:
            del self._entries[key]
            return None
        if entry.state is not None:
            known = self._states.get(entry.state)
            if known is None or known[1] != entry.turn:
                del self._entries[key]
                return None
        return entry

    def retransmitted(self, key: bytes, now: float) -> Entry | None:
        """The event of an inform that came before, request-id and all."""
        entry, since = self._informs.get(key, (None, 0.0))
        if entry is None or now - since >= INFORM_MEMORY or entry.event_id == _NEVER:
            return None
        return entry

    def remember(self, key: bytes, entry: Entry) -> None:
        """From now on the same may be a repeat of this event."""
        if self.window <= 0:
            return
        entries = self._entries
        if key in entries:
            del entries[key]  # so that the order stays that of age
        elif len(entries) >= self._most:
            entries.popitem(last=False)
        entries[key] = entry

    def remember_inform(self, key: bytes, entry: Entry, now: float) -> None:
        """From now on the same octets are a retransmission."""
        if key not in self._informs and len(self._informs) >= self._most_informs:
            self._informs.popitem(last=False)
        self._informs[key] = entry, now
        self._informs.move_to_end(key)

    def forget_inform(self, key: bytes) -> None:
        """The same octets are news after all."""
        self._informs.pop(key, None)

    def change(self, entry: Entry, who: str, change: TrapChange) -> None:
        """Note the state that an event changes: what raised it before that was cleared is no repeat."""
        state = (who, change.state, change.instance)
        known = self._states.pop(state, None)
        if known is None or known[0] is not change.active:
            self._turns += 1
            known = (change.active, self._turns)
            if len(self._states) >= _MOST_STATES:
                self._states.popitem(last=False)
        self._states[state] = known
        entry.state, entry.turn = state, known[1]

    def expire(self, now: float) -> None:
        """Drop what is too old; cheap, for once a second."""
        old = []
        for key, entry in self._entries.items():
            if now - entry.at < self.window:
                break
            old.append(key)
        for key in old:
            del self._entries[key]
        while self._informs and now - next(iter(self._informs.values()))[1] >= INFORM_MEMORY:
            self._informs.popitem(last=False)


def digest(source: str, *parts: bytes) -> bytes:
    """A key for what one source sent."""
    made = hashlib.blake2b(source.encode(), digest_size=_DIGEST)
    for part in parts:
        made.update(b"%d:" % len(part))
        made.update(part)
    return made.digest()
