"""pysnmp's receiver of traps, counting them.  Prints its port; a line of input is answered with the count."""

# ruff: noqa: T201 - stdout is how it talks to the benchmark

import asyncio
import socket
import sys
from typing import Any

from pysnmp.carrier.asyncio.dgram import udp
from pysnmp.entity import config, engine
from pysnmp.entity.rfc3413 import ntfrcv


async def main() -> None:
    """Serve until the input ends."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    snmp = engine.SnmpEngine()
    transport = udp.UdpTransport().open_server_mode(("127.0.0.1", port))
    config.add_transport(snmp, udp.DOMAIN_NAME, transport)
    config.add_v1_system(snmp, "area", "nightwatch")
    taken = 0

    def take(*_: Any) -> None:
        nonlocal taken
        taken += 1

    ntfrcv.NotificationReceiver(snmp, take)
    snmp.transport_dispatcher.job_started(1)
    stop = asyncio.Event()

    def answer() -> None:
        if sys.stdin.readline():
            print(taken, flush=True)
        else:
            stop.set()

    asyncio.get_running_loop().add_reader(sys.stdin, answer)
    print(port, flush=True)
    await stop.wait()


asyncio.run(main())
