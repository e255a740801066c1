"""Whole subtrees and lists of objects out of single requests; never a silently short table.

A walk ends where the subtree or the MIB ends (RFC 3416 §4.2.2, §4.2.3; in SNMPv1 the latter is
noSuchName, RFC 1157 §4.1.3) and in no other way: an error-status, an OID that does not increase and
a table without end are errors.  A reply with fewer repetitions than asked is fine, for an agent
may cut it to fit; one that says tooBig is asked for half, and that is remembered for the agent.

What was read before is read by a plan (`plans`): each request fills a datagram of the path, the last
one ends where the subtree does, and several may be under way, as many as the agent bears.
"""

import asyncio
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from operator import lt
from typing import Final, NamedTuple

from netmon.errors import Reason
from netmon.snmp.ber import (
    END_OF_MIB_VIEW,
    NO_SUCH_INSTANCE,
    NO_SUCH_OBJECT,
    decode_oid,
    encode_oid,
    oid_numbers,
)
from netmon.snmp.client import Client
from netmon.snmp.exchange import Ask, Meter, SnmpError, Steps, Target
from netmon.snmp.message import (
    AUTHORIZATION_ERROR,
    GET,
    GETBULK,
    GETNEXT,
    NO_ACCESS,
    NO_ERROR,
    NO_SUCH_NAME,
    PDU_NAMES,
    TOO_BIG,
    Response,
    Varbinds,
    error_name,
)
from netmon.snmp.plans import MOST, UNKNOWN, Key, Piece, octets_of, plan_of
from netmon.snmp.together import together

_GET_AT_ONCE: Final = 25  # varbinds in one GET: about what one unfragmented datagram holds
_CONTINUED: Final = bytes(octet >> 7 for octet in range(256))
_TWO_CONTINUED: Final = b"\x01\x01"
_LONG_SUB_IDENTIFIER: Final = re.compile(rb"[\x80-\xff]+[\x00-\x7f]")
_SUB_IDENTIFIER_OCTETS: Final = 5
_LARGEST_SUB_IDENTIFIER: Final = 0xFFFFFFFF
_ABSENT: Final = frozenset((NO_SUCH_OBJECT, NO_SUCH_INSTANCE))
_NEAR: Final = 2  # requests at a time that every agent is given
_FEW: Final = 4  # varbinds to ask for where a row or two more than expected are left


async def get(client: Client, target: Target, oids: Sequence[bytes], meter: Meter) -> Varbinds:
    """The objects `oids`, without those that the agent does not have.

    SNMPv1 is asked for one at a time, since there a missing one fails the whole request.
    Raises SnmpError as `Client.converse`, and with `agent_error`, `authorization_error`, `too_big`,
    `malformed_reply`.
    """
    return await client.converse(target, _get(target, oids), meter)


def _get(target: Target, oids: Sequence[bytes]) -> Steps[Varbinds]:
    found = Varbinds()
    at_once = 1 if target.version == 1 else _GET_AT_ONCE
    at = 0
    while at < len(oids):
        wanted = list(oids[at : at + at_once])
        response = yield Ask(GET, wanted)
        if response.error_status == TOO_BIG and len(wanted) > 1:
            at_once = len(wanted) // 2
            continue
        at += len(wanted)
        if response.error_status == NO_SUCH_NAME and target.version == 1:
            continue
        refuse_error(response, target, GET, wanted)
        got = response.varbinds
        if got.oids != wanted:
            text = f"GET of {decode_oid(wanted[0])} to {target}: the answer holds other objects than asked"
            raise SnmpError(Reason.MALFORMED_REPLY, text, alive=True)
        if _ABSENT.isdisjoint(got.tags):
            found.extend(got)
            continue
        for oid, tag, value in zip(got.oids, got.tags, got.values, strict=True):
            if tag not in _ABSENT:
                found.oids.append(oid)
                found.tags.append(tag)
                found.values.append(value)
    return found


