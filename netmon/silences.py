"""What holds alerts back: the silences that people asked for, and the config's windows.

A silence lasts as long as was asked for, whatever happens to the clock or to the agent.  So its end is
kept twice.  CLOCK_MONOTONIC is one for all processes of a boot: within the boot in which the silence
was made, that end counts, and neither a step of the wall clock nor kill -9 moves it.  After the machine
was booted again only the wall clock can tell how much is left.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Protocol

from netmon.errors import NetmonError
from netmon.model import Host, Silenced, SilenceKind
from netmon.windows import Names, Window

MAX_SILENCES: Final = 1000
MAX_SECONDS: Final = 365 * 86400.0
MAX_WHY: Final = 500
MAX_PATTERN: Final = 253
MAX_BY: Final = 64
_NOTE: Final = "silence"
_DRIFT: Final = 1.0  # seconds by which the two ends may differ before the wall clock's is corrected


class SilenceError(NetmonError):
    """A silence that cannot be taken; the sentence says why."""


class Notes(Protocol):
    """The store, as far as silences need it."""

    def note(self, kind: str, name: str, value: Any) -> None:
        """Have `value` survive a restart; None forgets it."""

    def noted(self, kind: str) -> Mapping[str, Any]:
        """What an earlier life left, by name."""


@dataclass(frozen=True, slots=True)
class Silence:
    """A person's wish for quiet about the hosts that `pattern` names."""

    id: str
    pattern: str  # a host's name or a shell pattern
    why: str
    by: str
    made: float  # wall clock
    until: float  # wall clock
    ends: float  # CLOCK_MONOTONIC
    boot: str  # the boot in which it was made

    def left(self, now: float, wall: float, boot: str) -> float:
        """Seconds that it still lasts; none are left at 0 and below."""
        if boot == self.boot:
            return self.ends - now
        # `ends` was set at the agent's start, so that a clock that is stepped back prolongs nothing.
        return min(self.ends - now, self.until - wall)


def told(silence: Silence) -> dict[str, Any]:
    """A silence for programs."""
    return {
        "id": silence.id,
        "host": silence.pattern,
        "why": silence.why,
        "by": silence.by,
        "made": silence.made,
        "until": silence.until,
    }


