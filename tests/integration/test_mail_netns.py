"""Routes, black holes and forbidden pings made for real, in network namespaces of their own."""

import asyncio
import ctypes
import subprocess
import threading
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from netmon.errors import Reason
from netmon.icmp import Pinger, PingError
from netmon.mail.slots import Slots
from netmon.model import Result
from netmon.probes import smtp
from tests.servers import evil_smtp as evil
from tests.servers.mail_checks import LOOPS, make_check, make_context, run_on

_NEWNET = 0x40000000  # CLONE_NEWNET, unshare(2): of the calling thread alone
T = TypeVar("T")

LAN = (
    "ip link set lo up",
    "ip link add d0 type veth peer name d1",
    "ip addr add 198.51.100.1/24 dev d0",
    "ip link set d0 up",
    "ip link set d1 up",
)
QUICK = "ip ntable change name arp_cache dev d0 retrans 20"
ANYBODY = "sysctl net.ipv4.ping_group_range=0\t2147483647"
HOLE = (
    "ip link set lo up",
    "ip link add hole type veth peer name bottom",
    "ip addr add 203.0.113.1/24 dev hole",
    "ip link set hole arp off",  # every packet goes out, and nobody is there to take it
    "ip link set bottom up",
    "ip link set hole up",
)


def in_namespace(scene: Callable[[], Awaitable[T]], *commands: str, loop: str = "asyncio") -> T:
    """Run `scene` in a thread that has a fresh network, after `commands` there."""
    result: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            failed = ctypes.CDLL(None).unshare(_NEWNET)
            assert not failed, "a network namespace of its own needs root"
            for command in commands:
                subprocess.run(command.split(" "), check=True, capture_output=True)

            async def main() -> T:
                return await scene()

            result.append(run_on(loop, main()))
        except BaseException as error:  # noqa: BLE001 (raised again in the test's own thread)
            failure.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return result[0]


async def pinged(address: str, seconds: float = 2.0) -> Reason:
    """How one echo ends."""
    pinger = Pinger()
    try:
        await pinger.ping(address, seconds)
    except PingError as error:
        return error.reason
    finally:
        pinger.close()
    return Reason.OK


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_no_route(address: str) -> None:
    """A machine without a route to the address cannot test it: SMTP and ping both say so."""
    seen = in_namespace(lambda: smtp.probe(make_check(25, address=address), make_context()))
    assert (seen.result, seen.reason, seen.alive) == (Result.UNTESTABLE, Reason.NO_ROUTE, None), seen.detail
    assert in_namespace(lambda: pinged(address)) is Reason.NO_ROUTE


def test_silent_neighbour() -> None:
    """An address on the own network that nobody has is unreachable, which is the host's fault."""
    seen = in_namespace(
        lambda: smtp.probe(make_check(25, address="198.51.100.9"), make_context()), *LAN, QUICK
    )
    assert (seen.result, seen.reason, seen.alive) == (Result.FAILED, Reason.UNREACHABLE, False), seen.detail
    assert in_namespace(lambda: pinged("198.51.100.9"), *LAN, QUICK) is Reason.UNREACHABLE


def test_black_holes() -> None:
    """Many addresses that swallow everything time out, and a living server hardly waits for them."""

    async def scene() -> tuple[set[Reason], list[float]]:
        loop = asyncio.get_running_loop()
        ctx = make_context(slots=Slots(living=5, silent=60, patience=0.05))
        waits = []
        reasons = set()
        async with evil.serving(evil.honest(None)) as server:
            for _ in range(2):  # unknown at first, then known to be silent
                holes = [
                    asyncio.create_task(
                        smtp.probe(make_check(25, address=f"203.0.113.{n}", deadline=1.2, timeout=1), ctx)
                    )
                    for n in range(2, 52)
                ]
                await asyncio.sleep(0)
                begun = loop.time()
                alive = await smtp.probe(make_check(server.port, tls="none"), ctx)
                waits.append(loop.time() - begun)
                assert alive.reason is Reason.OK
                reasons |= {one.reason for one in await asyncio.gather(*holes)}
        return reasons, waits

    reasons, waits = in_namespace(scene, *HOLE)
    assert reasons == {Reason.TIMEOUT}
    assert waits[0] < 0.9
    assert waits[1] < 0.2
    assert in_namespace(lambda: pinged("203.0.113.9", 0.2), *HOLE) is Reason.TIMEOUT


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_ping_without_privilege(address: str) -> None:
    """Where ping_group_range lets us, a datagram socket serves as well as a raw one."""

    async def scene() -> tuple[Reason, bool]:
        pinger = Pinger()
        try:
            await pinger.ping(address, 2)
            return Reason.OK, any(door._raw for door in pinger._doors.values())
        finally:
            pinger.close()

    assert in_namespace(scene, "ip link set lo up", ANYBODY) == (Reason.OK, False)


def test_ping_unanswered_by_datagram_socket() -> None:
    """The error queue of a datagram socket names who said unreachable, too."""
    assert in_namespace(lambda: pinged("198.51.100.9"), *LAN, QUICK, ANYBODY) is Reason.UNREACHABLE


@pytest.mark.parametrize("loop", LOOPS)
def test_an_error_about_one_host_does_not_deafen_us_for_the_others(loop: str) -> None:
    """After an ICMP error the socket still hears; libuv would stop to watch it."""

    async def scene() -> tuple[Reason, float]:
        pinger = Pinger()
        try:
            with pytest.raises(PingError) as caught:
                await pinger.ping("198.51.100.2", 5.0)
            await asyncio.sleep(0.1)
            return caught.value.reason, await pinger.ping("198.51.100.1", 2.0)
        finally:
            pinger.close()

    reason, seconds = in_namespace(scene, *LAN, QUICK, loop=loop)
    assert reason is not Reason.TIMEOUT
    assert seconds < 2.0
