"""The simulated switch behind SNMPv3: an engine that decrypts, asks the switch in SNMPv2c, and encrypts.

It takes SNMPv2c too, and makes as many steps of it, so that both versions meet an agent of one speed.

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
from netmon.snmp.message import (
    RESPONSE,
    Varbinds,
    decode_pdu,
    decode_request,
    decode_response,
    encode_head,
    encode_message,
    encode_request,
    encode_varbind,
)
from netmon.snmp.message_v3 import decode_encrypted, decode_head, decode_scoped, is_version_3
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
        if not is_version_3(data):
            asked = decode_request(data)
            found = self._ask(
                asked.pdu_type, asked.request_id, asked.varbinds, asked.non_repeaters, asked.max_repetitions
            )
            head = encode_head(2, asked.community)
            self.transport.sendto(encode_message(head, RESPONSE, asked.request_id, 0, 0, found), addr)
            return
        head = decode_head(data)
        if head.engine_id != self.engine_id:
            self.transport.sendto(self.report(Query(data, head), UNKNOWN_ENGINE), addr)
            return
        mac, cipher = self.keys()
        assert mac is not None
        assert cipher is not None
        assert mac.verify(data, head.digest_at, head.digest_octets)
        plain = cipher.decrypt(decode_encrypted(data, head), head.salt, head.boots, head.time)
        engine_id, name, pdu_type, at, end = decode_scoped(plain, 0, len(plain))
        request_id, first, second, wanted = decode_pdu(plain, at, end)
        found = self._ask(pdu_type, request_id, wanted, first, second)
        query = Query(data, head, request_id, scope=(engine_id, name))
        self.transport.sendto(self.message(query, RESPONSE, found), addr)

    def _ask(self, pdu_type: int, request_id: int, wanted: Varbinds, first: int, second: int) -> bytes:
        """The varbinds of the switch's answer, encoded."""
        request = encode_request(2, COMMUNITY.encode(), pdu_type, request_id, wanted.oids, first, second)
        self._back.send(request)
        found = decode_response(self._back.recv(DATAGRAM)).varbinds
        return b"".join(map(encode_varbind, found.oids, found.tags, found.values))


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
