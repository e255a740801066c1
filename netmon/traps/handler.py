"""The way of a datagram to an event, and of a commit to what follows from it.

Nothing here does I/O or reads a clock, so the whole of it is driven with octets by tests and by the
fuzzer.  All of it belongs to one thread: `take` for each datagram, `cut` for the next commit, then
`committed` or `failed` for its outcome.

Every datagram ends in one counter.  That of an event ends with the commit which holds it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from netmon.events.codec import Row
from netmon.snmp.ber import DecodeError
from netmon.snmp.message import INFORM
from netmon.traps.buckets import Buckets
from netmon.traps.counters import SLOT, Counters, Gauge
from netmon.traps.door import Door
from netmon.traps.folding import Entry, Folding, digest
from netmon.traps.forward import encode_forward
from netmon.traps.notification import read, repeat_key
from netmon.traps.peers import Peers
from netmon.traps.records import Admitted, Drop, Notification, Refusal, Settings, Stage
from netmon.traps.sources import Sources, plain_address
from netmon.traps.translate import Meaning, Translator

MOST_WAITING: Final = 40_000  # events, two seconds at the fastest: a disk may stop for one
MOST_OCTETS: Final = 32 << 20  # of what waits
_REPORTS: Final = (20.0, 100.0)  # a second and at once to one address: enough for every sender's discovery
_NOT_MESSAGES: Final = (Drop.MALFORMED, Drop.NOT_A_NOTIFICATION)

# Which socket a datagram came in by, its peer as the kernel has it, and the ancillary data that names
# the own address it came to.
Way = tuple[int, Any, Any]
Refused = Callable[[Drop, str, str], None]  # reason, source, why


class Reply(NamedTuple):
    """Octets to send, and by which way the question came."""

    octets: bytes
    way: Way


class Words(NamedTuple):
    """What is kept of an event until it is committed."""

    meaning: Meaning
    forward: bytes  # as a trap of v2c, without its head; empty if it is not forwarded


class Commit(NamedTuple):
    """What is to be on disk together; `durable` if an inform waits for it."""

    rows: list[Row]
    repeats: list[tuple[int, float, int]]
    durable: bool


@dataclass(slots=True)
class Outcome:
    """What follows from a commit: informs' acknowledgements, new events, and all that were counted."""

    acknowledgements: list[Reply] = field(default_factory=list)
    events: list[tuple[int, Row, Words]] = field(default_factory=list)
    counted: list[tuple[Entry, int]] = field(default_factory=list)  # and how many datagrams of it


@dataclass(slots=True)
class _Batch:
    """What waits for a commit, or is in the one that runs."""

    entries: list[Entry] = field(default_factory=list)
    informs: list[tuple[Admitted, Way]] = field(default_factory=list)
    datagrams: int = 0
    folded: list[bytes] = field(default_factory=list)  # keys of informs that only count up an event
    octets: int = 0
    begun: float = 0.0
    rows: list[Row] = field(default_factory=list)


