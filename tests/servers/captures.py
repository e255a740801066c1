"""Captured devices as SNMP agents: one process, one port, a loopback address for each capture.

    python -m tests.servers.captures A.snmprec.bz2 B.snmprec.bz2 ...

The nth capture is at `address(n)`.  It prints the port and serves until SIGTERM.  Nothing moves, not
even sysUpTime, so that two readers see the same.
"""

# ruff: noqa: T201 - stdout is how it talks to the test

import asyncio
import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from netmon.demo.device import Device, Template
from netmon.demo.farm import Farm
from netmon.demo.snmprec import read


def address(number: int) -> str:
    """Where the nth capture is, from 0."""
    return f"127.63.{number // 250}.{number % 250 + 1}"


@contextlib.contextmanager
def captures(paths: Sequence[Path]) -> Iterator[int]:
    """Serve them in a process of their own for as long as the block; the port."""
    command = [sys.executable, "-m", "tests.servers.captures", *map(str, paths)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.terminate()


async def _serve(paths: Sequence[Path]) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    devices = {
        address(number): Device(Template(read(path).rows), community=b"public", booted=0.0)
        for number, path in enumerate(paths)
    }
    farm = Farm(devices, time.time)
    print(farm.open(), flush=True)
    await stop.wait()
    farm.close()


if __name__ == "__main__":
    asyncio.run(_serve([*map(Path, sys.argv[1:])]))
