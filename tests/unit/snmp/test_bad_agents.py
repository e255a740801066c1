"""Bad agents: each ends by its deadline with its own reason, and harms no neighbour.

A healthy agent on the same socket is polled through all of it, in virtual time: it gets its table at
every round and never waits for the bad one.
"""

import asyncio
import struct
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from netmon.errors import Reason
from netmon.snmp.ber import COUNTER32, INTEGER, NULL, OCTET_STRING, OPAQUE, SEQUENCE, encode_oid, tlv
from netmon.snmp.client import Client, Meter, SnmpError, Target
from netmon.snmp.exchange import MOST_OCTETS, Stats
from netmon.snmp.message import Request, Varbinds, decode_request, encode_varbind
from netmon.snmp.walk import get, walk
from tests.unit.snmp.agents import Agent, agent, honest, numbers, reply, silent
from tests.virtual import run_virtual

TABLE = "1.3.6.1.2.1.2.2.1"
ROOT = encode_oid(TABLE)
MIB = {f"{TABLE}.{column}.{row}": (COUNTER32, row) for column in (1, 2) for row in range(1, 40)}
serve = honest(MIB)
DELAY = 0.01  # seconds that an agent takes
PATIENCE = 2.0  # of the client: two sends of a second each
DEADLINE = 8.0

Datagrams = Iterable[bytes | tuple[float, bytes]]
Bad = Callable[[Request], Datagrams]


class Slow(Agent):
    """Answers after a while; a datagram may bring its own delay, and may come from another socket."""

    stranger: Any = None

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Note the request, and answer it later."""
        loop = asyncio.get_running_loop()
        request = decode_request(data)
        self.seen.append(request)
        for item in self.answer(request):
            delay, datagram = item if isinstance(item, tuple) else (DELAY, item)
            transport = self.stranger or self.transport
            loop.call_later(delay, transport.sendto, datagram, addr)


async def neighbour(client: Client, target: Target, until: float) -> list[float]:
    """A healthy agent polled twice a second; how long each round took."""
    loop = asyncio.get_running_loop()
    took = []
    while loop.time() < until:
        begun = loop.time()
        table = await walk(client, target, ROOT, Meter(), limit=1000)
        assert list(map(numbers, table.oids)) == sorted(numbers(encode_oid(oid)) for oid in MIB)
        took.append(loop.time() - begun)
        await asyncio.sleep(0.5)
    return took


def meet(
    bad: Bad, *, one_object: bool = False, stranger: bool = False, **settings: Any
) -> tuple[Varbinds | SnmpError | None, float, Stats]:
    """What became of reading a bad agent (None: the deadline came), after how long, and the strays."""

    async def scene() -> tuple[Varbinds | SnmpError | None, float, Stats]:
        loop = asyncio.get_running_loop()
        evil, good = [
            await loop.create_datagram_endpoint(
                lambda answer=answer: Slow(answer), local_addr=("127.0.0.1", 0)
            )
            for answer in (bad, serve)
        ]
        other, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0))
        evil[1].stranger = other if stranger else None
        client = Client()
        target = evil[1].target(**{"timeout": PATIENCE / 2, "retries": 1, **settings})
        beside = asyncio.create_task(
            neighbour(client, good[1].target(timeout=PATIENCE / 2, retries=1), loop.time() + DEADLINE)
        )
        await asyncio.sleep(1.0)
        begun = loop.time()
        came: Varbinds | SnmpError | None
        try:
            async with asyncio.timeout(DEADLINE):
                if one_object:
                    came = await get(client, target, [encode_oid(f"{TABLE}.1.1")], Meter())
                else:
                    came = await walk(client, target, ROOT, Meter(), limit=1000)
        except SnmpError as error:
            came = error
        except TimeoutError:
            came = None
        took = loop.time() - begun
        rounds = await beside
        # At most ten requests in turn, in the first round; never a retry.
        assert len(rounds) >= DEADLINE
        assert max(rounds) < 12 * DELAY
        stats = client.stats
        client.close()
        for transport in (evil[0], good[0], other):
            transport.close()
        return came, took, stats

    return run_virtual(scene())


def row(number: int, value: bytes = b"\x02\x01\x01") -> bytes:
    """A varbind of the table's first column, with a value as it is on the wire."""
    return tlv(SEQUENCE, tlv(6, encode_oid(f"{TABLE}.1.{number}")) + value)


def counting(step: Callable[[int], int]) -> Bad:
    """One object a reply, whose index is a function of the number of the reply."""
    calls: list[Request] = []

    def answer(request: Request) -> Datagrams:
        calls.append(request)
        return [reply(request, row(step(len(calls))))]

    return answer


def endless(request: Request) -> Datagrams:
    """Always ten more, and always larger."""
    last = numbers(request.varbinds.oids[0])
    number = last[-1] if len(last) == len(numbers(ROOT)) + 2 else 0
    return [reply(request, *(row(number + n) for n in range(1, 11)))]


