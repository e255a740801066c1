"""Walks and GETs: whole tables or an error, from honest agents and from broken ones."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.errors import Reason
from netmon.snmp.ber import COUNTER32, END_OF_MIB_VIEW, INTEGER, OCTET_STRING, Value, encode_oid
from netmon.snmp.client import Client, Meter, SnmpError
from netmon.snmp.message import GETBULK, GETNEXT, Request, Varbinds, encode_varbind
from netmon.snmp.walk import get, increasing, walk, walk_all
from tests.unit.snmp.agents import Answer, agent, honest, numbers, reply
from tests.unit.snmp.conftest import Run
from tests.unit.snmp.test_snmp_ber import OIDS

ROOT = "1.3.6.1.2.1.2.2"
INDEXES = (*range(1, 60), 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 436_207_616)
MIB: dict[str, tuple[int, Value]] = {
    "1.3.6.1.2.1.1.5.0": (OCTET_STRING, b"switch1"),
    **{f"{ROOT}.1.{column}.{index}": (COUNTER32, index) for column in (1, 2, 10) for index in INDEXES},
    "1.3.6.1.2.1.20.1.0": (INTEGER, 20),
}

serve = honest(MIB)


async def walked(
    answer: Answer, root: str = ROOT, *, limit: int = 10_000, **settings: Any
) -> tuple[Varbinds, Any]:
    """A walk and the agent that answered it."""
    client = Client()
    try:
        async with agent(answer) as server:
            target = server.target(**{"timeout": 2, "max_repetitions": 25, **settings})
            return await walk(client, target, encode_oid(root), Meter(), limit=limit), server
    finally:
        client.close()


async def walk_fails(answer: Answer, reason: Reason, **settings: Any) -> str:
    """The message of a walk that must fail, the host being alive."""
    with pytest.raises(SnmpError) as caught:
        await walked(answer, **settings)
    assert (caught.value.reason, caught.value.alive) == (reason, True)
    return str(caught.value)


@pytest.mark.parametrize(("version", "pdu_type"), [(1, GETNEXT), (2, GETBULK)])
@pytest.mark.parametrize("repetitions", [1, 10, 25, 500])
def test_a_walk_brings_the_subtree_and_no_more(
    run: Run, version: int, pdu_type: int, repetitions: int
) -> None:
    """In the agent's order, with every value, by GETNEXT in SNMPv1 and GETBULK in SNMPv2c."""
    table, server = run(walked(serve, version=version, max_repetitions=repetitions))
    wanted = sorted(
        (numbers(encode_oid(oid)), value) for oid, (_, value) in MIB.items() if oid.startswith(ROOT + ".")
    )
    assert list(zip(map(numbers, table.oids), table.values, strict=True)) == wanted
    assert set(table.tags) == {COUNTER32}
    assert {request.pdu_type for request in server.seen} == {pdu_type}


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("root", ["1.3.6.1.2.1.20", "1.3.6.1.2.1.20.1.0", "1.3.6.1.2.1.3", "2.5"])
async def test_a_walk_ends_at_the_end_of_the_mib(version: int, root: str) -> None:
    """By endOfMibView or noSuchName; what is not there is an empty table, no error."""
    table, _ = await walked(serve, root, version=version)
    assert table.values == ([20] if root == "1.3.6.1.2.1.20" else [])


async def test_a_root_is_no_prefix_of_a_larger_number() -> None:
    """A walk of ...2.2.1.1 does not bring ...2.2.1.10."""
    table, _ = await walked(serve, f"{ROOT}.1.1")
    assert len(table) == len(INDEXES)


async def test_too_big_halves_the_repetitions_and_is_remembered() -> None:
    """An agent that bears 6 is asked for 25, 12 and 6, and then for 6 at most."""

    def answer(request: Request) -> Iterable[bytes]:
        return [reply(request, status=1)] if request.max_repetitions > 6 else serve(request)

    client = Client()
    async with agent(answer) as server:
        target = server.target(timeout=2, max_repetitions=25)
        for _ in range(2):
            assert len(await walk(client, target, encode_oid(ROOT), Meter(), limit=999)) == 3 * len(INDEXES)
    asked = [request.max_repetitions for request in server.seen]
    assert (asked[:3], max(asked[2:])) == ([25, 12, 6], 6)
    client.close()


async def test_too_big_for_one_object_is_an_error() -> None:
    """There is nothing left to halve."""
    for version in (1, 2):
        text = await walk_fails(lambda request: [reply(request, status=1)], Reason.TOO_BIG, version=version)
        assert "tooBig" in text


async def test_a_reply_cut_to_fit_is_fine() -> None:
    """An agent may give fewer repetitions than asked."""

    def answer(request: Request) -> Iterable[bytes]:
        request.max_repetitions = min(request.max_repetitions, 7)
        return serve(request)

    table, _ = await walked(answer)
    assert len(table) == 3 * len(INDEXES)


