"""A long way to an agent: every datagram arrives so much later, in both directions.

Arguments: the agent's address and port, milliseconds each way.  Listens on the same address, since
netmon takes no answer from another one, and prints its port.  A line of input is answered with the
number of datagrams that came from managers.
"""

# ruff: noqa: T201 - stdout is how it talks to the benchmark

import asyncio
import signal
import socket
import sys
import time
from collections import deque

Address = tuple[str, int]
BUFFER = 4 << 20
DATAGRAM = 65_535


class Relay:
    """One socket towards the managers, and one towards the agent for each manager."""

    def __init__(self, agent: Address, delay: float) -> None:
        self._agent = agent
        self._delay = delay
        self._loop = asyncio.get_running_loop()
        self._front = self._open((agent[0], 0))
        self._backs: dict[Address, socket.socket] = {}
        self._under_way: deque[tuple[float, socket.socket, bytes, Address]] = deque()
        self._loop.add_reader(self._front, self._from_manager)
        self.port = int(self._front.getsockname()[1])
        self.requests = 0

    @staticmethod
    def _open(address: Address) -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        sock.bind(address)
        return sock

    def _from_manager(self) -> None:
        datagram, manager = self._front.recvfrom(DATAGRAM)
        self.requests += 1
        back = self._backs.get(manager)
        if back is None:
            back = self._backs[manager] = self._open(("127.0.0.1", 0))
            self._loop.add_reader(back, self._from_agent, back, manager)
        self._later(back, datagram, self._agent)

    def _from_agent(self, back: socket.socket, manager: Address) -> None:
        datagram, _ = back.recvfrom(DATAGRAM)
        self._later(self._front, datagram, manager)

    def _later(self, sock: socket.socket, datagram: bytes, address: Address) -> None:
        # The delay is the same for all, so they arrive in the order in which they set out.
        self._under_way.append((time.monotonic() + self._delay, sock, datagram, address))
        if len(self._under_way) == 1:
            self._loop.call_later(self._delay, self._arrive)

    def _arrive(self) -> None:
        while self._under_way:
            due, sock, datagram, address = self._under_way[0]
            if (left := due - time.monotonic()) > 0:
                self._loop.call_later(left, self._arrive)
                return
            self._under_way.popleft()
            sock.sendto(datagram, address)


async def main(address: str, port: int, milliseconds: float) -> None:
    """Serve until SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    relay = Relay((address, port), milliseconds / 1000)

    def count() -> None:
        if sys.stdin.readline():
            print(relay.requests, flush=True)

    loop.add_reader(sys.stdin, count)
    print(relay.port, flush=True)
    await stop.wait()


asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
