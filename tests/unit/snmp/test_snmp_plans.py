"""Walks by plans: what was read before is read in full datagrams, and rows that come and go are not lost."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netmon.errors import Reason
from netmon.snmp.ber import COUNTER32, OCTET_STRING, Value, encode_oid
from netmon.snmp.client import Client, Meter, SnmpError, Target
from netmon.snmp.message import Request, Varbinds
from netmon.snmp.plans import UNKNOWN, Plan, Plans, plan_of
from netmon.snmp.walk import foresee, stretches, walk, walk_all
from tests.unit.snmp.agents import Agent, Answer, agent, honest, numbers, reply
from tests.virtual import run_virtual

ENTRY = "1.3.6.1.2.1.2.2.1"
ROOT = encode_oid(ENTRY)
OTHER = encode_oid("1.3.6.1.2.1.31")
Mib = dict[str, tuple[int, Value]]


def table(rows: Iterable[int], columns: int = 12) -> Mib:
    """A table whose second column holds names of 40 octets, and something behind it."""
    mib: Mib = {"1.3.6.1.2.1.31.1.0": (COUNTER32, 1), "1.3.6.1.2.1.1.1.0": (COUNTER32, 1)}
    for row in rows:
        for column in range(1, columns + 1):
            value = (OCTET_STRING, b"n" * 40) if column == 2 else (COUNTER32, 70_000 + row)
            mib[f"{ENTRY}.{column}.{row}"] = value
    return mib


def inside(mib: Mib) -> list[tuple[int, ...]]:
    """What a walk of the table has to bring, in order."""
    return sorted(numbers(encode_oid(oid)) for oid in mib if oid.startswith(ENTRY + "."))


class Sized:
    """An answer that notes the octets of its replies, and loses those that are larger than `limit`."""

    def __init__(self, mib: Mib, limit: int = 65_535) -> None:
        self.answer = honest(mib)
        self.limit = limit
        self.sizes: list[int] = []

    def __call__(self, request: Request) -> list[bytes]:
        """As the agent says it, where that gets through."""
        replies = list(self.answer(request))
        self.sizes += map(len, replies)
        return [reply for reply in replies if len(reply) <= self.limit]


async def walks(answer: Answer, times: int, **settings: Any) -> list[tuple[Varbinds, Meter, list[int]]]:
    """The table so many times: what came, what it cost, and the repetitions that were asked for."""
    client, seen = Client(), []
    try:
        async with agent(answer) as server:
            for _ in range(times):
                server.seen.clear()
                meter = Meter()
                came = await walk(client, server.target(timeout=2, **settings), ROOT, meter, limit=100_000)
                seen.append((came, meter, [request.max_repetitions for request in server.seen]))
    finally:
        client.close()
    return seen


async def test_the_second_walk_fills_the_datagrams_and_ends_where_the_table_does() -> None:
    """A third of the packets, none of them over the path's size, and one object beyond the end."""
    mib = table(range(1, 50))
    answer = Sized(mib)
    first, second = await walks(answer, 2)
    assert list(map(numbers, first[0].oids)) == list(map(numbers, second[0].oids)) == inside(mib)
    assert second[1].packets * 2.5 < first[1].packets
    assert max(answer.sizes) <= 1472
    planned = answer.sizes[first[1].packets :]
    assert min(planned[:-1]) > 1472 * 0.75
    assert second[1].varbinds == len(mib) - 2 + 1


async def test_the_first_walk_does_not_exceed_the_path_either() -> None:
    """Interface names of 64 octets, which nobody knows beforehand."""
    mib = dict.fromkeys(table(range(1, 50)), (OCTET_STRING, b"x" * 64))
    answer = Sized(mib)
    await walks(answer, 1)
    assert max(answer.sizes) <= 1472


@pytest.mark.parametrize("most", [1, 7, 25])
async def test_what_is_configured_is_never_exceeded(most: int) -> None:
    """From the first request on, and it is what is asked for."""
    mib = table(range(1, 50))
    for came, meter, asked in await walks(honest(mib), 2, max_repetitions=most):
        assert list(map(numbers, came.oids)) == inside(mib)
        assert max(asked) == most
        assert meter.packets <= len(inside(mib)) // most + 1


async def test_names_that_grow_make_a_new_plan() -> None:
    """A reply that was larger than the path is the last of its kind."""
    mib = table(range(1, 50))
    answer = Sized(mib)
    client = Client()
    async with agent(answer) as server:
        for round_ in range(3):
            if round_ == 1:
                answer.answer = honest(
                    {o: (t, b"n" * 90 if t == OCTET_STRING else v) for o, (t, v) in mib.items()}
                )
            answer.sizes.clear()
            await walk(client, server.target(timeout=2), ROOT, Meter(), limit=9999)
    assert max(answer.sizes) <= 1472
    client.close()


ROWS = st.sets(st.one_of(st.integers(1, 60), st.sampled_from((127, 128, 16_383, 16_384, 2**31))), max_size=60)


