"""A token bucket for each source of datagrams, so that one device in a fit does not drown the others.

The source address of a datagram is whatever its sender wrote, so the table is bounded: the source that
was heard longest ago is forgotten, and begins with a full bucket when it comes back.
"""

from typing import Final

MOST_SOURCES: Final = 50_000


class Buckets:
    """`rate` tokens a second for each source, of which `burst` may be saved; `now` is monotonic."""

    def __init__(self, rate: float, burst: float, most: int = MOST_SOURCES) -> None:
        self._rate = rate
        self._burst = max(burst, 1.0)
        self._most = most
        self._known: dict[str, list[float]] = {}  # tokens, and when they were counted
        self._old: dict[str, list[float]] = {}

    def __len__(self) -> int:
        return len(self._known) + len(self._old)

    def take(self, source: str, now: float) -> bool:
        """Whether the source has a token left; it is taken."""
        bucket = self._known.get(source)
        if bucket is None:
            bucket = self._enter(source, now)
        tokens = bucket[0] + (now - bucket[1]) * self._rate
        tokens = min(tokens, self._burst)
        bucket[1] = now
        if tokens < 1.0:
            bucket[0] = tokens
            return False
        bucket[0] = tokens - 1.0
        return True

    def _enter(self, source: str, now: float) -> list[float]:
        # Two generations: who is not heard of while half the table fills is forgotten, at no cost.
        if len(self._known) >= self._most // 2:
            self._old, self._known = self._known, {}
        bucket = self._old.pop(source, None) or [self._burst, now]
        self._known[source] = bucket
        return bucket
