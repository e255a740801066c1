"""Sends traps at an even pace, from many addresses of loopback; the datagrams are made beforehand.

Arguments: the receiver's port, how many sources, and `v2c` or `v3`.  Prints 0 when it is ready.  A line
of input, `RATE COUNT KINDS`, is answered with the seconds that it took: KINDS is how many different ones
a source sends, in turn (1: the same again and again).
"""

# ruff: noqa: T201 - stdout is how it talks to the benchmark

import socket
import struct
import sys
import time

from netmon.snmp import ber, message
from tests.unit.traps import messages

KINDS = 5_000
PKTINFO = struct.Struct("@i4s4s")


def varbinds(index: int) -> bytes:
    """The six of a linkDown as switches send it: two of every trap, three of RFC 2863, and the name."""
    rows = (
        ("1.3.6.1.2.1.1.3.0", ber.TIME_TICKS, 4711),
        ("1.3.6.1.6.3.1.1.4.1.0", ber.OBJECT_IDENTIFIER, ber.encode_oid("1.3.6.1.6.3.1.1.5.3")),
        (f"1.3.6.1.2.1.2.2.1.1.{index}", ber.INTEGER, index),
        (f"1.3.6.1.2.1.2.2.1.7.{index}", ber.INTEGER, 1),
        (f"1.3.6.1.2.1.2.2.1.8.{index}", ber.INTEGER, 2),
        (f"1.3.6.1.2.1.31.1.1.1.1.{index}", ber.OCTET_STRING, b"Gi1/0/%d" % index),
    )
    return b"".join(message.encode_varbind(ber.encode_oid(name), tag, value) for name, tag, value in rows)


def main(port: int, sources: int, version: str) -> None:
    """Serve until the input ends."""
    if version == "v3":
        octets = [
            messages.v3(msg_id=index, content=varbinds(index // sources % KINDS + 1), request_id=index)
            for index in range(1, 100_001)
        ]
    else:
        octets = [messages.v2c(request_id=index, content=varbinds(index)) for index in range(1, KINDS + 1)]
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    where = ("127.0.0.1", port)
    origins = [
        [(socket.IPPROTO_IP, 8, PKTINFO.pack(0, bytes((127, 1, number >> 8, number & 255)), bytes(4)))]
        for number in range(sources)
    ]
    print(0, flush=True)
    for line in sys.stdin:
        rate, count, kinds = map(int, line.split())
        kinds = min(kinds, len(octets))
        begun, sent = time.monotonic(), 0
        while sent < count:
            due = min(count, int((time.monotonic() - begun) * rate) + 1)
            if due <= sent:
                time.sleep(0.0005)
            for number in range(sent, due):
                # By SNMPv3 no message may come twice, so there they are taken in turn over all sources.
                which = number if version == "v3" else number // sources
                sock.sendmsg([octets[which % kinds]], origins[number % sources], 0, where)
            sent = max(sent, due)
        print(time.monotonic() - begun, flush=True)


main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
