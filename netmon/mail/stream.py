"""The connection under a conversation of lines and literals: IMAP and POP3.

No library carries these two.  imaplib and poplib read with a blocking socket: each check would hold a
thread, and a thread cannot be ended at a deadline; both also read on after STARTTLS from the buffer that
they had before it, where injected bytes hide (RFC 3501 §11, CVE-2021-33515 and its kind), and imaplib
takes whatever size a literal announces.  Here TLS is a layer of its own, as it is for SMTP, so that
nothing read before the handshake can count after it; every read is bounded in octets, and the end of a
phase comes as an exception in the place of what is waited for.
"""

import asyncio
import fcntl
import ssl
import struct
import termios
import time
from types import TracebackType
from typing import Final, cast

from netmon.errors import NetmonError, Reason
from netmon.mail.faults import MailError, failed
from netmon.mail.tls_layer import TlsLayer
from netmon.mail.trail import WIDTH, Trail

BUDGET: Final = 1 << 20  # octets that a server may say to one command, unless the command allows for more
_HIGH: Final = 1 << 18  # octets that wait for a reader before no more are taken off the wire
_CLOSE: Final = 0.5  # seconds for the peer's close_notify


class LostError(NetmonError):
    """The connection ended while something was waited for."""


class TooLongError(NetmonError):
    """A line has no end within its bound."""


class Phase:
    """A named part of the conversation: it is timed, and gives its name to the fault that ends it."""

    __slots__ = ("_begun", "_name", "_phases", "_stream", "_timer")

    def __init__(
        self, stream: "Stream", phases: dict[str, float], name: str, timer: asyncio.TimerHandle
    ) -> None:
        """`timer` is to tell the stream when the phase's time is over."""
        self._stream = stream
        self._phases = phases
        self._name = name
        self._timer = timer
        self._begun = time.perf_counter()

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        self._stream.given_up = None
        spent = time.perf_counter() - self._begun
        self._phases[self._name] = self._phases.get(self._name, 0.0) + spent
        if isinstance(error, LostError):
            lost = failed(Reason.CONNECTION_LOST, f"the server closed the connection ({self._name})")
            lost.phase = self._name
            raise lost from error
        if isinstance(error, TooLongError):
            fault = failed(Reason.PROTOCOL_ERROR, f"{error} ({self._name})")
            fault.phase = self._name
            raise fault from error
        if isinstance(error, MailError):
            error.phase = error.phase or self._name


