"""Servers of loopback that say back whatever they are told, in the words of each protocol.

    with parrots(authority) as birds:
        birds.port("smtp")       # likewise imap, pop3 and https, all by TLS from the first octet; http; udp

What a client keeps to itself, it must not believe when it comes back.
"""

import contextlib
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

import trustme

Script = Callable[[BinaryIO, BinaryIO, list[bytes]], None]
_LINE = 65_536


@dataclass
class Parrots:
    """The running servers; `heard` is what all of them were told."""

    heard: list[bytes] = field(default_factory=list)
    ports: dict[str, int] = field(default_factory=dict)


def _lines(reader: BinaryIO, heard: list[bytes]) -> Iterator[bytes]:
    while line := reader.readline(_LINE):
        heard.append(line)
        yield line.rstrip(b"\r\n")


def _smtp(reader: BinaryIO, writer: BinaryIO, heard: list[bytes]) -> None:
    writer.write(b"220 parrot.example.test ESMTP\r\n")
    for line in _lines(reader, heard):
        if line.upper().startswith(b"EHLO"):
            writer.write(b"250-parrot.example.test\r\n250 AUTH PLAIN LOGIN XOAUTH2\r\n")
        elif line.upper().startswith(b"AUTH"):
            writer.write(b"535-5.7.8 you said\r\n535 5.7.8 " + line + b"\r\n")
        else:
            writer.write(b"250 " + line + b"\r\n")


def _imap(reader: BinaryIO, writer: BinaryIO, heard: list[bytes]) -> None:
    writer.write(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] parrot\r\n")
    for line in _lines(reader, heard):
        tag, _, rest = line.partition(b" ")
        if rest.upper().startswith(b"CAPABILITY"):
            writer.write(b"* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR\r\n" + tag + b" OK\r\n")
        else:
            writer.write(b"* NO you said " + rest + b"\r\n" + tag + b" NO you said " + rest + b"\r\n")


def _pop3(reader: BinaryIO, writer: BinaryIO, heard: list[bytes]) -> None:
    writer.write(b"+OK parrot\r\n")
    for line in _lines(reader, heard):
        if line.upper() == b"CAPA":
            writer.write(b"+OK\r\nUSER\r\nSASL PLAIN\r\nUIDL\r\nTOP\r\n.\r\n")
        else:
            good = b"+OK " if line.upper().startswith(b"USER") else b"-ERR "
            writer.write(good + b"you said " + line + b"\r\n")


def _http(reader: BinaryIO, writer: BinaryIO, heard: list[bytes]) -> None:
    said, length = b"", 0
    for line in _lines(reader, heard):
        said += line + b"\n"
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
        if not line:
            break
    body = reader.read(length)
    heard.append(body)
    said += body
    first = said.partition(b"\n")[0]
    head = b"HTTP/1.1 400 " + first + b"\r\nX-Said: " + first + b"\r\nContent-Type: application/json\r\n"
    writer.write(head + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(said) + said)


SCRIPTS: Mapping[str, tuple[Script, bool]] = {
    "smtp": (_smtp, True),
    "imap": (_imap, True),
    "pop3": (_pop3, True),
    "https": (_http, True),
    "http": (_http, False),
}


@contextlib.contextmanager
def parrots(authority: trustme.CA) -> Iterator[Parrots]:
    """One of each, until the block ends."""
    birds = Parrots()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("parrot.example.test", "127.0.0.1", "localhost").configure_cert(context)
    with contextlib.ExitStack() as stack:
        for name, (script, encrypted) in SCRIPTS.items():
            server = socketserver.ThreadingTCPServer(
                ("127.0.0.1", 0), _handler(script, context if encrypted else None, birds.heard)
            )
            server.daemon_threads = True
            stack.callback(server.server_close)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.shutdown)
            birds.ports[name] = server.server_address[1]
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        birds.ports["udp"] = udp.getsockname()[1]
        threading.Thread(target=_mirror, args=(udp, birds.heard), daemon=True).start()
        yield birds


def _handler(
    script: Script, context: ssl.SSLContext | None, heard: list[bytes]
) -> type[socketserver.BaseRequestHandler]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                stream = context.wrap_socket(self.request, server_side=True) if context else self.request
                with stream, stream.makefile("rb") as reader, stream.makefile("wb", buffering=0) as writer:
                    stream.settimeout(30)
                    script(reader, writer, heard)

    return Handler


def _mirror(udp: socket.socket, heard: list[bytes]) -> None:
    with contextlib.suppress(OSError):
        while True:
            data, sender = udp.recvfrom(_LINE)
            heard.append(data)
            udp.sendto(data, sender)