async def walk(client: Client, target: Target, root: bytes, meter: Meter, *, limit: int) -> Varbinds:
    """Every object under `root` (not `root` itself), in the agent's order, at most `limit`.

    Raises SnmpError as `get`, and with `not_increasing`, `endless_table`.
    """
    return (await walk_all(client, target, (root,), meter, limit=limit))[0]


async def walk_all(
    client: Client,
    target: Target,
    roots: Sequence[bytes],
    meter: Meter,
    *,
    limit: int,
    skip: frozenset[bytes] = frozenset(),
    columns: Collection[bytes] = (),
) -> list[Varbinds]:
    """Several subtrees, as `walk` each, in the order of `roots`; several requests at a time where borne.

    Subtrees in `skip` are left out of the others.  `columns` are where a subtree may be cut that was never
    read, when the agent is far away and bears several requests.
    Raises what fails first, after the rest has been given up.
    """
    reading = _Reading(client, target, dict.fromkeys(roots), skip, columns, limit=limit)
    loop = asyncio.get_running_loop()
    retries, begun = meter.retries, loop.time()
    lanes = min(client.at_once(target), reading.pieces)
    if lanes == 1:
        await client.converse(target, reading.lane(0), meter)
    elif lanes:
        await together([client.converse(target, reading.lane(lane), meter) for lane in range(lanes)])
    if reading.requests:
        wait = (loop.time() - begun) * lanes / reading.requests
        fits = client.learn(target, clean=meter.retries == retries, wait=wait)
        reading.learn(replan=not fits)
    return reading.tables(roots)


def foresee(client: Client, target: Target, root: bytes, table: Varbinds, skip: frozenset[bytes]) -> None:
    """Plan how the subtree `root`, which held `table`, is to be read without `skip` next time."""
    for after, upto in stretches(root, skip):
        key = _key(target, after, upto)
        if target.version == 1 or client.plans.find(key) is not None:
            continue
        inside = Varbinds()
        for oid, tag, value in zip(table.oids, table.tags, table.values, strict=True):
            if increasing(after, (oid,)) and _is_inside(root, upto, oid):
                inside.oids.append(oid)
                inside.tags.append(tag)
                inside.values.append(value)
        client.plans.keep(key, plan_of(inside, target.room, target.max_repetitions or MOST))


def _key(target: Target, after: bytes, upto: bytes) -> Key:
    # Another view of the same agent, by other credentials, only makes a plan that does not fit.
    return target.address, target.port, target.version, target.max_repetitions, after, upto


class _Part(NamedTuple):
    piece: Piece
    table: Varbinds


@dataclass(slots=True)
class _Stretch:
    """Part of the subtree `root` that is read in one go: behind `after`, up to `upto` or the end."""

    root: bytes
    after: bytes
    upto: bytes
    key: Key
    parts: list[_Part]
    fits: bool = True  # it was as planned

    def table(self) -> Varbinds:
        """All of it, once its parts are read."""
        whole = self.parts[0].table
        for part in self.parts[1:]:
            whole.extend(part.table)
        del self.parts[1:]
        return whole


