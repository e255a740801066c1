"""Echo requests without privilege and without threads: the sign of life.

One ICMP socket per address family for the whole agent.  Linux gives datagram ICMP sockets to the
groups in `net.ipv4.ping_group_range` (icmp(7)); where that range leaves us out, a raw socket
serves if the process may open one, and otherwise the caller is told so in a sentence.

Replies are matched by peer and by a random token in the payload, so that neither another
process's echo nor a forged one counts.  IP_RECVERR brings ICMP errors with the name of their
sender (ip(7)): an error that the host itself sent, port unreachable say, proves that it lives.
"""

import asyncio
import errno
import secrets
import socket
import struct
import time
from dataclasses import dataclass
from typing import Final

from netmon.errors import NetmonError, Reason

_TOKEN: Final = 8  # random bytes that make a payload ours
_BUFFER: Final = 4 << 20  # wanted; the kernel gives an unprivileged process net.core.rmem_max at most
_BURST: Final = 32  # echoes sent before the replies are looked after: the default buffer holds 250
_DRAIN: Final = 64  # datagrams read at one wake-up, so that a flood leaves the loop its turn
_RECEIVED: Final = 2048  # bytes of one datagram; an echo of ours has 24
_MTU: Final = 512  # bytes of a queued error: the head of our own echo

_ICMP_FILTER: Final = 1  # linux/icmp.h
_SOL_RAW: Final = 255
_ERROR_QUEUE: Final = 0x2000  # MSG_ERRQUEUE
_EXTENDED_ERROR: Final = struct.Struct("=IBBBBII")  # sock_extended_err, linux/errqueue.h
_ORIGIN_LOCAL: Final = 1
_OWN_SIDE: Final = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EPERM, errno.EACCES}
_REFUSED: Final = (
    "this machine lets netmon send no ping: add its group to the sysctl net.ipv4.ping_group_range, "
    "or give it CAP_NET_RAW"
)


