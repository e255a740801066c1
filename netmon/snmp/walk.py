"""Whole subtrees and lists of objects out of single requests; never a silently short table.

A walk ends where the subtree or the MIB ends (RFC 3416 §4.2.2, §4.2.3; in SNMPv1 the latter is
noSuchName, RFC 1157 §4.1.3) and in no other way: an error-status, an OID that does not increase and
a table without end are errors.  A reply with fewer repetitions than asked is fine, for an agent
may cut it to fit; one that says tooBig is asked for half, and that is remembered for the agent.
"""

import re
from collections.abc import Sequence
from itertools import islice
from operator import lt
from typing import Final

from netmon.errors import Reason
from netmon.snmp.ber import END_OF_MIB_VIEW, NO_SUCH_INSTANCE, NO_SUCH_OBJECT, decode_oid
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
from netmon.snmp.together import together

_GET_AT_ONCE: Final = 25  # varbinds in one GET: about what one unfragmented datagram holds
_CONTINUED: Final = bytes(octet >> 7 for octet in range(256))
_TWO_CONTINUED: Final = b"\x01\x01"
_LONG_SUB_IDENTIFIER: Final = re.compile(rb"[\x80-\xff]+[\x00-\x7f]")
_SUB_IDENTIFIER_OCTETS: Final = 5
_ABSENT: Final = frozenset((NO_SUCH_OBJECT, NO_SUCH_INSTANCE))


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
        _refuse_error(response, target, GET, wanted)
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
    return await client.converse(target, _walk(client, target, root, limit), meter)


def _walk(client: Client, target: Target, root: bytes, limit: int) -> Steps[Varbinds]:
    table = Varbinds()
    pdu_type = GETNEXT if target.version == 1 else GETBULK
    repetitions = 0 if target.version == 1 else max(1, client.max_repetitions(target))
    last = root
    while True:
        response = yield Ask(pdu_type, (last,), 0, repetitions)
        if response.error_status:
            if response.error_status == TOO_BIG and repetitions > 1:
                repetitions //= 2
                client.learn_max_repetitions(target, repetitions)
                continue
            if response.error_status == NO_SUCH_NAME and target.version == 1:
                return table
            _refuse_error(response, target, pdu_type, (last,))
        got = response.varbinds
        count = _count_inside(root, got)
        oids = got.oids if count == len(got) else got.oids[:count]
        if not increasing(last, oids):
            text = (
                f"walk of {decode_oid(root)} on {target}: the OIDs do not increase after {decode_oid(last)}"
            )
            raise SnmpError(Reason.NOT_INCREASING, text, alive=True)
        table.extend(got, count)
        if len(table) > limit:
            text = (
                f"walk of {decode_oid(root)} on {target}: more than {limit} objects; the table may be endless"
            )
            raise SnmpError(Reason.ENDLESS_TABLE, text, alive=True)
        if count < len(got):
            return table
        if not got.oids:
            # RFC 3416 §4.2.3 lets an agent drop any number of varbinds to fit its reply.
            text = (
                f"walk of {decode_oid(root)} on {target}: an answer without objects after {decode_oid(last)}"
            )
            raise SnmpError(Reason.TOO_BIG if repetitions else Reason.MALFORMED_REPLY, text, alive=True)
        last = oids[-1]


async def walk_all(
    client: Client, target: Target, roots: Sequence[bytes], meter: Meter, *, limit: int
) -> list[Varbinds]:
    """Several subtrees, as `walk` each, in the order of `roots`; two at a time where the agent bears it.

    Raises what the first walk that fails raises, after the other has been given up.
    """
    tables: dict[bytes, Varbinds] = {}
    left = iter(dict.fromkeys(roots))

    async def work(lane: int) -> None:
        for root in left:
            tables[root] = await walk(client, target, root, meter, limit=limit)
            if lane >= client.at_once(target):  # it has lost one meanwhile
                return

    lanes = min(client.at_once(target), len(roots))
    if lanes <= 1:
        await work(0)
    else:
        await together([work(lane) for lane in range(lanes)])
    return [tables[root] for root in roots]


def _count_inside(root: bytes, got: Varbinds) -> int:
    """How many varbinds come before the end of the subtree and of the MIB."""
    count = len(got)
    if END_OF_MIB_VIEW in got.tags:
        count = got.tags.index(END_OF_MIB_VIEW)
    # In increasing order, the last one inside means all inside; `increasing` sees to the order.
    if count == 0 or got.oids[count - 1].startswith(root):
        return count
    return next(at for at, oid in enumerate(got.oids) if not oid.startswith(root))


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


def _refuse_error(response: Response, target: Target, pdu_type: int, asked: Sequence[bytes]) -> None:
    """Raise what an error-status means; its index names the varbind, 0 none (RFC 3416 §4.1)."""
    status, index = response.error_status, response.error_index
    if status == NO_ERROR:
        return
    if status == TOO_BIG:
        reason = Reason.TOO_BIG
    elif status in (AUTHORIZATION_ERROR, NO_ACCESS):
        reason = Reason.AUTHORIZATION_ERROR
    else:
        reason = Reason.AGENT_ERROR
    oid = decode_oid(asked[index - 1] if 0 < index <= len(asked) else asked[0])
    text = f"{PDU_NAMES[pdu_type]} to {target}: the agent says {error_name(status)} (index {index}) at {oid}"
    raise SnmpError(reason, text, alive=True)
