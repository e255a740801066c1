"""The client against agents of every temper, on asyncio's loop and on uvloop."""

import asyncio
import errno
import itertools
import os
import socket
from array import array
from typing import Any

import pytest

from netmon.errors import Reason
from netmon.snmp import exchange
from netmon.snmp.ber import INTEGER
from netmon.snmp.client import PATIENCE, Client, Meter, SnmpError, Target
from netmon.snmp.exchange import Ask, Steps
from netmon.snmp.gate import Standing
from netmon.snmp.message import GET, GETBULK, Request, Response, encode_varbind
from netmon.snmp.sockets import IcmpError, Socket
from tests.unit.snmp.agents import SYS_UPTIME, Answer, agent, one, reply, silent, until
from tests.unit.snmp.conftest import Run
from tests.virtual import VirtualLoop


async def ask(client: Client, target: Target, meter: Meter | None = None) -> Response:
    """One GET of sysUpTime."""
    return await client.request(target, GET, (SYS_UPTIME,), meter=meter)


async def fails(client: Client, target: Target, meter: Meter | None = None) -> SnmpError:
    """The error of one GET that must fail."""
    with pytest.raises(SnmpError) as caught:
        await ask(client, target, meter)
    return caught.value


def closed_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def with_client(answer: Answer, scene: Any) -> Any:
    """Run `scene(client, server)` against an agent."""

    async def play() -> None:
        client = Client()
        try:
            async with agent(answer) as server:
                await scene(client, server)
        finally:
            client.close()

    return play()


def test_a_request_is_answered_and_metered(run: Run) -> None:
    """The response holds the agent's varbinds; the meter counts datagrams and varbinds."""

    async def scene(client: Client, server: Any) -> None:
        meter = Meter()
        response = await ask(client, server.target(), meter)
        assert (response.varbinds.oids, response.varbinds.values) == ([SYS_UPTIME], [1])
        assert meter == Meter(packets=1, retries=0, varbinds=1)
        assert client.granted_rcvbuf > 0
        assert not client.is_silent(server.target())

    run(with_client(lambda request: [one(request)], scene))


def test_ipv6_is_spoken(run: Run) -> None:
    """An address is found again in whatever form it was written."""

    async def scene() -> None:
        client = Client()
        async with agent(lambda request: [one(request)], "::1") as server:
            for address in ("::1", "0:0:0:0:0:0:0:1"):
                await ask(client, Target(address, server.port, timeout=1))
        client.close()

    run(scene())


def test_silence_ends_as_timeout_with_one_request_id(run: Run) -> None:
    """Every send carries the same id; the error says how long and how often; then the peer is silent."""

    async def scene(client: Client, server: Any) -> None:
        meter = Meter()
        error = await fails(client, server.target(retries=2, timeout=0.02), meter)
        assert (error.reason, error.alive) == (Reason.TIMEOUT, False)
        assert str(error) == (
            f"GET of 1.3.6.1.2.1.1.3.0 to 127.0.0.1:{server.port}: no answer to 3 sends of 0.02 s each"
        )
        assert meter == Meter(packets=3, retries=2)
        assert len({request.request_id for request in server.seen}) == 1
        assert client.is_silent(server.target())

    run(with_client(silent, scene))


def test_a_reply_to_a_retransmission_counts_and_revives(run: Run) -> None:
    """A silent peer that answers is living again, and its request is whole."""

    def second_time(request: Request) -> list[bytes]:
        calls.append(request)
        return [one(request)] if len(calls) > 3 else []

    calls: list[Request] = []

    async def scene(client: Client, server: Any) -> None:
        await fails(client, server.target())
        assert client.is_silent(server.target())
        meter = Meter()
        await ask(client, server.target(), meter)
        assert (meter.packets, meter.retries) == (2, 1)
        assert not client.is_silent(server.target())

    run(with_client(second_time, scene))


def test_a_late_reply_is_counted_and_shows_life(run: Run) -> None:
    """It comes after the request was given up: too late for an answer, but the peer lives."""

    async def scene(client: Client, server: Any) -> None:
        await fails(client, server.target(retries=0))
        server.transport.sendto(one(server.seen[0]), server.peers[0])
        await until(lambda: not client.is_silent(server.target()))
        assert client.stats.late == 1

    run(with_client(silent, scene))


def test_duplicates_and_wrong_ids_are_counted(run: Run) -> None:
    """They disturb neither the request that they came with nor the next one."""

    def answer(request: Request) -> list[bytes]:
        return [reply(request, shift=-5), reply(request, shift=99), one(request), one(request), one(request)]

    async def scene(client: Client, server: Any) -> None:
        for _ in range(3):
            response = await ask(client, server.target(timeout=2))
            assert response.varbinds.values == [1]
        await until(lambda: client.stats.duplicate == 6)
        assert client.stats.unmatched == 6

    run(with_client(answer, scene))


