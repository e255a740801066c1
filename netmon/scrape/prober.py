"""`/probe`: a target by a module of blackbox_exporter's prober tcp, held to what the config allows.

Queries that mean the same and meet share one conversation, as two Prometheus servers of a pair do all
the time; the last one that leaves ends it.  What the network does is never an error here: the answer is
200 with probe_success 0, as users' alerts expect it.
"""

import asyncio
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from netmon.errors import Reason
from netmon.probes.base import Context
from netmon.resolver import ResolveError
from netmon.scrape.access import Access, Door
from netmon.scrape.query import Endpoint, QueryError, parse_endpoint
from netmon.scrape.service import LONGEST, MARGIN, MOST, USUAL, Answer
from netmon.tcpprobe import (
    OtherModule,
    Outcome,
    Place,
    ProbeModule,
    Report,
    TcpModule,
    Transcript,
    converse,
    tables,
)
from netmon.wording import did_you_mean, quote

log = structlog.get_logger(__name__)

_DEFAULT_MODULE: Final = "http_2xx"  # as blackbox_exporter has it
_SERVICE: Final = re.compile(r"(.*):([A-Za-z][A-Za-z0-9_-]{0,30})", re.DOTALL)
_NAME: Final = re.compile(r"[A-Za-z0-9._:-]{1,253}")


@dataclass(slots=True)
class _Flight:
    """A conversation under way and how many wait for it."""

    outcome: Outcome = field(default_factory=Outcome)
    transcript: Transcript | None = None
    waiting: int = 0
    task: "asyncio.Task[None] | None" = None


@dataclass(slots=True)
class _State:
    """What a reload changes."""

    modules: Mapping[str, ProbeModule]
    access: Access


@dataclass(frozen=True, slots=True)
class _Query:
    module: TcpModule
    target: str
    hostname: str
    debug: bool


class Prober:
    """Answers queries; for the event loop's thread only.  `configure` comes before the first query."""

    def __init__(self, context: Context, *, most: int = MOST) -> None:
        self._context = context
        self._most = most
        self._flights: dict[object, _Flight] = {}
        self._state: _State | None = None

    def configure(self, modules: Mapping[str, ProbeModule], access: Access) -> None:
        """Take modules and the rule of access; conversations under way end as they began."""
        self._state = _State(modules, access)

    async def answer(self, items: Sequence[tuple[str, str]], timeout: float | None) -> Answer:  # noqa: ASYNC109
        """What the parameters `items` ask for.

        `timeout` is how many seconds the client waits, None if it does not say.  Never raises for what
        the query or the network does.
        """
        begun = self._context.stopwatch()
        try:
            return await self._answer(items, begun, timeout)
        except QueryError as error:
            return Answer(error.status, str(error))

    async def _answer(self, items: Sequence[tuple[str, str]], begun: float, timeout: float | None) -> Answer:  # noqa: ASYNC109
        state = self._state
        if state is None:
            raise QueryError("netmon has not read its config yet", 503)
        query = _parsed(items, state.modules)
        end = asyncio.get_running_loop().time() + patience(query.module.timeout, timeout)
        endpoint = _endpoint(query.target)
        transcript = Transcript(self._context.stopwatch) if query.debug else None
        if endpoint.port is None:
            # blackbox_exporter answers so, and users' alerts are made for it.
            outcome = Outcome(reason=Reason.LOCAL_ERROR, detail="the target has no port; write HOST:PORT")
            return self._landed(outcome, begun, transcript)
        looked = self._context.stopwatch()
        outcome = Outcome()
        door: Door | None = None
        try:
            async with asyncio.timeout_at(end):
                door = await state.access.admit_tcp(endpoint, endpoint.port, self._context.resolver.addresses)
        except ResolveError as error:
            outcome.reason, outcome.detail = error.reason, str(error)
        except TimeoutError:
            outcome.reason = Reason.RESOLVE_FAILED
            outcome.detail = f"DNS did not answer for {endpoint.host} in time"
        lookup = self._context.stopwatch() - looked
        address = None if door is None else _chosen(query.module, door.addresses)
        if address is None:
            if door is not None:
                outcome.reason = Reason.NAME_NOT_FOUND
                outcome.detail = (
                    f"{endpoint.host} has no address of {query.module.prefer} and no other is wanted"
                )
            return self._landed(outcome, begun, transcript, lookup)
        place = Place(address, endpoint.port, query.hostname or _written_host(query.target))
        flight = self._board(query, place, end, patience(query.module.timeout, timeout), transcript)
        await self._wait(flight)
        return self._landed(flight.outcome, begun, flight.transcript, lookup, address)

    def _landed(
        self,
        outcome: Outcome,
        begun: float,
        transcript: Transcript | None,
        lookup: float | None = None,
        address: str = "",
    ) -> Answer:
        """What a client gets."""
        text = None
        if transcript is not None:
            if not address:
                transcript.say(f"{outcome.reason}: {outcome.detail}")
            text = transcript.text()
        report = Report(outcome, self._context.stopwatch() - begun, lookup, address)
        return Answer(200, "", tables(report), text)

    def _board(
        self, query: _Query, place: Place, end: float, seconds: float, transcript: Transcript | None
    ) -> _Flight:
        """The flight for this query: one under way that means the same, else a new one."""
        # The module itself, not its name: after a reload a name may mean something else.
        key = (query.module, place, seconds, query.debug)
        flight = self._flights.get(key)
        if flight is not None:
            return flight
        if len(self._flights) >= self._most:
            raise QueryError(
                f"{self._most} on-demand probes are under way, which is the most; ask again in a moment", 503
            )
        flight = self._flights[key] = _Flight(transcript=transcript)
        flight.task = asyncio.create_task(self._fly(query.module, place, end, flight))
        flight.task.add_done_callback(lambda _: self._forget(key, flight))
        return flight

    def _forget(self, key: object, flight: _Flight) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]

    async def _wait(self, flight: _Flight) -> None:
        """Wait for the flight's end, which its deadline brings; the last one to leave ends it."""
        task = flight.task
        if task is None:
            raise RuntimeError("a flight without a task")
        flight.waiting += 1
        try:
            await asyncio.wait((task,))
        finally:
            flight.waiting -= 1
            if not flight.waiting and not task.done():
                task.cancel()
                for key in [key for key, each in self._flights.items() if each is flight]:
                    del self._flights[key]  # nobody should board it any more

    async def _fly(self, module: TcpModule, place: Place, end: float, flight: _Flight) -> None:
        try:
            await converse(
                module,
                place,
                flight.outcome,
                trust=self._context.trust,
                slots=self._context.slots,
                wall=self._context.wall,
                transcript=flight.transcript,
                until=end,
            )
        except Exception:
            log.exception("a defect in an on-demand probe", target=place.address, module=module.name)
            flight.outcome.success = False
            flight.outcome.reason, flight.outcome.detail = (
                Reason.CRASHED,
                "a defect of netmon ended the probe",
            )


