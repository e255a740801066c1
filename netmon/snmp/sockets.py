"""The UDP socket under the client: a large receive buffer, and ICMP errors that name their peer.

An unconnected UDP socket hides ICMP errors.  With IP_RECVERR (ip(7), ipv6(7)) Linux queues each one
with the destination of the datagram that caused it, so that a port-unreachable, which proves the
host alive, reaches the right request.  The price: a queued error also fails the next send to
whichever host, which `Socket.send` undoes by trying again.
"""

import errno
import socket
import struct
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, cast

_WANTED_RCVBUF: Final = 4 << 20  # octets; the kernel doubles it for its own bookkeeping
_SO_RCVBUFFORCE: Final = 33  # past net.core.rmem_max, for who has CAP_NET_ADMIN
_RECVERR: Final = {  # level, option of <linux/in.h> and <linux/in6.h>
    socket.AF_INET: (socket.IPPROTO_IP, 11),
    socket.AF_INET6: (socket.IPPROTO_IPV6, 25),
}
_EXTENDED_ERR: Final = struct.Struct("@IBBBBII")  # struct sock_extended_err; the offender follows
_ORIGIN_LOCAL: Final = 1
_OFFENDER_IP: Final = {socket.AF_INET: slice(20, 24), socket.AF_INET6: slice(24, 40)}
_DATAGRAM: Final = 65_535
_ERRORS_AT_ONCE: Final = 64
_SEND_TRIES: Final = 4

Address = tuple[str, int] | tuple[str, int, int, int]


@dataclass(frozen=True, slots=True)
class IcmpError:
    """What an ICMP message said about a datagram sent to `peer`."""

    peer: Address
    errno: int  # ECONNREFUSED, EHOSTUNREACH, ...
    by_peer: bool  # the peer itself sent it, which proves it alive


class Socket:
    """A non-blocking UDP socket on a port of the kernel's choice.

    `granted_rcvbuf` is what the kernel gave, in octets as it counts them.  Raises OSError where
    the machine has no such address family.
    """

    def __init__(self, family: int) -> None:
        self._family = socket.AddressFamily(family)
        self._sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._sock.setblocking(False)
            self._sock.setsockopt(*_RECVERR[self._family], 1)
            if family == socket.AF_INET6:
                self._sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                self._sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _WANTED_RCVBUF)
            except PermissionError:
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _WANTED_RCVBUF)
            self._sock.bind(("", 0))
        except OSError:
            self._sock.close()
            raise
        self.granted_rcvbuf = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        # An error was met since the owner last looked; it may have to watch the descriptor anew.
        self.disturbed = False
        # Bound once: looking them up per datagram shows in a profile.
        self.receive = self._sock.recvfrom
        self._sendto = self._sock.sendto

    def fileno(self) -> int:
        """The descriptor, for the event loop."""
        return self._sock.fileno()

    def close(self) -> None:
        """Close; idempotent."""
        self._sock.close()

    def send(self, datagram: bytes, peer: Address) -> tuple[OSError | None, list[IcmpError]] | None:
        """Send; None if all went well.

        Otherwise the send's own error, if it failed, and queued ICMP errors met on the way.  A full
        send buffer is no error: the datagram is lost like one lost on the network, and a
        retransmission makes up for it.
        """
        try:
            self._sendto(datagram, peer)
        except OSError as error:
            return self._send_again(datagram, peer, error)
        return None

    def _send_again(
        self, datagram: bytes, peer: Address, failure: OSError
    ) -> tuple[OSError | None, list[IcmpError]]:
        met: list[IcmpError] = []
        for _ in range(_SEND_TRIES):
            if isinstance(failure, BlockingIOError) or failure.errno == errno.ENOBUFS:
                return None, met
            # Either this send's own, or a pending one of an earlier datagram: a retry tells.
            self.disturbed = True
            met += self.errors()
            try:
                self._sendto(datagram, peer)
            except OSError as error:
                failure = error
            else:
                return None, met
        return failure, met

    def errors(self) -> list[IcmpError]:
        """Take the queued ICMP errors, some at a time."""
        found: list[IcmpError] = []
        for _ in range(_ERRORS_AT_ONCE):
            try:
                _, control, _, peer = self._sock.recvmsg(_DATAGRAM, 512, socket.MSG_ERRQUEUE)
            except OSError:
                break
            for level, kind, data in control:
                if (level, kind) == _RECVERR[self._family] and len(data) >= _EXTENDED_ERR.size:
                    number, origin = _EXTENDED_ERR.unpack_from(data)[:2]
                    if origin != _ORIGIN_LOCAL:
                        offender = data[_OFFENDER_IP[self._family]]
                        found.append(IcmpError(peer, number, offender == self._packed(peer)))
        return found

    def _packed(self, peer: Address) -> bytes:
        return socket.inet_pton(self._family, peer[0].partition("%")[0])


def numeric_address(address: str, port: int) -> tuple[int, Address]:
    """Address family and socket address of a numeric address, as `recvfrom` spells it.

    Raises OSError or ValueError for a name: resolving blocks, and is the resolver's work.
    """
    ip_address(address)  # stricter than getaddrinfo, which reads up to a NUL and takes 127.1
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    family, _, _, _, peer = socket.getaddrinfo(address, port, type=socket.SOCK_DGRAM, flags=flags)[0]
    return family, cast("Address", peer)
