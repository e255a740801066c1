"""What was lately: the last runs of every check, the last failures with their dialogue, the last news.

People ask at night what it was before it was mended, so failures stay after success.  Memory only,
and little of it: forty thousand checks must fit, and a restart may forget them.
"""

from array import array
from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from netmon.model import CheckKey, News, Observation, Result, Run

RUNS: Final = 60  # a check
FAILURES: Final = 5  # a check
FAILURES_SIZE: Final = 32_000_000  # about as many bytes for the failures of all checks together
NEWS: Final = 200

_RESULTS: Final = tuple(Result)
_RECORD: Final = 1000  # bytes of an observation without its text, about
_CODES: Final = {result: code for code, result in enumerate(_RESULTS)}


class _Runs:
    """Results and durations, five bytes a run."""

    __slots__ = ("codes", "seconds")

    def __init__(self) -> None:
        self.codes = bytearray()
        self.seconds = array("f")

    def add(self, result: Result, seconds: float) -> None:
        self.codes.append(_CODES[result])
        self.seconds.append(seconds)
        if len(self.codes) > RUNS:
            del self.codes[0], self.seconds[0]


class Recent:
    """Bounded in every direction; the store feeds it and answers from it."""

    def __init__(self) -> None:
        self._runs: dict[CheckKey, _Runs] = {}
        self._failures: OrderedDict[CheckKey, deque[Observation]] = OrderedDict()
        self._size = 0  # of all failures
        self._news: deque[News] = deque(maxlen=NEWS)

    def saw(self, observation: Observation) -> None:
        """Keep what is worth keeping of a run."""
        key = observation.key
        self._runs.setdefault(key, _Runs()).add(observation.result, observation.duration)
        if observation.result is Result.OK:
            return
        # Device data of a failed run says nothing of the failure and is what weighs.
        kept = replace(observation, tables=(), own=())
        failures = self._failures.setdefault(key, deque())
        failures.append(kept)
        self._size += _size(kept)
        if len(failures) > FAILURES:
            self._size -= _size(failures.popleft())
        self._failures.move_to_end(key)
        while self._size > FAILURES_SIZE:
            self._size -= sum(map(_size, self._failures.popitem(last=False)[1]))

    def forget(self, keys: Iterable[CheckKey]) -> None:
        """These checks are no longer planned."""
        for key in keys:
            self._runs.pop(key, None)
            self._size -= sum(map(_size, self._failures.pop(key, ())))

    def runs_of(self, key: CheckKey) -> Sequence[Run]:
        """The last runs of a check, newest last."""
        runs = self._runs.get(key)
        if runs is None:
            return ()
        return [Run(_RESULTS[code], seconds) for code, seconds in zip(runs.codes, runs.seconds, strict=True)]

    def failures_of(self, key: CheckKey) -> Sequence[Observation]:
        """The last runs of a check that were not ok, newest last, without device data."""
        return tuple(self._failures.get(key, ()))

    def tell(self, news: News) -> None:
        """Keep an announcement."""
        self._news.append(news)

    def news(self) -> Sequence[News]:
        """The last announcements, newest last."""
        return tuple(self._news)


def _size(observation: Observation) -> int:
    return _RECORD + len(observation.detail) + sum(map(len, observation.trail))
