"""The connection under IMAP and POP3: lines and octets however they come, and never more than a bound."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.errors import Reason
from netmon.mail.faults import MailError, failed
from netmon.mail.stream import BUDGET, LostError, Stream, TooLongError
from netmon.mail.trail import Trail

T = TypeVar("T")


class Transport:
    """A connection that notes what is asked of it."""

    def __init__(self) -> None:
        self.reading = True
        self.sent = b""

    def write(self, data: bytes) -> None:
        """Send."""
        self.sent += data

    def close(self) -> None:
        """End it."""

    def pause_reading(self) -> None:
        """No more is to come."""
        self.reading = False

    def resume_reading(self) -> None:
        """More may come."""
        self.reading = True

    def is_closing(self) -> bool:
        """It never is."""
        return False


def run(work: Callable[[Stream, Transport], Awaitable[T]]) -> T:
    """What `work` gives on a stream whose octets it brings itself."""

    async def main() -> T:
        stream, transport = Stream(asyncio.get_running_loop(), Trail()), Transport()
        stream.connection_made(cast("Any", transport))
        return await work(stream, transport)

    return asyncio.run(main())


text = st.binary(max_size=30).filter(lambda line: b"\n" not in line and not line.endswith(b"\r"))


@given(st.lists(text, min_size=1, max_size=6), st.lists(st.integers(1, 40), min_size=1, max_size=20))
def test_lines_come_out_whole_however_they_are_cut(lines: list[bytes], cuts: list[int]) -> None:
    """TCP keeps no borders: every cut gives the same lines."""
    whole = b"".join(line + b"\r\n" for line in lines)

    async def work(stream: Stream, _: Transport) -> list[bytes]:
        reader = asyncio.ensure_future(read(stream))
        at = turn = 0
        while at < len(whole):
            size = cuts[turn % len(cuts)]
            stream.data_received(whole[at : at + size])
            at, turn = at + size, turn + 1
            await asyncio.sleep(0)
        return await reader

    async def read(stream: Stream) -> list[bytes]:
        return [await stream.line(100) for _ in lines]

    assert run(work) == lines


def test_octets_and_lines_take_turns() -> None:
    """A literal's octets are no lines, whatever stands in them."""

    async def work(stream: Stream, _: Transport) -> tuple[bytes, bytes, bytes, int]:
        stream.data_received(b"a {4}\r\n\r\n\r\n b\r\nrest")
        return await stream.line(100), await stream.octets(4), await stream.line(100), stream.drop()

    assert run(work) == (b"a {4}", b"\r\n\r\n", b" b", 4)


@pytest.mark.parametrize("data", [b"x" * 101, b"x" * 101 + b"\n"])
def test_line_without_end(data: bytes) -> None:
    """The bound counts before the end of the line is there."""

    async def work(stream: Stream, _: Transport) -> None:
        stream.data_received(data)
        await stream.line(100)

    with pytest.raises(TooLongError):
        run(work)


def test_what_came_is_read_after_the_end() -> None:
    """The last words of a server that has closed are heard, and then its silence."""

    async def work(stream: Stream, _: Transport) -> bytes:
        stream.data_received(b"* BYE\r\n")
        stream.eof_received()
        heard = await stream.line(100)
        with pytest.raises(LostError):
            await stream.line(100)
        return heard

    assert run(work) == b"* BYE"


class Session:
    """A TLS session that stands."""

    ended = False
    established = True

    def end(self) -> bytes:
        """Its close_notify."""
        return b"close_notify"


def test_a_bare_end_is_answer_enough_to_a_goodbye() -> None:
    """A server that closes without close_notify is not waited for; before the goodbye it is."""

    async def work(stream: Stream, transport: Transport) -> list[bool]:
        stream.tls = cast("Any", Session())
        kept = [stream.eof_received()]
        stream._ended = False
        stream.part()
        kept.append(stream.eof_received())
        stream.connection_lost(None)
        assert transport.sent == b"close_notify"
        return kept

    assert run(work) == [True, False]


def test_flood_that_nobody_reads_is_left_in_the_network() -> None:
    """Past a bound no more is taken off the wire, until a reader has caught up."""

    async def work(stream: Stream, transport: Transport) -> list[bool]:
        seen = []
        for _ in range(5):
            stream.data_received(b"y" * 65_535 + b"\n")
        seen.append(transport.reading)
        for _ in range(4):
            await stream.line(65_536)
        return [*seen, transport.reading]

    assert run(work) == [False, True]


def test_answer_without_end_is_given_up() -> None:
    """However well-formed, a server may say so much to one command."""

    async def work(stream: Stream, _: Transport) -> None:
        for _ in range(BUDGET // 1000 + 2):
            stream.data_received(b"y" * 999 + b"\n")
            await stream.line(1000)

    with pytest.raises(MailError, match="more and more") as caught:
        run(work)
    assert caught.value.reason is Reason.PROTOCOL_ERROR


def test_end_of_a_phase_comes_in_the_place_of_what_is_waited_for() -> None:
    """Also where the wait begins after it."""
    silence = failed(Reason.DEADLINE, "no answer")

    async def work(stream: Stream, _: Transport) -> list[BaseException | bytes]:
        waiting = asyncio.ensure_future(stream.line(100))
        await asyncio.sleep(0)
        stream.give_up(silence)
        return [
            *await asyncio.gather(waiting, return_exceptions=True),
            *await asyncio.gather(stream.octets(1), return_exceptions=True),
        ]

    assert run(work) == [silence, silence]
