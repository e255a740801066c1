"""Who waits for whom before a connection is opened."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from netmon.mail.slots import NoSlotError, Slots


@pytest.fixture
async def held() -> AsyncIterator[AsyncExitStack]:
    """Slots that a test holds until its end."""
    async with AsyncExitStack() as stack:
        yield stack


def now() -> float:
    """The loop's time."""
    return asyncio.get_running_loop().time()


async def turn_over() -> None:
    """Let all that can run, run."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_one_at_a_time_per_address(held: AsyncExitStack) -> None:
    """A second holder of an address waits; another address does not."""
    slots = Slots()
    first = await held.enter_async_context(AsyncExitStack())
    await first.enter_async_context(slots.hold("a", until=now() + 9))
    await held.enter_async_context(slots.hold("b", until=now() + 9))
    second = asyncio.create_task(held.enter_async_context(slots.hold("a", until=now() + 9)))
    await turn_over()
    assert not second.done()
    await first.aclose()
    await second


async def test_in_order_of_arrival() -> None:
    """Whoever asked first goes first."""
    slots, order = Slots(), []

    async def visit(name: int) -> None:
        async with slots.hold("a", until=now() + 9):
            order.append(name)
            await asyncio.sleep(0)

    await asyncio.gather(*map(visit, range(6)))
    assert order == list(range(6))


async def test_bound_on_all(held: AsyncExitStack) -> None:
    """No more than `living` addresses at once; the next is told when its time is over."""
    slots = Slots(living=2)
    await held.enter_async_context(slots.hold("a", until=now() + 9))
    await held.enter_async_context(slots.hold("b", until=now() + 9))
    with pytest.raises(NoSlotError, match="too many connections"):
        await held.enter_async_context(slots.hold("c", until=now()))


async def test_turn_that_does_not_come(held: AsyncExitStack) -> None:
    """A holder that stays past the deadline is named as the cause."""
    slots = Slots()
    await held.enter_async_context(slots.hold("a", until=now() + 9))
    with pytest.raises(NoSlotError, match="one connection to a"):
        await held.enter_async_context(slots.hold("a", until=now()))


async def test_black_holes_have_a_lane_of_their_own(held: AsyncExitStack) -> None:
    """Addresses known to be silent never take a living one's place, however many they are."""
    slots = Slots(living=2, silent=1)
    for number in range(50):
        async with slots.hold(f"hole{number}", until=now() + 9) as slot:
            slot.silent()
    waiting = [
        asyncio.create_task(held.enter_async_context(slots.hold(f"hole{number}", until=now() + 0.05)))
        for number in range(50)
    ]
    await turn_over()
    async with slots.hold("alive", until=now()), slots.hold("too", until=now()):
        pass
    done = await asyncio.gather(*waiting, return_exceptions=True)
    assert sum(not isinstance(one, NoSlotError) for one in done) == 1


async def test_new_black_holes_give_way(held: AsyncExitStack) -> None:
    """An address of which nothing is known gives up its place once it has been silent for a moment."""
    slots = Slots(living=1, silent=5, patience=0.01)
    await held.enter_async_context(slots.hold("hole", until=now() + 9))
    await held.enter_async_context(slots.hold("alive", until=now() + 5))
    # Nothing is connected yet, so the address's turn is free as well.
    await held.enter_async_context(slots.hold("hole", until=now() + 5))


async def test_an_answer_keeps_the_place(held: AsyncExitStack) -> None:
    """A connection that stands keeps its place and its turn, however long it lasts."""
    slots = Slots(living=1, patience=0.01)
    slot = await held.enter_async_context(slots.hold("a", until=now() + 9))
    slot.answered()
    with pytest.raises(NoSlotError):
        await held.enter_async_context(slots.hold("b", until=now() + 0.05))


async def test_an_answer_clears_the_name(held: AsyncExitStack) -> None:
    """A black hole that answers again is a living address at its next turn."""
    slots = Slots(silent=1)
    for silent in (True, False):
        async with slots.hold("a", until=now() + 9) as slot:
            slot.silent() if silent else slot.answered()
    async with slots.hold("hole", until=now() + 9) as slot:
        slot.silent()
    await held.enter_async_context(slots.hold("hole", until=now() + 9))  # fills the small lane
    await held.enter_async_context(slots.hold("a", until=now() + 9))


async def test_cancelled_waiters_leave_no_gap(held: AsyncExitStack) -> None:
    """A waiter that is cancelled, even as its place arrives, loses no place for others."""
    slots = Slots(living=1)
    first = AsyncExitStack()
    await first.enter_async_context(slots.hold("a", until=now() + 9))
    waiting = [
        asyncio.create_task(held.enter_async_context(slots.hold(name, until=now() + 9))) for name in "bcd"
    ]
    await turn_over()
    waiting[1].cancel()
    await first.aclose()  # hands the place to the first waiter...
    waiting[0].cancel()  # ...which is cancelled before it runs
    await waiting[2]


async def test_a_place_passes_over_a_waiter_that_was_cancelled(held: AsyncExitStack) -> None:
    """Cancelled first, passed over before it runs: it ends as cancelled, and the next one gets the place."""
    slots = Slots(living=1)
    first = AsyncExitStack()
    await first.enter_async_context(slots.hold("a", until=now() + 9))
    waiting = [
        asyncio.create_task(held.enter_async_context(slots.hold(name, until=now() + 9))) for name in "bc"
    ]
    await turn_over()
    waiting[0].cancel()
    await first.aclose()
    await waiting[1]
    with pytest.raises(asyncio.CancelledError):
        await waiting[0]


async def test_memory_is_bounded() -> None:
    """Only so many black holes are remembered, the latest ones; nothing stays of addresses let go."""
    slots = Slots(remembered=3)
    for number in range(10):
        async with slots.hold(f"hole{number}", until=now() + 9) as slot:
            slot.silent()
    assert list(slots._black_holes) == ["hole7", "hole8", "hole9"]
    assert not slots._turns