def test_a_reply_from_another_address_is_not_taken(run: Run) -> None:
    """Right id, wrong sender: counted as foreign, and the error names the stranger."""

    async def scene(client: Client, server: Any) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind(("127.0.0.2", 0))
            server.answer = lambda request: (stranger.sendto(one(request), server.peers[-1]), ())[1]
            error = await fails(client, server.target())
        assert (error.reason, error.alive) == (Reason.TIMEOUT, False)
        assert str(error).endswith("; 127.0.0.2 answered instead")
        assert client.stats.foreign == 2

    run(with_client(silent, scene))


def test_a_reply_from_another_address_is_taken_where_it_is_allowed(run: Run) -> None:
    """By its request-id; one that fits no request of the kind is foreign all the same."""

    async def scene(client: Client, server: Any) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind(("127.0.0.2", 0))
            server.answer = lambda request: (stranger.sendto(one(request), server.peers[-1]), ())[1]
            response = await ask(client, server.target(timeout=2, any_source=True))
            assert response.varbinds.values == [1]
            server.answer = lambda request: (
                stranger.sendto(reply(request, shift=1), server.peers[-1]),
                stranger.sendto(b"?", server.peers[-1]),
                [],
            )[2]
            error = await fails(client, server.target(any_source=True))
            assert error.reason is Reason.TIMEOUT

    run(with_client(silent, scene))


@pytest.mark.parametrize(
    "garbage",
    [b"\x00", b"\x30", b"220 mail.example.org ESMTP\r\n", bytes(65_507), b"\x30\x84\xff\xff\xff\xff" * 99],
)
def test_garbage_ends_as_malformed_reply(run: Run, garbage: bytes) -> None:
    """Whatever its size, it is counted, the host lives, and a good reply after it still counts."""

    async def scene(client: Client, server: Any) -> None:
        error = await fails(client, server.target())
        assert (error.reason, error.alive) == (Reason.MALFORMED_REPLY, True)
        assert client.stats.malformed == 2
        assert not client.is_silent(server.target())
        server.answer = lambda request: [garbage, one(request)]
        await ask(client, server.target(timeout=2))

    run(with_client(lambda _: [garbage], scene))


def test_a_closed_port_is_refused_at_once_and_harms_no_neighbour(run: Run) -> None:
    """ICMP names its peer; the pending error that it leaves does not fail sends to other hosts."""

    async def scene(client: Client, server: Any) -> None:
        dead = Target("127.0.0.1", closed_port(), timeout=5)
        neighbour = server.target(timeout=2)
        for _ in range(3):
            both = await asyncio.gather(
                *(fails(client, dead) for _ in range(10)), *(ask(client, neighbour) for _ in range(10))
            )
            for error in both[:10]:
                assert (error.reason, error.alive) == (Reason.REFUSED, True)
                assert "ICMP port unreachable" in str(error)
        assert client.stats.icmp > 0
        assert not client.is_silent(dead)

    run(with_client(lambda request: [one(request)], scene))


def test_cancelling_withdraws_the_request(run: Run) -> None:
    """No retransmission follows, and its place is free."""

    async def scene(client: Client, server: Any) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await ask(client, server.target(timeout=0.03, retries=5))
        await asyncio.sleep(0.1)
        assert len(server.seen) == 1
        assert not client._pending
        assert all(door.gate.in_flight == 0 for door in client._doors.values())

    run(with_client(silent, scene))


def test_closing_ends_what_is_under_way(run: Run) -> None:
    """Requests end with a reason of netmon's own side, and so do later ones."""

    async def scene(client: Client, server: Any) -> None:
        waiting = asyncio.create_task(fails(client, server.target(timeout=5)))
        await asyncio.sleep(0)
        client.close()
        for error in (await waiting, await fails(client, server.target())):
            assert (error.reason, error.alive) == (Reason.LOCAL_ERROR, None)
            assert "closed" in str(error)

    run(with_client(silent, scene))


@pytest.mark.parametrize(
    ("address", "port"), [("mx1.example.org", 161), ("", 161), ("127.0.0.1\0", 161), ("x" * 99, 1)]
)
async def test_a_name_is_refused_unresolved(address: str, port: int) -> None:
    """Resolving would block; asking whether a name is silent is no error."""
    client = Client()
    error = await fails(client, Target(address, port))
    assert (error.reason, error.alive) == (Reason.LOCAL_ERROR, None)
    assert not client.is_silent(Target(address, port))
    client.close()


