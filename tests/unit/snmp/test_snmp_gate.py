"""The gate: a window that is kept and fair, and a lane that never takes a place in it."""

import asyncio
from collections.abc import Iterator

import pytest

from netmon.snmp.gate import LANE_BURST, LANE_GAP, Gate, Standing, Ticket
from tests.virtual import VirtualLoop


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    """A loop whose timers cost no time."""
    loop = VirtualLoop()
    yield loop
    loop.close()


def gate_of(loop: asyncio.AbstractEventLoop, window: int) -> tuple[Gate[Ticket], list[Ticket]]:
    """A gate and the list of what it sends."""
    sent: list[Ticket] = []
    return Gate(loop, window, sent.append), sent


def test_the_window_is_kept_and_first_come_is_first_served(loop: VirtualLoop) -> None:
    """No more than the window are out; each place given back goes to whoever waits longest."""
    gate, sent = gate_of(loop, 3)
    tickets = [Ticket() for _ in range(10)]
    for ticket in tickets:
        gate.submit(ticket, Standing.ANSWERING)
    assert sent == tickets[:3]
    for done, ticket in enumerate(tickets, 1):
        gate.release(ticket)
        assert sent == tickets[: 3 + done]
    assert gate.in_flight == 0


def test_a_place_is_given_back_once(loop: VirtualLoop) -> None:
    """Releasing twice, or what never held a place, opens no second one."""
    gate, sent = gate_of(loop, 1)
    first, second, third = Ticket(), Ticket(), Ticket()
    for ticket in (first, second, third):
        gate.submit(ticket, Standing.ANSWERING)
    gate.release(first)
    gate.withdraw(first)
    gate.release(third)
    assert (sent, gate.in_flight) == ([first, second], 1)


def test_a_withdrawn_ticket_is_never_sent(loop: VirtualLoop) -> None:
    """Its turn passes to the next one, in the window and in the lane."""
    for standing in Standing:
        gate, sent = gate_of(loop, 1)
        tickets = [Ticket() for _ in range(3)]
        for ticket in tickets:
            gate.submit(ticket, standing)
        gate.withdraw(tickets[1])
        gate.withdraw(tickets[0])
        loop.run_until_complete(asyncio.sleep(1))
        assert sent == [tickets[0], tickets[2]]


def test_the_lane_is_paced_and_leaves_the_window_alone(loop: VirtualLoop) -> None:
    """A thousand tickets of silent peers go so many per gap, a living one at once, an unsure one next."""
    gate, sent = gate_of(loop, 1)
    silent = [Ticket() for _ in range(1_000)]
    for ticket in silent:
        gate.submit(ticket, Standing.SILENT)
    living, unsure = Ticket(), Ticket()
    gate.submit(living, Standing.ANSWERING)
    gate.submit(unsure, Standing.UNSURE)
    assert sent == [silent[0], living]
    loop.run_until_complete(asyncio.sleep(50.5 * LANE_GAP))
    assert sent == [silent[0], living, unsure, *silent[1 : 50 * LANE_BURST]]


def test_a_withdrawn_lane_costs_no_time(loop: VirtualLoop) -> None:
    """Those behind a thousand that were withdrawn do not wait for their turns."""
    gate, sent = gate_of(loop, 1)
    tickets = [Ticket() for _ in range(1_000)]
    for ticket in tickets:
        gate.submit(ticket, Standing.SILENT)
    for ticket in tickets[1:-1]:
        gate.withdraw(ticket)
    loop.run_until_complete(asyncio.sleep(1.5 * LANE_GAP))
    assert sent == [tickets[0], tickets[-1]]


def test_a_send_that_fails_at_once_lets_the_next_one_go(loop: VirtualLoop) -> None:
    """However many fail in a row, without recursion."""
    sent: list[Ticket] = []

    def failing(ticket: Ticket) -> None:
        sent.append(ticket)
        gate.release(ticket)

    gate = Gate(loop, 1, failing)
    blocker = Ticket()
    gate.in_flight = 1
    blocker.held = True
    tickets = [Ticket() for _ in range(5_000)]
    for ticket in tickets:
        gate.submit(ticket, Standing.ANSWERING)
    gate.release(blocker)
    assert (sent, gate.in_flight) == (tickets, 0)


def test_a_closed_gate_sends_nothing(loop: VirtualLoop) -> None:
    """What waited is forgotten."""
    gate, sent = gate_of(loop, 1)
    tickets = [Ticket() for _ in range(4)]
    for number, ticket in enumerate(tickets):
        gate.submit(ticket, (Standing.ANSWERING, Standing.SILENT)[number % 2])
    gate.close()
    gate.release(tickets[0])
    loop.run_until_complete(asyncio.sleep(1))
    assert sent == tickets[:2]