class Silences:
    """The book of silences and windows.

    `boot` names the machine's boot (``/proc/sys/kernel/random/boot_id``).  Everywhere `now` is
    CLOCK_MONOTONIC and `wall` the wall clock.
    """

    def __init__(self, notes: Notes, *, boot: str, now: float, wall: float) -> None:
        """Takes up what an earlier life of the agent left."""
        self._notes = notes
        self._boot = boot
        self._silences: dict[str, Silence] = {}
        self._names: dict[str, Names] = {}  # by the silence's id
        self._windows: tuple[Window, ...] = ()
        self._open: tuple[tuple[Window, float], ...] = ()
        self._open_from = self._open_to = 0.0  # wall clock: for which times `_open` holds
        self._settled_to = 0.0  # monotonic: when to look for what is over
        self._matches: dict[str, tuple[Host, tuple[str, ...], tuple[Window, ...]]] = {}
        for name, note in notes.noted(_NOTE).items():
            self._take_up(name, note, now, wall)
        self._next_id = 1 + max((int(name[1:]) for name in self._silences), default=0)

    def add(self, pattern: str, seconds: float, why: str, by: str, *, now: float, wall: float) -> Silence:
        """Begin a silence.  Raises SilenceError."""
        _check(pattern, seconds, why, by)
        self._settle(now, wall, at_once=True)
        if len(self._silences) >= MAX_SILENCES:
            raise SilenceError(f"there are {MAX_SILENCES} silences already; end some, or use a shell pattern")
        silence = Silence(
            f"s{self._next_id}", pattern, why, by, wall, wall + seconds, now + seconds, self._boot
        )
        self._next_id += 1
        self._keep(silence)
        self._changed()
        return silence

    def end(self, name: str, *, now: float, wall: float) -> list[Silence]:
        """End the silences for exactly this pattern, or else the one with this id; gives what it ended."""
        self._settle(now, wall, at_once=True)
        found = [silence for silence in self._silences.values() if silence.pattern == name]
        if not found and name in self._silences:
            found = [self._silences[name]]
        for silence in found:
            self._drop(silence.id)
        return found

    def set_windows(self, windows: Iterable[Window]) -> None:
        """Take the config's windows in the place of those before."""
        self._windows = tuple(windows)
        self._open, self._open_from, self._open_to = (), 0.0, 0.0
        self._matches.clear()

    def active(self, now: float, wall: float) -> tuple[Silence, ...]:
        """The silences that last, oldest first."""
        self._settle(now, wall, at_once=True)
        return tuple(self._silences.values())

    def open_windows(self, wall: float) -> tuple[tuple[Window, float], ...]:
        """The windows that are open, each with its end on the wall clock."""
        if not self._open_from <= wall < self._open_to:
            self._open = tuple(
                (window, until) for window in self._windows if (until := window.hours.until(wall)) is not None
            )
            changes = (window.hours.changes(wall) for window in self._windows)
            self._open_from, self._open_to = wall, min(changes, default=float("inf"))
        return self._open

    def quiet(self, now: float, wall: float) -> bool:
        """Whether no silence lasts and no window is open, for any host."""
        self._settle(now, wall)
        return not self._silences and not self.open_windows(wall)

    def of(self, host: Host, now: float, wall: float) -> Silenced | None:
        """What holds alerts about the host back: of all silences and windows the one that lasts longest."""
        if self.quiet(now, wall):
            return None
        silences, windows = self._matching(host)
        longest, found = 0.0, None
        for name in silences:
            silence = self._silences[name]
            left = silence.left(now, wall, self._boot)
            if left > longest:
                longest, found = left, Silenced(SilenceKind.SILENCE, silence.why, silence.until)
        for window, until in self.open_windows(wall):
            if until - wall > longest and any(window is one for one in windows):
                longest, found = until - wall, Silenced(SilenceKind.WINDOW, window.why or window.name, until)
        return found

    def covering(self, host: Host, now: float, wall: float) -> tuple[Silence, ...]:
        """Every silence that holds for the host."""
        self._settle(now, wall, at_once=True)
        return tuple(self._silences[name] for name in self._matching(host)[0])

    def to_json(self, now: float, wall: float) -> dict[str, Any]:
        """What is active, for programs: `left` in seconds, the rest on the wall clock."""
        return {
            "silences": [
                told(silence) | {"left": round(silence.left(now, wall, self._boot), 3)}
                for silence in self.active(now, wall)
            ],
            "windows": [
                {"name": window.name, "why": window.why, "until": until, "left": round(until - wall, 3)}
                for window, until in self.open_windows(wall)
            ],
        }

    def _matching(self, host: Host) -> tuple[tuple[str, ...], tuple[Window, ...]]:
        """Silences and windows for the host, found once: a thousand patterns are not tried at every look."""
        known = self._matches.get(host.name)
        if known is None or known[0] is not host:
            silences = tuple(name for name, names in self._names.items() if host.name in names)
            windows = tuple(window for window in self._windows if window.selector.takes(host))
            known = self._matches[host.name] = (host, silences, windows)
        return known[1], known[2]

    def _settle(self, now: float, wall: float, *, at_once: bool = False) -> None:
        """Forget what is over, and mend the wall clock's end where that clock was stepped."""
        if not self._silences or (now < self._settled_to and not at_once):
            return
        for silence in list(self._silences.values()):
            left = silence.left(now, wall, self._boot)
            if left <= 0:
                self._drop(silence.id)
            elif silence.boot == self._boot and abs(wall + left - silence.until) > _DRIFT:
                self._keep(replace(silence, until=wall + left))
        # Once a second, because the wall clock may be stepped at any time.
        self._settled_to = min([now + 1.0, *(silence.ends for silence in self._silences.values())])

    def _keep(self, silence: Silence) -> None:
        self._silences[silence.id] = silence
        self._names[silence.id] = Names((silence.pattern,))
        note = asdict(silence)
        del note["id"]
        self._notes.note(_NOTE, silence.id, note)

    def _drop(self, name: str) -> None:
        del self._silences[name], self._names[name]
        self._notes.note(_NOTE, name, None)
        self._changed()

    def _changed(self) -> None:
        self._matches.clear()
        self._settled_to = 0.0

    def _take_up(self, name: str, note: Any, now: float, wall: float) -> None:
        try:
            silence = Silence(name, **note)
            _check(silence.pattern, 1.0, silence.why, silence.by)
            float(silence.made)
            left = silence.ends - now if silence.boot == self._boot else silence.until - wall
            known = name[:1] == "s" and name[1:].isdecimal() and len(self._silences) < MAX_SILENCES
        except (TypeError, SilenceError):  # written by a later version
            known = False
        if not known or not 0 < left <= MAX_SECONDS:
            self._notes.note(_NOTE, name, None)
            return
        self._silences[name] = replace(silence, ends=now + left)
        self._names[name] = Names((silence.pattern,))


def _check(pattern: str, seconds: float, why: str, by: str) -> None:
    for what, text, longest in (("host", pattern, MAX_PATTERN), ("why", why, MAX_WHY), ("by", by, MAX_BY)):
        if not isinstance(text, str) or not text.strip():
            raise SilenceError(f"{what} is empty; say {_WANTED[what]}")
        if len(text) > longest:
            raise SilenceError(f"{what} has {len(text)} characters, at most {longest} are taken")
        if not text.isprintable():
            raise SilenceError(
                f"{what} holds characters that cannot be printed; write plain text on one line"
            )
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= MAX_SECONDS:
        raise SilenceError("the duration is out of range, wanted more than 0s and at most 365d")


_WANTED: Final = {
    "host": "which: a name or a shell pattern",
    "why": "in a sentence why alerts are held back",
    "by": "who wants it",
}
