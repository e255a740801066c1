"""A receiver's process that is told to end before it has really begun."""

import asyncio
import os
import signal
import socket

from netmon.traps import counters, handshake
from netmon.traps.child import spawn


async def test_a_stop_at_once_is_a_stop_in_peace() -> None:
    """As when systemd stops a service that has just been started: all its processes get SIGTERM."""
    memory = counters.make()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        child = spawn(handshake.command, memory, [sock])
    os.close(memory)
    assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    child.process.send_signal(signal.SIGTERM)
    await child.open()
    assert [words async for words in child.words()] == []
    assert await asyncio.wait_for(child.reap(), 30) == 0