async def test_a_reply_without_objects_is_an_error() -> None:
    """It would be asked for ever."""
    await walk_fails(lambda request: [reply(request)], Reason.TOO_BIG)
    await walk_fails(lambda request: [reply(request)], Reason.MALFORMED_REPLY, version=1)


@pytest.mark.parametrize(
    ("status", "version", "reason", "name"),
    [
        (5, 1, Reason.AGENT_ERROR, "genErr"),
        (5, 2, Reason.AGENT_ERROR, "genErr"),
        (2, 2, Reason.AGENT_ERROR, "noSuchName"),
        (6, 2, Reason.AUTHORIZATION_ERROR, "noAccess"),
        (16, 2, Reason.AUTHORIZATION_ERROR, "authorizationError"),
        (77, 2, Reason.AGENT_ERROR, "error-status 77"),
    ],
)
async def test_an_error_in_mid_walk_is_never_a_short_table(
    status: int, version: int, reason: Reason, name: str
) -> None:
    """It is told with its name, its index and its OID."""

    def answer(request: Request) -> Iterable[bytes]:
        calls.append(request)
        return [reply(request, status=status, index=1)] if len(calls) == 3 else serve(request)

    calls: list[Request] = []
    text = await walk_fails(answer, reason, version=version)
    assert f"the agent says {name} (index 1) at {ROOT}.1.1." in text


@pytest.mark.parametrize("step", [0, -1], ids=["repeat", "decrease"])
@pytest.mark.parametrize("version", [1, 2])
async def test_oids_that_do_not_increase_are_refused(step: int, version: int) -> None:
    """Between replies and within one."""

    def answer(request: Request) -> Iterable[bytes]:
        calls.append(request)
        last = 50 + step * len(calls)
        return [reply(request, encode_varbind(encode_oid(f"{ROOT}.1.1.{last}"), INTEGER, 1))]

    calls: list[Request] = []
    assert "do not increase" in await walk_fails(answer, Reason.NOT_INCREASING, version=version)

    def within(request: Request) -> Iterable[bytes]:
        return [
            reply(request, *(encode_varbind(encode_oid(f"{ROOT}.1.1.{n}"), INTEGER, 1) for n in (1, 3, 2, 4)))
        ]

    await walk_fails(within, Reason.NOT_INCREASING)


async def test_an_endless_table_is_cut_and_told() -> None:
    """The limit is a bound on memory, and reaching it is an error."""
    count = 0

    def answer(request: Request) -> Iterable[bytes]:
        nonlocal count
        oids = [encode_oid(f"{ROOT}.1.1.{count + n}") for n in range(1, 26)]
        count += 25
        return [reply(request, *(encode_varbind(oid, INTEGER, 1) for oid in oids))]

    assert "more than 100 objects" in await walk_fails(answer, Reason.ENDLESS_TABLE, limit=100)
    assert count == 125


async def test_a_table_of_just_the_limit_is_whole() -> None:
    """The bound is on what is kept."""
    table, _ = await walked(serve, limit=3 * len(INDEXES))
    assert len(table) == 3 * len(INDEXES)


async def test_objects_behind_the_end_of_the_mib_are_not_taken() -> None:
    """The end of the MIB is the end, whatever follows it in the reply."""
    inside = encode_varbind(encode_oid(f"{ROOT}.1.1.1"), INTEGER, 1)
    end = encode_varbind(encode_oid(f"{ROOT}.1.1.1"), END_OF_MIB_VIEW)
    table, _ = await walked(lambda request: [reply(request, inside, end, inside)])
    assert table.values == [1]


async def gotten(answer: Answer, oids: Iterable[str], **settings: Any) -> tuple[Varbinds, Any]:
    """A GET and the agent that answered it."""
    client = Client()
    try:
        async with agent(answer) as server:
            target = server.target(timeout=2, **settings)
            return await get(client, target, list(map(encode_oid, oids)), Meter()), server
    finally:
        client.close()


@pytest.mark.parametrize("version", [1, 2])
def test_a_get_leaves_out_what_is_missing(run: Run, version: int) -> None:
    """Missing objects are no error in either version, and the others come in order."""
    wanted = [
        "1.3.6.1.2.1.1.5.0",
        "1.3.6.1.2.1.1.99.0",
        *(f"{ROOT}.1.1.{n}" for n in range(40)),
        "1.3.6.1.2.1.20.1.0",
    ]
    table, server = run(gotten(serve, wanted, version=version))
    assert table.values == [b"switch1", *range(1, 40), 20]
    assert len(server.seen) == (len(wanted) if version == 1 else 2)


