"""A small mail server for the demo: real SMTP, real TLS, and mail for one mailbox or none.

It speaks enough of RFC 5321 and RFC 3207 that any client may hold a whole conversation with it:
greeting, EHLO, STARTTLS or implicit TLS (RFC 8314 §3.3), MAIL, RCPT, DATA (delivered where there is a
mailbox, else dropped), RSET, NOOP, VRFY, QUIT.  Lines, messages, sessions and silences are bounded.

It also has its bad days: it can be stopped, stand behind a filter, or refuse whoever calls.
"""

import asyncio
import contextlib
import secrets
import socket
import ssl
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import Enum
from typing import Final

from netmon.demo.port import Port

LINE: Final = 2048  # octets of a line that are still read; RFC 5321 §4.5.3.1.6 wants 1000
MESSAGE: Final = 1_000_000  # octets, announced by SIZE (RFC 1870)
SESSIONS: Final = 200  # at once, on all ports together
RECIPIENTS: Final = 100  # RFC 5321 §4.5.3.1.8
SILENCE: Final = 60.0  # seconds until an idle client is told 421
HANDSHAKE: Final = 10.0  # seconds for TLS
_PLAIN_REPLIES: Final = {"NOOP": "250 2.0.0 Ok", "RSET": "250 2.0.0 Ok", "VRFY": "252 2.0.0 Not told"}


class Tls(Enum):
    """How a port encrypts."""

    NONE = "none"
    STARTTLS = "starttls"
    IMPLICIT = "implicit"


class MailServer:
    """A mail host: any number of ports on one address, added by `listen`, all gone after `close`.

    While `refusal` is set (``"421 4.3.1 ..."``) it is what every client gets instead of a greeting.
    """

    def __init__(self, name: str, address: str, context: ssl.SSLContext) -> None:
        self.name = name
        self.address = address
        self.refusal = ""
        self.deliver: Callable[[bytes], None] | None = None
        self._context = context
        self._ports: list[Port] = []
        self._arrivals: set[asyncio.Task[None]] = set()
        self._sessions: set[asyncio.Task[None]] = set()

    def listen(self, tls: Tls, port: int = 0) -> int:
        """Open a port (0: any free one) on the running loop and return its number.  Raises OSError."""

        def arrived(connection: socket.socket) -> None:
            if len(self._arrivals) + len(self._sessions) >= SESSIONS:
                connection.close()
                return
            task = asyncio.create_task(self._receive(connection, tls))
            self._arrivals.add(task)
            task.add_done_callback(lambda task: self._received(task, connection))

        opened = Port(self.address, port, arrived)
        opened.open()
        self._ports.append(opened)
        return opened.number

    @property
    def listening(self) -> Sequence[int]:
        """The ports on which the program listens, whether or not anything comes through to it."""
        return [port.number for port in self._ports if port.listening]

    def start(self) -> None:
        """Listen again on every port.  Raises OSError."""
        for port in self._ports:
            port.open()

    def stop(self) -> None:
        """Refuse connections, as when the program has ended."""
        for port in self._ports:
            port.refuse()
        self._cut()

    def swallow(self) -> None:
        """Listen, but let nothing come through, as behind a firewall that drops.  Raises OSError."""
        for port in self._ports:
            port.swallow()
        self._cut()

    async def close(self) -> None:
        """Close the ports and cut what conversations there are."""
        self.stop()
        self._ports.clear()
        await asyncio.gather(*self._arrivals, *self._sessions, return_exceptions=True)

    def _cut(self) -> None:
        for task in (*self._arrivals, *self._sessions):
            task.cancel()

    async def _receive(self, connection: socket.socket, tls: Tls) -> None:
        """Make a session of a connection; with implicit TLS the handshake comes first."""

        def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            session = _Session(
                self.name, tls, self._context, reader, writer, refusal=self.refusal, deliver=self.deliver
            )
            task = asyncio.create_task(_serve(session))
            self._sessions.add(task)
            task.add_done_callback(self._sessions.discard)

        loop = asyncio.get_running_loop()
        protocol = asyncio.StreamReaderProtocol(asyncio.StreamReader(limit=LINE), begin)
        implicit = tls is Tls.IMPLICIT
        try:
            await loop.connect_accepted_socket(
                lambda: protocol,
                connection,
                ssl=self._context if implicit else None,
                ssl_handshake_timeout=HANDSHAKE if implicit else None,
            )
        except OSError:  # the client broke off, or speaks no TLS
            connection.close()

    def _received(self, task: asyncio.Task[None], connection: socket.socket) -> None:
        self._arrivals.discard(task)
        if task.cancelled():  # perhaps before its first step
            connection.close()


async def _serve(session: "_Session") -> None:
    try:
        await session.run()
    # A client that vanishes, breaks TLS or talks nonsense ends its own session and nothing else.
    except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
        session.abort()
    except asyncio.CancelledError:
        session.abort()
        raise