def patience(module: float | None, client: float | None) -> float:
    """Seconds for a probe: the module's timeout or what the client waits, less a margin, if that is less."""
    wish = module or LONGEST
    left = (client or USUAL) - MARGIN
    return min(wish, LONGEST, left) if left > 0 else min(wish, client or USUAL)


def _parsed(items: Sequence[tuple[str, str]], modules: Mapping[str, ProbeModule]) -> _Query:
    """The query, by blackbox_exporter's rules: the first of several values counts.  Raises QueryError."""
    first: dict[str, str] = {}
    for name, text in items:
        first.setdefault(name, text)
    target = first.get("target", "")
    if not target:
        raise QueryError("the parameter target is missing: /probe?target=HOST:PORT&module=NAME")
    name = first.get("module") or _DEFAULT_MODULE
    module = modules.get(name)
    if module is None:
        raise QueryError(
            f"unknown module {quote(name)}{did_you_mean(name, modules)}; "
            "modules come from a blackbox.yml that module_files in netmon.yml names"
        )
    if isinstance(module, OtherModule):
        raise QueryError(
            f"the module {quote(name)} is of the prober {quote(module.prober)}, and netmon has tcp only; "
            "leave its jobs with blackbox_exporter"
        )
    hostname = first.get("hostname", "")
    if hostname and not _NAME.fullmatch(hostname):
        raise QueryError(f"hostname {quote(hostname)} is no name")
    return _Query(module, target, hostname, first.get("debug") == "true")


def _endpoint(target: str) -> Endpoint:
    """Host and port of a target; the port may be a service's name.  Raises QueryError."""
    text = target
    if (match := _SERVICE.fullmatch(target)) is not None and not match[1].endswith(":"):
        try:
            text = f"{match[1]}:{socket.getservbyname(match[2], 'tcp')}"
        except OSError:
            raise QueryError(f"target {quote(target)}: {quote(match[2])} is no service's name") from None
    wrong = f"target {quote(target)} is not HOST:PORT, such as mx1.example.org:25 or [2001:db8::1]:25"
    if "://" in target:
        raise QueryError(wrong)
    try:
        return parse_endpoint(text)
    except QueryError:
        raise QueryError(wrong) from None


def _written_host(target: str) -> str:
    """The host of a target as it was written, which is the name that its certificate must have."""
    return target.rpartition(":")[0].strip("[]")


def _chosen(module: TcpModule, addresses: Sequence[str]) -> str | None:
    """The one address that is asked: of the preferred IP version, else of the other if that is allowed."""
    preferred = [address for address in addresses if (":" in address) == (module.prefer == "ip6")]
    return next(iter(preferred or (addresses if module.fallback else ())), None)
