"""What is remembered of a mail server over days: what it offered once, and what the rare tests found.

A server that loses STARTTLS or AUTH still takes mail, so nobody notices: its certificate could not be
loaded, or a middlebox strips the offer.  So what a check has seen offered before and misses now is told,
once as many runs in a row miss it as confirm an outage, and until as many find it again as confirm a
recovery.  After a week it is taken for meant.  A rare test is one that a server may dislike: it is done once
a day at most, and its finding stands until the next.  All of it is small, and survives a restart by
`Memory.notes` where somebody keeps them.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from netmon.model import CheckKey, Confirm

RARE: Final = 86400.0  # seconds between two rare tests of a check
_WEEK: Final = 7 * 86400.0
NAMES: Final = 10  # names of its own that a server may give in a day: each one makes series

Keep = Callable[[str, Any], None]


@dataclass(slots=True)
class _Offer:
    """Something that was offered once."""

    lost: float = 0.0  # wall clock: since when it is missed; 0: it is there
    told: bool = False
    runs: int = 0  # in a row that say otherwise than `told`


@dataclass(slots=True)
class _Known:
    offers: dict[str, _Offer] = field(default_factory=dict)
    tests: dict[str, tuple[float, str]] = field(default_factory=dict)  # wall clock, what was found or ""
    names: dict[str, float] = field(default_factory=dict)  # wall clock of the first time; not kept


class Memory:
    """By check; `keep(name, value)` is called with what shall survive, None for what is gone."""

    def __init__(
        self, notes: Mapping[str, Any] | None = None, keep: Keep | None = None, *, tests: bool = True
    ) -> None:
        """Without `tests` no rare test is ever due: a command that lives for one run would know none."""
        self._tests = tests
        self._known: dict[str, _Known] = {}
        self._keep: Keep = keep or (lambda _name, _value: None)
        for name, value in (notes or {}).items():
            known = _read(value)
            if known is not None:
                self._known[name] = known

    def planned(self, keys: Collection[CheckKey]) -> None:
        """These checks there are; what is known of others is forgotten."""
        for name in self._known.keys() - set(map(_name, keys)):
            del self._known[name]
            self._keep(name, None)

    def saw(
        self, key: CheckKey, offered: Mapping[str, bool], confirm: Confirm, now: float
    ) -> Iterator[tuple[str, float]]:
        """Take what a run saw; gives what is missed and since when (wall clock)."""
        known = self._of(key)
        for word, there in offered.items():
            offer = known.offers.get(word)
            if offer is None:
                if there:
                    known.offers[word] = _Offer()
                    self._write(key)
            elif offer.told and now - offer.lost > _WEEK:
                del known.offers[word]
                self._write(key)
            elif _turn(offer, there, confirm, now):
                self._write(key)
        yield from ((word, offer.lost) for word, offer in known.offers.items() if offer.told)

    def named(self, key: CheckKey, name: str, now: float) -> bool:
        """Whether the server calls itself by one of the first `NAMES` names of the day."""
        names = self._of(key).names
        for old in [old for old, at in names.items() if not 0 <= now - at < RARE]:
            del names[old]
        if name not in names and len(names) >= NAMES:
            return False
        names.setdefault(name, now)
        return True

    def due(self, key: CheckKey, test: str, now: float) -> bool:
        """Whether a rare test may be done again."""
        if not self._tests:
            return False
        done = self._of(key).tests.get(test)
        return done is None or not 0 <= now - done[0] < RARE

    def tested(self, key: CheckKey, test: str, now: float, found: str) -> None:
        """A rare test was done; `found` says what is wrong, or nothing."""
        self._of(key).tests[test] = (now, found)
        self._write(key)

    def found(self, key: CheckKey, test: str) -> tuple[float, str] | None:
        """When a rare test was last done, and what it found; None if never."""
        return self._of(key).tests.get(test)

    def _of(self, key: CheckKey) -> _Known:
        return self._known.setdefault(_name(key), _Known())

    def _write(self, key: CheckKey) -> None:
        known = self._of(key)
        offers = {word: [offer.lost, offer.told] for word, offer in known.offers.items()}
        self._keep(_name(key), {"offers": offers, "tests": known.tests})


def _turn(offer: _Offer, there: bool, confirm: Confirm, now: float) -> bool:  # noqa: FBT001
    """One more run; whether something changed that shall survive."""
    if there is not offer.told:
        offer.runs = 0
        offer.lost = offer.lost if offer.told else 0.0
        return False
    offer.runs += 1
    if not offer.told and not offer.lost:
        offer.lost = now
    if offer.runs < (confirm.recover if offer.told else confirm.fail):
        return False
    offer.runs = 0
    offer.told = not offer.told
    offer.lost = offer.lost if offer.told else 0.0
    return True


def _name(key: CheckKey) -> str:
    return "\0".join(key)


def _read(value: Any) -> _Known | None:
    """A note of an earlier life; None if it is not to be understood."""
    try:
        offers = {
            str(word): _Offer(float(lost), bool(told)) for word, (lost, told) in value["offers"].items()
        }
        tests = {str(name): (float(at), str(found)) for name, (at, found) in value["tests"].items()}
    except (TypeError, ValueError, KeyError, AttributeError):
        return None
    return _Known(offers, tests)
