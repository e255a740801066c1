"""One equal page of the 48-port switch at a round trip of 20 ms, where waiting is what takes the time."""

import contextlib
from pathlib import Path
from typing import Final

from netmon.demo.cast import SWITCH
from tests.bench.process import Contender, Page, exporter, python, race
from tests.bench.snmp_page import old_format, own_sides, series

ONE_WAY: Final = 10  # milliseconds


def measure(folder: Path, *, rounds: int, count: int) -> list[Contender]:
    """Verify that the pages are equal, then time them.  Raises RuntimeError if they differ."""
    old = folder / "snmp.yml"
    old.write_text(old_format())
    with contextlib.ExitStack() as stack:
        simulator = stack.enter_context(python("simulator", str(folder), log=folder / "simulator.log"))
        near = (SWITCH, str(simulator.port), str(ONE_WAY))
        relay = stack.enter_context(python("relay", *near, log=folder / "relay.log"))
        for config in folder.glob("*.yml"):
            text = config.read_text()
            config.write_text(text.replace(f"port: {simulator.port}\n", f"port: {relay.port}\n"))
        peer = stack.enter_context(
            exporter("prometheus-snmp-exporter", old, log=folder / "snmp_exporter.log")
        )
        peer_page = stack.enter_context(Page(peer, f"/snmp?target={SWITCH}:{relay.port}&module=if_mib"))

        def requests() -> int:
            return int(relay.ask("requests"))

        path = f"/check?host=sw1&endpoint=sw1:{relay.port}"
        contenders = [
            *own_sides(stack, folder, path, series(peer_page.fetch()), requests),
            Contender("snmp_exporter 0.21", peer, peer_page.times, requests=requests, reference=True),
        ]
        race(contenders, rounds=rounds, count=count)
        return contenders