class FailingSocket(Socket):
    """A socket whose sends fail as those of a machine without a route."""

    number = errno.ENETUNREACH

    def send(self, datagram: bytes, peer: Any) -> Any:
        """Fail."""
        del datagram, peer
        return OSError(self.number, "no way"), []


@pytest.mark.parametrize(
    ("number", "reason"), [(errno.ENETUNREACH, Reason.NO_ROUTE), (errno.EACCES, Reason.LOCAL_ERROR)]
)
async def test_what_this_machine_cannot_send_is_untestable(
    monkeypatch: pytest.MonkeyPatch, number: int, reason: Reason
) -> None:
    """No route is netmon's own side: nothing is known of the host, so `alive` is None."""
    monkeypatch.setattr(exchange, "Socket", FailingSocket)
    monkeypatch.setattr(FailingSocket, "number", number)
    client = Client()
    error = await fails(client, Target("192.0.2.1"))
    assert (error.reason, error.alive) == (reason, None)
    assert "no way" in str(error)
    client.close()


async def test_a_missing_address_family_is_no_route(monkeypatch: pytest.MonkeyPatch) -> None:
    """IPv6 may be switched off."""

    def no_ipv6(_: int) -> Socket:
        raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")

    monkeypatch.setattr(exchange, "Socket", no_ipv6)
    error = await fails(Client(), Target("::1"))
    assert (error.reason, error.alive) == (Reason.NO_ROUTE, None)


@pytest.mark.parametrize(
    ("number", "by_peer", "reason", "alive"),
    [
        (errno.EHOSTUNREACH, False, Reason.UNREACHABLE, False),
        (errno.ENETUNREACH, False, Reason.UNREACHABLE, False),
        (errno.ECONNREFUSED, True, Reason.REFUSED, True),
        (errno.ECONNREFUSED, False, Reason.REFUSED, False),
    ],
)
async def test_icmp_errors_are_told_apart(number: int, *, by_peer: bool, reason: Reason, alive: bool) -> None:
    """Unreachable is a hint that names the reason in the end; a refusal by another host proves no life."""
    client = Client()
    async with agent(silent) as server:
        waiting = asyncio.create_task(fails(client, server.target()))
        await until(lambda: bool(server.seen))
        door = client._doors[socket.AF_INET]
        client._on_icmp(door, [IcmpError(("127.0.0.1", server.port), number, by_peer)])
        client._on_icmp(door, [IcmpError(("127.0.0.9", 9), number, by_peer)])
        error = await waiting
    assert (error.reason, error.alive) == (reason, alive)
    client.close()


async def test_silence_in_mid_run_is_no_sign_of_death() -> None:
    """The meter of a run that has heard the host says that it lives."""
    client = Client()
    async with agent(silent) as server:
        error = await fails(client, server.target(retries=0), Meter(varbinds=7))
    assert (error.reason, error.alive) == (Reason.TIMEOUT, True)
    client.close()


def test_a_community_does_not_print() -> None:
    """A target may be logged."""
    assert "hush" not in repr(Target("192.0.2.1", community=b"hush"))
    assert str(Target("2001:db8::1")) == "[2001:db8::1]:161"


def test_request_ids_cannot_be_foretold_and_skip_those_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are positive 31-bit numbers, random: a device that knows its own does not know its neighbour's."""
    client = Client()
    ids = [client._ids.draw() for _ in range(3_000)]
    assert all(0 < number <= 0x7FFFFFFF for number in ids)
    steps = {(after - before) % 2**31 for before, after in itertools.pairwise(ids)}
    assert len(steps) > 2_990
    drawn = array("I", (0x80000005, 7, 2, 0, 1))  # from the end
    monkeypatch.setattr(os, "urandom", lambda _: drawn.tobytes())
    client._ids._drawn = array("I")
    client._pending[1] = client._pending[2] = None  # type: ignore[assignment]
    assert [client._ids.draw() for _ in range(2)] == [7, 5]


async def test_the_memory_of_peers_is_bounded() -> None:
    """The least recently asked is forgotten, but never one that is being asked."""
    client = Client(peers=3)
    async with agent(silent) as server:
        waiting = asyncio.create_task(fails(client, server.target(retries=0)))
        await asyncio.sleep(0)
        for last in range(2, 9):
            client.learn_max_repetitions(Target(f"127.0.0.{last}"), 5)
        assert len(client._peers) <= 4
        assert ("127.0.0.1", server.port) in client._peers
        assert client.max_repetitions(Target("127.0.0.8")) == 5
        assert client.max_repetitions(Target("127.0.0.2")) == 0
        await waiting
    client.close()


