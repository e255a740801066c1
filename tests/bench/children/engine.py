"""The simulated switch behind SNMPv3: an engine that decrypts, asks the switch in SNMPv2c, and encrypts.

Arguments: the switch's address and port.  Listens on the same address, prints its port, and goes on
until SIGTERM.  A line of input is answered with the number of datagrams that came.
"""

# ruff: noqa: T201 - stdout is how it talks to the benchmark

import asyncio
import signal
import socket
import sys
from typing import Any

from netmon.demo.machine import COMMUNITY
from netmon.snmp.message import RESPONSE, decode_pdu, decode_response, encode_request, encode_varbind
from netmon.snmp.message_v3 import decode_encrypted, decode_head, decode_scoped
from tests.unit.snmp.engines import UNKNOWN_ENGINE, Engine, Query

DATAGRAM = 65_535
PATIENCE = 5.0


class Front(Engine):
    """An engine whose objects are those of the switch."""

    def __init__(self, switch: tuple[str, int]) -> None:
        super().__init__()
        self.requests = 0
        self._back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._back.settimeout(PATIENCE)
        self._back.connect(switch)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """One request, one answer."""
        self.requests += 1
        head = decode_head(data)
        if head.engine_id != self.engine_id:
            self.transport.sendto(self.report(Query(data, head), UNKNOWN_ENGINE), addr)
            return
        mac, cipher = self.keys()
        assert mac is not None
        assert cipher is not None
        assert mac.verify(data, head.digest_at, head.digest_octets)
        plain = cipher.decrypt(decode_encrypted(data, head), head.salt, head.boots, head.time)
        *scope, pdu_type, at, end = decode_scoped(plain, 0, len(plain))
        request_id, first, second, asked = decode_pdu(plain, at, end)
        community = COMMUNITY.encode()
        self._back.send(encode_request(2, community, pdu_type, request_id, asked.oids, first, second))
        found = decode_response(self._back.recv(DATAGRAM)).varbinds
        varbinds = b"".join(map(encode_varbind, found.oids, found.tags, found.values))
        query = Query(data, head, request_id, scope=(scope[0], scope[1]))
        self.transport.sendto(self.message(query, RESPONSE, varbinds), addr)


async def main(address: str, port: int) -> None:
    """Serve until SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    transport, front = await loop.create_datagram_endpoint(
        lambda: Front((address, port)), local_addr=(address, 0)
    )

    def count() -> None:
        if sys.stdin.readline():
            print(front.requests, flush=True)

    loop.add_reader(sys.stdin, count)
    print(front.port, flush=True)
    await stop.wait()
    transport.close()


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
