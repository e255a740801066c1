"""What stands beside a Postfix in tests: a content filter that it hands mail to, and a policy server.

Both are threads on loopback; a `Filter` delivers by LMTP what a function has made of each message.
"""

import contextlib
import smtplib
import socketserver
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

_ANSWERS: Final = {b"EHLO": b"250-filter\r\n250 8BITMIME\r\n", b"QUIT": b"221 bye\r\n"}
Change = Callable[[bytes], list[bytes]]  # a message -> the messages to deliver in its place


@dataclass(slots=True)
class Filter:
    """A running filter."""

    port: int
    changes: dict[str, Change] = field(default_factory=dict)  # by recipient
    failures: list[str] = field(default_factory=list)


@contextlib.contextmanager
def filtering(lmtp: int) -> Iterator[Filter]:
    """A content filter by SMTP that delivers to the LMTP server on a port of 127.0.0.1."""
    running = Filter(0)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            try:
                self._talk()
            except Exception as error:  # noqa: BLE001 - the test is to see it
                running.failures.append(repr(error))

        def _talk(self) -> None:
            sender = recipient = ""
            self.wfile.write(b"220 filter ready\r\n")
            while line := self.rfile.readline():
                verb = line[:4].upper()
                address = line.partition(b"<")[2].partition(b">")[0].decode()
                sender = address if verb == b"MAIL" else sender
                recipient = address if verb == b"RCPT" else recipient
                if verb == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    self._deliver(sender, recipient)
                self.wfile.write(_ANSWERS.get(verb, b"250 ok\r\n"))
                if verb == b"QUIT":
                    return

        def _deliver(self, sender: str, recipient: str) -> None:
            message = b""
            while (line := self.rfile.readline()) not in (b".\r\n", b""):
                message += line[1:] if line.startswith(b".") else line
            made = running.changes[recipient](message)
            with smtplib.LMTP("127.0.0.1", lmtp) as store:
                for one in made:
                    store.sendmail(sender, [recipient], one, ["BODY=8BITMIME"])

    with _serving(Handler) as running.port:
        yield running


@contextlib.contextmanager
def greylisting(times: int) -> Iterator[int]:
    """A policy server (Postfix's SMTPD_POLICY_README) that puts the first `times` off; its port."""
    asked = 0

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            nonlocal asked
            while line := self.rfile.readline():
                if line == b"\n":
                    asked += 1
                    action = b"DEFER 4.2.0 Greylisted" if asked <= times else b"DUNNO"
                    self.wfile.write(b"action=" + action + b"\n\n")

    with _serving(Handler) as port:
        yield port


@contextlib.contextmanager
def _serving(handler: type[Any]) -> Iterator[int]:
    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
