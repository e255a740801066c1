"""One SMTP conversation, step by step, seen as closely as a diagnosis needs (RFC 5321, RFC 3207).

aiosmtplib carries it.  What a health probe must see and the library hides is reached here, and
here only, through subclasses of its client and protocol: the time of each phase, the reply lines
as they came, and bytes that arrive in plain text between STARTTLS's 220 and the handshake, which
asyncio would otherwise let through as the first reply inside TLS (RFC 3207 §6).
"""

import asyncio
import fcntl
import re
import ssl
import struct
import termios
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Final, Self, cast

import aiosmtplib
from aiosmtplib.protocol import MAX_LINE_LENGTH, MAX_RESPONSE_LENGTH, SMTPProtocol

from netmon.errors import Reason
from netmon.mail.faults import MailError, connect_fault, failed
from netmon.mail.tls import handshake_fault
from netmon.mail.trail import Trail, printable
from netmon.model import Result

_QUIT: Final = 2.0  # seconds that a goodbye may take
_SHORT_QUIT: Final = 0.5  # after a fault, when an answer is hardly to come
_CLOSE: Final = 0.5  # seconds for the peer's close_notify
_REJECTED: Final = 500
_DEFERRED: Final = 400
_REPLY: Final = re.compile(rb"[2-5][0-9][0-9](?:[ -]|$)")
# RFC 3463 §3.4, mail system status; but Postfix says 4.3.2 to a single client that it puts off.
_SYSTEM_TROUBLE: Final = re.compile(r"4\.3\.(?!2\b)[0-9]{1,3}\b")
_SECOND: Final = 1.0  # seconds for a reply that may never come
_CLOSING: Final = 421  # RFC 5321 §3.8: it closes the connection
_SPACE: Final = 0x20
_NO_ESMTP: Final = {500, 502, 504}  # RFC 5321 §3.2: a server that knows no EHLO may know HELO


