"""One on-demand read after another: who may, what is read, who shares it and who waits how long.

A read is a task of its own, a flight.  Queries that mean the same and meet it share it, as two
Prometheus servers of a pair do all the time.  How long to wait is each client's own: one that leaves
or whose deadline passes takes nothing from the others, and a flight that nobody waits for any more is
cancelled.  Modules are read one after another and everything afresh, never from a cache.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from netmon.errors import Reason
from netmon.mib.mapping import map_module, unique
from netmon.mib.modules import Module
from netmon.model import Column, Family, Kind, Table
from netmon.probes.base import Auth, Context, Library
from netmon.probes.snmp_outcome import MODULE_UP
from netmon.probes.snmp_reading import Reader
from netmon.probes.snmp_target import doubts, target_of
from netmon.resolver import ResolveError
from netmon.scrape.access import Access, Device, Door
from netmon.scrape.query import Query, QueryError, parse_query
from netmon.scrape.transcript import Transcript
from netmon.snmp.client import Client, Meter, SnmpError, Target
from netmon.snmp.message_v3 import VERSION
from netmon.snmp.stream import patient, stream_client

log = structlog.get_logger(__name__)

MOST: Final = 256  # flights at once
MOST_EACH: Final = 32  # of them to one agent: whoever reaches the web port must not be able to drown it
LONGEST: Final = 300.0  # seconds that a client may wait, whatever it says
USUAL: Final = 120.0  # where it says nothing
MARGIN: Final = 0.5  # seconds before the client gives up, for the answer's way
# What snmp_exporter's modules say where they say nothing.
_TIMEOUT: Final = 5.0
_RETRIES: Final = 3
# The rest of a read would meet the same.
_GONE: Final = frozenset(
    (Reason.REFUSED, Reason.UNREACHABLE, Reason.NO_ROUTE, Reason.LOCAL_ERROR, Reason.CONNECTION_LOST)
)

WALK_DURATION: Final = Family(
    "snmp_scrape_walk_duration_seconds", Kind.GAUGE, "Time that the walk of the module took."
)
PACKETS_SENT: Final = Family(
    "snmp_scrape_packets_sent", Kind.GAUGE, "Packets sent for the module, retries included."
)
PACKETS_RETRIED: Final = Family(
    "snmp_scrape_packets_retried", Kind.GAUGE, "Packets that were sent again for the module."
)
PDUS_RETURNED: Final = Family(
    "snmp_scrape_pdus_returned", Kind.GAUGE, "Objects that the agent returned for the module."
)
DURATION: Final = Family(
    "snmp_scrape_duration_seconds", Kind.GAUGE, "Time that the module took, its walk and its mapping."
)
DUPLICATES: Final = Family(
    "netmon_scrape_duplicate_series",
    Kind.GAUGE,
    "Series of the module left out because an earlier row or an earlier module has them.",
)
# What a page of /snmp says about the read, by module.
FAMILIES: Final = (WALK_DURATION, PACKETS_SENT, PACKETS_RETRIED, PDUS_RETURNED, DURATION, DUPLICATES)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query got: an HTTP status, a sentence unless it is 200, tables; by `debug` the exchange.

    All who waited for one read have the same, and with it in `pages` what the first has made of it.
    """

    status: int = 200
    sentence: str = ""
    tables: tuple[Table, ...] = ()
    transcript: str | None = None
    pages: dict[str, bytes] = field(default_factory=dict, compare=False, repr=False)


@dataclass(slots=True)
class _Part:
    """What became of one module so far."""

    module: Module
    meter: Meter
    tables: tuple[Table, ...] = ()
    objects: int = 0
    duplicates: int = 0
    walked: float = 0.0  # seconds
    took: float = 0.0
    done: bool = False
    error: SnmpError | None = None


@dataclass(slots=True)
class _Flight:
    """A read under way and how many wait for it."""

    door: Door
    query: Query
    auth: Auth
    parts: list[_Part]
    transcript: Transcript | None
    waiting: int = 0
    task: "asyncio.Task[None] | None" = None
    answer: "Answer | None" = None  # once it has ended


@dataclass(slots=True)
class _State:
    """What a reload changes."""

    library: Library
    access: Access


