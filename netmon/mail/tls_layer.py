"""TLS over bytes that somebody else carries: no socket, no event loop (RFC 8446 through OpenSSL's BIOs).

An event loop's own upgrade of a connection hides where plain text ends and TLS begins, which is where
STARTTLS is attacked (RFC 3207 §6), and costs a third more than the handshake itself.  Here every byte
passes through one place, and what came before the handshake is not in it.
"""

import ssl
from contextlib import suppress
from typing import Final

_PIECE: Final = 65536


class TlsLayer:
    """A client's side.  Raises ValueError or ssl.SSLError for a name that SNI cannot hold."""

    def __init__(self, context: ssl.SSLContext, server_name: str | None) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.session = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)
        self.established = False
        self.ended = False  # the peer has said close_notify

    def shake_hands(self) -> None:
        """Go as far as what has come allows.  Raises ssl.SSLError; an alert for the peer is to be sent."""
        try:
            self.session.do_handshake()
        except ssl.SSLWantReadError:
            return
        self.established = True

    def receive(self, data: bytes) -> bytes:
        """Take bytes of the peer; gives what they hold.  Raises ssl.SSLError."""
        self._incoming.write(data)
        if not self.established:
            self.shake_hands()
            if not self.established:
                return b""
        pieces = []
        try:
            while piece := self.session.read(_PIECE):
                pieces.append(piece)
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.ended = True
        return b"".join(pieces)

    def send(self, data: bytes) -> bytes:
        """The bytes for the peer that hold `data`.  Raises ssl.SSLError."""
        self.session.write(data)
        return self._outgoing.read()

    def unsent(self) -> bytes:
        """What TLS itself has to say."""
        return self._outgoing.read() if self._outgoing.pending else b""

    def end(self) -> bytes:
        """Our close_notify (RFC 8446 §6.1)."""
        with suppress(ssl.SSLError):  # as a rule SSLWantReadError: the peer's is still to come
            self.session.unwrap()
        return self._outgoing.read()
