"""One SMTP conversation, step by step, seen as closely as a diagnosis needs (RFC 5321, RFC 3207).

aiosmtplib carries it.  What a health probe must see and the library hides is reached in `wire`,
through subclasses of its client and protocol: the time of each phase, the reply lines as they came,
and bytes that arrive in plain text between STARTTLS's 220 and the handshake, which asyncio would
otherwise let through as the first reply inside TLS (RFC 3207 §6).
"""

import asyncio
import re
import ssl
import time
from types import TracebackType
from typing import Final, Self

import aiosmtplib

from netmon.errors import Reason
from netmon.mail.faults import MailError, connect_fault, failed
from netmon.mail.tls import handshake_fault
from netmon.mail.trail import Trail
from netmon.mail.wire import Client, Phase, Protocol
from netmon.model import Result

_QUIT: Final = 2.0  # seconds that a goodbye may take
_SHORT_QUIT: Final = 0.5  # after a fault, when an answer is hardly to come
_REJECTED: Final = 500
_DEFERRED: Final = 400
# RFC 3463 §3.4, mail system status; but Postfix says 4.3.2 to a single client that it puts off.
_SYSTEM_TROUBLE: Final = re.compile(r"4\.3\.(?!2\b)[0-9]{1,3}\b")
_SECOND: Final = 1.0  # seconds for a reply that may never come
_CLOSING: Final = 421  # RFC 5321 §3.8: it closes the connection
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
        self._protocol = Protocol(self._loop, trail)
        self._client = Client(self._protocol)

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
        layer = self._protocol.tls
        return layer.session if layer is not None and layer.established else None

    async def connect(self, address: str, port: int, *, within: float) -> None:
        """Connect to a numeric address in at most `within` seconds."""
        within = self._at_most(within)
        silence = failed(Reason.TIMEOUT, f"{address} port {port} does not answer within {within:.2g} s")
        try:
            with self._phase("connect", within + 1, silence):
                async with asyncio.timeout_at(self._loop.time() + within):
                    transport, _ = await self._loop.create_connection(lambda: self._protocol, address, port)
        except TimeoutError as error:
            if error.errno is None:  # the kernel's own has a number
                raise silence from None
            raise connect_fault(error, address, port) from error
        except OSError as error:
            raise connect_fault(error, address, port) from error
        self._client.transport = transport

    async def tls(self, context: ssl.SSLContext, server_name: str | None) -> None:
        """Implicit TLS (RFC 8314 §3): the handshake comes before any word."""
        within = self._at_most(self._patience)
        silence = failed(Reason.TLS_HANDSHAKE, f"no answer to the TLS handshake within {within:.2g} s")
        with self._phase("tls", self._patience, silence):
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
        with self._phase("starttls", self._patience, self._silence("STARTTLS")):
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

    async def message(self, octets: bytes) -> aiosmtplib.SMTPResponse:
        """A message with CRLF line ends, after DATA's 354; the reply, whatever it is."""
        with self._phase("message", self._patience, self._silence("the message")):
            return await self._protocol.execute_message(stuffed(octets))

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
        try:
            await self._protocol.upgrade(context, server_name)
        except (OSError, ValueError) as error:  # ValueError: a name that SNI cannot hold
            reason, text = handshake_fault(error)
            raise failed(reason, text) from error

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

    def _phase(self, name: str, within: float, silence: MailError) -> Phase:
        """Time a phase whose every wait is for a reply, bound it, and translate aiosmtplib's errors once."""
        until = min(self._loop.time() + within, self._limit)
        timer = self._loop.call_at(until, self._protocol.give_up, silence)
        return Phase(self._protocol, self._phases, name, timer)

    async def _quit(self, within: float) -> None:
        """Say goodbye within bounds; nothing that happens here changes the result (RFC 5321 §4.1.1.10)."""
        if not self._client.is_connected:
            return
        begun = time.perf_counter()
        try:
            async with asyncio.timeout_at(min(self._loop.time() + within, self._limit + self._goodbye)):
                await self._client.execute_command(b"QUIT")
                self._phases["quit"] = time.perf_counter() - begun
                self._protocol.part()
                await asyncio.shield(self._protocol.closed)
        except (TimeoutError, aiosmtplib.SMTPException, MailError):
            if "quit" not in self._phases:
                self._trail.note("no answer to QUIT")
                self._phases["quit"] = time.perf_counter() - begun


def stuffed(octets: bytes) -> bytes:
    """A message as it goes over the wire: a dot before each dot at a line's begin, and the end (§4.5.2)."""
    body = octets if octets.endswith(b"\r\n") else octets + b"\r\n"
    first = b"." if body.startswith(b".") else b""
    return first + body.replace(b"\r\n.", b"\r\n..") + b".\r\n"