class Scraper:
    """Answers queries; for the event loop's thread only.  `configure` comes before the first query."""

    def __init__(self, context: Context, *, most: int = MOST) -> None:
        self._context = context
        self._most = most
        self._flights: dict[object, _Flight] = {}
        self._state: _State | None = None

    def configure(self, library: Library, access: Access) -> None:
        """Take auths, modules and the rule of access; flights under way end as they began."""
        self._state = _State(library, access)

    async def answer(self, items: Sequence[tuple[str, str]], timeout: float | None) -> Answer:  # noqa: ASYNC109
        """What the parameters `items` ask for.

        `timeout` is how many seconds the client waits, None if it does not say.  Never raises for what
        the query or the network does.
        """
        begun = self._context.stopwatch()
        seconds = _patience(timeout)
        try:
            return await self._answer(items, begun, seconds)
        except QueryError as error:
            return Answer(error.status, str(error))
        except (ResolveError, SnmpError) as error:
            return Answer(500, str(error))
        except TimeoutError:
            return Answer(500, f"not answered within {seconds:g} s")

    async def _answer(self, items: Sequence[tuple[str, str]], begun: float, seconds: float) -> Answer:
        state = self._state
        if state is None:
            raise QueryError("netmon has not read its config yet", 503)
        query = parse_query(items, state.library.auths, state.library.modules)
        auth = state.library.auths[query.auth]
        _fits(query, auth)
        async with asyncio.timeout(seconds):
            door = await state.access.admit(query.target, self._context.resolver.addresses)
        modules = tuple(state.library.modules[name] for name in query.modules)
        flight = self._board(door, query, auth, modules)
        left = max(0.0, seconds - (self._context.stopwatch() - begun))
        await self._wait(flight, left)
        if flight.answer is not None:
            return flight.answer
        answer = self._land(flight, seconds)
        if flight.task is not None and flight.task.done():
            flight.answer = answer
        return answer

    def _board(self, door: Door, query: Query, auth: Auth, modules: Sequence[Module]) -> _Flight:
        """The flight for this query: one under way that means the same, else a new one."""
        # The records themselves, not their names: after a reload a name may mean something else.
        key = (
            query.target.transport == "tcp", door.addresses, door.port, _overrides(door.device), auth,
            tuple(modules), query.context, query.engine_id, query.partial, query.debug,
        )  # fmt: skip
        flight = self._flights.get(key)
        if flight is not None:
            return flight
        if len(self._flights) >= self._most:
            raise QueryError(
                f"{self._most} on-demand reads are under way, which is the most; ask again in a moment", 503
            )
        there = (door.addresses, door.port)
        if sum((f.door.addresses, f.door.port) == there for f in self._flights.values()) >= MOST_EACH:
            raise QueryError(
                f"{MOST_EACH} on-demand reads of {query.target.host} are under way, which is the most; "
                "ask again in a moment",
                503,
            )
        transcript = Transcript(auth, self._context.stopwatch) if query.debug else None
        tap = None if transcript is None else transcript.tap
        parts = [_Part(module, Meter(tap=tap)) for module in modules]
        flight = self._flights[key] = _Flight(door, query, auth, parts, transcript)
        flight.task = asyncio.create_task(self._fly(flight))
        flight.task.add_done_callback(lambda _: self._forget(key, flight))
        return flight

    def _forget(self, key: object, flight: _Flight) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]

    async def _wait(self, flight: _Flight, seconds: float) -> None:
        """Wait for the flight's end, or for as long; the last one to leave ends it."""
        task = flight.task
        if task is None:
            raise RuntimeError("a flight without a task")
        flight.waiting += 1
        try:
            await asyncio.wait((task,), timeout=seconds)
        finally:
            flight.waiting -= 1
            if not flight.waiting and not task.done():
                task.cancel()
                for key in [key for key, each in self._flights.items() if each is flight]:
                    del self._flights[key]  # nobody should board it any more

    async def _fly(self, flight: _Flight) -> None:
        """Read every module, from the first address that this machine can send to."""
        try:
            for address in flight.door.addresses:
                await self._read_all(flight, address)
                if not any(part.error and part.error.reason is Reason.NO_ROUTE for part in flight.parts):
                    break
        except Exception as error:
            log.exception("a defect in an on-demand read", target=flight.query.target.host)
            text = f"a defect of netmon ended the read ({type(error).__name__}); its log has more"
            for part in flight.parts:
                if not part.done:
                    part.error = SnmpError(Reason.CRASHED, text, alive=None)

    async def _read_all(self, flight: _Flight, address: str) -> None:
        """Read every module from an address, over the transport that was asked for."""
        if flight.query.target.transport != "tcp":
            await self._read_over(self._context.snmp, flight, address)
            return
        try:
            first = _target(flight, flight.parts[0].module, address)
            async with stream_client(patient(first)) as client:
                await self._read_over(client, flight, address)
        except SnmpError as error:  # no connection
            for part in flight.parts:
                part.error = error
            if flight.transcript is not None:
                flight.transcript.say(f"{error.reason}: {error}")

    async def _read_over(self, client: Client, flight: _Flight, address: str) -> None:
        reader = Reader(client)
        gone: SnmpError | None = None
        for part in flight.parts:
            part.error = gone
            if gone is not None:
                continue
            begun = self._context.stopwatch()
            target = _target(flight, part.module, address)
            if flight.query.target.transport == "tcp":
                target = patient(target)
            if flight.transcript is not None:
                flight.transcript.say(
                    f"module {part.module.name} of {target}, SNMP version {target.version}, "
                    f"auth {flight.query.auth}, timeout {target.timeout:.3g} s, retries {target.retries}"
                )
            try:
                varbinds = await reader.fetch(part.module, target, part.meter)
            except SnmpError as error:
                part.error = error
                if error.reason in _GONE or not flight.query.partial:
                    gone = error
                if flight.transcript is not None:
                    flight.transcript.say(f"{error.reason}: {error}")
            else:
                part.walked = self._context.stopwatch() - begun
                mapped = map_module(part.module, varbinds, wrong_is_zero=True)
                part.tables, part.objects = mapped.tables, len(varbinds)
                part.duplicates = mapped.duplicates
                part.done = True
            part.took = self._context.stopwatch() - begun

    def _land(self, flight: _Flight, seconds: float) -> Answer:
        """What a client gets of a flight that has ended or that it need not wait for any longer."""
        transcript = None if flight.transcript is None else flight.transcript.text()
        errors = [part.error for part in flight.parts if not part.done]
        if errors and not (flight.query.partial and any(part.done for part in flight.parts)):
            names = ", ".join(part.module.name for part in flight.parts if not part.done)
            return Answer(500, f"{names}: {_why(flight, errors[0], seconds)}", (), transcript)
        tables, repeated = _joined(flight.parts)
        return Answer(200, "", (*tables, _about(flight, repeated)), transcript)


