"""One question to DNS, with a deadline of its own, and a bounded memory by TTL.

A server's addresses are asked for by as many domains as share it: within the TTL they share one answer.
Only addresses are remembered.  MX records are asked for when their TTL is over, and what is to be
confirmed, as that a name does not exist, is asked for anew each time.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Literal

import dns.exception
import dns.name
import dns.resolver

from netmon.resolver import ResolveError, Resolver

Kind = Literal["MX", "A", "AAAA"]
_NAMES: Final = 20_000  # remembered answers
_RECORDS: Final = 64  # addresses kept of one answer, which may hold thousands
_LONGEST: Final = 3600.0  # seconds
_AT_ONCE: Final = 50  # questions in flight
_TEXT: Final = 200  # characters of what went wrong


class State(StrEnum):
    """What became of a question."""

    FOUND = "found"
    EMPTY = "empty"  # the name exists, without such a record
    ABSENT = "absent"  # NXDOMAIN
    FAILED = "failed"  # no answer, or a refusal: it says nothing of the name


@dataclass(frozen=True, slots=True)
class Reply:
    """`records`: addresses as text, or (preference, name) of MX; `ttl` in seconds; `why` it failed.

    Names are in lower case without the dot at their end, so that of a null MX is empty.  `alias`: the
    name that was asked for is a CNAME.
    """

    state: State
    records: tuple[Any, ...] = ()
    ttl: float = 0.0
    why: str = ""
    alias: bool = False


Ask = Callable[[str, Kind], Awaitable[Reply]]


class Questions:
    """Asks by `resolver`, which gives the one in force, since a reload may change it."""

    def __init__(
        self, resolver: Callable[[], Resolver], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._resolver = resolver
        self._clock = clock
        self._known: OrderedDict[tuple[str, Kind], tuple[float, Reply]] = OrderedDict()
        self._asking: dict[tuple[str, Kind], asyncio.Future[Reply]] = {}
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def ask(self, name: str, kind: Kind) -> Reply:
        """Ask once, however many want to know; raises nothing."""
        key = (name, kind)
        known = self._known.get(key)
        if known is not None and self._clock() < known[0]:
            return known[1]
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.ensure_future(self._fresh(name, kind))
            asking.add_done_callback(lambda _done: self._asking.pop(key, None))
        return await asyncio.shield(asking)

    def forget(self) -> None:
        """The servers have changed."""
        self._known.clear()

    async def close(self) -> None:
        """End the questions under way."""
        asking = list(self._asking.values())
        for one in asking:
            one.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    async def _fresh(self, name: str, kind: Kind) -> Reply:
        async with self._places:
            reply = await _query(self._resolver(), name, kind)
        if kind != "MX" and reply.state is State.FOUND and reply.ttl > 0:
            self._known[name, kind] = (self._clock() + min(reply.ttl, _LONGEST), reply)
            self._known.move_to_end((name, kind))
            while len(self._known) > _NAMES:
                self._known.popitem(last=False)
        return reply


async def _query(resolver: Resolver, name: str, kind: Kind) -> Reply:
    try:
        # A name from DNS or the config is whole: no search list may turn it into another one.
        absolute = dns.name.from_text(name)
        # dnspython's own lifetime does not bound its pauses between tries.
        async with asyncio.timeout(resolver.deadline):
            answer = await resolver.stub().resolve(absolute, kind, raise_on_no_answer=False, search=False)
    except TimeoutError:
        return Reply(State.FAILED, why=f"silence for {resolver.deadline:g} s")
    except dns.resolver.NXDOMAIN:
        return Reply(State.ABSENT)
    except (dns.name.LabelTooLong, dns.name.NameTooLong, dns.name.EmptyLabel, dns.name.BadEscape):
        return Reply(State.ABSENT)  # no such name can exist
    except (dns.exception.DNSException, ResolveError, OSError, UnicodeError, ValueError) as error:
        return Reply(State.FAILED, why=f"{type(error).__name__}: {str(error)[:_TEXT]}")
    return _reply(answer, kind, alias=answer.canonical_name != absolute)


def _reply(answer: dns.resolver.Answer, kind: Kind, *, alias: bool) -> Reply:
    if answer.rrset is None:
        return Reply(State.EMPTY, alias=alias)
    if kind == "MX":
        found = (
            (record.preference, record.exchange.to_text(omit_final_dot=True).rstrip(".").lower())
            for record in answer.rrset
        )
        return Reply(State.FOUND, tuple(sorted(found)), float(answer.rrset.ttl), alias=alias)
    addresses = tuple(sorted(record.to_text() for record in answer.rrset)[:_RECORDS])
    return Reply(State.FOUND, addresses, float(answer.rrset.ttl), alias=alias)
