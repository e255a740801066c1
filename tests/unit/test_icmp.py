"""Echoes over the loopback, and replies that are not ours."""

import asyncio
import errno
import socket
import struct
from typing import Any

import pytest

from netmon import icmp
from netmon.errors import Reason
from netmon.icmp import Pinger, PingError
from netmon.model import Check, CheckKey, Host, Observation, Result
from netmon.probes import ping
from netmon.resolver import ResolveError, Resolver
from tests.servers.mail_checks import LOOPS, make_context, run_on


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_loopback_answers(loop: str, address: str) -> None:
    """The own machine answers at once, on both families."""

    async def scene() -> float:
        pinger = Pinger()
        try:
            return await pinger.ping(address, 5)
        finally:
            pinger.close()

    assert 0 < run_on(loop, scene()) < 1


async def test_many_at_once() -> None:
    """One socket a family carries any number of echoes, each matched to its own request."""
    pinger = Pinger()
    try:
        seconds = await asyncio.gather(*(pinger.ping(f"127.0.0.{n % 250 + 1}", 5) for n in range(300)))
    finally:
        pinger.close()
    assert len(seconds) == 300


async def test_replies_that_are_not_ours() -> None:
    """A reply from another peer, with another token, of another kind, or cut short answers nothing."""
    door = icmp._Door(icmp._V4)
    try:
        answer: asyncio.Future[float] = door.loop.create_future()
        payload = door._secret + bytes(8)
        door._waiting[payload] = ("192.0.2.1", 0.0, answer)
        head = b"\x45" + bytes(19) if door._raw else b""
        reply = head + b"\0" + bytes(7)
        ours = reply + payload
        door._received(ours, ("192.0.2.2", 0))
        door._received(reply + bytes(16), ("192.0.2.1", 0))
        door._received(head + b"\x08" + bytes(7) + payload, ("192.0.2.1", 0))
        for length in range(len(ours)):
            door._received(ours[:length], ("192.0.2.1", 0))
        assert not answer.done()
        door._received(ours, ("192.0.2.1", 0))
        assert answer.done()
        door._received(ours, ("192.0.2.1", 0))  # a duplicate changes nothing
    finally:
        door.close()


@pytest.mark.parametrize(
    ("offender", "origin", "reason"),
    [("192.0.2.1", 2, None), ("198.51.100.1", 2, Reason.UNREACHABLE), ("", 1, Reason.LOCAL_ERROR)],
    ids=["the host itself", "a router", "this machine"],
)
async def test_icmp_errors(offender: str, origin: int, reason: Reason | None) -> None:
    """An error from the host itself is life; from elsewhere it is unreachable, and ours is ours."""
    door = icmp._Door(icmp._V4)
    try:
        answer: asyncio.Future[float] = door.loop.create_future()
        payload = door._secret + bytes(8)
        door._waiting[payload] = ("192.0.2.1", 0.0, answer)
        error = struct.pack("=IBBBBII", errno.EHOSTUNREACH, origin, 3, 3, 0, 0, 0)
        name = struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_aton(offender or "0.0.0.0"))
        controls = [(socket.IPPROTO_IP, 99, b"other"), (socket.IPPROTO_IP, icmp._V4.recverr, error + name)]
        door._failed(b"an echo of someone else's", controls)
        assert not answer.done()
        door._failed(bytes(8) + payload, controls)
        if reason is None:
            assert await answer > 0
        else:
            with pytest.raises(PingError) as caught:
                await answer
            assert caught.value.reason is reason
    finally:
        door.close()