class Conversation:
    """A connection to one server; each step may raise MailError, and what was learned so far stays.

    The caller owns `trail` and `phases` (seconds by name, in the order of their first start).
    `limit` is the loop time that no step outlives, `patience` the seconds for one answer, and
    `goodbye` the seconds after `limit` that a QUIT may still take.  As a context manager it says
    goodbye if it can, and always closes.
    """

    def __init__(
        self, trail: Trail, phases: dict[str, float], *, limit: float, patience: float, goodbye: float
    ) -> None:
        self._trail = trail
        self._phases = phases
        self.greeting = ""  # text of the 220 reply
        self.refusal = ""  # text of a 4yz or 5yz reply that ended the conversation
        self.extensions: dict[str, str] = {}  # of the latest EHLO: lower-case keyword, parameters
        self.upgraded = False
        self.sent_away = False  # a reply was 421: it closes, and does not want us back at once
        self._limit = limit
        self._patience = patience
        self._goodbye = goodbye
        self._loop = asyncio.get_running_loop()
        self._protocol = _Protocol(self._loop, trail)
        self._client = _Client(self._protocol)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None or issubclass(kind, MailError):
                await self._quit(_QUIT if kind is None else _SHORT_QUIT)
        finally:
            self._client.abort()

    @property
    def session(self) -> ssl.SSLObject | None:
        """The TLS session, once there is one."""
        transport = self._client.transport
        session: ssl.SSLObject | None = transport.get_extra_info("ssl_object") if transport else None
        return session

    async def connect(self, address: str, port: int, *, within: float) -> None:
        """Connect to a numeric address in at most `within` seconds."""
        within = self._at_most(within)
        silence = failed(Reason.TIMEOUT, f"{address} port {port} does not answer within {within:.2g} s")
        try:
            async with self._long_phase("connect", within, silence):
                transport, _ = await self._loop.create_connection(lambda: self._protocol, address, port)
        except OSError as error:
            raise connect_fault(error, address, port) from error
        self._client.transport = transport

    async def tls(self, context: ssl.SSLContext, server_name: str | None) -> None:
        """Implicit TLS (RFC 8314 §3): the handshake comes before any word."""
        within = self._at_most(self._patience)
        silence = failed(Reason.TLS_HANDSHAKE, f"no answer to the TLS handshake within {within:.2g} s")
        async with self._long_phase("tls", self._patience, silence):
            if self._protocol.heard or self._protocol.pending():
                raise failed(
                    Reason.TLS_HANDSHAKE,
                    "the server speaks before TLS on this port: is it one for `tls: starttls`?",
                )
            await self._handshake(context, server_name)

    async def greet(self, within: float) -> None:
        """Wait for the greeting, whose every line must come before we may speak (RFC 5321 §3.1)."""
        within = self._at_most(within)
        silence = failed(Reason.GREETING_TIMEOUT, f"connected, but no whole greeting within {within:.2g} s")
        try:
            with self._phase("greeting", within, silence):
                reply = await self._protocol.read_response()
        except MailError as fault:
            if fault is silence and not self._protocol.heard and self.session is None:
                text = f"connected, but not a word within {within:.2g} s: is it a port for `tls: implicit`?"
                raise failed(Reason.GREETING_TIMEOUT, text) from None
            raise
        self.expect("greeting", reply, 220, Reason.GREETING_REJECTED, Reason.GREETING_DEFERRED)
        self.greeting = reply.message

    async def ehlo(self, name: str) -> None:
        """Introduce ourselves as `name`; fills `extensions`, which stay empty after a HELO."""
        with self._phase("ehlo", self._patience, self._silence("EHLO")):
            reply = await self._client.execute_command(b"EHLO", name.encode("ascii"))
            if reply.code in _NO_ESMTP:
                hello = await self._client.execute_command(b"HELO", name.encode("ascii"))
                if hello.code == aiosmtplib.SMTPStatus.completed:
                    self.extensions = {}
                    return
        self.expect("EHLO", reply, 250, Reason.EHLO_REJECTED, Reason.EHLO_DEFERRED)
        self._client.last_ehlo_response = reply
        self.extensions = self._client.esmtp_extensions

    async def starttls(
        self, context: ssl.SSLContext, server_name: str | None, *, behind: bytes = b""
    ) -> None:
        """Upgrade to TLS (RFC 3207 §4); what EHLO said before no longer counts (§4.2).

        A command `behind` it is sent in the same segment, for the test of whether a server keeps it.
        """
        if "starttls" not in self.extensions:
            raise failed(Reason.STARTTLS_MISSING, "the server does not offer STARTTLS")
        async with self._long_phase("starttls", self._patience, self._silence("STARTTLS")):
            if behind:
                self._protocol.keeps = True
                reply = await self._protocol.execute_together((b"STARTTLS",), (behind,))
            else:
                reply = await self._client.execute_command(b"STARTTLS")
            self.expect("STARTTLS", reply, 220, Reason.STARTTLS_REJECTED, Reason.STARTTLS_DEFERRED)
            # A server that may speak has nothing to say before our first TLS record.
            if unread := self._protocol.unread():
                raise failed(
                    Reason.STARTTLS_INJECTION,
                    f"{unread} bytes came in plain text between the answer to STARTTLS and the TLS handshake",
                )
            await self._handshake(context, server_name)
        self.extensions = {}
        self.upgraded = True

    async def envelope(self, sender: str, recipient: str | None) -> None:
        """Begin a transaction and take it back: MAIL, RCPT if there is a recipient, RSET (RFC 5321 §3.3).

        Only here does a server look for room in its spool (452 4.3.1); no message is sent.
        """
        steps = [("MAIL", f"FROM:<{sender}>")]
        if recipient is not None:
            steps.append(("RCPT", f"TO:<{recipient}>"))
        for command, argument in steps:
            with self._phase(command.lower(), self._patience, self._silence(command)):
                reply = await self._client.execute_command(command.encode(), argument.encode("ascii"))
            self.expect(command, reply, 250, Reason.ENVELOPE_REJECTED, Reason.ENVELOPE_DEFERRED)
        with self._phase("rset", self._patience, self._silence("RSET")):
            await self._client.execute_command(b"RSET")

    async def command(self, phase: str, *words: bytes, hidden: bool = False) -> aiosmtplib.SMTPResponse:
        """One command of a phase, whatever the answer; `hidden` keeps its arguments out of the trail."""
        with self._phase(phase, self._patience, self._silence(phase.upper())):
            self._protocol.hidden = hidden
            try:
                return await self._client.execute_command(*words)
            finally:
                self._protocol.hidden = False

    async def another_reply(self, phase: str) -> aiosmtplib.SMTPResponse | None:
        """A reply to no command of ours, or None where none comes."""
        silence = failed(Reason.DEADLINE, "no further reply")
        try:
            with self._phase(phase, _SECOND, silence):
                return await self._protocol.read_response()
        except MailError:
            return None

    async def _handshake(self, context: ssl.SSLContext, server_name: str | None) -> None:
        transport = self._client.transport
        if transport is None or transport.is_closing():
            raise failed(Reason.CONNECTION_LOST, "the server closed the connection before the TLS handshake")
        left = max(self._limit - self._loop.time(), 0.001)
        try:
            upgraded = await self._loop.start_tls(
                cast("asyncio.Transport", transport),  # uvloop's is none by inheritance
                self._protocol,
                context,
                server_hostname=server_name,
                ssl_handshake_timeout=left + 1,  # the phase's own limit comes first
                ssl_shutdown_timeout=_CLOSE,
            )
        except (OSError, ValueError) as error:  # ValueError: a name that SNI cannot hold
            reason, text = handshake_fault(error)
            raise failed(reason, text) from error
        if upgraded is None:
            raise failed(Reason.CONNECTION_LOST, "the server closed the connection in the TLS handshake")
        self._client.transport = self._protocol.transport = upgraded

    def expect(
        self, what: str, reply: aiosmtplib.SMTPResponse, wanted: int, rejected: Reason, deferred: Reason
    ) -> None:
        """Raise the MailError that a reply other than `wanted` is (RFC 5321 §4.2.1)."""
        if reply.code == wanted:
            return
        said = self._trail.cleaned(f"{what}: {reply.code} {reply.message}".replace("\n", " "))[:300]
        self.sent_away = self.sent_away or reply.code == _CLOSING
        if _DEFERRED <= reply.code < _REJECTED:
            self.refusal = reply.message
            in_trouble = _SYSTEM_TROUBLE.match(reply.message)
            raise MailError(Result.DEFERRED, Reason.SYSTEM_DEFERRED if in_trouble else deferred, said)
        if _REJECTED <= reply.code < _REJECTED + 100:
            self.refusal = reply.message
            raise MailError(Result.REJECTED, rejected, said)
        raise failed(Reason.PROTOCOL_ERROR, f"{said}: {wanted} was expected")

    def _at_most(self, within: float) -> float:
        """The seconds that are really there for a phase."""
        return max(0.0, min(within, self._limit - self._loop.time()))

    def _silence(self, command: str) -> MailError:
        return failed(Reason.DEADLINE, f"no whole answer to {command} in time")

    def _phase(self, name: str, within: float, silence: MailError) -> "_Phase":
        """Time a phase whose every wait is for a reply, bound it, and translate aiosmtplib's errors once."""
        until = min(self._loop.time() + within, self._limit)
        timer = self._loop.call_at(until, self._protocol.give_up, silence)
        return _Phase(self._protocol, self._phases, name, timer)

    @asynccontextmanager
    async def _long_phase(self, name: str, within: float, silence: MailError) -> AsyncIterator[None]:
        """The same for a phase that waits for other things too."""
        try:
            with self._phase(name, within + 1, silence):
                async with asyncio.timeout_at(min(self._loop.time() + within, self._limit)):
                    yield
        except TimeoutError:
            raise silence from None

    async def _quit(self, within: float) -> None:
        """Say goodbye within bounds; nothing that happens here changes the result (RFC 5321 §4.1.1.10)."""
        if not self._client.is_connected:
            return
        begun = time.perf_counter()
        try:
            async with asyncio.timeout_at(min(self._loop.time() + within, self._limit + self._goodbye)):
                await self._client.execute_command(b"QUIT")
                self._phases["quit"] = time.perf_counter() - begun
                self._client.close()
                # In TLS this says close_notify and hears the server's (RFC 8446 §6.1).
                await asyncio.shield(self._protocol.closed)
        except (TimeoutError, aiosmtplib.SMTPException):
            if "quit" not in self._phases:
                self._trail.note("no answer to QUIT")
                self._phases["quit"] = time.perf_counter() - begun


