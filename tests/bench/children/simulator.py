"""The device and the mail server that both sides of a comparison talk to.

Its clock stands still, so that equal readings give equal values.  Writes what the others need into
the folder that is given, prints the SNMP port, and goes on until SIGTERM.
"""

# ruff: noqa: T201 - stdout is how it talks to the benchmark

import asyncio
import re
import signal
import sys
import time
from pathlib import Path

import uvloop

from netmon.demo.company import Company


async def main(folder: Path) -> None:
    """Serve until SIGTERM; the config and the mail server's authority are in `folder`."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    now = time.time()
    async with Company(clock=lambda: now) as company:
        (folder / "ca.pem").write_bytes(company.ca_file.read_bytes())
        (folder / "starttls.port").write_text(str(company.mail_ports["starttls"]))
        (folder / "netmon.yml").write_text(
            # One module, for an equal page, and nothing of it from memory.
            re.sub(
                r"( +)modules: \[system, if_mib\]",
                r"\1modules: [if_mib]\n\1cache: 0s",
                company.config(listen="127.0.0.1:0"),
            )
        )
        print(company.snmp_port, flush=True)
        await stop.wait()


with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    runner.run(main(Path(sys.argv[1])))
