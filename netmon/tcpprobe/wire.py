"""One TCP connection: lines and octets of a peer that may send anything, in the clear or inside TLS.

TLS runs on memory buffers over the same transport, so that what was read before a handshake can never
be taken for what came after it: the handshake is refused while anything is left over, and the session
has a buffer of its own (RFC 3207 §6, RFC 9051 §6.2.1).
"""

import asyncio
import contextlib
import ssl
from typing import Final, cast

from netmon.errors import Reason
from netmon.mail.faults import MailError, failed

LONGEST: Final = 1 << 16  # octets of a line with its end, as Go's bufio.Scanner has it
MOST: Final = 16 << 20  # octets of one conversation
_HIGH: Final = 1 << 17  # octets held before the peer has to wait
_CHUNK: Final = 1 << 16


class Wire(asyncio.Protocol):
    """A connection as it is read and written by one task; every wait ends with the caller's deadline.

    Raises MailError where the peer or TLS goes wrong.
    """

    def __init__(self) -> None:
        self.session: ssl.SSLObject | None = None
        self._transport: asyncio.Transport | None = None
        self._incoming = ssl.MemoryBIO()  # TLS records
        self._outgoing = ssl.MemoryBIO()
        self._buffer = bytearray()  # what can be read
        self._taken = 0  # octets of the peer's so far
        self._ended = False
        self._fault: Exception | None = None
        self._full = False  # the peer does not read
        self._waiter: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance

    def data_received(self, data: bytes) -> None:
        """Keep what came, and have the peer wait when that is much."""
        self._taken += len(data)
        if self.session is None:
            self._buffer += data
        else:
            self._incoming.write(data)
        if len(self._buffer) + self._incoming.pending > _HIGH and self._transport is not None:
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """The peer will send no more; it may still read."""
        self._ended = True
        self._wake()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._ended = True
        self._fault = exc
        self._wake()

    def pause_writing(self) -> None:
        """The peer does not read."""
        self._full = True

    def resume_writing(self) -> None:
        """The peer reads again."""
        self._full = False
        self._wake()

    async def line(self) -> bytes | None:
        """The next line without its end, the last also where it has none; None at the end of the stream."""
        looked = 0
        while True:
            end = self._buffer.find(b"\n", looked)
            if end >= LONGEST or (end < 0 and len(self._buffer) >= LONGEST):
                raise failed(Reason.PROTOCOL_ERROR, f"a line is longer than {LONGEST} octets")
            if end >= 0:
                line = bytes(self._buffer[:end])
                del self._buffer[: end + 1]
                return line.removesuffix(b"\r")
            looked = len(self._buffer)
            if not await self._fill():
                rest = bytes(self._buffer)
                self._buffer.clear()
                return rest.removesuffix(b"\r") if rest else None

    async def octets(self, count: int) -> bytes:
        """The next octets; fewer where the stream ends."""
        while len(self._buffer) < count and await self._fill():
            pass
        found = bytes(self._buffer[:count])
        del self._buffer[:count]
        return found

    async def send(self, data: bytes) -> None:
        """Send, and wait while the peer does not read."""
        if self.session is None:
            self._write(data)
        else:
            try:
                self.session.write(data)
            except ssl.SSLError as error:
                raise _tls_fault(error) from error
            self._flush()
        while self._full:
            if self._ended and self._fault is not None:
                raise failed(Reason.CONNECTION_LOST, "the connection was lost while something was sent")
            await self._wait()

    async def tls(self, context: ssl.SSLContext, server_name: str | None) -> ssl.SSLObject:
        """Be the client of a handshake; `server_name` is sent as SNI.

        Raises ssl.SSLError or ValueError as the handshake does; MailError where plain text was left over.
        """
        if self._buffer:
            raise failed(
                Reason.STARTTLS_INJECTION,
                f"the server sent {len(self._buffer)} octets more before the TLS handshake, which anybody on "
                "the way could have added",
            )
        session = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)
        self.session = session
        while True:
            try:
                session.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
                if self._ended:
                    raise failed(
                        Reason.CONNECTION_LOST, "the server closed the connection in the TLS handshake"
                    ) from None
                await self._wait()
            except ssl.SSLError:
                self._flush()  # the alert
                raise
            else:
                self._flush()
                return session

    def close(self) -> None:
        """End the connection; nothing is waited for."""
        if self._transport is None:
            return
        if self.session is not None and not self._ended:
            with contextlib.suppress(ssl.SSLError):
                self.session.unwrap()
            with contextlib.suppress(MailError):  # it may be lost already
                self._flush()
        if self._transport.get_write_buffer_size():
            self._transport.abort()  # it does not read: waiting for it could take for ever
        else:
            self._transport.close()

    async def _fill(self) -> bool:
        """Wait for more to read; whether there is."""
        before = len(self._buffer)
        while not self._decrypted():
            if len(self._buffer) > before:
                return True
            if self._fault is not None:
                raise failed(Reason.CONNECTION_LOST, "the server reset the connection") from self._fault
            if self._ended:
                return False
            await self._wait()
            if self._taken > MOST:
                raise failed(Reason.PROTOCOL_ERROR, f"the server sent more than {MOST >> 20} MiB")
        return len(self._buffer) > before

    def _decrypted(self) -> bool:
        """Take what TLS has; whether it had any or has ended."""
        if self.session is None:
            return False
        try:
            data = self.session.read(_CHUNK)
        except ssl.SSLWantReadError:
            self._flush()
            return False
        except ssl.SSLZeroReturnError:  # close_notify
            return True
        except ssl.SSLError as error:
            raise _tls_fault(error) from error
        self._buffer += data
        return True

    async def _wait(self) -> None:
        """Wait until something happens."""
        transport = self._transport
        if transport is not None and not transport.is_closing():
            transport.resume_reading()
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._write(self._outgoing.read())

    def _write(self, data: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            raise failed(Reason.CONNECTION_LOST, "the connection is closed already")
        self._transport.write(data)


def _tls_fault(error: ssl.SSLError) -> MailError:
    words = (error.reason or str(error)).replace("_", " ").lower()
    return failed(Reason.TLS_HANDSHAKE, f"the TLS session broke: {words}")
