"""What is known of the engines that send authenticated traps: their clocks, and what was seen of them.

The sender of a trap is the authority on its time (RFC 3412 §6.4), so a receiver keeps a notion of
every sender's boots and time, which goes on with the monotonic clock (RFC 3414 §2.3).  An engine is
taken in with its first message whose digest is right, never before, so nobody without a key can fill
the table.  It is bounded: beyond `most` engines no new one is learned, unless one has been silent for
a day; those that the config names have places of their own.  Within the window of 150 s the standard
lets a message in as often as it comes; here its digest is remembered, so that the same octets are an
event once.  When more come than can be remembered, the window is as short as the memory.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, NamedTuple

from netmon.snmp.message_v3 import MAX_TIME

TIME_WINDOW: Final = 150.0  # seconds, RFC 3414 §2.2.3
_SILENT: Final = 86_400.0  # seconds after which an engine makes room for another
_DIGESTS: Final = 100_000  # of one of two generations, over all engines
_ROUNDING: Final = 2.0  # seconds by which two clocks of whole seconds, and the way here, may differ


class _Clock:
    """An engine's boots, the latest time that it said, and when it said so (monotonic)."""

    __slots__ = ("at", "boots", "time")

    def __init__(self, boots: int, time: int, at: float) -> None:
        self.boots = boots
        self.time = time
        self.at = at


class Clock(NamedTuple):
    """What is to survive a restart of an engine."""

    boots: int
    time: int


class Peers:
    """Engines by their ID.  `allowed` are those that always have a place."""

    def __init__(self, most: int, allowed: frozenset[bytes] = frozenset()) -> None:
        self._most = most
        self._allowed = allowed
        self._clocks: OrderedDict[bytes, _Clock] = OrderedDict()  # learned; the longest silent one first
        self._named: dict[bytes, _Clock] = {}  # of the allowed ones
        self._seen: set[bytes] = set()
        self._seen_before: set[bytes] = set()
        self._turned = 0.0  # when the generations changed
        self._since = float("-inf")  # from then on all digests are remembered

    def __len__(self) -> int:
        return len(self._clocks) + len(self._named)

    def configure(self, most: int, allowed: frozenset[bytes]) -> None:
        """Other bounds from now on; what was seen stays seen."""
        clocks = self._all()
        self._most, self._allowed = most, allowed
        self._named = {engine_id: clock for engine_id, clock in clocks.items() if engine_id in allowed}
        learned = [(engine_id, clock) for engine_id, clock in clocks.items() if engine_id not in allowed]
        self._clocks = OrderedDict(learned[max(len(learned) - most, 0) :])

    def may_enter(self, engine_id: bytes, now: float) -> bool:
        """Whether the engine is known, or there is room for it."""
        if engine_id in self._clocks or engine_id in self._allowed:
            return True
        if self._most <= 0:
            return False
        if len(self._clocks) < self._most:
            return True
        return now - next(iter(self._clocks.values())).at > _SILENT

    def knows(self, engine_id: bytes) -> bool:
        """Whether the engine has sent before, or is named in the config."""
        return engine_id in self._clocks or engine_id in self._allowed

    def is_fresh(self, engine_id: bytes, boots: int, time: int, now: float) -> bool:
        """RFC 3414 §3.2 step 7 b, for a message whose digest is right: take its time, and judge it."""
        named = engine_id in self._allowed
        clock = (self._named if named else self._clocks).get(engine_id)
        if clock is None:
            if boots == MAX_TIME:
                return False
            self._put(engine_id, _Clock(boots, time, now))
            return True
        # 7 b 1: what is newer than all before is taken.
        if boots > clock.boots or (boots == clock.boots and time > clock.time):
            clock.boots, clock.time, clock.at = boots, time, now
            if not named:
                self._clocks.move_to_end(engine_id)
        # 7 b 2.
        window = min(TIME_WINDOW, max(now - self._since - _ROUNDING, _ROUNDING))
        return (
            clock.boots != MAX_TIME
            and boots >= clock.boots
            and time >= clock.time + (now - clock.at) - window
        )

    def _put(self, engine_id: bytes, clock: _Clock) -> None:
        if engine_id in self._allowed:
            self._named[engine_id] = clock
            return
        while self._clocks and len(self._clocks) >= self._most:
            self._clocks.popitem(last=False)
        self._clocks[engine_id] = clock

    def _all(self) -> dict[bytes, _Clock]:
        return self._named | dict(self._clocks)

    def is_replay(self, digest: bytes, now: float) -> bool:
        """Whether these octets were there within the last window; remembers them."""
        full = len(self._seen) >= _DIGESTS
        if full or now - self._turned > TIME_WINDOW:
            fresh = now - self._turned <= 2 * TIME_WINDOW
            self._seen_before = self._seen if fresh else set()
            self._since = self._turned if full else float("-inf")
            self._seen = set()
            self._turned = now
        if digest in self._seen or digest in self._seen_before:
            return True
        self._seen.add(digest)
        return False

    def note(self) -> dict[str, Clock]:
        """The clocks, by engine ID in hex."""
        return {engine_id.hex(): Clock(clock.boots, clock.time) for engine_id, clock in self._all().items()}

    def restore(self, note: Mapping[str, Clock], now: float) -> None:
        """Take up what an earlier life knew: a message older than what it saw is a replay still.

        How long the receiver was away is not asked of the wall clock, which may have been set: the
        clocks stand where they stood.  The digests of then are not known any more, so nothing older than
        the latest of then is let in.
        """
        self._since = self._turned = now
        for name, clock in note.items():
            engine_id = bytes.fromhex(name)
            if engine_id in self._allowed or len(self._clocks) < self._most:
                self._put(engine_id, _Clock(clock.boots, clock.time, now))
