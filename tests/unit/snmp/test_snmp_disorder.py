"""Walks of agents that send objects out of order: all of them once, and an end in any case."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest

from netmon.errors import Reason
from netmon.snmp.ber import COUNTER32, END_OF_MIB_VIEW, encode_oid
from netmon.snmp.client import Client, Meter, SnmpError
from netmon.snmp.disorder import walk_disordered
from netmon.snmp.message import NO_SUCH_NAME, TOO_BIG, Request, Varbinds, encode_varbind
from tests.unit.snmp.agents import Answer, agent, reply
from tests.unit.snmp.conftest import Run

ROOT = "1.3.6.1.2.1.2.2"


def chain(*rows: str, then: str = "1.3.6.1.2.1.3.1") -> Answer:
    """An agent that gives what is in the list behind what was asked for; at the end, another subtree."""
    oids = [ROOT, *(f"{ROOT}.1.{row}" for row in rows), then]
    after: Mapping[bytes, bytes] = {encode_oid(a): encode_oid(b) for a, b in pairwise(oids)}

    def answer(request: Request) -> list[bytes]:
        oid, varbinds = request.varbinds.oids[0], []
        for _ in range(max(1, request.max_repetitions)):
            if oid not in after:
                varbinds.append(encode_varbind(oid, END_OF_MIB_VIEW, None))
                break
            oid = after[oid]
            varbinds.append(encode_varbind(oid, COUNTER32, 1))
        return [reply(request, *varbinds)]

    return answer


async def walked(answer: Answer, *, limit: int = 1000, **settings: Any) -> tuple[Varbinds, Any]:
    """A walk and the agent that answered it."""
    client = Client()
    try:
        async with agent(answer) as server:
            target = server.target(**{"timeout": 2, "max_repetitions": 3, **settings})
            return await walk_disordered(client, target, encode_oid(ROOT), Meter(), limit=limit), server
    finally:
        client.close()


@pytest.mark.parametrize("version", [1, 2])
def test_objects_out_of_order_all_come(run: Run, version: int) -> None:
    """In the agent's order, up to the first that is outside the subtree."""
    rows = ("1.5", "1.2", "1.9", "2.1", "1.7", "1.1", "1.4")
    table, _ = run(walked(chain(*rows), version=version))
    assert table.oids == [encode_oid(f"{ROOT}.1.{row}") for row in rows]
    assert len(table.tags) == len(table.values) == len(rows)


def test_the_end_of_the_mib_ends_it(run: Run) -> None:
    """In SNMPv2 by its own sign, in SNMPv1 by noSuchName."""
    table, _ = run(walked(chain("1.2", "1.1", then=f"{ROOT}.1.3")))
    assert len(table) == 3

    def version_1(request: Request) -> list[bytes]:
        return [
            reply(request, encode_varbind(request.varbinds.oids[0], 5, None), status=NO_SUCH_NAME, index=1)
        ]

    table, _ = run(walked(version_1, version=1))
    assert len(table) == 0


def test_a_circle_ends(run: Run) -> None:
    """An agent that begins again is an endless table, found when an object would be asked about again."""
    with pytest.raises(SnmpError, match="comes again and again") as caught:
        run(walked(chain("1.1", "1.2", "1.3", "1.4", "1.5", "1.6", then=f"{ROOT}.1.1.3")))
    assert (caught.value.reason, caught.value.alive) == (Reason.ENDLESS_TABLE, True)


def test_a_table_beyond_the_limit_ends(run: Run) -> None:
    """Whatever the agent sends, it is bounded."""
    with pytest.raises(SnmpError, match="more than 5 objects") as caught:
        run(walked(chain(*(f"1.{100 - n}" for n in range(50))), limit=5))
    assert caught.value.reason is Reason.ENDLESS_TABLE


def test_errors_are_errors(run: Run) -> None:
    """A reply that is empty or says genErr; one that says tooBig is asked for half."""
    with pytest.raises(SnmpError) as caught:
        run(walked(lambda request: [reply(request)]))
    assert caught.value.reason is Reason.TOO_BIG
    with pytest.raises(SnmpError) as caught:
        run(walked(lambda request: [reply(request, status=5, index=1)]))
    assert caught.value.reason is Reason.AGENT_ERROR
    honest = chain("1.2", "1.1")

    def small(request: Request) -> list[bytes]:
        return [reply(request, status=TOO_BIG)] if request.max_repetitions > 1 else list(honest(request))

    table, server = run(walked(small, max_repetitions=4))
    assert len(table) == 2
    assert [request.max_repetitions for request in server.seen][:3] == [4, 2, 1]