class PingError(NetmonError):
    """No echo.  `reason` is TIMEOUT, UNREACHABLE, or (own side) NO_ROUTE or LOCAL_ERROR."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _Wire:
    """What differs between ICMP (RFC 792) and ICMPv6 (RFC 4443 §4)."""

    family: int
    protocol: int
    request: int
    reply: int
    level: int
    recverr: int


_V4: Final = _Wire(socket.AF_INET, socket.IPPROTO_ICMP, 8, 0, socket.IPPROTO_IP, 11)
_V6: Final = _Wire(socket.AF_INET6, socket.IPPROTO_ICMPV6, 128, 129, socket.IPPROTO_IPV6, 25)


class Pinger:
    """Echo requests to any number of hosts at once; opened at the first ping."""

    def __init__(self) -> None:
        self._doors: dict[int, _Door] = {}

    async def ping(self, address: str, timeout: float) -> float:  # noqa: ASYNC109 (part of the echo's meaning)
        """Seconds until the host at the numeric `address` answered one echo request.

        An ICMP error that comes from the address itself is an answer too.  Raises PingError.
        """
        wire = _V6 if ":" in address else _V4
        # Numeric only: this never asks DNS.
        peer = socket.getaddrinfo(address, 0, flags=socket.AI_NUMERICHOST)[0][4]
        door = self._doors.get(wire.family)
        if door is None or door.loop is not asyncio.get_running_loop():
            door = self._doors[wire.family] = _Door(wire)
        return await door.echo(peer, timeout)

    def close(self) -> None:
        """Close the sockets; echoes under way end by their timeouts."""
        while self._doors:
            self._doors.popitem()[1].close()


class _Door:
    """The socket of one family and the echoes that wait on it."""

    def __init__(self, wire: _Wire) -> None:
        self.loop = asyncio.get_running_loop()
        self._wire = wire
        self._socket, self._raw = _open(wire)
        self._secret = secrets.token_bytes(_TOKEN)
        self._ident = secrets.randbits(16)  # a datagram socket's is set by the kernel
        self._count = 0
        self._waiting: dict[bytes, tuple[str, float, asyncio.Future[float]]] = {}
        self.loop.add_reader(self._socket.fileno(), self._readable)

    def close(self) -> None:
        self.loop.remove_reader(self._socket.fileno())
        self._socket.close()

    async def echo(self, peer: tuple[object, ...], timeout: float) -> float:  # noqa: ASYNC109 (as above)
        self._count += 1
        payload = self._secret + self._count.to_bytes(8)
        answer: asyncio.Future[float] = self.loop.create_future()
        self._waiting[payload] = (str(peer[0]), time.perf_counter(), answer)
        try:
            if self._count % _BURST == 0:
                self._readable()
            self._send(payload, peer)
            async with asyncio.timeout(timeout):
                return await answer
        except TimeoutError:
            raise PingError(
                Reason.TIMEOUT, f"{peer[0]} did not answer an echo within {timeout:g} s"
            ) from None
        finally:
            del self._waiting[payload]

    def _send(self, payload: bytes, peer: tuple[object, ...]) -> None:
        packet = _echo(self._wire.request, self._ident, self._count & 0xFFFF, payload)
        try:
            try:
                self._socket.sendto(packet, peer)
            except OSError:
                # It may be the pending error of an earlier echo to another host, which the kernel
                # hands to whoever calls next; reading it clears it.
                self._readable()
                self._socket.sendto(packet, peer)
        except OSError as error:
            own = error.errno in _OWN_SIDE
            reason = Reason.LOCAL_ERROR if own else Reason.NO_ROUTE
            raise PingError(reason, f"cannot send an echo to {peer[0]}: {error.strerror}") from error

    def _readable(self) -> None:
        disturbed = False
        for _ in range(_DRAIN):
            try:
                data, controls, *_ = self._socket.recvmsg(_MTU, 512, _ERROR_QUEUE)
            except OSError:
                break
            disturbed = True
            self._failed(data, controls)
        for _ in range(_DRAIN):
            try:
                data, sender = self._socket.recvfrom(_RECEIVED)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                disturbed = True
                continue  # a pending error; its details came by the queue
            self._received(data, sender)
        if disturbed:
            # libuv stops watching a descriptor that has reported an error.
            self.loop.remove_reader(self._socket.fileno())
            self.loop.add_reader(self._socket.fileno(), self._readable)

    def _received(self, data: bytes, sender: tuple[object, ...]) -> None:
        if self._raw and self._wire is _V4:
            data = data[(data[0] & 0x0F) * 4 :] if data else data  # the IP header, RFC 791 §3.1
        if data[:1] != bytes((self._wire.reply,)):
            return
        waiting = self._waiting.get(data[8:])
        if waiting is not None and waiting[0] == sender[0] and not waiting[2].done():
            waiting[2].set_result(time.perf_counter() - waiting[1])

    def _failed(self, data: bytes, controls: list[tuple[int, int, bytes]]) -> None:
        """One entry of the error queue; `data` is the head of the echo that it is about."""
        start = data.find(self._secret)
        waiting = self._waiting.get(data[start : start + _TOKEN + 8]) if start >= 0 else None
        if waiting is None or waiting[2].done():
            return
        address, sent, answer = waiting
        for level, kind, value in controls:
            if (level, kind) != (self._wire.level, self._wire.recverr) or len(value) < _EXTENDED_ERROR.size:
                continue
            number, origin, icmp_type, code, *_ = _EXTENDED_ERROR.unpack_from(value)
            offender = _offender(self._wire.family, value[_EXTENDED_ERROR.size :])
            words = f"{address}: {errno.errorcode.get(number, number)}"
            if origin == _ORIGIN_LOCAL:
                answer.set_exception(PingError(Reason.LOCAL_ERROR, f"{words}, said by this machine"))
            elif offender == address:
                answer.set_result(time.perf_counter() - sent)
            else:
                text = f"{words}, said by {offender} (ICMP type {icmp_type}, code {code})"
                answer.set_exception(PingError(Reason.UNREACHABLE, text))
            return


def _open(wire: _Wire) -> tuple[socket.socket, bool]:
    """A non-blocking ICMP socket, and whether it is a raw one."""
    last: OSError | None = None
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            door = socket.socket(wire.family, kind | socket.SOCK_NONBLOCK, wire.protocol)
        except OSError as error:
            last = error
            continue
        raw = kind == socket.SOCK_RAW
        door.setsockopt(wire.level, wire.recverr, 1)
        door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        if raw:
            # A raw socket hears all ICMP of the machine: let the kernel drop all but echo replies.
            if wire is _V4:
                door.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", 0xFFFFFFFF & ~(1 << wire.reply)))
            else:
                blocked = bytearray(b"\xff" * 32)
                struct.pack_into("=I", blocked, wire.reply // 32 * 4, 0xFFFFFFFF & ~(1 << wire.reply % 32))
                door.setsockopt(socket.IPPROTO_ICMPV6, _ICMP_FILTER, bytes(blocked))
        return door, raw
    if last is not None and last.errno in (errno.EACCES, errno.EPERM):
        raise PingError(Reason.LOCAL_ERROR, _REFUSED) from last
    if last is not None and last.errno in (errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT):
        raise PingError(Reason.NO_ROUTE, f"this machine has no {'IPv6' if wire is _V6 else 'IPv4'}") from last
    raise PingError(Reason.LOCAL_ERROR, f"cannot open an ICMP socket: {last}") from last


def _echo(kind: int, ident: int, sequence: int, payload: bytes) -> bytes:
    """An echo request (RFC 792, RFC 4443 §4.1).  The kernel computes ICMPv6's checksum itself."""
    head = struct.pack("!BBHHH", kind, 0, 0, ident, sequence)
    total = sum(struct.unpack(f"!{(len(head) + len(payload)) // 2}H", head + payload))
    total = (total >> 16) + (total & 0xFFFF)
    checksum = ~(total + (total >> 16)) & 0xFFFF  # RFC 1071 §1
    return struct.pack("!BBHHH", kind, 0, checksum, ident, sequence) + payload


def _offender(family: int, raw: bytes) -> str:
    """The address in the sockaddr that follows a sock_extended_err; empty where there is none."""
    start, size = (4, 4) if family == socket.AF_INET else (8, 16)
    if len(raw) < start + size or struct.unpack_from("=H", raw)[0] != family:
        return ""
    return socket.inet_ntop(family, raw[start : start + size])