class _Phase:
    """A named part of the conversation.

    Its end in time comes as an exception in the place of the reply that is waited for: an asyncio.timeout
    around each wait costs as much as the whole rest of a command.
    """

    __slots__ = ("_begun", "_name", "_phases", "_protocol", "_timer")

    def __init__(
        self, protocol: "_Protocol", phases: dict[str, float], name: str, timer: asyncio.TimerHandle
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


class _Protocol(SMTPProtocol):
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
        self.keeps = False  # for a test, what nobody asked for is kept and read as replies
        self._unasked = 0  # bytes that came after a reply was complete and before the next command
        self._lines: list[bytes] = []  # of the reply that is being read
        self._size = 0
        self._trail = trail

    def data_received(self, data: bytes) -> None:
        self.heard += len(data)
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
                raise aiosmtplib.SMTPResponseException(-1, f"{printable(line[:100])!r} is no reply")
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
        super().connection_lost(exc)
        if not self.closed.done():
            self.closed.set_result(None)

    async def execute_command(self, *args: bytes, timeout: float | None = None) -> aiosmtplib.SMTPResponse:  # noqa: ARG002, ASYNC109 (the library's signature; phases are bounded from outside)
        command = b" ".join(args)
        if any(octet < _SPACE for octet in command):
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
        waiter = self._response_waiter
        if waiter is not None and not waiter.done():
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


class _Client(aiosmtplib.SMTP):
    """aiosmtplib's client over a connection that it did not make."""

    def __init__(self, protocol: _Protocol) -> None:
        super().__init__(timeout=None)
        self.protocol = protocol

    async def execute_command(self, *args: bytes, timeout: object = None) -> aiosmtplib.SMTPResponse:  # noqa: ARG002, ASYNC109 (the library's signature; phases are bounded from outside)
        # The library hangs up at a 421 by itself; here every conversation ends by QUIT.
        if self.protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("not connected")
        return await self.protocol.execute_command(*args)

    def abort(self) -> None:
        """Close at once, whatever state the connection is in."""
        if self.transport is not None:
            cast("asyncio.Transport", self.transport).abort()
        self.close()
