"""One UDP socket for every simulated device: each lives at a loopback address of its own.

127.0.0.0/8 is sixteen million addresses that all reach this machine, so ten thousand devices need
one socket that sees which of them a datagram was sent to, and answers from there (IP_PKTINFO).
The socket is bound to the loopback interface: nothing from outside reaches it.  Linux only.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Mapping
from typing import Final

from netmon.demo.device import Device
from netmon.demo.responder import respond

RECEIVE_BUFFER: Final = 4 << 20  # asked for; the kernel grants what net.core.rmem_max allows
DRAIN: Final = 64  # datagrams a loop turn, so that the loop's other work is never starved
DATAGRAM: Final = 65_535
IP_PKTINFO: Final = 8  # linux/in.h; named in the socket module only from Python 3.14
PKTINFO: Final = struct.Struct("@i4s4s")  # in_pktinfo: interface, local address, destination
ANCILLARY: Final = socket.CMSG_SPACE(PKTINFO.size)


class Farm:
    """Serves `devices` (by numeric IPv4 loopback address) on one port; the mapping may change meanwhile.

    `clock` gives seconds since the epoch.
    """

    def __init__(self, devices: Mapping[str, Device], clock: Callable[[], float]) -> None:
        self._devices = devices
        self._clock = clock
        self._socket: socket.socket | None = None
        self.requests = 0  # answered so far

    def open(self, port: int = 0) -> int:
        """Listen on the running loop (port 0: any free one) and return the port.  Raises OSError."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
            sock.bind(("0.0.0.0", port))  # noqa: S104 - any address, but of the loopback interface only
        except OSError:
            sock.close()
            raise
        self._socket = sock
        asyncio.get_running_loop().add_reader(sock, self._drain, sock)
        return int(sock.getsockname()[1])

    def close(self) -> None:
        """Stop listening."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def send(self, address: str, port: int, datagram: bytes) -> None:
        """Send what a device says by itself from its address, to that port of 127.0.0.1."""
        source = (socket.IPPROTO_IP, IP_PKTINFO, PKTINFO.pack(0, socket.inet_aton(address), bytes(4)))
        if self._socket is not None:
            with contextlib.suppress(OSError):  # as with answers
                self._socket.sendmsg([datagram], [source], 0, ("127.0.0.1", port))

    def _drain(self, sock: socket.socket) -> None:
        for _ in range(DRAIN):
            try:
                datagram, ancillary, _flags, peer = sock.recvmsg(DATAGRAM, ANCILLARY)
            except OSError:  # nothing left, or an ICMP error of an earlier answer
                return
            if not ancillary:
                continue
            _interface, _local, destination = PKTINFO.unpack(ancillary[0][2])
            device = self._devices.get(socket.inet_ntoa(destination))
            if device is None:
                continue
            answer = respond(device, datagram, self._clock())
            if answer is None:
                continue
            source = (socket.IPPROTO_IP, IP_PKTINFO, PKTINFO.pack(0, destination, bytes(4)))
            try:
                sock.sendmsg([answer], [source], 0, peer)
            except OSError:  # a full send buffer loses a datagram, as networks do
                continue
            self.requests += 1
