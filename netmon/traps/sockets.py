"""The UDP sockets that the agent bound: read in turns that are bounded, answered from the right address.

No datagram is cut: there is room for the largest that UDP has.

`recvmsg` with room for the largest datagram is cheaper here than `recvmsg_into` and the copy out of its
buffer (1.8 against 2.0 µs), and needs no second call for who sent it and where to.
"""

import contextlib
import socket
import struct
from collections.abc import Callable, Iterable
from time import monotonic, time
from typing import Final

from netmon.traps.counters import SLOT
from netmon.traps.handler import Reply, Way
from netmon.traps.records import Stage

A_TURN: Final = 256  # datagrams of one socket before the others, and the commits, have theirs
_LARGEST: Final = 65_535
_IP_PKTINFO: Final = 8  # <linux/in.h>; the socket module of Python 3.11 does not name it
_PKTINFO_4: Final = struct.Struct("@i4s4s")  # in_pktinfo: interface, our address, destination
_PKTINFO_6: Final = struct.Struct("@16si")  # in6_pktinfo: our address, interface
_ANCILLARY: Final = socket.CMSG_SPACE(_PKTINFO_4.size) + socket.CMSG_SPACE(_PKTINFO_6.size)

_RECEIVED: Final = SLOT[Stage.RECEIVED]

Take = Callable[[bytes, Way, float, float], None]  # octets, where from, monotonic and wall clock


class Sockets:
    """Those of one receiver, by their descriptors, which the agent made ready (pktinfo, buffers)."""

    def __init__(self, descriptors: Iterable[int]) -> None:
        self.all = [socket.socket(fileno=descriptor) for descriptor in descriptors]
        for sock in self.all:
            sock.setblocking(False)
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
            if sock.family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)

    def drain(self, number: int, take: Take, cells: memoryview, most: int = A_TURN) -> int:
        """Take at most so many datagrams from one socket: how many there were.

        Each is counted before anything else is done with it, so that none is missing from the counters of
        a receiver that is killed.
        """
        recvmsg = self.all[number].recvmsg
        now, wall = monotonic(), time()
        for count in range(most):
            try:
                data, ancillary, _, peer = recvmsg(_LARGEST, _ANCILLARY)
            except BlockingIOError:
                return count
            except OSError:
                continue  # an ICMP error for an answer of ours: it says nothing of what is queued
            cells[_RECEIVED] += 1
            take(data, (number, peer, ancillary), now, wall)
        return most

    def send(self, reply: Reply) -> bool:
        """Answer from the address that was asked; False if the kernel would not take it."""
        number, peer, ancillary = reply.way
        try:
            self.all[number].sendmsg([reply.octets], _from_there(ancillary), 0, peer)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Close them here; the agent's stay open."""
        for sock in self.all:
            sock.close()


def _from_there(ancillary: Iterable[tuple[int, int, bytes]]) -> list[tuple[int, int, bytes]]:
    """What makes an answer leave from the address that a datagram came to, by whichever way leads back."""
    own: list[tuple[int, int, bytes]] = []
    for level, kind, data in ancillary:
        if (level, kind) == (socket.IPPROTO_IP, _IP_PKTINFO) and len(data) == _PKTINFO_4.size:
            _, local, destination = _PKTINFO_4.unpack(data)
            if local == destination:  # not for a broadcast
                own.append((level, kind, _PKTINFO_4.pack(0, local, bytes(4))))
        elif (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO) and len(data) == _PKTINFO_6.size:
            local, interface = _PKTINFO_6.unpack(data)
            link_local = local[:2] == b"\xfe\x80"
            own.append((level, kind, _PKTINFO_6.pack(local, interface if link_local else 0)))
    return own
