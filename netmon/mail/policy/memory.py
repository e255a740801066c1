"""What the policies' checks remember between their runs, which are an hour apart."""

import asyncio
import ssl
from collections import OrderedDict
from typing import Final, Generic, TypeVar

from netmon.mail.policy.https import client_context
from netmon.mail.policy.mta_sts import Seen, StsPolicy
from netmon.model import CheckKey, Observation

V = TypeVar("V")
HOUR: Final = 3600.0
_CLOSE: Final = 0.95  # of an hour: the scheduler is not exact to the second
_MOST: Final = 10_000
_TRUST: Final = 24 * HOUR  # how long a trust store is kept: the system's takes 70 ms to read


class PolicyMemory:
    """Shared by all runs; lives as long as the agent, and is bounded.

    `https_port` is where policies are served: 443 for all but tests.
    """

    def __init__(self, *, https_port: int = 443) -> None:
        self.https_port = https_port
        self._runs: _Bounded[tuple[CheckKey, str], Observation] = _Bounded()
        self._policies: _Bounded[str, Seen] = _Bounded()
        self._contexts: _Bounded[str | None, tuple[float, ssl.SSLContext]] = _Bounded()

    def recent(self, key: CheckKey, digest: str, now: float) -> Observation | None:
        """What the same check saw within the hour; `now` is monotonic."""
        seen = self._runs.get((key, digest))
        return seen if seen is not None and now < seen.begun + HOUR * _CLOSE else None

    def keep(self, digest: str, observation: Observation) -> None:
        """Note what a check saw."""
        self._runs.put((observation.key, digest), observation)

    async def https_context(self, ca_file: str | None, now: float) -> ssl.SSLContext:
        """For a policy's server; `now` is monotonic.  Raises FetchError if `ca_file` cannot be read."""
        known = self._contexts.get(ca_file)
        if known is None or now >= known[0] + _TRUST:
            known = (now, await asyncio.to_thread(client_context, ca_file))
            self._contexts.put(ca_file, known)
        return known[1]

    def policy(self, domain: str) -> Seen | None:
        """The MTA-STS policy that was last seen of a domain."""
        return self._policies.get(domain)

    def saw(self, domain: str, record: str, policy: StsPolicy, now: float) -> None:
        """Note a policy; under one id the first that was seen counts, as it does for senders."""
        known = self._policies.get(domain)
        first = known.policy if known is not None and known.id == record else policy
        self._policies.put(domain, Seen(record, first, now))


K = TypeVar("K")


class _Bounded(Generic[K, V]):
    """Forgets what was written longest ago."""

    def __init__(self) -> None:
        self._items: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        return self._items.get(key)

    def put(self, key: K, value: V) -> None:
        self._items[key] = value
        self._items.move_to_end(key)
        while len(self._items) > _MOST:
            self._items.popitem(last=False)
