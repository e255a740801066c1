"""SNMP over TCP: messages cut anywhere, a stream that ends, garbage, and nobody there."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from netmon.errors import Reason
from netmon.snmp.ber import INTEGER, encode_oid
from netmon.snmp.client import Meter, SnmpError, Target
from netmon.snmp.message import Request, decode_request
from netmon.snmp.stream import patient, stream_client
from netmon.snmp.walk import get, walk
from tests.unit.snmp.agents import honest

ROOT = encode_oid("1.3.6.1.4.1.9")
MIB = {f"1.3.6.1.4.1.9.1.{row}.0": (INTEGER, row) for row in range(1, 200)}
Answer = Callable[[Request], list[bytes]]


@asynccontextmanager
async def agent(answer: Answer) -> AsyncIterator[Target]:
    """An agent on a stream, which writes its answers octet by octet at first; no answer ends the stream."""
    ended: list[asyncio.Event] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended.append(asyncio.Event())
        done = ended[-1]
        with suppress(OSError, asyncio.IncompleteReadError):
            await talk(reader, writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        done.set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.read(2):
            said = answer(decode_request(head + await reader.readexactly(head[1])))
            if not said:
                return
            for datagram in said:
                for octet in datagram[:5]:
                    writer.write(bytes((octet,)))
                    await asyncio.sleep(0)
                writer.write(datagram[5:])

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield Target("127.0.0.1", server.sockets[0].getsockname()[1], timeout=2.0, retries=1)
    finally:
        server.close()
        for event in ended:
            await event.wait()


async def walked(target: Target) -> int:
    """How many objects a walk over a new stream gives."""
    async with stream_client(patient(target)) as client:
        return len(await walk(client, patient(target), ROOT, Meter(), limit=1000))


async def test_a_walk_over_a_stream() -> None:
    """Answers are put together from whatever pieces they come in; several requests share the stream."""
    async with agent(lambda request: list(honest(MIB)(request))) as target:
        assert await walked(target) == len(MIB)
        async with stream_client(target) as client:
            meter = Meter()
            oids = [encode_oid(oid) for oid in MIB]
            found = await asyncio.gather(*(get(client, target, [oid], meter) for oid in oids[:20]))
    assert [table.values for table in found] == [[row] for row in range(1, 21)]
    assert (meter.packets, meter.retries) == (20, 0)


@pytest.mark.parametrize(
    ("said", "reason", "text"),
    [
        ([], Reason.CONNECTION_LOST, "closed the connection"),
        ([b"HTTP/1.1 400 Bad Request\r\n\r\n"], Reason.CONNECTION_LOST, "no SNMP message"),
        ([b"\x30\x80\x00\x00\x00\x00"], Reason.CONNECTION_LOST, "without a usable length"),
        ([b"\x30\x83\xff\xff\xff\x00"], Reason.CONNECTION_LOST, "a message of 16777215 octets"),
    ],
)
async def test_a_stream_that_breaks(said: list[bytes], reason: Reason, text: str) -> None:
    """The read ends at once, with what came instead."""
    async with agent(lambda _: said) as target:
        with pytest.raises(SnmpError, match=text) as caught:
            await walked(target)
    assert caught.value.reason is reason


async def test_nobody_there() -> None:
    """A refused connection says so and shows that the host lives."""
    server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    with pytest.raises(SnmpError) as caught:
        await walked(Target("127.0.0.1", port))
    assert (caught.value.reason, caught.value.alive) == (Reason.REFUSED, True)