def test_a_thousand_dead_hosts_delay_no_living_one() -> None:
    """From a cold start, when all die at one moment, and ever after; in virtual time."""
    client = Client()

    async def living(target: Target, meter: Meter) -> float:
        began = asyncio.get_running_loop().time()
        for _ in range(20):
            await client.request(target, GETBULK, (SYS_UPTIME,), 0, 25, meter=meter)
        return asyncio.get_running_loop().time() - began

    async def scene(abyss: socket.socket) -> None:
        port = abyss.getsockname()[1]
        dead = [Target(f"127.1.{n // 250}.{n % 250 + 1}", port, timeout=3) for n in range(1_000)]
        async with agent(lambda request: [one(request)]) as server:
            target, meter = server.target(timeout=3), Meter()
            # (all had been answering until now, seconds that the living may be held up)
            for died_now, bound in ((False, 0.6), (False, 0.1), (True, 5.0)):
                if died_now:
                    client._doors[socket.AF_INET].gate.window = 92  # that of Linux's default buffer
                    for peer in client._peers.values():
                        peer.standing = Standing.ANSWERING
                asked = [asyncio.create_task(fails(client, one_dead)) for one_dead in dead]
                await asyncio.sleep(0)
                assert await living(target, meter) < bound
                assert {error.reason for error in await asyncio.gather(*asked)} == {Reason.TIMEOUT}
                assert all(map(client.is_silent, dead))
            assert meter == Meter(packets=60, retries=0, varbinds=60)
            assert client._doors[socket.AF_INET].gate.in_flight == 0
        client.close()

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as abyss:
        abyss.bind(("0.0.0.0", 0))  # every address of 127/8: hosts that never answer
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(scene(abyss))


async def test_the_window_bounds_what_is_in_flight() -> None:
    """However many are asked at once, no more than the window are out, and all are answered."""
    client = Client()
    held: list[int] = []

    def answer(request: Request) -> list[bytes]:
        held.append(client._doors[socket.AF_INET].gate.in_flight)
        return [reply(request, encode_varbind(SYS_UPTIME, INTEGER, 1))]

    async with agent(answer) as server:
        target = server.target(timeout=5)
        await ask(client, target)
        client._doors[socket.AF_INET].gate.window = 7
        await asyncio.gather(*(ask(client, target) for _ in range(200)))
    assert len(held) == 201
    assert max(held) == 7
    client.close()


def test_a_request_that_waits_for_its_turn_has_no_deadline_yet() -> None:
    """The one before it in the conversation leaves none behind; in virtual time."""

    def answer(request: Request) -> list[bytes]:
        return [] if request.max_repetitions else [one(request)]

    async def scene() -> None:
        client = Client()
        async with agent(answer) as server:
            patient, hasty = server.target(timeout=3, retries=0), server.target(timeout=0.1, retries=1)
            await ask(client, patient)
            client._doors[socket.AF_INET].gate.window = 1
            meter = Meter()

            def two_steps() -> Steps[None]:
                yield Ask(GET, (SYS_UPTIME,))
                assert server.seen[-1].pdu_type == GET
                yield Ask(GET, (SYS_UPTIME,))

            talk = asyncio.create_task(client.converse(hasty, two_steps(), meter))
            await asyncio.sleep(0)
            # It gets the only place between the two steps, and keeps it for a while.
            blocker = asyncio.create_task(client.request(patient, GETBULK, (SYS_UPTIME,), 0, 25))
            began = asyncio.get_running_loop().time()
            await talk
            assert asyncio.get_running_loop().time() - began == pytest.approx(PATIENCE, abs=0.01)
            assert (meter.packets, meter.retries) == (2, 0)
            with pytest.raises(SnmpError):
                await blocker
        client.close()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(scene())


async def test_what_a_conversation_raises_is_for_who_holds_it() -> None:
    """It ends that conversation and no other, whatever it is; so does one that asks nothing."""
    client = Client()

    def stumbles() -> Steps[None]:
        yield Ask(GET, (SYS_UPTIME,))
        raise LookupError("a defect")

    def asks_nothing() -> Steps[int]:
        return 7
        yield

    async with agent(lambda request: [one(request)]) as server:
        target = server.target(timeout=2)
        with pytest.raises(LookupError, match="a defect"):
            await client.converse(target, stumbles(), Meter())
        assert await client.converse(target, asks_nothing(), Meter()) == 7
        await ask(client, target)
    assert not client._pending
    assert client._doors[socket.AF_INET].gate.in_flight == 0
    client.close()
