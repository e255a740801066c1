"""A UDP relay on loopback in front of an SNMP agent, which loses what it is told to lose.

    with relay(server.port, lose=lambda request: request.pdu_type == SET) as way:
        ...                     # speak to 127.0.0.1:way.port
    way.seen                    # the PDU types of all v1 and v2c requests that came through

The answer to a request that `lose` picks is thrown away: the agent has done what it was asked.
"""

import selectors
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from netmon.snmp.message import Request, decode_request, decode_request_id

ADDRESS = "127.0.0.1"


@dataclass
class Relay:
    """A running relay."""

    port: int
    seen: list[int] = field(default_factory=list)


@contextmanager
def relay(port: int, lose: Callable[[Request], bool] = lambda _: False) -> Iterator[Relay]:
    """Stand in front of the agent at a port until the block ends; for v1 and v2c."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as front:
        front.bind((ADDRESS, 0))
        way = Relay(front.getsockname()[1])
        ended, end = socket.socketpair()
        thread = threading.Thread(target=_carry, args=(front, port, way, lose, ended))
        thread.start()
        try:
            yield way
        finally:
            end.close()
            thread.join()
            ended.close()


def _carry(
    front: socket.socket, port: int, way: Relay, lose: Callable[[Request], bool], ended: socket.socket
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as back, selectors.DefaultSelector() as ready:
        back.connect((ADDRESS, port))
        for one in (front, back, ended):
            ready.register(one, selectors.EVENT_READ)
        asked: dict[int, tuple[Any, bool]] = {}  # request-id -> who asked, and whether it is lost
        while True:
            for key, _ in ready.select():
                if key.fileobj is ended:
                    return
                if key.fileobj is front:
                    datagram, peer = front.recvfrom(65_535)
                    request = decode_request(datagram)
                    way.seen.append(request.pdu_type)
                    asked[request.request_id] = peer, lose(request)
                    back.send(datagram)
                else:
                    datagram = back.recv(65_535)
                    peer, lost = asked[decode_request_id(datagram)]
                    if not lost:
                        front.sendto(datagram, peer)