@pytest.mark.parametrize(
    ("number", "reason", "words"),
    [
        (errno.EACCES, Reason.LOCAL_ERROR, "ping_group_range"),
        (errno.EPERM, Reason.LOCAL_ERROR, "CAP_NET_RAW"),
        (errno.EAFNOSUPPORT, Reason.NO_ROUTE, "no IPv4"),
        (errno.EMFILE, Reason.LOCAL_ERROR, "cannot open"),
    ],
)
async def test_no_socket(number: int, reason: Reason, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernel gives no socket, the sentence says what to change."""

    def refuse(*_: object) -> None:
        raise OSError(number, "refused")

    monkeypatch.setattr(socket, "socket", refuse)
    with pytest.raises(PingError, match=words) as caught:
        await Pinger().ping("127.0.0.1", 1)
    assert caught.value.reason is reason


class Script(Pinger):
    """A pinger whose answers are written down: seconds, or a reason to fail."""

    def __init__(self, *answers: float | Reason) -> None:
        super().__init__()
        self.answers = list(answers)
        self.asked: list[str] = []

    async def ping(self, address: str, timeout: float) -> float:  # noqa: ASYNC109 (the pinger's signature)
        """The next written answer."""
        assert timeout > 0
        self.asked.append(address)
        answer = self.answers.pop(0)
        if isinstance(answer, Reason):
            raise PingError(answer, f"{address}: {answer}")
        return answer


async def observe(pinger: Pinger, *addresses: str | Reason, **settings: Any) -> Observation:
    """One run of the ping probe."""

    class Fixed(Resolver):
        async def addresses(self, name: str) -> tuple[str, ...]:
            if isinstance(addresses[0], Reason):
                raise ResolveError(addresses[0], f"{name}: no")
            return tuple(str(address) for address in addresses)

    check = Check(
        CheckKey("mx1", "ping", "mx1"),
        Host("mx1", "mx1.test"),
        ping.PingSettings.model_validate(settings),
        interval=60,
        timeout=2,
        retries=0,
        deadline=10,
    )
    return await ping.probe(check, make_context(pinger=pinger, resolver=Fixed()))


async def test_probe_ok() -> None:
    """An answer is ok and life, with its time as a phase."""
    seen = await observe(Script(0.012), "192.0.2.1")
    assert (seen.result, seen.reason, seen.alive) == (Result.OK, Reason.OK, True)
    assert [phase.name for phase in seen.phases] == ["resolve", "echo"]
    assert seen.phases[1].seconds == 0.012
    assert "12.0 ms" in seen.detail


async def test_one_lost_echo_is_no_silence() -> None:
    """A second echo is sent before silence counts, on the host's other address too."""
    pinger = Script(Reason.TIMEOUT, 0.001)
    seen = await observe(pinger, "192.0.2.1", "2001:db8::1")
    assert seen.reason is Reason.OK
    assert pinger.asked == ["192.0.2.1", "2001:db8::1"]


async def test_silence() -> None:
    """After `count` echoes without an answer the host is silent."""
    pinger = Script(*[Reason.TIMEOUT] * 2)
    seen = await observe(pinger, "192.0.2.1", count=2)
    assert (seen.result, seen.reason, seen.alive) == (Result.FAILED, Reason.TIMEOUT, False)


async def test_addresses_without_a_route_are_left_out() -> None:
    """A family that this machine lacks says nothing; all of them lacking is untestable."""
    pinger = Script(Reason.TIMEOUT, Reason.NO_ROUTE, Reason.TIMEOUT)
    seen = await observe(pinger, "192.0.2.1", "2001:db8::1")
    assert (seen.reason, seen.alive) == (Reason.TIMEOUT, False)
    assert pinger.asked == ["192.0.2.1", "2001:db8::1", "192.0.2.1"]
    alone = await observe(Script(Reason.NO_ROUTE), "2001:db8::1")
    assert (alone.result, alone.reason, alone.alive) == (Result.UNTESTABLE, Reason.NO_ROUTE, None)


@pytest.mark.parametrize(
    ("reason", "result"),
    [(Reason.RESOLVE_FAILED, Result.UNTESTABLE), (Reason.NAME_NOT_FOUND, Result.FAILED)],
)
async def test_names(reason: Reason, result: Result) -> None:
    """Dead DNS is our own side; a name that does not exist is not."""
    seen = await observe(Script(), reason)
    assert (seen.result, seen.reason, seen.alive) == (result, reason, None)
