"""The connection under an SMTP conversation: aiosmtplib's client and protocol, and what they hide.

A reply is read once, the time of a phase ends the wait for it, bytes that nobody asked for are counted
rather than lost, and TLS is a layer of its own whose first byte is known.
"""

import asyncio
import fcntl
import re
import ssl
import struct
import termios
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Final, cast

import aiosmtplib
from aiosmtplib.protocol import MAX_LINE_LENGTH, MAX_RESPONSE_LENGTH, SMTPProtocol

from netmon.errors import Reason
from netmon.mail.faults import MailError, failed
from netmon.mail.tls_layer import TlsLayer
from netmon.mail.trail import Trail, printable

_MOST: Final = 4 << 20  # bytes of one conversation; no server has that much to say
_CLOSE: Final = 0.5  # seconds for the peer's close_notify
_REPLY: Final = re.compile(rb"[2-5][0-9][0-9](?:[ -]|$)")
_CONTROL: Final = re.compile(rb"[\x00-\x1f\x7f]")


class Phase:
    """A named part of the conversation.

    Its end in time comes as an exception in the place of the reply that is waited for: an asyncio.timeout
    around each wait costs as much as the whole rest of a command.
    """

    __slots__ = ("_begun", "_name", "_phases", "_protocol", "_timer")

    def __init__(
        self, protocol: "Protocol", phases: dict[str, float], name: str, timer: asyncio.TimerHandle
    ) -> None:
        """`timer` is to tell the protocol when the phase's time is over."""
        self._protocol = protocol
        self._phases = phases
        self._name = name
        self._timer = timer
        self._begun = time.perf_counter()  # uvloop's own clock counts milliseconds and stands in a callback

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        self._protocol.given_up = None
        name, spent = self._name, time.perf_counter() - self._begun
        self._phases[name] = self._phases.get(name, 0.0) + spent
        if isinstance(error, aiosmtplib.SMTPServerDisconnected):
            raise failed(Reason.CONNECTION_LOST, f"the server closed the connection ({name})") from error
        if isinstance(error, aiosmtplib.SMTPResponseException):
            raise failed(Reason.PROTOCOL_ERROR, f"not SMTP ({name}): {error.message}") from error


