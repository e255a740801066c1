"""Who may open a connection now: politeness towards each server, a bound on our own sockets.

A server sees one connection of ours at a time, however many checks it has.  Over all servers a
fixed number is in flight.  Addresses whose last connection timed out wait in a small lane of their
own, so that no number of black holes delays a server that lives.  An address that is met for the
first time is presumed living; once its connection has stayed silent for `patience`, it gives its
place up and counts in the small lane, where there is room, and its turn goes to the next check of
that address: what nobody accepted is no connection yet.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext, suppress

from netmon.errors import NetmonError


class NoSlotError(NetmonError):
    """No connection could be opened in time, for other connections of ours."""


class Slots:
    """Places for connections to mail servers; shared by all probes.

    At most `living` + `silent` connections are in flight, the latter to addresses that are not
    known to answer; `remembered` bounds how many of those are known; `patience` is in seconds.
    """

    def __init__(
        self, *, living: int = 200, silent: int = 100, remembered: int = 10_000, patience: float = 1.0
    ) -> None:
        self._living = _Lane(living)
        self._silent = _Lane(silent)
        self._remembered = remembered
        self._patience = patience
        self._black_holes: OrderedDict[str, None] = OrderedDict()
        self._turns: dict[str, _Lane] = {}

    @asynccontextmanager
    async def hold(self, address: str, *, until: float) -> AsyncIterator["Slot"]:
        """Wait for the address's turn and for a place; both end with the block.

        Raises NoSlotError if they have not come by the loop time `until`.
        """
        turn = self._turns.setdefault(address, _Lane(1))
        turn.users += 1
        slot = Slot(self, address)
        try:
            lane = await self._enter(slot, turn, address, until)
            loop = asyncio.get_running_loop()
            slot.timer = loop.call_later(self._patience, self._step_aside, slot, lane, turn)
            yield slot
        finally:
            slot.leave()
            turn.users -= 1
            if not turn.users and self._turns.get(address) is turn:
                del self._turns[address]

    async def _enter(self, slot: "Slot", turn: "_Lane", address: str, until: float) -> "_Lane":
        """Wait for both places; gives the lane."""
        try:
            async with asyncio.timeout_at(until) if not turn.free else nullcontext():
                await slot.enter(turn)
            lane = self._silent if address in self._black_holes else self._living
            async with asyncio.timeout_at(until) if not lane.free else nullcontext():
                await slot.enter(lane)
        except TimeoutError:
            raise NoSlotError(_why(slot, address)) from None
        return lane

    def _step_aside(self, slot: "Slot", lane: "_Lane", turn: "_Lane") -> None:
        """Give way to others while nothing answers: this is no connection yet."""
        slot.exit(turn)
        if lane is self._living and self._silent.try_enter():
            slot.held.append(self._silent)
            slot.exit(lane)

    def remember(self, address: str, *, silent: bool) -> None:
        """Note whether the address let a connection time out."""
        if not silent:
            self._black_holes.pop(address, None)
            return
        self._black_holes[address] = None
        self._black_holes.move_to_end(address)
        while len(self._black_holes) > self._remembered:
            self._black_holes.popitem(last=False)


class Slot:
    """A place that is held; the holder says what became of the connection."""

    def __init__(self, slots: Slots, address: str) -> None:
        self._slots = slots
        self._address = address
        self.held: list[_Lane] = []
        self.timer: asyncio.TimerHandle | None = None

    def answered(self) -> None:
        """The address answered, if only with a reset."""
        if self.timer is not None:
            self.timer.cancel()
        self._slots.remember(self._address, silent=False)

    def silent(self) -> None:
        """The connection timed out."""
        self._slots.remember(self._address, silent=True)

    async def enter(self, lane: "_Lane") -> None:
        """Wait for a place in `lane`."""
        await lane.enter()
        self.held.append(lane)

    def exit(self, lane: "_Lane") -> None:
        """Give a place in `lane` back before the end."""
        self.held.remove(lane)
        lane.leave()

    def leave(self) -> None:
        """Give all back."""
        if self.timer is not None:
            self.timer.cancel()
        while self.held:
            self.held.pop().leave()


def _why(slot: Slot, address: str) -> str:
    if not slot.held:
        return f"another check held the one connection to {address} until the deadline"
    return f"too many connections are in flight: none was free for {address} until the deadline"


class _Lane:
    """Places in order of arrival; a semaphore that can also be entered without waiting."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._queue: deque[asyncio.Future[None]] = deque()
        self.users = 0

    @property
    def free(self) -> bool:
        """Whether nobody has to wait."""
        return self._free > 0 and not self._queue

    def try_enter(self) -> bool:
        if self._free and not self._queue:
            self._free -= 1
            return True
        return False

    async def enter(self) -> None:
        if self.try_enter():
            return
        place = asyncio.get_running_loop().create_future()
        self._queue.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.cancelled():
                # `leave` may have passed over it already.
                with suppress(ValueError):
                    self._queue.remove(place)
            else:
                self.leave()  # the place came together with the cancellation
            raise

    def leave(self) -> None:
        while self._queue:
            place = self._queue.popleft()
            if not place.done():
                place.set_result(None)  # the place passes on; it is never free in between
                return
        self._free += 1
