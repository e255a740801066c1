"""Is it they, or is it us?  When many hosts fall silent at once, the agent asks itself first.

A cable pulled at netmon's own machine looks like the end of every host.  So before silence is blamed on
many, `Isolation` has the agent test its own link, and while that test says that it reaches nothing and no
host answers, nobody is accused.  It keeps moments only; who asks and who is told is the watch's affair.
"""

import ipaddress
from typing import Final

from netmon.model import Host

SHARE: Final = 0.3  # of the hosts looked at since the first fell silent; more are suspicious
PAUSE: Final = 5.0  # seconds between two tests of the own link


def is_local(host: Host) -> bool:
    """Whether the host is this machine, whose answers tell nothing of the network."""
    if host.address == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.address).is_loopback
    except ValueError:
        return False


class Isolation:
    """What is known of the agent's own link; all moments are monotonic seconds."""

    def __init__(self) -> None:
        self.isolated = False
        self._lost: dict[
            str, tuple[float, float]
        ] = {}  # host -> when it fell silent, for how long that counts
        self._heard: dict[str, float] = {}  # host -> when its latest answered run began
        self._asked = float("-inf")
        self._tested = float("-inf")  # when the latest test that found the link sound began

    def heard(self, host: str, begun: float) -> None:
        """A run that began at `begun` heard of a host; what began after the link was lost ends isolation."""
        self._lost.pop(host, None)
        self._heard[host] = max(begun, self._heard.get(host, begun))
        if self.isolated and begun > self._asked:
            self.isolated = False

    def lost(self, host: str, now: float, window: float) -> None:
        """A host that was heard before no longer is; that counts as sudden for `window` seconds."""
        self._lost.setdefault(host, (now, window))

    def forget(self, hosts: set[str]) -> None:
        """Only these are configured."""
        self._lost = {name: of for name, of in self._lost.items() if name in hosts}
        self._heard = {name: of for name, of in self._heard.items() if name in hosts}

    def suspicious(self, now: float) -> bool:
        """Whether so many fell silent lately that it may be the agent itself."""
        self._lost = {name: of for name, of in self._lost.items() if now - of[0] <= of[1]}
        if not self._lost:
            return False
        first = min(at for at, _ in self._lost.values())
        alive = sum(begun > first for begun in self._heard.values())
        return len(self._lost) > SHARE * (len(self._lost) + alive)

    def must_ask(self, now: float) -> bool:
        """Whether the own link must be tested now; asking is noted."""
        if now - self._asked < PAUSE:
            return False
        pending = any(at > self._tested for at, _ in self._lost.values())
        if not self.isolated and not (pending and self.suspicious(now)):
            return False
        self._asked = now
        return True

    def holds(self, host: str, now: float) -> bool:
        """Whether a host's silence may not be blamed on it before the own link was tested once more."""
        at = self._lost.get(host)
        return at is not None and at[0] > self._tested and self.suspicious(now)

    def told(self, *, sound: bool | None, begun: float, now: float) -> None:
        """A test that began at `begun` found the link sound, or dead, or could not tell (None)."""
        if sound is not False:
            self._tested = begun
            self.isolated = False
        elif self.suspicious(now) and not any(heard > begun for heard in self._heard.values()):
            self.isolated = True