@settings(deadline=None, max_examples=60)
@given(before=ROWS, after=ROWS, most=st.sampled_from((0, 3, 25)), skipping=st.booleans())
def test_rows_that_come_and_go_are_never_lost(
    before: set[int], after: set[int], most: int, *, skipping: bool
) -> None:
    """Whatever the plan says, a walk brings what the agent has now."""
    skip = frozenset((encode_oid(f"{ENTRY}.2"),)) if skipping else frozenset[bytes]()

    async def scene() -> None:
        client = Client()
        async with agent(honest(table(before, 5))) as there:
            target = there.target(timeout=2, max_repetitions=most)
            for rows in (before, after, after):
                there.answer = honest(mib := table(rows, 5))
                wanted = [
                    oid for oid in inside(mib) if not skipping or oid[: len(numbers(ROOT)) + 1][-1] != 2
                ]
                came, rest = await walk_all(client, target, (ROOT, OTHER), Meter(), limit=999, skip=skip)
                assert list(map(numbers, came.oids)) == wanted
                assert len(rest) == 1
        client.close()

    run_virtual(scene())


async def test_what_was_read_whole_is_foreseen_in_parts() -> None:
    """Leaving out a column costs no second round of guessing."""
    mib = table(range(1, 50))
    skip = frozenset((encode_oid(f"{ENTRY}.2"),))
    client = Client()
    async with agent(honest(mib)) as server:
        came = await walk(client, server.target(timeout=2), ROOT, Meter(), limit=9999)
        foresee(client, server.target(timeout=2), ROOT, came, skip)
        meter = Meter()
        await walk_all(client, server.target(timeout=2), (ROOT,), meter, limit=9999, skip=skip)
    assert meter.packets < len(came) // 40
    client.close()


def test_stretches_leave_out_columns() -> None:
    """Between them, at the ends, next to each other, inside each other, and all of it."""
    column = {n: encode_oid(f"{ENTRY}.{n}") for n in range(1, 8)}
    deeper = encode_oid(f"{ENTRY}.2.5")
    assert stretches(ROOT, frozenset()) == ((ROOT, b""),)
    assert stretches(ROOT, frozenset((ROOT,))) == ()
    assert stretches(ROOT, frozenset((column[2], column[3], deeper, column[6], OTHER))) == (
        (ROOT, column[2]), (column[4], column[6]), (column[7], b""),
    )  # fmt: skip
    assert stretches(ROOT, frozenset((encode_oid(f"{ENTRY}.4294967295"),)))[-1][1] != b""


def test_plans_are_bounded() -> None:
    """The longest unused goes first."""
    plans = Plans(limit=4)
    for name in "abc":
        plans.keep((name,), Plan((1, 1), (b"x",)))
        plans.find(("a",))
    assert (plans.pieces, plans.find(("b",)), plans.find(("a",)) is None) == (4, None, False)
    plans.keep(("a",), Plan((1,), ()))
    assert plans.pieces == 3


def test_an_object_larger_than_the_room_has_a_piece_to_itself() -> None:
    """It cannot be made smaller, and it takes nobody along."""
    oids = [encode_oid(f"{ENTRY}.1.{n}") for n in (1, 2, 3)]
    plan = plan_of(Varbinds(oids, [OCTET_STRING] * 3, [b"a", b"b" * 5000, b"c"]), 1400, 128)
    assert (plan.counts, plan.bounds) == ((1, 1, 1), (oids[0], oids[1]))
    assert plan_of(Varbinds(), 1400, 128) == Plan((0,), ())


def played(scene: Callable[[Client, Agent], Any], answer: Answer, delay: float = 0.0) -> Any:
    """A scene with an agent so many seconds away, in virtual time."""

    class Distant(Agent):
        def datagram_received(self, data: bytes, addr: Any) -> None:
            asyncio.get_running_loop().call_later(delay, super().datagram_received, data, addr)

    async def run() -> Any:
        loop = asyncio.get_running_loop()
        transport, server = await loop.create_datagram_endpoint(
            lambda: Distant(answer), local_addr=("127.0.0.1", 0)
        )
        client = Client()
        try:
            return await scene(client, server)
        finally:
            client.close()
            transport.close()

    return run_virtual(run())


def patient(server: Agent, **settings: Any) -> Target:
    """Three seconds for an answer, as the hosts of a config have."""
    return server.target(**{"timeout": 3.0, "retries": 2, **settings})


@pytest.mark.parametrize(("most", "share"), [(0, 0.2), (25, 0.5)])
def test_a_distant_device_takes_less_than_half_of_one_request_after_the_other(
    most: int, share: float
) -> None:
    """At 20 ms and once it is known, against 25 objects a time; with the same 25, by several at once."""
    mib = table(range(1, 50), columns=22)

    async def scene(client: Client, server: Agent) -> float:
        loop = asyncio.get_running_loop()
        for _ in range(3):
            begun = loop.time()
            await walk(client, patient(server, max_repetitions=most), ROOT, Meter(), limit=9999)
        return loop.time() - begun

    took = played(scene, honest(mib), delay=0.02)
    assert took < len(inside(mib)) / 25 * 0.02 * share