class _Reading:
    """What is read in one call: stretches cut into pieces, and lanes that take one piece after another."""

    def __init__(
        self,
        client: Client,
        target: Target,
        roots: Collection[bytes],
        skip: frozenset[bytes],
        columns: Collection[bytes],
        *,
        limit: int,
    ) -> None:
        self.requests = 0
        self._client = client
        self._target = target
        self._limit = limit
        self._bulk = target.version != 1
        self._counts = dict.fromkeys(roots, 0)
        self._stretches: list[_Stretch] = []
        work: list[tuple[_Stretch, _Part]] = []
        unknown: list[tuple[_Stretch, _Part]] = []
        for root in roots:
            for after, upto in stretches(root, skip):
                key = _key(target, after, upto)
                stretch = _Stretch(root, after, upto, key, [])
                plan = client.plans.find(key) if self._bulk else None
                pieces = plan.pieces(after, upto) if plan else self._unknown(root, after, upto, columns)
                stretch.parts.extend(_Part(piece, Varbinds()) for piece in pieces)
                (work if plan else unknown).extend((stretch, part) for part in stretch.parts)
                self._stretches.append(stretch)
        # First those that nobody knows the length of, so that they do not come last and alone.
        self.pieces = len(unknown) + len(work)
        self._left = iter(unknown + work)

    def _unknown(self, root: bytes, after: bytes, upto: bytes, columns: Collection[bytes]) -> Iterator[Piece]:
        """A stretch that was never read: whole, or for a distant agent a share for each of its lanes."""
        lanes = self._client.at_once(self._target)
        if lanes > _NEAR:
            inside = [oid for oid in columns if _is_inside(root, upto, oid) and increasing(after, (oid,))]
            inside.sort(key=oid_numbers)
            for cut in inside[:: max(1, -(-len(inside) // lanes))][1:]:
                yield Piece(after, cut, None, last=False)
                after = cut
        yield Piece(after, upto, None, last=True)

    def lane(self, lane: int) -> Steps[None]:
        """One conversation: piece after piece while the agent bears so many at a time."""
        for stretch, part in self._left:
            yield from self._read(stretch, part)
            if lane >= self._client.at_once(self._target):  # it has lost one meanwhile
                return

    def _read(self, stretch: _Stretch, part: _Part) -> Steps[None]:
        piece, table = part
        pdu_type = GETBULK if self._bulk else GETNEXT
        last, largest = piece.after, 0
        while True:
            repetitions = self._repetitions(piece, len(table), largest) if self._bulk else 0
            self.requests += 1
            response = yield Ask(pdu_type, (last,), 0, repetitions)
            if response.error_status:
                if response.error_status == TOO_BIG and repetitions > 1:
                    self._client.learn_max_repetitions(self._target, repetitions // 2)
                    continue
                if response.error_status == NO_SUCH_NAME and not self._bulk:
                    break
                refuse_error(response, self._target, pdu_type, (last,))
            got = response.varbinds
            if self._take(stretch.root, piece.upto, last, got, table):
                break
            last = got.oids[-1]
            if piece.size is None and self._bulk:
                largest = max(largest, *map(octets_of, got.oids, got.tags, got.values))
        if len(table) != piece.size:
            stretch.fits = False

    def _take(self, root: bytes, upto: bytes, last: bytes, got: Varbinds, table: Varbinds) -> bool:
        """Add what came behind `last`; whether that was the end."""
        count = _count_inside(root, upto, got)
        oids = got.oids if count == len(got) else got.oids[:count]
        if not increasing(last, oids):
            what = f"the OIDs do not increase after {decode_oid(last)}"
            raise self._error(Reason.NOT_INCREASING, root, what)
        table.extend(got, count)
        self._counts[root] += count
        if self._counts[root] > self._limit:
            what = f"more than {self._limit} objects; the table may be endless"
            raise self._error(Reason.ENDLESS_TABLE, root, what)
        if count < len(got):
            return True
        if not oids:
            # RFC 3416 §4.2.3 lets an agent drop any number of varbinds to fit its reply.
            what = f"an answer without objects after {decode_oid(last)}"
            raise self._error(Reason.TOO_BIG if self._bulk else Reason.MALFORMED_REPLY, root, what)
        return oids[-1] == upto

    def _repetitions(self, piece: Piece, have: int, largest: int) -> int:
        """How many varbinds to ask for next."""
        most = self._client.max_repetitions(self._target)
        if piece.size is not None:
            # One more shows that there is nothing behind the last.
            left = piece.size - have + piece.last
            return max(1, min(left if left > 0 else _FEW, most or MOST))
        if self._target.max_repetitions:
            return max(1, most)
        fitting = self._target.room // largest if largest else UNKNOWN
        return max(1, min(UNKNOWN, fitting, most or MOST))

    def _error(self, reason: Reason, root: bytes, what: str) -> SnmpError:
        return SnmpError(reason, f"walk of {decode_oid(root)} on {self._target}: {what}", alive=True)

    def learn(self, *, replan: bool) -> None:
        """Plan anew what turned out other than planned, or everything."""
        if not self._bulk:
            return
        room = self._target.room
        most = self._target.max_repetitions or MOST
        for stretch in self._stretches:
            if replan or not stretch.fits:
                self._client.plans.keep(stretch.key, plan_of(stretch.table(), room, most))

    def tables(self, roots: Sequence[bytes]) -> list[Varbinds]:
        """What was read, in the order of `roots`."""
        tables = {root: Varbinds() for root in roots}
        for stretch in self._stretches:
            tables[stretch.root].extend(stretch.table())
        return [tables[root] for root in roots]


@lru_cache(maxsize=1024)
def stretches(root: bytes, skip: frozenset[bytes]) -> tuple[tuple[bytes, bytes], ...]:
    """What is left of a subtree without the subtrees `skip`: behind what, and up to what (empty: its end)."""
    if root in skip:
        return ()
    left = []
    after = oid_numbers(root)
    for column in sorted(oid_numbers(oid) for oid in skip if oid.startswith(root)):
        if column < after:  # inside one that is left out already
            continue
        if column > after:
            left.append((encode_oid(after), encode_oid(column)))
        if column[-1] >= _LARGEST_SUB_IDENTIFIER:
            return tuple(left)
        after = (*column[:-1], column[-1] + 1)
    return (*left, (encode_oid(after), b""))


def _count_inside(root: bytes, upto: bytes, got: Varbinds) -> int:
    """How many varbinds come before the end of the subtree, of the piece and of the MIB."""
    count = len(got)
    if END_OF_MIB_VIEW in got.tags:
        count = got.tags.index(END_OF_MIB_VIEW)
    # In increasing order, the last one inside means all inside; `increasing` sees to the order.
    if count == 0 or _is_inside(root, upto, got.oids[count - 1]):
        return count
    return next(at for at, oid in enumerate(got.oids) if not _is_inside(root, upto, oid))


def _is_inside(root: bytes, upto: bytes, oid: bytes) -> bool:
    return oid == upto or (oid.startswith(root) and not (upto and increasing(upto, (oid,))))


def increasing(last: bytes, oids: Sequence[bytes]) -> bool:
    """Whether `oids` increase strictly, beginning above `last`, by the numbers of their sub-identifiers.

    The order of the octets is that of the numbers, but where two sub-identifiers of two or more
    octets differ in length; so the cheap comparison is exact for nearly every reply.
    """
    chain = [last, *oids]
    if (
        b"".join(chain).translate(_CONTINUED).find(_TWO_CONTINUED) >= 0
        and len({o.translate(_CONTINUED) for o in chain}) > 1
    ):
        chain = [_LONG_SUB_IDENTIFIER.sub(_pad, oid) for oid in chain]
    return all(map(lt, chain, islice(chain, 1, None)))


def _pad(match: re.Match[bytes]) -> bytes:
    return match[0].rjust(_SUB_IDENTIFIER_OCTETS, b"\x80")


def refuse_error(response: Response, target: Target, pdu_type: int, asked: Sequence[bytes]) -> None:
    """Raise what an error-status means; its index names the varbind, 0 none (RFC 3416 §4.1)."""
    status, index = response.error_status, response.error_index
    if status == NO_ERROR:
        return
    oid = decode_oid(asked[index - 1] if 0 < index <= len(asked) else asked[0])
    text = f"{PDU_NAMES[pdu_type]} to {target}: the agent says {error_name(status)} (index {index}) at {oid}"
    raise SnmpError(reason_of(status), text, alive=True)


def reason_of(status: int) -> Reason:
    """What an error-status other than noError means."""
    if status == TOO_BIG:
        return Reason.TOO_BIG
    return Reason.AUTHORIZATION_ERROR if status in (AUTHORIZATION_ERROR, NO_ACCESS) else Reason.AGENT_ERROR