class Handler:
    """See the module.  `refused` is told of every datagram that becomes no event, `defect` of a bug."""

    def __init__(
        self,
        settings: Settings,
        *,
        door: Door,
        sources: Sources,
        translator: Translator,
        counters: Counters,
        refused: Refused,
        defect: Callable[[BaseException], None],
    ) -> None:
        self.replies: list[Reply] = []  # Reports to send, which nothing waits for
        self._cells = counters.cells
        self._refused = refused
        self._defect = defect
        self._batch = _Batch()
        self._running: _Batch | None = None
        self._folding = Folding(settings.fold)
        self._reports = Buckets(*_REPORTS)
        self.configure(settings, door=door, sources=sources, translator=translator)

    def configure(self, settings: Settings, *, door: Door, sources: Sources, translator: Translator) -> None:
        """Work by other settings from now on; what waits and what may repeat is kept."""
        self._door = door
        self._seen = sources.seen
        self._host_of = sources.host_of
        self._meaning = translator.meaning
        self._buckets = Buckets(settings.rate, settings.burst)
        self._folding.window = settings.fold
        self._forward = bool(settings.forward)
        self._targets = frozenset(plain_address(target.address) for target in settings.forward)

    @property
    def waiting(self) -> int:
        """Events and repeats that wait for the next commit."""
        return len(self._batch.entries)

    @property
    def urgent(self) -> bool:
        """Whether an inform waits for the next commit."""
        return bool(self._batch.informs)

    @property
    def begun(self) -> float:
        """When the first of those that wait was received."""
        return self._batch.begun

    def take(self, data: bytes, way: Way, now: float, wall: float) -> None:
        """One datagram, which is counted as received already.  Raises nothing."""
        try:
            end = self._take(data, way, now, wall)
        except Exception as error:  # noqa: BLE001 - a defect must not cost more than its datagram
            self._cells[_DEFECTS] += 1
            self._cells[_MALFORMED] += 1
            self._defect(error)
            return
        if end is not None:
            reason, why = end
            self._cells[SLOT[reason]] += 1
            if reason is not Drop.DISCOVERY:  # which every inform of SNMPv3 begins with
                self._refused(reason, way[1][0], why)

    def _take(self, data: bytes, way: Way, now: float, wall: float) -> tuple[Drop, str] | None:
        allowed, source = self._seen(way[1][0])
        if not allowed:
            return _NOT_ALLOWED
        if not self._buckets.take(source, now):
            return _TOO_MANY
        admitted = self._door.admit(data, now)
        if isinstance(admitted, Refusal):
            if admitted.reason not in _NOT_MESSAGES:
                self._cells[_DECODED] += 1
            if admitted.reply and self._reports.take(source, now):
                self.replies.append(Reply(admitted.reply, way))
            return admitted.reason, admitted.why
        return self._accept(admitted, source, way, now, wall)

    def _accept(
        self, admitted: Admitted, source: str, way: Way, now: float, wall: float
    ) -> tuple[Drop, str] | None:
        key = repeat_key(admitted)
        inform = admitted.pdu_type == INFORM
        keys: list[bytes] = []  # of an inform: what it says and its request-id, and its very octets
        if key is not None:
            again = None
            if inform:
                keys = [digest(source, key, _request_id(admitted)), *filter(None, [admitted.digest])]
                again = self._folding.retransmitted(keys[0], now)
                if again is None and self._folding.retransmitted(keys[-1], now) is not None:
                    return _REPLAYED
            key = digest(source, key)
            entry = again or self._folding.repeated(key, now)
            if entry is not None:
                if again is not None:
                    del keys[0]
                return self._repeat(entry, admitted, way, now, wall, keys, silent=again is not None)
        try:
            notification = read(admitted)
        except DecodeError as error:
            return Drop.MALFORMED, str(error)
        batch = self._batch
        if len(batch.entries) >= MOST_WAITING or batch.octets >= MOST_OCTETS:
            return _NO_ROOM
        entry = self._entry(admitted, notification, source, now, wall)
        if key is not None:
            self._folding.remember(key, entry)
        for each in keys:
            self._folding.remember_inform(each, entry, now)
        self._enter(entry, now)
        self._count(admitted, way, inform=inform)
        return None

    def _entry(self, admitted: Admitted, said: Notification, source: str, now: float, wall: float) -> Entry:
        inform = admitted.pdu_type == INFORM
        sender = b"" if inform else admitted.engine_id  # an inform names our own engine
        # An engine ID without a digest is what anybody can write, and names no host.
        host = self._host_of(source, sender if admitted.authenticated else b"", said.agent_address)
        meaning = self._meaning(said, host)
        uptime = None if said.uptime is None else said.uptime / 100
        row: Row = (
            wall, wall, 1, source, host, meaning.trap, meaning.oid, meaning.severity, admitted.version,
            inform, admitted.user, admitted.authenticated, sender.hex(), said.agent_address, uptime,
            meaning.values,
        )  # fmt: skip
        entry = Entry(
            row, now, wall, (host, meaning.label, meaning.severity), len(admitted.data) + len(meaning.values)
        )
        if meaning.change is not None:
            self._folding.change(entry, host or source, meaning.change)
        forward = b""
        if self._forward and source not in self._targets:
            forward = encode_forward(said, source)
        entry.words = Words(meaning, forward)
        return entry

    def _repeat(  # noqa: PLR0917 - what is known of a datagram
        self,
        entry: Entry,
        admitted: Admitted,
        way: Way,
        now: float,
        wall: float,
        keys: list[bytes],
        *,
        silent: bool,
    ) -> tuple[Drop, str] | None:
        batch = self._batch
        inform = admitted.pdu_type == INFORM
        if inform and (len(batch.informs) >= MOST_WAITING or batch.octets >= MOST_OCTETS):
            return _NO_ROOM
        if not entry.pending and not entry.silent:
            if len(batch.entries) >= MOST_WAITING:
                return _NO_ROOM
            self._enter(entry, now)
        if silent:
            entry.silent += 1
        else:
            entry.pending += 1
            entry.last = wall
            batch.folded += keys
        for key in keys:
            self._folding.remember_inform(key, entry, now)
        self._cells[_FOLDED] += 1
        self._count(admitted, way, inform=inform)
        return None

    def _enter(self, entry: Entry, now: float) -> None:
        batch = self._batch
        if not batch.entries:
            batch.begun = now
        batch.entries.append(entry)
        if entry.row is not None:
            batch.octets += entry.weight

    def _count(self, admitted: Admitted, way: Way, *, inform: bool) -> None:
        self._cells[_DECODED] += 1
        self._cells[_ACCEPTED] += 1
        self._batch.datagrams += 1
        if inform:
            self._batch.informs.append((admitted, way))
            self._batch.octets += len(admitted.data)

    def cut(self) -> Commit | None:
        """What is to be committed now; None if nothing waits, or a commit runs."""
        if self._running is not None or not self._batch.entries:
            return None
        batch = self._running = self._batch
        self._batch = _Batch()
        rows: list[Row] = []
        repeats = []
        for entry in batch.entries:
            entry.taken, entry.pending = entry.pending, 0
            entry.taken_silent, entry.silent = entry.silent, 0
            if entry.row is not None:
                # A retransmission of an inform whose first commit failed counts as the one event.
                count = max(entry.taken, 1)
                if count != entry.row[2]:
                    entry.row = (*entry.row[:1], entry.last, count, *entry.row[3:])
                rows.append(entry.row)
            elif entry.taken:
                repeats.append((entry.event_id, entry.last, entry.stored + entry.taken))
        batch.rows = rows
        return Commit(rows, repeats, bool(batch.informs))

    def committed(self, first_id: int, now: float) -> Outcome:
        """What was cut last is on disk, its first row under this ID and the others behind it."""
        batch = self._running
        assert batch is not None  # noqa: S101 - it was cut
        self._running = None
        outcome = Outcome()
        number = first_id
        for entry in batch.entries:
            if entry.row is not None:
                entry.event_id = number
                entry.stored = max(entry.taken, 1)
                assert isinstance(entry.words, Words)  # noqa: S101 - kept as long as the row
                outcome.events.append((number, entry.row, entry.words))
                entry.row = entry.words = None
                number += 1
            else:
                entry.stored += entry.taken
            outcome.counted.append((entry, entry.taken))
        self._cells[_COMMITTED] += batch.datagrams
        if batch.rows:
            self._cells[_LAST_ID] = number - 1
        for admitted, way in batch.informs:
            try:
                outcome.acknowledgements.append(Reply(self._door.acknowledge(admitted, now), way))
            except Exception as error:  # noqa: BLE001 - the event is safe; its sender asks again
                self._cells[_DEFECTS] += 1
                self._defect(error)
        return outcome

    def failed(self) -> None:
        """What was cut last could not be committed: it is dropped, and its informs stay unanswered."""
        batch = self._running
        assert batch is not None  # noqa: S101 - it was cut
        self._running = None
        self._cells[_STORE_FULL] += batch.datagrams
        for key in batch.folded:
            self._folding.forget_inform(key)
        for entry in batch.entries:
            # One with a repeat that came meanwhile is tried again, with what that repeat counts.
            if entry.row is not None and not entry.pending and not entry.silent:
                entry.forget()

    @property
    def peers(self) -> Peers:
        """What is known of SNMPv3 engines, for another door."""
        return self._door.security.peers

    def expire(self, now: float) -> None:
        """Forget what can be no repeat any more; for once a second."""
        self._folding.expire(now)

    def gauges(self) -> dict[Gauge, int]:
        """How full the tables are."""
        return {
            Gauge.QUEUE: self.waiting,
            Gauge.SOURCES: len(self._buckets),
            Gauge.PEERS: len(self._door.security.peers),
            Gauge.FOLDS: len(self._folding),
        }


def _request_id(admitted: Admitted) -> bytes:
    """The octets of the request-id, which opens every PDU but that of v1."""
    at = admitted.start
    return admitted.data[at : at + 2 + admitted.data[at + 1]]


_, _DECODED, _ACCEPTED, _COMMITTED = (SLOT[stage] for stage in Stage)
_MALFORMED, _STORE_FULL = SLOT[Drop.MALFORMED], SLOT[Drop.STORE_FULL]
_DEFECTS, _FOLDED, _LAST_ID = SLOT[Gauge.DEFECTS], SLOT[Gauge.FOLDED], SLOT[Gauge.LAST_ID]
_NOT_ALLOWED: Final = (Drop.SOURCE_NOT_ALLOWED, "neither a host of the config nor in traps.allow")
_TOO_MANY: Final = (Drop.RATE_LIMITED, "more than traps.rate and traps.burst allow one source")
_REPLAYED: Final = (Drop.REPLAYED, "the same inform came before, from another address")
_NO_ROOM: Final = (Drop.QUEUE_FULL, "the disk does not keep up")