def _why(flight: _Flight, error: SnmpError | None, seconds: float) -> str:
    """What went wrong; None is that nobody waits any longer."""
    host = flight.query.target.host
    if flight.query.target.transport == "tcp" or any(part.meter.varbinds for part in flight.parts):
        return str(
            error or f"{host} was not read within {seconds:g} s; a longer scrape_timeout gives it more"
        )
    # An agent that is away, and one that does not know us, use up whatever time there is.
    hint = doubts(flight.door.port, flight.auth.version)
    if error is None:
        return f"{host} has answered nothing within {seconds:g} s; {hint}"
    return f"{error}; {hint}" if error.reason is Reason.TIMEOUT and not error.alive else str(error)


def _patience(timeout: float | None) -> float:
    """Seconds until an answer must be there."""
    if timeout is None:
        return USUAL
    return min(LONGEST, timeout - min(MARGIN, timeout / 4))


def _fits(query: Query, auth: Auth) -> None:
    """Whether the query makes sense with its auth.  Raises QueryError.

    A context name with v1 or v2c, which know none, is left aside, as snmp_exporter does.
    """
    if query.engine_id is not None and auth.version != VERSION:
        raise QueryError(
            f"snmp_engineid is of SNMPv3 only, and the auth {query.auth} is of version {auth.version}"
        )


def _overrides(device: Device | None) -> tuple[object, ...] | None:
    """What of a device changes how it is read."""
    if device is None:
        return None
    snmp = device.snmp
    own = () if snmp is None else (snmp.timeout, snmp.retries, snmp.max_repetitions)
    return (device.timeout, device.retries, *own)


def _target(flight: _Flight, module: Module, address: str) -> Target:
    """A host's own settings before the module's, the module's before the usual ones."""
    device = flight.door.device
    snmp = None if device is None else device.snmp
    wishes = (
        None if snmp is None else snmp.retries,
        module.retries,
        None if device is None else device.retries,
    )
    retries = next((wish for wish in wishes if wish is not None), _RETRIES)
    if snmp is not None and snmp.timeout is not None:
        timeout = snmp.timeout / (retries + 1)
    elif module.timeout is not None:
        timeout = module.timeout
    else:
        timeout = _TIMEOUT if device is None else device.timeout / (retries + 1)
    repetitions = (snmp.max_repetitions if snmp is not None else None) or module.max_repetitions
    return target_of(
        flight.auth,
        address,
        flight.door.port,
        timeout=timeout,
        retries=retries,
        max_repetitions=repetitions or 0,
        context_name=flight.query.context,
        context_engine_id=flight.query.engine_id or b"",
    )


def _joined(parts: Sequence[_Part]) -> tuple[list[Table], list[int]]:
    """The tables of all modules, and how many series of each an earlier module has already."""
    tables: list[Table] = []
    repeated: list[int] = []
    total = 0
    kept: tuple[Table, ...] = ()
    for part in parts:
        tables += part.tables
        kept, count = unique(tables)
        repeated.append(count - total)
        total = count
    return list(kept), repeated


def _about(flight: _Flight, repeated: Sequence[int]) -> Table:
    """The series about the read itself, by module."""
    parts = flight.parts
    columns = [
        Column(WALK_DURATION, [float(part.walked) for part in parts]),
        Column(PACKETS_SENT, [part.meter.packets for part in parts]),
        Column(PACKETS_RETRIED, [part.meter.retries for part in parts]),
        Column(PDUS_RETURNED, [part.objects for part in parts]),
        Column(DURATION, [float(part.took) for part in parts]),
        Column(DUPLICATES, [part.duplicates + more for part, more in zip(parts, repeated, strict=True)]),
    ]
    if flight.query.partial:
        columns.append(Column(MODULE_UP, [int(part.done and bool(part.tables)) for part in parts]))
    return Table(("module",), tuple((part.module.name,) for part in parts), tuple(columns))