async def test_a_get_that_is_too_big_is_split() -> None:
    """Down to one object, and no further."""

    def answer(request: Request) -> Iterable[bytes]:
        return [reply(request, status=1)] if len(request.varbinds) > limit else serve(request)

    wanted = [f"{ROOT}.1.1.{n}" for n in range(1, 31)]
    limit = 2
    table, _ = await gotten(answer, wanted)
    assert table.values == list(range(1, 31))
    limit = 0
    with pytest.raises(SnmpError) as caught:
        await gotten(answer, wanted)
    assert caught.value.reason is Reason.TOO_BIG


async def test_a_get_answered_with_other_objects_is_malformed() -> None:
    """Values must not end up under the wrong name."""
    other = encode_varbind(encode_oid(f"{ROOT}.1.1.2"), INTEGER, 1)
    for varbinds in ((other,), (), (other, other)):
        with pytest.raises(SnmpError) as caught:
            await gotten(lambda request, varbinds=varbinds: [reply(request, *varbinds)], [f"{ROOT}.1.1.1"])  # type: ignore[misc]
        assert caught.value.reason is Reason.MALFORMED_REPLY


async def test_a_get_error_names_the_object() -> None:
    """The index counts from 1; one out of range is not trusted."""
    wanted = [f"{ROOT}.1.1.1", f"{ROOT}.1.1.2"]
    for index, named in ((2, wanted[1]), (0, wanted[0]), (9, wanted[0]), (-1, wanted[0])):
        with pytest.raises(SnmpError, match=f"genErr .index {index}. at {named}$"):
            await gotten(lambda request, index=index: [reply(request, status=5, index=index)], wanted)  # type: ignore[misc]


ARCS = st.sampled_from(
    (0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 268_435_455, 268_435_456, 2**32 - 1)
)
NEAR = st.lists(ARCS, min_size=1, max_size=3).map(lambda arcs: (1, 3, *arcs))


@given(last=NEAR | OIDS, oids=st.lists(NEAR | OIDS, max_size=6), ordered=st.booleans())
def test_the_order_is_that_of_the_numbers(
    last: tuple[int, ...], oids: list[tuple[int, ...]], *, ordered: bool
) -> None:
    """Whatever the lengths of the sub-identifiers, the verdict is that of comparing numbers."""
    if ordered:
        last, *oids = sorted({last, *oids})
    chain = [last, *oids]
    wanted = all(a < b for a, b in pairwise(chain))
    assert increasing(encode_oid(last), list(map(encode_oid, oids))) == wanted


ROOTS = [encode_oid(f"{ROOT}.1.{column}") for column in (1, 2, 10)]


async def asked(answer: Answer, **settings: Any) -> tuple[list[Varbinds], list[bytes], int]:
    """The subtrees of `ROOTS` from an agent that is known to answer, what it was asked, and its lanes."""
    client = Client()
    try:
        async with agent(answer) as server:
            target = server.target(**{"timeout": 0.5, "max_repetitions": 25, **settings})
            await get(client, target, [encode_oid("1.3.6.1.2.1.1.5.0")], Meter())
            tables = await walk_all(client, target, ROOTS, Meter(), limit=1000)
            return tables, [request.varbinds.oids[0] for request in server.seen[1:]], client.at_once(target)
    finally:
        client.close()


def test_two_subtrees_are_walked_at_a_time(run: Run) -> None:
    """The second subtree's first request does not wait for the first subtree's end."""
    tables, order, lanes = run(asked(serve))
    assert [len(table) for table in tables] == [len(INDEXES)] * 3
    assert order[:2] == ROOTS[:2]
    assert lanes == 2


def test_an_snmpv1_agent_has_one_request_at_a_time(run: Run) -> None:
    """Old agents have small buffers: each subtree is ended before the next begins."""
    tables, order, lanes = run(asked(serve, version=1))
    assert [len(table) for table in tables] == [len(INDEXES)] * 3
    assert order == sorted(order, key=lambda oid: next(i for i, r in enumerate(ROOTS) if oid.startswith(r)))
    assert lanes == 1


def test_an_agent_that_loses_one_of_two_gets_one(run: Run) -> None:
    """A datagram lost while two were under way: nothing is missing, and from then on it is one."""
    lost: list[Request] = []

    def forgetful(request: Request) -> Iterable[bytes]:
        if request.varbinds.oids[0] == ROOTS[1] and not lost:
            lost.append(request)
            return []
        return serve(request)

    tables, _, lanes = run(asked(forgetful))
    assert [len(table) for table in tables] == [len(INDEXES)] * 3
    assert lost
    assert lanes == 1


def test_a_failing_subtree_ends_the_other(run: Run) -> None:
    """The error is the failing walk's own, not a group, and nothing goes on behind it."""

    def failing(request: Request) -> Iterable[bytes]:
        if request.varbinds.oids[0] == ROOTS[1]:
            return [reply(request, status=5, index=1)]
        return serve(request)

    with pytest.raises(SnmpError) as caught:
        run(asked(failing))
    assert caught.value.reason is Reason.AGENT_ERROR
