"""Who may send when: a window for peers that answer, a paced lane for the others.

* The **window** bounds the requests in flight by the replies that the receive buffer has room for;
  first come, first served.
* The **lane** lets `LANE_BURST` datagrams go every `LANE_GAP` seconds, outside the window, those of
  silent peers last.  A thousand dead hosts there take no place from a living one, and when all come
  back at once, so do their answers one after another.

The gate knows nothing of sockets or SNMP; `send` is the owner's.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Final, Generic, TypeVar

LANE_GAP: Final = 0.002  # seconds
LANE_BURST: Final = 4  # 2,000 datagrams a second: small beside what the receiving side can read


class Standing(Enum):
    """What is known of a peer, as far as its turn depends on it."""

    ANSWERING = 1
    UNSURE = 2  # never heard yet, or its last datagram got no answer in time
    SILENT = 3  # a request ran out of retries, and nothing was heard since


class Ticket:
    """What waits at a gate; `held` while it takes a place in the window."""

    __slots__ = ("held", "withdrawn")

    def __init__(self) -> None:
        self.held = False
        self.withdrawn = False


T = TypeVar("T", bound=Ticket)


class Gate(Generic[T]):
    """One window of `window` places and one lane."""

    def __init__(self, loop: asyncio.AbstractEventLoop, window: int, send: Callable[[T], None]) -> None:
        self.window = window
        self.in_flight = 0
        self._loop = loop
        self._send = send
        self._waiting: deque[T] = deque()
        self._unsure: deque[T] = deque()
        self._silent: deque[T] = deque()
        self._lane_timer: asyncio.TimerHandle | None = None
        self._pumping = False

    def submit(self, ticket: T, standing: Standing) -> None:
        """Send now or when its turn comes, through the window if the peer is known to answer."""
        if standing is Standing.ANSWERING:
            if self.in_flight < self.window and not self._waiting:
                ticket.held = True
                self.in_flight += 1
                self._send(ticket)
            else:
                self._waiting.append(ticket)
                self._pump()
            return
        (self._silent if standing is Standing.SILENT else self._unsure).append(ticket)
        if self._lane_timer is None:
            self._next_in_lane(1)

    def release(self, ticket: T) -> None:
        """Give back the ticket's place in the window, if it holds one."""
        if ticket.held:
            ticket.held = False
            self.in_flight -= 1
            if self._waiting:
                self._pump()

    def withdraw(self, ticket: T) -> None:
        """The ticket is not to be sent any more."""
        ticket.withdrawn = True
        self.release(ticket)

    def close(self) -> None:
        """Forget all that waits."""
        self._waiting.clear()
        self._unsure.clear()
        self._silent.clear()
        if self._lane_timer is not None:
            self._lane_timer.cancel()

    def _pump(self) -> None:
        # A send that fails at once releases its place in here; the loop below then goes on.
        if self._pumping:
            return
        self._pumping = True
        try:
            waiting = self._waiting
            while waiting and self.in_flight < self.window:
                ticket = waiting.popleft()
                if not ticket.withdrawn:
                    ticket.held = True
                    self.in_flight += 1
                    self._send(ticket)
        finally:
            self._pumping = False

    def _next_in_lane(self, burst: int = LANE_BURST) -> None:
        self._lane_timer = None
        while burst and (lane := self._unsure or self._silent):
            ticket = lane.popleft()
            if not ticket.withdrawn:
                # Even after the last one: who comes next must keep the pace.
                if self._lane_timer is None:
                    self._lane_timer = self._loop.call_later(LANE_GAP, self._next_in_lane)
                burst -= 1
                self._send(ticket)
