"""UDP agents for tests, in the test's own process: honest, broken and hostile ones.

An agent is a function from a request to the datagrams that it sends back.
"""

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from operator import itemgetter
from typing import Any

from netmon.snmp.ber import END_OF_MIB_VIEW, INTEGER, NO_SUCH_OBJECT, Value, decode_oid, encode_oid
from netmon.snmp.client import Target
from netmon.snmp.message import (
    GET,
    GETBULK,
    NO_SUCH_NAME,
    Request,
    decode_request,
    encode_response,
    encode_varbind,
)

SYS_UPTIME = encode_oid("1.3.6.1.2.1.1.3.0")
Answer = Callable[[Request], Iterable[bytes]]


class Agent(asyncio.DatagramProtocol):
    """An agent on the loopback; `seen` holds the requests that came."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.seen: list[Request] = []
        self.peers: list[Any] = []
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, to answer by."""
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Answer as this agent does."""
        request = decode_request(data)
        self.seen.append(request)
        self.peers.append(addr)
        for datagram in self.answer(request):
            self.transport.sendto(datagram, addr)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.transport.get_extra_info("sockname")[1])

    def target(self, **settings: Any) -> Target:
        """How to reach it; impatient, since a loopback is fast."""
        return Target("127.0.0.1", self.port, **{"timeout": 0.05, "retries": 1, **settings})


@asynccontextmanager
async def agent(answer: Answer, address: str = "127.0.0.1") -> AsyncIterator[Agent]:
    """Run an agent on an ephemeral port."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(lambda: Agent(answer), local_addr=(address, 0))
    try:
        yield protocol
    finally:
        transport.close()


def reply(request: Request, *varbinds: bytes, status: int = 0, index: int = 0, shift: int = 0) -> bytes:
    """A response to `request`; `shift` falsifies its request-id."""
    community = request.community
    return encode_response(request.version, community, request.request_id + shift, status, index, varbinds)


def one(request: Request) -> bytes:
    """The answer 1 to whatever single object was asked for."""
    return reply(request, encode_varbind(request.varbinds.oids[0], INTEGER, 1))


def silent(_: Request) -> list[bytes]:
    """No answer."""
    return []


def numbers(oid: bytes) -> tuple[int, ...]:
    """The sub-identifiers, found by another way than the code under test."""
    return tuple(map(int, decode_oid(oid).split(".")))


def honest(mib: dict[str, tuple[int, Value]]) -> Answer:
    """An agent that serves `mib` as RFC 1157 and RFC 3416 want it."""
    ordered = sorted((numbers(encode_oid(oid)), encode_oid(oid), *mib[oid]) for oid in mib)

    def answer(request: Request) -> list[bytes]:
        repetitions = request.max_repetitions if request.pdu_type == GETBULK else 1
        varbinds: list[bytes] = []
        for oid in request.varbinds.oids:
            if request.pdu_type == GET:
                found = [row for row in ordered if row[1] == oid]
            else:
                at = bisect_right(ordered, numbers(oid), key=itemgetter(0))
                found = ordered[at : at + repetitions]
            if not found and request.version == 1:
                return [reply(request, encode_varbind(oid), status=NO_SUCH_NAME, index=1)]
            absent = NO_SUCH_OBJECT if request.pdu_type == GET else END_OF_MIB_VIEW
            varbinds += [encode_varbind(*row[1:]) for row in found] or [encode_varbind(oid, absent)]
        return [reply(request, *varbinds)]

    return answer


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop turn until `condition` holds; TimeoutError after five seconds."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - counters raise no event
            await asyncio.sleep(0)
