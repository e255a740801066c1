"""Many small switches at addresses of their own on one port; see `netmon.demo.fleet`.

Arguments: how many, ports of each, and a file for their addresses, one a line.  Prints the port.  A line
of input is answered with the number of requests answered so far.
"""

# ruff: noqa: T201 - stdout is how it talks to the benchmark

import asyncio
import signal
import sys
import time
from pathlib import Path

import uvloop

from netmon.demo.farm import Farm
from netmon.demo.fleet import fleet


async def main(count: int, ports: int, addresses: Path) -> None:
    """Serve until SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    devices = fleet(count, time.time(), ports=ports)
    farm = Farm(devices, time.time)
    port = farm.open()
    await asyncio.to_thread(addresses.write_text, "\n".join(devices))

    def answer() -> None:
        if sys.stdin.readline():
            print(farm.requests, flush=True)

    loop.add_reader(sys.stdin, answer)
    print(port, flush=True)
    await stop.wait()
    farm.close()


with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    runner.run(main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))
