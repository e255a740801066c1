"""Maintenance windows: which hosts they cover, and when, by the civil time of a place.

A window follows the wall clock on purpose, because people agree on 02:00 in Warsaw and not on a number
of seconds.  Its begin is civil, its length is elapsed time, so a window of 2h lasts two hours whatever
the clocks do meanwhile.  Where the clock jumps (PEP 495 has the words):

- A begin that the jump forward leaves out is counted by the offset before it: 02:30 is at 03:30.
- A begin that comes twice, when the clock goes back, is the first of the two; an end is the second.

Pure: the wall clock and the time zone are arguments.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from fnmatch import translate
from typing import Final, Protocol

from netmon.model import Host

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MAX_DURATION: Final = 7 * 86400.0
_WEEK: Final = 7
_WILD: Final = re.compile(r"[*?\[]")


def is_pattern(name: str) -> bool:
    """Whether a host's name is a shell pattern; no host is called so."""
    return _WILD.search(name) is not None


class Names:
    """Host names and shell patterns, which tell capital letters from small ones."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = frozenset(names)
        self._patterns = tuple(re.compile(translate(name)) for name in names if is_pattern(name))

    def __contains__(self, name: str) -> bool:
        return name in self._names or any(pattern.match(name) for pattern in self._patterns)


@dataclass(frozen=True, slots=True)
class Selector:
    """Which hosts: those of `hosts` and those in one of `groups`, all where neither names any.

    Of these it takes those that have every one of `labels`.
    """

    hosts: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    _names: Names = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_names", Names(self.hosts))

    def takes(self, host: Host) -> bool:
        """Whether the host is one of them."""
        if any(host.labels.get(name) != value for name, value in self.labels.items()):
            return False
        if not self.hosts and not self.groups:
            return True
        return host.name in self._names or any(group in self.groups for group in host.groups)


class Hours(Protocol):
    """When a window is open; all times are wall clock."""

    def until(self, wall: float) -> float | None:
        """When what is open at `wall` ends, or None: it is closed."""

    def changes(self, wall: float) -> float:
        """When `until` may next give another answer than it gives at `wall`."""


@dataclass(frozen=True, slots=True)
class Weekly:
    """Begins at `start` on each of `days` (Monday is 0) and lasts `duration` seconds."""

    start: time
    duration: float
    zone: tzinfo
    days: frozenset[int] = frozenset(range(_WEEK))

    def until(self, wall: float) -> float | None:
        """The latest end, where one begins before the last has ended."""
        return max((end for begin, end in self._near(wall) if begin <= wall < end), default=None)

    def changes(self, wall: float) -> float:
        """The next begin or end."""
        return min(moment for span in self._near(wall) for moment in span if moment > wall)

    def _near(self, wall: float) -> Iterator[tuple[float, float]]:
        """What may be open at `wall`, and what follows."""
        today = datetime.fromtimestamp(wall, self.zone).date()
        # A jump may be a whole day: Samoa had no 30 December 2011.
        for day in range(-int(self.duration // 86400) - 2, _WEEK + 2):
            on = today + timedelta(days=day)
            if on.weekday() in self.days:
                begin = self._begin(on)
                yield begin, begin + self.duration

    def _begin(self, on: date) -> float:
        return datetime.combine(on, self.start, self.zone).timestamp()


@dataclass(frozen=True, slots=True)
class Once:
    """One time, from `begin` to `end`."""

    begin: float
    end: float

    @classmethod
    def civil(cls, begin: datetime, end: datetime, zone: tzinfo) -> "Once":
        """By two civil times of a zone."""
        ends = (end.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1))
        return cls(begin.replace(tzinfo=zone).timestamp(), max(ends))

    def until(self, wall: float) -> float | None:
        """The end, while it lasts."""
        return self.end if self.begin <= wall < self.end else None

    def changes(self, wall: float) -> float:
        """The next of begin and end; never, when both are over."""
        return next((moment for moment in (self.begin, self.end) if moment > wall), float("inf"))


@dataclass(frozen=True, slots=True)
class Window:
    """A maintenance window of the config."""

    name: str
    why: str
    selector: Selector
    hours: Hours

    def covers(self, host: Host, wall: float) -> float | None:
        """Until when (wall clock) the window covers the host, or None: it does not now."""
        return self.hours.until(wall) if self.selector.takes(host) else None
