"""The device and the mail server that both sides of a comparison talk to.

Its clock stands still, so that equal readings give equal values.  Writes what the others need into
the folder that is given, prints the SNMP port, and goes on until SIGTERM; a line of input is answered
with the number of SNMP requests so far.
"""

# ruff: noqa: T201 - stdout is how it talks to the benchmark

import asyncio
import signal
import sys
import time
from pathlib import Path

import uvloop
import yaml

from netmon.demo.company import Company


async def main(folder: Path) -> None:
    """Serve until SIGTERM; the config and the mail server's authority are in `folder`."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    now = time.time()
    async with Company(clock=lambda: now) as company:
        (folder / "ca.pem").write_bytes(company.ca_file.read_bytes())
        (folder / "starttls.port").write_text(str(company.mail_ports["starttls"]))
        # One module, for an equal page, and nothing of it from memory; with netmon's own size of a
        # request, and with the peer's.
        config = yaml.safe_load(company.config(listen="127.0.0.1:0"))
        switch = next(host for host in config["hosts"] if host["name"] == "sw1")
        switch["snmp"] |= {"modules": ["if_mib"], "cache": "0s"}
        (folder / "own.yml").write_text(yaml.safe_dump(config, sort_keys=False, default_flow_style=None))
        switch["snmp"]["max_repetitions"] = 25
        (folder / "equal.yml").write_text(yaml.safe_dump(config, sort_keys=False, default_flow_style=None))

        def count() -> None:
            if sys.stdin.readline():
                print(company.snmp_requests, flush=True)

        asyncio.get_running_loop().add_reader(sys.stdin, count)
        print(company.snmp_port, flush=True)
        await stop.wait()


with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    runner.run(main(Path(sys.argv[1])))