class _Session:
    """One client's conversation."""

    def __init__(
        self,
        name: str,
        tls: Tls,
        context: ssl.SSLContext,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        refusal: str,
        deliver: Callable[[bytes], None] | None,
    ) -> None:
        self._deliver = deliver
        self._name = name
        self._refusal = refusal
        self._context = context
        self._reader = reader
        self._writer = writer
        self._offers_tls = tls is Tls.STARTTLS
        self._greeted = False
        self._sender = False
        self._recipients = 0

    def abort(self) -> None:
        """Cut the connection without another word."""
        self._writer.transport.abort()

    async def run(self) -> None:
        """Hold the conversation until QUIT, a lost connection or a limit."""
        await self._say(self._refusal or f"220 {self._name} ESMTP")
        try:
            while True:
                verb, argument = await self._command()
                if verb == "QUIT" or self._refusal:  # RFC 5321 §3.1: whoever is refused may only leave
                    await self._say("221 2.0.0 Bye")
                    break
                if verb == "STARTTLS" and self._offers_tls:
                    if not await self._start_tls():
                        break
                elif verb == "DATA" and self._recipients:
                    await self._data()
                else:
                    await self._say(*self._reply(verb, argument))
        except TimeoutError:
            await self._say(f"421 4.4.2 {self._name} Timeout, closing")
        except asyncio.LimitOverrunError:
            await self._say("500 5.5.2 Line too long")
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def _command(self) -> tuple[str, str]:
        line = await self._line()
        verb, _, argument = line.decode("utf-8", "replace").strip().partition(" ")
        return verb.upper(), argument.strip()

    async def _line(self) -> bytes:
        async with asyncio.timeout(SILENCE):
            return await self._reader.readuntil(b"\n")

    async def _say(self, *lines: str) -> None:
        """Send a reply; of several lines all but the last get the code with a hyphen."""
        text = [line[:3] + "-" + line[4:] for line in lines[:-1]] + [lines[-1]]
        self._writer.write("".join(line + "\r\n" for line in text).encode())
        async with asyncio.timeout(SILENCE):
            await self._writer.drain()

    def _reply(self, verb: str, argument: str) -> tuple[str, ...]:
        if verb in ("EHLO", "HELO"):
            return self._hello(verb, argument)
        if verb in ("MAIL", "RCPT", "DATA"):
            return (self._mail(verb, argument),)
        if verb == "RSET":
            self._reset()
        return (_PLAIN_REPLIES.get(verb, "502 5.5.1 Command not implemented"),)

    def _hello(self, verb: str, argument: str) -> tuple[str, ...]:
        if not argument:
            return ("501 5.5.4 Say who you are",)
        self._reset()
        self._greeted = True
        if verb == "HELO":
            return (f"250 {self._name}",)
        return (
            f"250 {self._name}",
            "250 PIPELINING",
            f"250 SIZE {MESSAGE}",
            *(("250 STARTTLS",) if self._offers_tls else ()),
            "250 ENHANCEDSTATUSCODES",
            "250 8BITMIME",
        )

    def _mail(self, verb: str, argument: str) -> str:
        # RFC 5321 §4.1.4: EHLO, then MAIL, then RCPT, then DATA.
        wants = {"MAIL": self._greeted, "RCPT": self._sender, "DATA": bool(self._recipients)}
        if not wants[verb]:
            return "503 5.5.1 Bad sequence of commands"
        if verb == "MAIL":
            if not argument.upper().startswith("FROM:<"):
                return "501 5.5.4 Syntax: MAIL FROM:<address>"
            self._reset()
            self._sender = True
            return "250 2.1.0 Ok"
        if not argument.upper().startswith("TO:<"):
            return "501 5.5.4 Syntax: RCPT TO:<address>"
        if self._recipients >= RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        self._recipients += 1
        return "250 2.1.5 Ok"

    def _reset(self) -> None:
        self._sender = False
        self._recipients = 0

    async def _data(self) -> None:
        await self._say("354 End data with <CR><LF>.<CR><LF>")
        size = 0
        lines: list[bytes] = []
        while (line := await self._line()) != b".\r\n":
            size += len(line)
            if size > 2 * MESSAGE:  # it was told the limit twice over and goes on
                raise EOFError
            if self._deliver is not None and size <= MESSAGE:
                lines.append(line.removeprefix(b"."))  # RFC 5321 §4.5.2
        self._reset()
        if size > MESSAGE:
            await self._say("552 5.3.4 Message too big")
        elif self._deliver is None:
            await self._say("250 2.0.0 Ok: read and dropped")
        else:
            queued = secrets.token_hex(5).upper()
            await self._say(f"250 2.0.0 Ok: queued as {queued}")
            now = format_datetime(datetime.now(UTC))
            received = f"Received: by {self._name} with ESMTP id {queued};\r\n {now}\r\n"
            self._deliver(received.encode() + b"".join(lines))

    async def _start_tls(self) -> bool:
        """Upgrade the connection; False if the client has put commands behind STARTTLS."""
        # RFC 3207 §4: nothing may follow STARTTLS before the handshake.  What has come already
        # would be read as if it had been encrypted, so it ends the conversation.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0):
                await self._reader.read(1)
            return False
        await self._say("220 2.0.0 Ready to start TLS")
        await self._writer.start_tls(self._context, ssl_handshake_timeout=HANDSHAKE)
        # RFC 3207 §4.2: all that was said before is forgotten.
        self._offers_tls = False
        self._greeted = False
        self._reset()
        return True