def test_a_distant_table_that_was_never_read_is_read_in_shares() -> None:
    """By its columns, as many at a time as the agent bears: whole, and in less than half of the time."""
    mib = table(range(1, 50), columns=22)
    columns = [encode_oid(f"{ENTRY}.{column}") for column in (*range(20, 1, -1), 9)]

    async def scene(client: Client, server: Agent) -> float:
        loop = asyncio.get_running_loop()
        for _ in range(2):
            await walk(client, patient(server), encode_oid("1.3.6.1.2.1.1"), Meter(), limit=9999)
        begun = loop.time()
        (came,) = await walk_all(client, patient(server), (ROOT,), Meter(), limit=9999, columns=columns)
        assert list(map(numbers, came.oids)) == inside(mib)
        return loop.time() - begun

    took = played(scene, honest(mib), delay=0.02)
    assert took < len(inside(mib)) / UNKNOWN * 0.02 * 0.4


def test_a_path_that_loses_large_replies_is_learned() -> None:
    """The first reading gets through with less, and the next ones lose nothing."""
    mib = table(range(1, 50))
    answer = Sized(mib)

    async def scene(client: Client, server: Agent) -> list[int]:
        retries = []
        for round_ in range(4):
            answer.limit = 65_535 if round_ == 0 else 700
            meter = Meter()
            came = await walk(client, patient(server), ROOT, meter, limit=9999)
            assert list(map(numbers, came.oids)) == inside(mib)
            retries.append(meter.retries)
        return retries

    retries = played(scene, answer)
    assert retries[1] > 0
    assert retries[2:] == [0, 0]


def test_a_single_loss_does_not_shrink_what_is_asked_for() -> None:
    """It is asked again for less, but later requests are as large as before."""
    mib = table(range(1, 50))
    honest_answer, lost = honest(mib), []

    def forgetful(request: Request) -> Iterable[bytes]:
        if len(lost) == 0 and request.max_repetitions > UNKNOWN:
            lost.append(request)
            return []
        return honest_answer(request)

    async def scene(client: Client, server: Agent) -> tuple[int, int]:
        meters = []
        for _ in range(3):
            meters.append(Meter())
            await walk(client, patient(server), ROOT, meters[-1], limit=9999)
        return client.max_repetitions(patient(server)), meters[-1].packets - meters[1].packets

    limit, difference = played(scene, forgetful)
    assert (limit, len(lost)) == (0, 1)
    assert difference <= 0


def test_what_an_agent_bears_is_tried_again_slowly() -> None:
    """After tooBig for more than 6, it is asked for more every so many readings, less and less often."""
    mib = table(range(1, 10), columns=4)
    serve = honest(mib)
    refused: list[int] = []

    def answer(request: Request) -> Iterable[bytes]:
        if request.max_repetitions > 6:
            refused.append(rounds)
            return [reply(request, status=1)]
        return serve(request)

    rounds = 0

    async def scene(client: Client, server: Agent) -> None:
        nonlocal rounds
        for rounds in range(100):  # noqa: B007
            await walk(client, patient(server), ROOT, Meter(), limit=9999)

    played(scene, answer)
    assert refused.count(0) == 2
    again = [round_ for round_ in refused if round_]
    assert 1 <= len(set(again)) <= 6


class Moody:
    """An honest agent that can be silent, and that knows one community."""

    def __init__(self, mib: Mib) -> None:
        self.answer = honest(mib)
        self.up = True

    def __call__(self, request: Request) -> Iterable[bytes]:
        """As the agent says it, to whom it says anything."""
        return self.answer(request) if self.up and request.community == b"public" else []


@pytest.mark.parametrize("cause", ["outage", "wrong community"])
def test_silence_alone_does_not_shrink_what_is_asked_for(cause: str) -> None:
    """An agent that was away, or met a wrong community, is read in as large datagrams as before."""
    mib = table(range(1, 50))
    answer = Moody(mib)

    async def scene(client: Client, server: Agent) -> list[int]:
        costs = []
        for round_ in range(10):
            answer.up = cause != "outage" or not 2 <= round_ < 7
            community = b"wrong" if cause != "outage" and 2 <= round_ < 7 else b"public"
            meter = Meter()
            try:
                await walk(client, patient(server, community=community), ROOT, meter, limit=9999)
                costs.append(meter.packets)
            except SnmpError as error:
                assert error.reason is Reason.TIMEOUT  # noqa: PT017
        return costs

    _, planned, first, *later = played(scene, answer)
    assert first <= planned + 2  # it begins small, with an agent that was silent
    assert later == [planned] * 2


def test_a_path_that_loses_all_that_is_large_is_learned_from_the_start() -> None:
    """Silence to the very first requests: the next reading begins small, and the one after that is whole."""
    mib = table(range(1, 50))
    answer = Sized(mib, limit=130)

    async def scene(client: Client, server: Agent) -> list[int]:
        whole = []
        for _ in range(6):
            try:
                came = await walk(client, patient(server), ROOT, Meter(), limit=9999)
                whole.append(len(came))
            except SnmpError as error:
                assert error.reason is Reason.TIMEOUT  # noqa: PT017
                whole.append(0)
        return whole

    came = played(scene, answer)
    assert came[0] == 0
    assert came[-3:] == [len(inside(mib))] * 3