class Protocol(SMTPProtocol):
    """aiosmtplib's protocol with a reader of its own.

    The library reads a reply again from its start at every segment, which a server that sends a
    line a segment can make expensive; it takes `220 ok, CR LF, 250-...` for one unfinished reply,
    behind which injected bytes could hide; and it drops what nobody asked for unseen.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, trail: Trail) -> None:
        super().__init__(loop=loop)
        self.closed: asyncio.Future[None] = loop.create_future()
        self.heard = 0  # bytes, ever
        self.hidden = False  # the next command is part of a login
        self.given_up: MailError | None = None  # the phase is over, and nothing is waited for any more
        self.tls: TlsLayer | None = None
        self._shaking: asyncio.Future[None] | None = None  # the handshake
        self._parting: asyncio.TimerHandle | None = None
        self.keeps = False  # for a test, what nobody asked for is kept and read as replies
        self._unasked = 0  # bytes that came after a reply was complete and before the next command
        self._lines: list[bytes] = []  # of the reply that is being read
        self._size = 0
        self._trail = trail

    async def upgrade(self, context: ssl.SSLContext, server_name: str | None) -> None:
        """Shake hands.  Raises ssl.SSLError, ValueError for the name, ConnectionError if it is lost."""
        if self.given_up is not None:
            raise self.given_up
        self.tls = TlsLayer(context, server_name)
        self._shaking = self._loop.create_future()
        self.tls.shake_hands()
        self._flush()
        await self._shaking

    def part(self) -> None:
        """Close; in TLS say so and hear the server's word for it, or its FIN (RFC 8446 §6.1)."""
        if self.transport is None:
            return
        transport = cast("asyncio.Transport", self.transport)
        if self.tls is None or self.tls.ended or transport.is_closing():
            transport.close()
        else:
            transport.write(self.tls.end())
            self._parting = self._loop.call_later(_CLOSE, transport.close)

    def write(self, data: bytes) -> None:
        """Send, inside TLS once there is TLS."""
        if self.transport is None or self.transport.is_closing():
            raise aiosmtplib.SMTPServerDisconnected("connection lost")
        if self.tls is not None:
            try:
                data = self.tls.send(data)
            except ssl.SSLError as error:
                raise aiosmtplib.SMTPServerDisconnected("the TLS session is broken") from error
        cast("asyncio.Transport", self.transport).write(data)

    def _flush(self) -> None:
        """Send what TLS itself has to say."""
        if self.tls is not None and self.transport is not None and (data := self.tls.unsent()):
            cast("asyncio.Transport", self.transport).write(data)

    def data_received(self, data: bytes) -> None:
        """Bytes off the wire."""
        self.heard += len(data)
        if self.heard > _MOST:
            self._flooded()
            return
        if self.tls is None:
            self._hear(data)
            return
        try:
            plain = self.tls.receive(data)
        except ssl.SSLError as error:
            self._flush()  # the alert
            self._shaken(error)
            if self.transport is not None:
                cast("asyncio.Transport", self.transport).close()
            return
        self._flush()
        if self.tls.established:
            self._shaken(None)
        if plain:
            self._hear(plain)
        if self.tls.ended and self.transport is not None:
            self.eof_received()
            cast("asyncio.Transport", self.transport).close()

    def _flooded(self) -> None:
        """Hear no more: a flood would keep the loop from all other checks until the deadline."""
        fault = failed(Reason.PROTOCOL_ERROR, f"the server sent more than {_MOST >> 20} MiB")
        self._shaken(fault)
        waiter = self._response_waiter
        if waiter is not None and self._response_pending and not waiter.done():
            self._set_response_exception(waiter, fault)
        if self.transport is not None:
            cast("asyncio.Transport", self.transport).abort()

    def _shaken(self, error: Exception | None) -> None:
        """The handshake is over."""
        if self._shaking is None or self._shaking.done():
            return
        if error is None:
            self._shaking.set_result(None)
        else:
            self._shaking.set_exception(error)
            self._shaking.exception()  # it may have nobody who waits for it any more

    def _hear(self, data: bytes) -> None:
        """Bytes of the conversation."""
        self._trail.received(data)
        waiter = self._response_waiter
        if waiter is None or waiter.done() or not self._response_pending:
            if self.keeps and len(self._buffer) < MAX_RESPONSE_LENGTH:
                self._buffer += data
            else:
                self._unasked += len(data)
            return
        self._buffer += data
        try:
            reply = self._take_reply()
        except aiosmtplib.SMTPResponseException as error:
            self._set_response_exception(waiter, error)
        else:
            if reply is not None:
                waiter.set_result(reply)

    def _take_reply(self) -> aiosmtplib.SMTPResponse | None:
        """A whole reply (RFC 5321 §4.2) out of the buffer, or None until its last line is here."""
        while (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[:end]).removesuffix(b"\r")
            del self._buffer[: end + 1]
            self._size += len(line)
            if not _REPLY.match(line):
                shown = self._trail.cleaned(printable(line))[:100]  # cut last: half a secret is not found
                raise aiosmtplib.SMTPResponseException(-1, f"{shown!r} is no reply")
            if len(line) > MAX_LINE_LENGTH or self._size > MAX_RESPONSE_LENGTH:
                break
            self._lines.append(line[4:])
            if line[3:4] != b"-":
                text = b"\n".join(self._lines).decode("utf-8", "backslashreplace")
                self._lines, self._size = [], 0
                return aiosmtplib.SMTPResponse(int(line[:3]), text)
        if len(self._buffer) > MAX_LINE_LENGTH or self._size > MAX_RESPONSE_LENGTH:
            self._buffer.clear()
            raise aiosmtplib.SMTPResponseException(-1, "the reply is too long")
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits for anything learns that it will not come."""
        super().connection_lost(exc)
        self._shaken(ConnectionResetError())
        if self._parting is not None:
            self._parting.cancel()
        if not self.closed.done():
            self.closed.set_result(None)

    async def execute_command(self, *args: bytes, timeout: float | None = None) -> aiosmtplib.SMTPResponse:  # noqa: ARG002, ASYNC109 (the library's signature; phases are bounded from outside)
        """Send a command; the reply to it."""
        command = b" ".join(args)
        if _CONTROL.search(command):
            raise ValueError("a control character in a command")  # none of ours can hold one
        return await self.execute_together(args)

    async def execute_together(self, *commands: Sequence[bytes]) -> aiosmtplib.SMTPResponse:
        """Send commands in one segment; the reply to the first."""
        if not self.keeps and (self._buffer or self._unasked):
            self._trail.note(f"{len(self._buffer) + self._unasked} bytes that no command asked for")
            self._buffer.clear()
            self._unasked = 0
        self._lines, self._size = [], 0
        for words in commands:
            self._trail.sent(*words, hidden=self.hidden)
        self._response_pending = True
        self.write(b"".join(b" ".join(words) + b"\r\n" for words in commands))
        self._quit_sent = commands[0] == (b"QUIT",)
        return await self.read_response()

    async def execute_message(self, data: bytes) -> aiosmtplib.SMTPResponse:
        """Send a message that is ready for the wire, with its end; the reply to it (RFC 5321 §4.1.1.4)."""
        if self._buffer or self._unasked:
            self._trail.note(f"{len(self._buffer) + self._unasked} bytes that no command asked for")
            self._buffer.clear()
            self._unasked = 0
        self._lines, self._size = [], 0
        self._trail.note(f"the message, {len(data)} octets")
        self._response_pending = True
        self.write(data)
        return await self.read_response()

    async def read_response(self, timeout: float | None = None) -> aiosmtplib.SMTPResponse:  # noqa: ARG002, ASYNC109 (as above)
        """The next reply; the end of the phase comes in its place."""
        waiter = self._response_waiter
        if waiter is None:
            raise aiosmtplib.SMTPServerDisconnected("connection lost")
        if self.given_up is not None:
            raise self.given_up
        if self.keeps and (reply := self._take_reply()) is not None:
            return reply
        self._response_pending = True
        try:
            return await waiter
        finally:
            self._response_pending = False
            self._response_waiter = None if self.transport is None else self._loop.create_future()

    def give_up(self, fault: MailError) -> None:
        """Whoever waits for a reply, now or later in this phase, gets `fault`."""
        self.given_up = fault
        self._shaken(fault)
        waiter = self._response_waiter
        if waiter is not None and self._response_pending and not waiter.done():
            self._set_response_exception(waiter, fault)

    def unread(self) -> int:
        """Bytes that are here, but belong to no reply that was waited for."""
        return len(self._buffer) + self._unasked + self.pending()

    def pending(self) -> int:
        """Bytes in the kernel's buffer."""
        if self.transport is None:
            return 0
        size = fcntl.ioctl(self.transport.get_extra_info("socket").fileno(), termios.FIONREAD, bytes(4))
        return int(struct.unpack("=i", size)[0])


class Client(aiosmtplib.SMTP):
    """aiosmtplib's client over a connection that it did not make."""

    def __init__(self, protocol: Protocol) -> None:
        super().__init__(timeout=None)
        self.protocol = protocol

    async def execute_command(self, *args: bytes, timeout: object = None) -> aiosmtplib.SMTPResponse:  # noqa: ARG002, ASYNC109 (the library's signature; phases are bounded from outside)
        """Send a command; the reply to it."""
        # The library hangs up at a 421 by itself; here every conversation ends by QUIT.
        if self.protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("not connected")
        return await self.protocol.execute_command(*args)

    def abort(self) -> None:
        """Close at once, whatever state the connection is in."""
        if self.transport is not None:
            cast("asyncio.Transport", self.transport).abort()
        self.close()
