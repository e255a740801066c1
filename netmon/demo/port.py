"""A TCP port that can do what ports on bad days do: listen, refuse, or swallow whatever comes.

Silence needs no firewall and no privilege: the kernel drops every SYN to a listening socket whose
queue of connections is full (Linux; tcp_abort_on_overflow is off by default).  So the queue is made
as short as it can be, and connections of our own that nobody accepts fill it.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Final

BACKLOG: Final = 100
ACCEPTED: Final = 16  # connections a loop turn
FILLERS: Final = 2  # a queue of length 0 holds one; the second is for a kernel that counts otherwise


class Port:
    """One port on a numeric IPv4 address; `arrived` is given each connection while it is open.

    Every change takes effect at once.  The number stays the same whatever happens.
    """

    def __init__(self, address: str, number: int, arrived: Callable[[socket.socket], None]) -> None:
        """Number 0: any free port, known once it has been opened."""
        self._address = address
        self.number = number
        self._arrived = arrived
        self._socket: socket.socket | None = None
        self._fillers: list[socket.socket] = []

    @property
    def listening(self) -> bool:
        """Whether a program listens here, as the host itself would say; a filter does not change that."""
        return self._socket is not None

    def open(self) -> None:
        """Accept connections on the running loop.  Raises OSError."""
        sock = self._listener()
        self._empty()
        sock.listen(BACKLOG)
        asyncio.get_running_loop().add_reader(sock, self._accept, sock)

    def refuse(self) -> None:
        """Answer with a reset, as where nothing listens."""
        self._empty()
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def swallow(self) -> None:
        """Answer nothing at all, as behind a firewall that drops.  Raises OSError."""
        sock = self._listener()
        asyncio.get_running_loop().remove_reader(sock)
        sock.listen(0)
        self._empty()
        for _ in range(FILLERS):
            filler = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            self._fillers.append(filler)
            filler.connect_ex((self._address, self.number))

    def _listener(self) -> socket.socket:
        if self._socket is None:
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            try:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind((self._address, self.number))
                sock.listen(BACKLOG)
            except OSError:
                sock.close()
                raise
            self._socket = sock
            self.number = int(sock.getsockname()[1])
        return self._socket

    def _empty(self) -> None:
        while self._fillers:
            self._fillers.pop().close()

    def _accept(self, sock: socket.socket) -> None:
        for _ in range(ACCEPTED):
            try:
                connection, _peer = sock.accept()
            except OSError:  # none left, or one that is gone again
                return
            connection.setblocking(False)
            self._arrived(connection)