class Stream(asyncio.Protocol):
    """Octets of one server, off the wire or out of TLS; read by one reader at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, trail: Trail) -> None:
        self.closed: asyncio.Future[None] = loop.create_future()
        self.heard = 0  # octets off the wire, ever
        self.given_up: MailError | None = None  # the phase is over, and nothing is waited for any more
        self.tls: TlsLayer | None = None
        self._loop = loop
        self._trail = trail
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._scanned = 0  # octets of the buffer that are known to hold no end of line
        self._budget = BUDGET
        self._paused = False
        self._ended = False
        self._waiter: asyncio.Future[None] | None = None
        self._shaking: asyncio.Future[None] | None = None
        self._parting: asyncio.TimerHandle | None = None

    @property
    def open(self) -> bool:
        """Whether something can still be said."""
        return self._transport is not None and not self._transport.is_closing()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Octets off the wire."""
        self.heard += len(data)
        if self.tls is not None:
            try:
                data = self.tls.receive(data)
            except ssl.SSLError as error:
                self._flush()  # the alert
                self._shaken(error)
                self._end()
                return
            self._flush()
            if self.tls.established:
                self._shaken(None)
        self._buffer += data
        if len(self._buffer) > _HIGH and not self._paused and self.open:
            cast("asyncio.Transport", self._transport).pause_reading()
            self._paused = True
        if data:
            self._wake()
        if self.tls is not None and self.tls.ended:
            self._end()

    def eof_received(self) -> bool:
        """The server says no more; what it said is still read."""
        self._ended = True
        self._shaken(ConnectionResetError())
        self._wake()
        return self._parting is None  # we close ourselves, after a goodbye

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits for anything learns that it will not come."""
        del exc
        self._ended = True
        self._shaken(ConnectionResetError())
        self._wake()
        if self._parting is not None:
            self._parting.cancel()
        if not self.closed.done():
            self.closed.set_result(None)

    # Reading.

    async def line(self, limit: int) -> bytes:
        """A line without its end.

        Raises LostError, TooLongError past `limit` octets, MailError when the phase is over or the server
        has said more than it was allowed.
        """
        while True:
            end = self._buffer.find(b"\n", self._scanned)
            if 0 <= end <= limit:
                return self._take(end + 1).removesuffix(b"\n").removesuffix(b"\r")
            self._scanned = len(self._buffer)
            if end > limit or self._scanned > limit:
                raise TooLongError(f"a line of more than {limit} octets")
            await self._more()

    async def octets(self, count: int) -> bytes:
        """Exactly so many octets; who asks has bounded `count`."""
        pieces = []
        while count:
            if not self._buffer:
                await self._more()
            piece = self._take(min(count, len(self._buffer)))
            count -= len(piece)
            pieces.append(piece)
        return b"".join(pieces)

    def allow(self, octets: int) -> None:
        """From now on the server may say so much, until the next call."""
        self._budget = octets

    def _take(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        self._scanned = 0
        self._budget -= count
        if self._budget < 0:
            raise failed(Reason.PROTOCOL_ERROR, "the server says more and more, and no end of it")
        if self._paused and len(self._buffer) <= _HIGH // 2:
            self._paused = False
            if self.open:
                cast("asyncio.Transport", self._transport).resume_reading()
        return taken

    async def _more(self) -> None:
        """Wait for further octets."""
        if self.given_up is not None:
            raise self.given_up
        if self._ended:
            raise LostError
        if self._paused and self.open:  # the reader takes more than waits
            self._paused = False
            cast("asyncio.Transport", self._transport).resume_reading()
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def unread(self) -> int:
        """Octets that are here, in the kernel's buffer too, and that nobody has read."""
        return len(self._buffer) + self._pending()

    def begins(self, word: bytes) -> bool:
        """Whether what has come and nobody read begins so."""
        return self._buffer.startswith(word)

    def drop(self) -> int:
        """Forget what has come and nobody read; gives its size."""
        size = len(self._buffer)
        self.leave_unread()
        return size

    def leave_unread(self) -> None:
        """Show a bounded piece of what was never read as a line."""
        if self._buffer:
            self._trail.received(bytes(self._buffer[: 4 * WIDTH]))
            self._buffer.clear()
            self._scanned = 0

    def _pending(self) -> int:
        if not self.open:
            return 0
        sock = cast("asyncio.Transport", self._transport).get_extra_info("socket")
        return int(struct.unpack("=i", fcntl.ioctl(sock.fileno(), termios.FIONREAD, bytes(4)))[0])

    def give_up(self, fault: MailError) -> None:
        """Whoever waits, now or later in this phase, gets `fault`."""
        self.given_up = fault
        self._shaken(fault)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(fault)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # Writing, and TLS.

    def write(self, data: bytes) -> None:
        """Send, inside TLS once there is TLS.  Raises LostError."""
        if not self.open:
            raise LostError
        if self.tls is not None:
            try:
                data = self.tls.send(data)
            except ssl.SSLError as error:
                raise LostError from error
        cast("asyncio.Transport", self._transport).write(data)

    async def upgrade(self, context: ssl.SSLContext, server_name: str | None) -> None:
        """Shake hands.  Raises ssl.SSLError, ValueError for the name, ConnectionError if it is lost."""
        if self.given_up is not None:
            raise self.given_up
        if self._ended:
            raise ConnectionResetError
        self.tls = TlsLayer(context, server_name)
        self._shaking = self._loop.create_future()
        self.tls.shake_hands()
        self._flush()
        await self._shaking

    def _flush(self) -> None:
        """Send what TLS itself has to say."""
        if self.tls is not None and self.open and (data := self.tls.unsent()):
            cast("asyncio.Transport", self._transport).write(data)

    def _shaken(self, error: Exception | None) -> None:
        """The handshake is over."""
        if self._shaking is None or self._shaking.done():
            return
        if error is None:
            self._shaking.set_result(None)
        else:
            self._shaking.set_exception(error)
            self._shaking.exception()  # it may have nobody who waits for it any more

    def _end(self) -> None:
        self._ended = True
        self._wake()
        if self._transport is not None:
            self._transport.close()

    def part(self) -> None:
        """Close; in TLS say so and hear the server's word for it, or its FIN (RFC 8446 §6.1)."""
        if self._transport is None:
            return
        if self.tls is None or self.tls.ended or not self.tls.established or self._ended or not self.open:
            self._transport.close()
            return
        self._transport.write(self.tls.end())
        self._parting = self._loop.call_later(_CLOSE, self._transport.close)

    def abort(self) -> None:
        """Close at once, whatever state the connection is in."""
        if self._transport is not None:
            self._transport.abort()
