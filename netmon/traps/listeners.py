"""The UDP sockets on which traps arrive: bound by us, or passed by systemd.

The agent holds them and the receiver's process inherits them, so that what the kernel has queued outlives
a receiver that dies.  None is bound with SO_REUSEADDR: with it another program on the same port would
take half of the traps, or all, and nobody would be told.
"""

import contextlib
import errno
import os
import socket
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final

import structlog

from netmon.traps.holders import holder_of

log = structlog.get_logger(__name__)

WANTED_BUFFER: Final = 16 << 20  # octets; the kernel doubles it: 40,000 datagrams of a linkDown
_SO_RCVBUFFORCE: Final = 33  # past net.core.rmem_max, for who has CAP_NET_ADMIN
_SO_MEMINFO: Final = 55  # <asm-generic/socket.h>; nine u32 of <linux/sock_diag.h>
_MEMINFO: Final = struct.Struct("@9I")
_ALLOCATED, _DROPS = 0, 8
_IP_PKTINFO: Final = (
    8  # <linux/in.h>: to which of our addresses a datagram was sent, so that we answer from it
)
_FIRST_PASSED: Final = 3  # SD_LISTEN_FDS_START
_MOST_PASSED: Final = 64
_PRIVILEGED: Final = 1024
_MOST_LEFT: Final = 1_000_000
_ANYWHERE: Final = {socket.AF_INET: "0.0.0.0", socket.AF_INET6: "::"}  # noqa: S104 - what wildcards look like

Place = tuple[str, int]  # numeric address ("" is 0.0.0.0) and port; port 0 takes a free one


@dataclass(eq=False, slots=True)
class Listener:
    """One socket.  `places` are what the config calls it: one of systemd's may serve both families."""

    sock: socket.socket
    places: list[Place]
    granted: int  # octets of receive buffer, as the kernel counts them
    passed: bool = False  # by systemd: never closed, since it would not come again
    _seen: int = field(default=0, repr=False)

    def __post_init__(self) -> None:
        self._seen = self._memory()[_DROPS]

    @property
    def name(self) -> str:
        """``ADDRESS:PORT``, as the metrics have it."""
        host, port = self.sock.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def queued(self) -> int:
        """Octets of the buffer that are in use."""
        return self._memory()[_ALLOCATED]

    def newly_dropped(self) -> int:
        """Datagrams that the kernel dropped since this was last asked; its count wraps at 2^32."""
        drops = self._memory()[_DROPS]
        new = (drops - self._seen) % (1 << 32)
        self._seen = drops
        return new

    def retire(self) -> None:
        """Take nothing new; what is queued can still be read.  A connected socket hears its peer alone."""
        if self.passed:
            return  # it may be wanted again
        with contextlib.suppress(OSError):
            self.sock.connect(("::1" if self.sock.family == socket.AF_INET6 else "127.0.0.1", 9))

    def left(self) -> int:
        """Take what is queued and throw it away: how many datagrams that were."""
        count = 0
        with contextlib.suppress(OSError):  # BlockingIOError: no more
            while count < _MOST_LEFT:
                self.sock.recv(1)
                count += 1
        return count

    def close(self) -> None:
        """Close it, but for one that systemd gave."""
        if not self.passed:
            self.sock.close()

    def _memory(self) -> tuple[int, ...]:
        return _MEMINFO.unpack(self.sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size))


def passed_sockets(environ: Mapping[str, str], pid: int) -> list[socket.socket]:
    """The UDP sockets that systemd passed to this process, sd_listen_fds(3); others are left alone."""
    if environ.get("LISTEN_PID") != str(pid):
        return []
    count = environ.get("LISTEN_FDS", "")
    if not (count.isascii() and count.isdecimal()):
        return []
    found = []
    for number in range(_FIRST_PASSED, _FIRST_PASSED + min(int(count), _MOST_PASSED)):
        try:
            os.set_inheritable(number, False)
            sock = socket.socket(fileno=number)
        except OSError:  # no socket
            continue
        if sock.type == socket.SOCK_DGRAM and sock.family in _ANYWHERE:
            found.append(sock)
        else:
            sock.detach()
    return found


class Listeners:
    """All listeners of an agent; `passed` are systemd's sockets, each used where `traps.listen` names it."""

    def __init__(self, passed: Sequence[socket.socket] = ()) -> None:
        self.passed = [_listener(sock, passed=True) for sock in passed]
        self.current: list[Listener] = []

    def open(self, wanted: Iterable[Place]) -> "Move":
        """Bind what is wanted and not there yet.

        Nothing is closed and nothing changes until the move is taken.  Raises OSError, with a sentence that
        says how to mend it.
        """
        new: list[Listener] = []
        made: list[Listener] = []
        try:
            for place in dict.fromkeys((host or _ANYWHERE[socket.AF_INET], port) for host, port in wanted):
                known = next((each for each in (*new, *self.current) if place in each.places), None)
                known = known or next((each for each in self.passed if _serves(each, place)), None)
                if known is None:
                    known = self._bound(place)
                    if known is None:
                        continue
                    made.append(known)
                if place not in known.places:
                    known.places.append(place)
                if known not in new:
                    new.append(known)
        except OSError:
            for each in made:
                each.close()
            raise
        if not new:
            raise OSError(errno.EADDRNOTAVAIL, "traps.listen: this machine has none of these addresses")
        return Move(self, new, made)

    def close(self) -> None:
        """Close all."""
        for listener in self.current:
            listener.close()
        self.current = []

    def _bound(self, place: Place) -> Listener | None:
        """A new socket there; None where this machine has no IPv6 and "[::]" is wanted."""
        host, port = place
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            sock = socket.socket(family, socket.SOCK_DGRAM)
        except OSError as error:
            if host != _ANYWHERE[socket.AF_INET6]:
                raise OSError(error.errno, _why(error, place)) from error
            log.info("this machine has no IPv6: no traps by it", listen=_text(place))
            return None
        try:
            if family == socket.AF_INET6:
                # So that 0.0.0.0 and [::] live beside each other.
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            with _overlapping(sock, self.current, port):
                sock.bind(place)
        except OSError as error:
            sock.close()
            if error.errno == errno.EADDRNOTAVAIL and host == _ANYWHERE[socket.AF_INET6]:
                log.info("this machine has no IPv6: no traps by it", listen=_text(place))
                return None
            raise OSError(error.errno, _why(error, place)) from error
        return _listener(sock, place)


