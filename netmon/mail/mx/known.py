"""What is known of a domain over many looks: the last good answer, and what speaks against it.

An answer that names servers is followed at once, also where it names fewer.  An answer that takes all
away (no such domain, a null MX, no address) must be said `CONFIRM` times in a row, because a broken
resolver or a zone in the making says so too.  Silence takes nothing away, however long.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from netmon.mail.mx.answer import MOST_ADDRESSES, MOST_MX, Answer, Exchange
from netmon.model import Finding, FindingKind, Severity

CONFIRM: Final = 3  # looks in a row
SILENT: Final = 2  # looks in a row without an answer, each with all its tries
MOST_NAMES: Final = 100  # new names of servers that are taken in a day: each one makes series
DAY: Final = 86400.0


@dataclass(frozen=True, slots=True)
class Known:
    """Times are wall clock.  `doubts`: how often in a row it was said of a server that it has no address."""

    exchanges: tuple[Exchange, ...] = ()
    findings: tuple[Finding, ...] = ()
    looks: int = 0  # in this process
    good_at: float = 0.0  # of the latest answer; 0: never
    failures: int = 0  # looks in a row without an answer
    failing_since: float = 0.0
    why: str = ""  # of the latest failure
    nothings: int = 0  # answers in a row that would take all away
    doubts: Mapping[str, int] = field(default_factory=dict)
    names: Mapping[str, float] = field(
        default_factory=dict
    )  # when each server of the last day was first named

    @property
    def confirmed_nothing(self) -> bool:
        """Whether DNS says for certain that nobody takes the domain's mail."""
        return self.nothings >= CONFIRM

    @property
    def unanswered(self) -> bool:
        """Whether DNS has been silent for certain, or from the start."""
        return self.failures >= SILENT or (self.failures > 0 and not self.good_at)


def follow(known: Known, answer: Answer, wall: float) -> Known:
    """`known` after one more look."""
    known = replace(known, looks=known.looks + 1)
    if answer.failed:
        return replace(
            known,
            failures=known.failures + 1,
            failing_since=known.failing_since if known.failures else wall,
            why=answer.failed,
        )
    known = replace(known, failures=0, failing_since=0.0, why="", good_at=wall)
    if answer.nothing is not None:
        known = replace(known, nothings=known.nothings + 1, findings=(answer.nothing,))
        return replace(known, exchanges=(), doubts={}) if known.confirmed_nothing else known
    return _named(replace(known, nothings=0), answer, wall)


def _named(known: Known, answer: Answer, wall: float) -> Known:
    before = {exchange.name: exchange for exchange in known.exchanges}
    names = {name: at for name, at in known.names.items() if name in before or wall - at < DAY}
    findings = list(answer.findings)
    exchanges, doubts = [], {}
    left_out = 0
    for exchange in answer.exchanges:
        if exchange.name not in names:
            if len(names) >= MOST_NAMES:
                left_out += 1
                continue
            names[exchange.name] = wall
        old = before.get(exchange.name)
        addresses = exchange.addresses
        if exchange.unsure and old is not None:
            addresses = tuple(dict.fromkeys((*addresses, *old.addresses)))[:MOST_ADDRESSES]
        elif not addresses:
            doubts[exchange.name] = known.doubts.get(exchange.name, 0) + 1
            if old is not None and doubts[exchange.name] < CONFIRM:
                addresses = old.addresses
        exchanges.append(replace(exchange, addresses=addresses))
    if left_out:
        text = f"its MX records named more than {MOST_NAMES} servers in a day; {left_out} are not followed"
        findings.append(Finding(FindingKind.MX_TOO_MANY, Severity.RISK, text))
    return replace(known, exchanges=tuple(exchanges), findings=tuple(findings), doubts=doubts, names=names)


def to_note(known: Known) -> dict[str, Any] | None:
    """What must survive a restart, as JSON holds it; None: nothing."""
    if not known.exchanges:
        return None
    return {
        "mx": [[exchange.name, list(exchange.addresses)] for exchange in known.exchanges],
        "good_at": known.good_at,
        "names": dict(known.names),
    }


def from_note(note: Any) -> Known:
    """What an earlier life knew; a note that makes no sense says nothing."""
    try:
        exchanges = tuple(
            Exchange(str(name), tuple(map(str, addresses[:MOST_ADDRESSES])))
            for name, addresses in note["mx"][:MOST_MX]
        )
        names = {str(name): float(at) for name, at in list(note["names"].items())[:MOST_NAMES]}
        return Known(exchanges, good_at=float(note["good_at"]), names=names)
    except (KeyError, TypeError, ValueError, AttributeError):
        return Known()
