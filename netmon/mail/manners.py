"""What is remembered so that netmon stays polite: refused logins, and servers that sent it away.

A login that was refused is not tried again for a quarter of an hour, because servers lock users out that
fail too often.  A server that said 421 is left alone: for a quarter of the interval after the first time, so
that an outage is still confirmed soon, and for twice as long each further time, up to five intervals.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from netmon.errors import Reason

LOGIN_WAIT: Final = 900.0  # seconds
_STEPS: Final = (0.25, 0.5, 1, 2, 4, 5)  # intervals that a server is left alone, by how often it said 421
_EARLY: Final = 0.9  # of a wait, after which the run that ends it may come: the schedule is no clockwork
_REMEMBERED: Final = 20_000


@dataclass(frozen=True, slots=True)
class Refused:
    """A login that was refused; `at` is loop time, `text` a sentence, `words` what the server said."""

    at: float
    text: str
    words: str


@dataclass(frozen=True, slots=True)
class SentAway:
    """A server that said 421; `until` is loop time."""

    until: float
    length: float  # seconds of the wait
    reason: Reason
    text: str
    times: int


class Manners:
    """Shared by all probes; bounded, and forgotten with the process."""

    def __init__(self) -> None:
        self._refused: OrderedDict[tuple[str, str, bytes], Refused] = OrderedDict()
        self._away: OrderedDict[tuple[str, int], SentAway] = OrderedDict()

    def refused(self, login: tuple[str, str, bytes], now: float) -> Refused | None:
        """The refusal of a login (server, user, digest of the secret) that is too young for another try."""
        found = self._refused.get(login)
        return found if found is not None and now < found.at + LOGIN_WAIT else None

    def refuse(self, login: tuple[str, str, bytes], now: float, text: str, words: str) -> None:
        """A login was refused."""
        self._refused[login] = Refused(now, text, words)
        while len(self._refused) > _REMEMBERED:
            self._refused.popitem(last=False)

    def away(self, server: tuple[str, int], now: float) -> SentAway | None:
        """Why the server (address, port) is to be left alone now, if it is."""
        found = self._away.get(server)
        return found if found is not None and now < found.until else None

    def wait(self, server: tuple[str, int]) -> float:
        """Seconds that the server is left alone after its latest 421; 0 if its latest word was another."""
        found = self._away.get(server)
        return 0.0 if found is None else found.length

    def send_away(
        self, server: tuple[str, int], now: float, interval: float, reason: Reason, text: str
    ) -> None:
        """The server said 421 to a run of a check with this interval."""
        before = self._away.pop(server, None)
        times = before.times + 1 if before else 1
        length = _STEPS[min(times, len(_STEPS)) - 1] * _EARLY * interval
        self._away[server] = SentAway(now + length, length, reason, text, times)
        while len(self._away) > _REMEMBERED:
            self._away.popitem(last=False)

    def welcome(self, server: tuple[str, int]) -> None:
        """The server talked to us to the end."""
        self._away.pop(server, None)