@dataclass(eq=False, slots=True)
class Move:
    """From some listeners to others: take it, or go back."""

    listeners: Listeners
    new: list[Listener]
    made: list[Listener]

    @property
    def changes(self) -> bool:
        """Whether any socket comes or goes."""
        return set(self.new) != set(self.listeners.current)

    def leaving(self) -> list[Listener]:
        """The listeners that are no longer wanted."""
        return [each for each in self.listeners.current if each not in self.new]

    def take(self) -> list[Listener]:
        """Make the new ones current; the caller closes what is given when it has been read empty."""
        leaving = self.leaving()
        self.listeners.current = list(self.new)
        for listener in self.listeners.passed:
            if listener not in self.new:
                log.warning("systemd passed a socket that traps.listen does not name", listen=listener.name)
        for listener in self.made:
            log.info("traps are received", listen=listener.name, receive_buffer=listener.granted)
            if listener.granted < WANTED_BUFFER:
                log.warning(
                    "the kernel granted less receive buffer for traps than wanted: a burst may be lost",
                    listen=listener.name,
                    granted=listener.granted,
                    wanted=2 * WANTED_BUFFER,
                    mend=f"sysctl -w net.core.rmem_max={WANTED_BUFFER}, or AmbientCapabilities=CAP_NET_ADMIN",
                )
        return leaving

    def back(self) -> None:
        """Close what was opened for it."""
        for listener in self.made:
            listener.close()


def _listener(sock: socket.socket, *places: Place, passed: bool = False) -> Listener:
    sock.setblocking(False)
    with contextlib.suppress(
        OSError
    ):  # systemd may have granted more already, and then this takes nothing away
        if sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) < 2 * WANTED_BUFFER:
            try:
                sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, WANTED_BUFFER)
            except PermissionError:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WANTED_BUFFER)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    with contextlib.suppress(OSError):  # also for IPv4 on a socket of both families
        sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
    granted = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    return Listener(sock, list(places), granted, passed)


def _serves(listener: Listener, place: Place) -> bool:
    """Whether one of systemd's sockets is what a place of `traps.listen` means."""
    host, port = listener.sock.getsockname()[:2]
    if port != place[1]:
        return False
    if ip_address(host) == ip_address(place[0]):
        return True
    # ListenDatagram=162 gives one socket for both families (BindIPv6Only= in systemd.socket(5)).
    return (
        listener.sock.family == socket.AF_INET6
        and host == _ANYWHERE[socket.AF_INET6]
        and ":" not in place[0]
        and not listener.sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
    )


@contextlib.contextmanager
def _overlapping(sock: socket.socket, current: Iterable[Listener], port: int) -> Iterator[None]:
    """Let a socket be bound beside our own ones on that port, as 127.0.0.1 beside 0.0.0.0, and no others."""
    beside = [each.sock for each in current if port and each.sock.getsockname()[1] == port]
    sockets = [sock, *beside] if beside else []
    for each in sockets:
        each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        yield
    finally:
        for each in sockets:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)


def _text(place: Place) -> str:
    host, port = place
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _why(error: OSError, place: Place) -> str:
    """What to do about a port that cannot be had."""
    told = f"traps.listen: {_text(place)}: {error.strerror or error}"
    if error.errno in {errno.EACCES, errno.EPERM} and place[1] < _PRIVILEGED:
        return (
            f"{told}; a port below {_PRIVILEGED} wants one capability: in netmon's systemd unit "
            "AmbientCapabilities=CAP_NET_BIND_SERVICE, or setcap cap_net_bind_service=+ep on its Python; or "
            f"let a systemd socket (ListenDatagram={place[1]}) pass the port, or set traps.listen to another"
        )
    if error.errno == errno.EADDRINUSE:
        holder = holder_of(place[1])
        if holder:
            return f"{told}; {holder} has it: stop that, or set traps.listen to another port"
        likely = "snmptrapd most likely has it (systemctl disable --now snmptrapd.socket snmptrapd)"
        other = "another program has it"
        return f"{told}; {likely if place[1] == 162 else other}; stop that, or set traps.listen"  # noqa: PLR2004
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{told}; this machine has no such address: see ip address, and set traps.listen"
    return f"{told}; set traps.listen"
