"""One host's spans of the last month, ten bytes each."""

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Self

from netmon.history.agreement import Agreement, agreement, works
from netmon.model import MailState, SnmpState, VerdictName

MOST: Final = 1000  # spans of a host; of one that flaps for a month the oldest go
_VERDICTS: Final = tuple(VerdictName)
_MAILS: Final = tuple(MailState)
_SNMPS: Final = tuple(SnmpState)
NOTHING: Final = 0xFFFF  # no agent ran, or the host was not known


class State(NamedTuple):
    """What a span is of."""

    verdict: VerdictName
    mail: MailState
    snmp: SnmpState

    @property
    def code(self) -> int:
        """As a number below NOTHING."""
        place = _VERDICTS.index(self.verdict) * len(_MAILS) + _MAILS.index(self.mail)
        return place * len(_SNMPS) + _SNMPS.index(self.snmp)

    @classmethod
    def of(cls, code: int) -> Self:
        """The state of a code."""
        place, snmp = divmod(code, len(_SNMPS))
        verdict, mail = divmod(place, len(_MAILS))
        return cls(_VERDICTS[verdict], _MAILS[mail], _SNMPS[snmp])


@dataclass(slots=True)
class Totals:
    """Seconds in each agreement and verdict; `known` is all of them together.

    `mail_told` is how long mail said anything, `mail_works` how long that was good, at least in part; the
    same of SNMP.
    """

    known: float = 0.0
    mail_told: float = 0.0
    mail_works: float = 0.0
    snmp_told: float = 0.0
    snmp_works: float = 0.0
    agreements: dict[Agreement, float] = field(default_factory=lambda: dict.fromkeys(Agreement, 0.0))
    verdicts: dict[VerdictName, float] = field(default_factory=dict)

    @classmethod
    def of(cls, seconds: Mapping[int, float]) -> Self:
        """The totals of seconds by code of state."""
        totals = cls()
        for code, length in seconds.items():
            totals.add(State.of(code), length)
        return totals

    def add(self, state: State, seconds: float) -> None:
        """Count a span."""
        self.known += seconds
        mail, snmp = works(state.mail), works(state.snmp)
        self.mail_told += 0.0 if mail is None else seconds
        self.mail_works += seconds if mail else 0.0
        self.snmp_told += 0.0 if snmp is None else seconds
        self.snmp_works += seconds if snmp else 0.0
        self.agreements[agreement(state.mail, state.snmp)] += seconds
        self.verdicts[state.verdict] = self.verdicts.get(state.verdict, 0.0) + seconds

    def plus(self, other: "Totals") -> None:
        """Add another host's."""
        self.known += other.known
        self.mail_told += other.mail_told
        self.mail_works += other.mail_works
        self.snmp_told += other.snmp_told
        self.snmp_works += other.snmp_works
        for name, seconds in other.agreements.items():
            self.agreements[name] += seconds
        for verdict, seconds in other.verdicts.items():
            self.verdicts[verdict] = self.verdicts.get(verdict, 0.0) + seconds

    def share(self, name: Agreement) -> float | None:
        """Of the time in which both told something; None if there was none."""
        told = self.known - self.agreements[Agreement.UNTOLD]
        return self.agreements[name] / told if told > 0 else None

    @property
    def mail(self) -> float | None:
        """The share of the time in which mail worked; None if it said nothing."""
        return self.mail_works / self.mail_told if self.mail_told > 0 else None

    @property
    def snmp(self) -> float | None:
        """The same of SNMP."""
        return self.snmp_works / self.snmp_told if self.snmp_told > 0 else None

    def to_json(self) -> dict[str, object]:
        """For `/api/report` and `netmon report --json`: seconds and shares."""
        return {
            "known_seconds": round(self.known, 3),
            "mail": _rounded(self.mail),
            "snmp": _rounded(self.snmp),
            "agreement": {
                name.value: _rounded(self.share(name)) for name in Agreement if name is not Agreement.UNTOLD
            },
            "agreement_seconds": {name.value: round(seconds, 3) for name, seconds in self.agreements.items()},
            "verdict_seconds": {name.value: round(seconds, 3) for name, seconds in self.verdicts.items()},
        }


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 6)


class Track:
    """Changes in their order; each lasts until the next."""

    __slots__ = ("_codes", "_starts")

    def __init__(self) -> None:
        self._starts = array("d")
        self._codes = array("H")

    def __len__(self) -> int:
        return len(self._starts)

    @property
    def code(self) -> int:
        """That of now."""
        return self._codes[-1] if self._codes else NOTHING

    def change(self, at: float, code: int) -> None:
        """From `at` on (wall clock) it is another state; a clock that was set back makes no negative span."""
        if self._starts:
            at = max(at, self._starts[-1])
        self._starts.append(at)
        self._codes.append(code)
        if len(self._starts) > MOST:
            del self._starts[0], self._codes[0]

    def forget(self, before: float) -> None:
        """Drop the spans that ended before; the one that lasts over it stays."""
        first = bisect_right(self._starts, before) - 1
        if first > 0:
            del self._starts[:first], self._codes[:first]

    def spans(self, begin: float, end: float) -> Iterator[tuple[float, float, State]]:
        """What is known of a time, as start, stop and state, in order."""
        return ((start, stop, State.of(code)) for start, stop, code in self._known(begin, end))

    def add_to(self, seconds: dict[int, float], begin: float, end: float) -> None:
        """Add what is known of a time to `seconds` by code of state; `Totals.of` reads them."""
        if self._starts and self._starts[-1] <= begin < end:
            # One state all the time: so it is with nearly all of thousands of hosts.
            code = self._codes[-1]
            if code != NOTHING:
                seconds[code] = seconds.get(code, 0.0) + (end - begin)
            return
        for start, stop, code in self._known(begin, end):
            seconds[code] = seconds.get(code, 0.0) + (stop - start)

    def totals(self, begin: float, end: float) -> Totals:
        """The spans of a time added up."""
        seconds: dict[int, float] = {}
        self.add_to(seconds, begin, end)
        return Totals.of(seconds)

    def _known(self, begin: float, end: float) -> Iterator[tuple[float, float, int]]:
        first = max(bisect_right(self._starts, begin) - 1, 0)
        for place in range(first, len(self._starts)):
            start = max(self._starts[place], begin)
            last = place + 1 == len(self._starts)
            stop = min(end if last else self._starts[place + 1], end)
            if start >= end:
                return
            if stop > start and self._codes[place] != NOTHING:
                yield start, stop, self._codes[place]