def after(count: int, then: Bad) -> Bad:
    """Honest for so many requests, and then not."""
    calls: list[Request] = []

    def answer(request: Request) -> Datagrams:
        calls.append(request)
        return serve(request) if len(calls) <= count else then(request)

    return answer


def negative_length(request: Request) -> Datagrams:
    """The varbinds' length says 0x80 and more, as if it had a sign."""
    good = bytearray(reply(request, row(1)))
    good[good.index(b"\x30", 10) + 1] = 0xFF
    return [bytes(good)]


def beyond_the_end(request: Request) -> Datagrams:
    """Lengths of four and eight octets that point far behind the datagram."""
    good = reply(request, row(1))
    return [b"\x30\x84\xff\xff\xff\xff" + good[2:], b"\x30\x88" + b"\xff" * 8 + good[2:]]


BROKEN: dict[str, Bad] = {
    "truncated": lambda request: [reply(request, row(1), row(2))[:-7]],
    "an octet": lambda _: [b"\x30"],
    "noise": lambda _: [bytes(range(256))],
    "oversized": lambda request: [reply(request, row(1, tlv(OCTET_STRING, b"x" * 65_000)))[:-1] + b""],
    "negative lengths": negative_length,
    "lengths beyond the end": beyond_the_end,
    "indefinite length": lambda request: [b"\x30\x80" + reply(request, row(1))[2:] + b"\0\0"],
    "counter with a sign": lambda request: [reply(request, row(1, b"\x41\x01\xff\x00"))],
    "nine octets of a counter": lambda request: [reply(request, row(1, tlv(COUNTER32, b"\x01" * 9)))],
    "an unknown type": lambda request: [reply(request, row(1, b"\x7f\x01\x01"))],
    "a request in place of a response": lambda request: [reply(request, row(1)).replace(b"\xa2", b"\xa0", 1)],
    "a cut sub-identifier": lambda request: [
        reply(request, tlv(SEQUENCE, tlv(6, ROOT + b"\x81") + b"\x02\x01\x01"))
    ],
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_response_is_malformed(name: str) -> None:
    """It is passed over in the hope of a better one, until the sends have run out."""
    came, took, stats = meet(BROKEN[name])
    assert isinstance(came, SnmpError)
    assert (came.reason, came.alive) == (Reason.MALFORMED_REPLY, True)
    assert took == pytest.approx(PATIENCE, abs=0.1)
    assert stats.malformed >= 2


@pytest.mark.parametrize(
    ("bad", "reason", "patience"),
    [
        (counting(lambda _: 7), Reason.NOT_INCREASING, 1.0),
        (counting(lambda n: 100 - n), Reason.NOT_INCREASING, 1.0),
        (endless, Reason.ENDLESS_TABLE, 3.0),
        (after(2, lambda _: []), Reason.TIMEOUT, PATIENCE + 0.5),
        (after(2, lambda request: [reply(request, status=5, index=1)]), Reason.AGENT_ERROR, 1.0),
        (after(2, lambda request: [reply(request, status=16, index=1)]), Reason.AUTHORIZATION_ERROR, 1.0),
        (lambda request: [reply(request, status=1)], Reason.TOO_BIG, 1.0),
        (lambda request: [reply(request)], Reason.TOO_BIG, 1.0),
        (silent, Reason.TIMEOUT, PATIENCE + 0.5),
        (lambda request: [reply(request, row(1), shift=1)], Reason.TIMEOUT, PATIENCE + 0.5),
        (lambda request: [(PATIENCE + 1, reply(request, row(1)))], Reason.TIMEOUT, PATIENCE + 0.5),
    ],
    ids=[
        "repeating", "decreasing", "endless", "silence in mid-walk", "an error in mid-walk",
        "forbidden in mid-walk", "tooBig", "no objects", "silence", "a wrong request-id", "too late",
    ],
)  # fmt: skip
def test_each_ends_with_its_own_reason(bad: Bad, reason: Reason, patience: float) -> None:
    """And none of them takes longer than its sends."""
    came, took, _ = meet(bad)
    assert isinstance(came, SnmpError)
    assert came.reason is reason
    assert took < patience


def test_an_endless_table_that_is_slow_ends_with_the_deadline() -> None:
    """The limit on its objects would come later."""
    came, took, _ = meet(lambda request: [(0.2, datagram) for datagram in endless(request)])  # type: ignore[misc]
    assert (came, took) == (None, pytest.approx(DEADLINE, abs=0.01))


def test_another_address_may_not_answer() -> None:
    """It is counted, named, and not believed."""
    came, _, stats = meet(serve, stranger=True)
    assert isinstance(came, SnmpError)
    assert (came.reason, came.alive) == (Reason.TIMEOUT, False)
    assert "127.0.0.1 answered instead" in str(came)
    assert stats.foreign == 2


def test_duplicates_are_counted_and_nothing_else() -> None:
    """Every reply three times."""
    came, took, stats = meet(lambda request: [*serve(request)] * 3)
    assert isinstance(came, Varbinds)
    assert len(came) == len(MIB)
    assert stats.duplicate > 0
    assert took < 1.0


def test_a_reply_to_the_first_send_counts_after_the_second() -> None:
    """The request-id is the same, so late is not lost."""
    came, took, _ = meet(
        lambda request: [(PATIENCE / 2 + 0.2, one) for one in serve(request)], one_object=True
    )
    assert isinstance(came, Varbinds)
    assert took == pytest.approx(PATIENCE / 2 + 0.2, abs=0.05)


def test_more_objects_than_asked_for_are_taken_as_they_are() -> None:
    """A GETBULK may be answered with more than its repetitions: in order, they are only more of the table."""

    def generous(request: Request) -> Datagrams:
        request.max_repetitions *= 3
        return serve(request)

    came, _, _ = meet(generous)
    assert isinstance(came, Varbinds)
    assert list(map(numbers, came.oids)) == sorted(numbers(encode_oid(oid)) for oid in MIB)


@pytest.mark.parametrize("varbinds", [(row(2),), (row(1), row(2)), ()], ids=["another", "one more", "none"])
def test_a_get_takes_only_what_it_asked_for(varbinds: tuple[bytes, ...]) -> None:
    """A value must not stand under another name."""
    came, took, _ = meet(lambda request: [reply(request, *varbinds)], one_object=True)
    assert isinstance(came, SnmpError)
    assert came.reason is Reason.MALFORMED_REPLY
    assert took < 1.0


@pytest.mark.parametrize("oid", ["1.3.6.1.4.1.9.1.0", "1.3.6.1.2.1.1.3.0"], ids=["behind", "before"])
def test_objects_from_elsewhere_end_a_walk(oid: str) -> None:
    """Outside the subtree is its end; before it, for agents that begin again where the MIB ends."""
    elsewhere = encode_varbind(encode_oid(oid), INTEGER, 1)
    came, _, _ = meet(lambda request: [reply(request, elsewhere)])
    assert isinstance(came, Varbinds)
    assert len(came) == 0


def test_an_object_of_the_table_behind_one_from_elsewhere_is_out_of_order() -> None:
    """It is told, since who knows what else is missing."""
    elsewhere = encode_varbind(encode_oid("1.3.6.1.4.1.9.1.0"), INTEGER, 1)
    came, _, _ = meet(lambda request: [reply(request, elsewhere, row(1))])
    assert isinstance(came, SnmpError)
    assert came.reason is Reason.NOT_INCREASING


def test_opaque_in_opaque_is_octets() -> None:
    """What is wrapped a thousand times is not unwrapped, and so costs nothing."""
    nested = b"\x02\x01\x01"
    for _ in range(1000):
        nested = tlv(OPAQUE, nested)
    came, _, _ = meet(lambda request: [reply(request, row(1, nested), row(2, b"\x05\x00"))])
    assert isinstance(came, SnmpError)  # the same reply again, which does not increase
    assert came.reason is Reason.NOT_INCREASING


@pytest.mark.parametrize("count", [2_000, 3_800])
def test_a_reply_full_of_objects_is_read_and_bounded(count: int) -> None:
    """As many as a datagram holds; beyond the limit it is an endless table."""
    column = ROOT + b"\x01"
    varbinds = [
        tlv(SEQUENCE, tlv(6, column + struct.pack(">BB", 0x80 | n >> 7, n & 0x7F)) + b"\x05\0")
        for n in range(128, 128 + count)
    ]
    came, took, _ = meet(lambda request: [reply(request, *varbinds)])
    assert isinstance(came, SnmpError)
    assert came.reason is Reason.ENDLESS_TABLE
    assert took < 1.0


def test_the_wrong_version_is_not_believed_for_its_content() -> None:
    """A reply in SNMPv1 to a question in SNMPv2c still has to have the objects that were asked for."""

    def old(request: Request) -> Datagrams:
        request.version = 1
        return serve(request)

    came, _, _ = meet(old, one_object=True)
    assert isinstance(came, Varbinds)
    assert came.tags != [NULL]


def test_objects_that_are_few_and_large_do_not_fill_the_memory() -> None:
    """A module takes so many octets and no more, in however many readings and lanes."""
    large = tlv(OCTET_STRING, b"x" * 60_000)
    calls: list[Request] = []

    def answer(request: Request) -> list[bytes]:
        calls.append(request)
        return [reply(request, row(len(calls), large))]

    async def scene() -> SnmpError:
        client = Client()
        async with agent(answer) as server:
            meter = Meter(octets=MOST_OCTETS - 200_000)  # what came before
            with pytest.raises(SnmpError) as caught:
                await walk(client, server.target(), ROOT, meter, limit=1000)
        client.close()
        return caught.value

    error = run_virtual(scene())
    assert error.reason is Reason.ENDLESS_TABLE
    assert "32 MiB" in str(error)
    assert len(calls) == 4
