"""A walk of an agent that sends objects out of order, for modules that allow it.

Elsewhere an OID that does not increase ends a walk with an error, because it may go on for ever.  Some
agents get through their table in some order of their own.  Here each object is asked for what comes
after it, and no object may be asked about twice: an agent that goes round in a circle ends as an
endless table, and so does one that sends more than `limit` objects.
"""

from netmon.errors import Reason
from netmon.snmp.ber import END_OF_MIB_VIEW, decode_oid
from netmon.snmp.client import Client
from netmon.snmp.exchange import Ask, Meter, SnmpError, Steps, Target
from netmon.snmp.message import GETBULK, GETNEXT, NO_SUCH_NAME, TOO_BIG, Varbinds
from netmon.snmp.plans import UNKNOWN
from netmon.snmp.walk import refuse_error


async def walk_disordered(
    client: Client, target: Target, root: bytes, meter: Meter, *, limit: int
) -> Varbinds:
    """Every object under `root` in the agent's order, at most `limit`.

    Raises SnmpError as `walk.walk`, but never `not_increasing`.
    """
    return await client.converse(target, _walk(client, target, root, limit), meter)


def _walk(client: Client, target: Target, root: bytes, limit: int) -> Steps[Varbinds]:
    table = Varbinds()
    pdu_type = GETNEXT if target.version == 1 else GETBULK
    repetitions = 0 if target.version == 1 else client.max_repetitions(target) or UNKNOWN
    last, asked = root, set[bytes]()
    while True:
        response = yield Ask(pdu_type, (last,), 0, repetitions)
        if response.error_status:
            if response.error_status == TOO_BIG and repetitions > 1:
                repetitions //= 2
                client.learn_max_repetitions(target, repetitions)
                continue
            if response.error_status == NO_SUCH_NAME and target.version == 1:
                return table
            refuse_error(response, target, pdu_type, (last,))
        asked.add(last)
        got = response.varbinds
        count = _count_inside(root, got)
        table.extend(got, count)
        if count < len(got):
            return table
        if not got.oids:
            what = f"an answer without objects after {decode_oid(last)}"
            raise _error(Reason.TOO_BIG if repetitions else Reason.MALFORMED_REPLY, root, target, what)
        last = got.oids[-1]
        if last in asked:
            raise _error(Reason.ENDLESS_TABLE, root, target, f"{decode_oid(last)} comes again and again")
        if len(table) > limit:
            raise _error(Reason.ENDLESS_TABLE, root, target, f"more than {limit} objects; it may be endless")


def _count_inside(root: bytes, got: Varbinds) -> int:
    """How many varbinds come before the first that is outside, or before the end of the MIB."""
    for at, (oid, tag) in enumerate(zip(got.oids, got.tags, strict=True)):
        if tag == END_OF_MIB_VIEW or not oid.startswith(root):
            return at
    return len(got)


def _error(reason: Reason, root: bytes, target: Target, what: str) -> SnmpError:
    return SnmpError(reason, f"walk of {decode_oid(root)} on {target}: {what}", alive=True)
