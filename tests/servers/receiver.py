"""A receiver of alerts on loopback that remembers what it got and can be made to misbehave.

    with receiver() as server:
        ...                      # POST to server.url
        server.mood = Mood.ERROR

It runs in a thread of its own, so that tests with a loop and tests with a process both may use it.
"""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Mood(Enum):
    """How it answers."""

    WELL = auto()
    ERROR = auto()  # 500
    REFUSES = auto()  # 404
    BUSY = auto()  # 429 with Retry-After
    REDIRECTS = auto()  # to itself
    GARBAGE = auto()  # not HTTP
    CLOSES = auto()  # no answer
    DRIPS = auto()  # 200, and a body that never ends, a byte at a time
    FLOODS = auto()  # 200, and a body without end
    HANGS = auto()  # no answer for as long as the client waits


_ANSWERS: dict[Mood, tuple[int, str, str]] = {
    Mood.WELL: (200, "X-Mood", "well"),
    Mood.ERROR: (500, "X-Mood", "bad"),
    Mood.REFUSES: (404, "X-Mood", "bad"),
    Mood.BUSY: (429, "Retry-After", "77"),
    Mood.REDIRECTS: (302, "Location", "/elsewhere"),
}


@dataclass(frozen=True)
class Got:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Its body."""
        return json.loads(self.body)


@dataclass
class Receiver:
    """A running receiver."""

    port: int
    mood: Mood = Mood.WELL
    got: list[Got] = field(default_factory=list)  # only what it has taken
    asked: list[Got] = field(default_factory=list)  # all
    first: threading.Event = field(default_factory=threading.Event)  # something was asked
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Where it answers, without a path."""
        return f"http://127.0.0.1:{self.port}"

    def alerts(self) -> list[tuple[str, str, str]]:
        """Of all webhook messages it took: each alert's name, host and status."""
        return [
            (alert["labels"]["alertname"], alert["labels"].get("host", ""), alert["status"])
            for got in list(self.got)
            for alert in got.json["alerts"]
        ]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    receiver: Receiver

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def _any(self) -> None:
        receiver = self.server.receiver
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        got = Got(self.command, self.path, dict(self.headers.items()), body)
        receiver.asked.append(got)
        receiver.first.set()
        if receiver.mood is Mood.WELL:
            receiver.got.append(got)
        if receiver.mood in _ANSWERS:
            self._say(*_ANSWERS[receiver.mood])
        else:
            self._misbehave(receiver)
        self.close_connection = True

    def _misbehave(self, receiver: Receiver) -> None:
        match receiver.mood:
            case Mood.GARBAGE:
                self.wfile.write(b"220 mx1 ESMTP\r\n" * 9)
            case Mood.CLOSES:
                self.connection.shutdown(socket.SHUT_RDWR)
            case Mood.HANGS:
                receiver.over.wait(60)
            case _:
                self.send_response(200)
                self.end_headers()
                while not receiver.over.wait(0.05 if receiver.mood is Mood.DRIPS else 0):
                    self.wfile.write(b"x" * (1 if receiver.mood is Mood.DRIPS else 65536))

    do_POST = do_PUT = do_GET = _any  # noqa: N815 - http.server's names

    def _say(self, status: int, header: str, value: str) -> None:
        self.send_response(status)
        self.send_header(header, value)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextlib.contextmanager
def receiver(port: int = 0) -> Iterator[Receiver]:
    """Start one; it has ended when the block ends."""
    server = _bound(port)
    server.receiver = Receiver(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.receiver
    finally:
        server.receiver.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _bound(port: int) -> _Server:
    end = time.monotonic() + 10
    while True:
        try:
            return _Server(("127.0.0.1", port), _Handler)
        except OSError:  # the one before has not let go of it
            if not port or time.monotonic() > end:
                raise
            time.sleep(0.05)
