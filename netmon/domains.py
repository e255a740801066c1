"""Follows the MX records of the configured domains, and says to which addresses mail for them goes.

Each domain is looked up when its answer's TTL is over, but not more often than it is checked.  What was
last known stays while DNS is silent, over a restart too.  `changed` is called when the routes differ; the
plan is made anew then.  One MX's addresses are numbered from 1 by family, and a number stays with its
address, so that a check keeps its name while other addresses come and go.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol

import structlog

from netmon.mail.mx.answer import look
from netmon.mail.mx.fence import Network, outside
from netmon.mail.mx.known import Known, follow, from_note, to_note
from netmon.mail.mx.questions import Ask
from netmon.model import DnsState, Finding, FindingKind, Host, Lookup, Route, Severity

log = structlog.get_logger(__name__)

NOTE: Final = "domain"  # the kind of the notes
MOST: Final = 10_000  # routes in all
LONGEST: Final = 3600.0  # seconds between two looks
SOON: Final = 30.0  # seconds to the next look after an answer that wants confirming, or none
_AT_ONCE: Final = 20  # looks


class FollowedDomain(Protocol):
    """A domain of the config; a Protocol, since config and domains do not know each other."""

    @property
    def name(self) -> str:
        """In lower case, without the dot at its end."""

    @property
    def interval(self) -> float:
        """Seconds between two checks."""

    @property
    def allow(self) -> Sequence[Network]:
        """Networks that are not public, where its servers may be all the same."""


class Domains:
    """All domains that are followed.  For the event loop's thread.

    `looked` is called with a domain after every look at it.
    `note` and `noted` keep things over a restart, as the store's do.
    """

    def __init__(
        self,
        ask: Ask,
        changed: Callable[[], None],
        *,
        looked: Callable[[str], None] = lambda _name: None,
        wall: Callable[[], float],
        note: Callable[[str, str, Any], None],
        noted: Callable[[str], Mapping[str, Any]],
    ) -> None:
        self._ask = ask
        self._changed = changed
        self._looked = looked
        self._wall = wall
        self._note = note
        self._notes = dict(noted(NOTE))
        self._domains: dict[str, FollowedDomain] = {}
        self._configured: frozenset[str] = frozenset()
        self._known: dict[str, Known] = {}
        self._lookups: dict[str, Lookup] = {}
        self._numbers: dict[tuple[str, bool], dict[str, int]] = {}
        self._routes: tuple[Route, ...] = ()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._places = asyncio.Semaphore(_AT_ONCE)

    @property
    def routes(self) -> tuple[Route, ...]:
        """Where mail goes, as last known; never more than `MOST`."""
        return self._routes

    @property
    def looked(self) -> bool:
        """Whether every domain has been looked up once."""
        return all(known.looks for known in self._known.values())

    def lookups(self) -> Mapping[str, Lookup]:
        """What DNS says, by domain, in the config's order."""
        return self._lookups

    def configure(self, domains: Iterable[FollowedDomain], hosts: Iterable[Host]) -> None:
        """Follow these from now on, beginning with a look; an address of `hosts` may be any."""
        self._domains = {domain.name: domain for domain in domains}
        self._configured = frozenset(address for host in hosts for address in (host.address, *host.addresses))
        for name in self._notes.keys() - self._domains.keys():
            self._note(NOTE, name, None)
            del self._notes[name]
        self._known = {
            name: self._known.get(name) or from_note(self._notes.get(name)) for name in self._domains
        }
        self._compose()

    def start(self) -> None:
        """Look up every domain now, and go on; again after `configure`."""
        for task in self._tasks.values():
            task.cancel()
        self._tasks = {name: asyncio.create_task(self._go_on(name)) for name in self._domains}

    async def close(self) -> None:
        """Look no more."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _go_on(self, name: str) -> None:
        while True:
            async with self._places:
                seconds = await self.look(name)
            await asyncio.sleep(seconds)

    async def look(self, name: str) -> float:
        """Look a domain up now; the seconds until it is to be done again."""
        domain = self._domains[name]
        try:
            answer = await look(name, self._ask)
        except Exception:  # a defect must not end the following of a domain
            log.exception("domain could not be looked up", domain=name)
            return LONGEST
        known = self._known[name] = follow(self._known[name], answer, self._wall())
        self._remember(name, known)
        before = self._routes
        self._compose()
        if self._routes != before:
            self._changed()
        self._looked(name)
        uncertain = answer.failed or answer.nothing is not None or known.doubts
        if uncertain or any(exchange.unsure for exchange in known.exchanges):
            return min(SOON, domain.interval)
        return min(max(answer.ttl, domain.interval), LONGEST)

    def _remember(self, name: str, known: Known) -> None:
        note = to_note(known)
        old = self._notes.get(name)
        if (note and note["mx"]) != (old and old.get("mx")):
            self._note(NOTE, name, note)
            self._notes[name] = note

    def _compose(self) -> None:
        """Routes and findings of what is known."""
        room, lookups, routes = MOST, {}, []
        present: dict[tuple[str, bool], list[str]] = {}
        for name, domain in self._domains.items():
            known = self._known[name]
            mine: list[tuple[str, str]] = []
            refused: list[Finding] = []
            for exchange in known.exchanges:
                for address in exchange.addresses:
                    if outside(address, domain.allow, self._configured):
                        refused.append(_refused(exchange.name, address))
                    elif len(mine) < room:
                        mine.append((exchange.name, address))
                        present.setdefault((exchange.name, ":" in address), []).append(address)
                    else:
                        text = f"more than {MOST} addresses of mail servers are followed already"
                        refused.append(Finding(FindingKind.MX_TOO_MANY, Severity.RISK, text, subject=address))
            room -= len(mine)
            routes.append((name, mine))
            lookups[name] = Lookup(
                name,
                _state(known),
                tuple(exchange.name for exchange in known.exchanges),
                findings=(*_silence(known), *known.findings, *refused),
                named=known.looks > 0 and not known.nothings,
                unsure=any(exchange.unsure for exchange in known.exchanges),
                good=known.good_at,
            )
        self._number(present)
        found = {
            name: tuple(
                Route(name, mx, address, self._numbers[mx, ":" in address][address]) for mx, address in mine
            )
            for name, mine in routes
        }
        self._lookups = {name: replace(lookup, routes=found[name]) for name, lookup in lookups.items()}
        self._routes = tuple(route for mine in found.values() for route in mine)

    def _number(self, present: Mapping[tuple[str, bool], Sequence[str]]) -> None:
        """Give each address of a server a number: what it had, or the lowest that is free."""
        numbers: dict[tuple[str, bool], dict[str, int]] = {}
        for family, addresses in present.items():
            before: Mapping[str, int] = self._numbers.get(family, {})
            mine = {address: before[address] for address in addresses if address in before}
            free = (
                number for number in range(1, 2 + len(addresses) + len(mine)) if number not in mine.values()
            )
            for address in addresses:
                if address not in mine:
                    mine[address] = next(free)
            numbers[family] = mine
        self._numbers = numbers


def _state(known: Known) -> DnsState:
    if known.confirmed_nothing:
        return DnsState.NOTHING
    if known.unanswered:
        return DnsState.SILENT
    return DnsState.ANSWERS if known.looks else DnsState.NOT_ASKED


def _refused(mx: str, address: str) -> Finding:
    text = (
        f"MX {mx} has the address {address}, which is not of the public internet: not contacted, unless it "
        "is a host's address or in the domain's allow"
    )
    return Finding(FindingKind.MX_ADDRESS_REFUSED, Severity.RISK, text, subject=address)


def _silence(known: Known) -> Iterable[Finding]:
    if known.failures:
        text = f"DNS does not answer: {known.why}"
        if known.exchanges:
            text += "; the last good answer is in use"
        yield Finding(FindingKind.DNS_FAILED, Severity.RISK, text, at=known.failing_since)
