"""One equal page of the 48-port switch at a round trip of 20 ms, where waiting is what takes the time."""

from pathlib import Path
from typing import Final

from netmon.demo.cast import SWITCH
from tests.bench.process import Contender, Page, exporter, python, race
from tests.bench.snmp_page import differences, old_format, series

ONE_WAY: Final = 10  # milliseconds


def measure(folder: Path, *, rounds: int, count: int) -> list[Contender]:
    """Verify that the pages are equal, then time them.  Raises RuntimeError if they differ."""
    old = folder / "snmp.yml"
    old.write_text(old_format())
    with (
        python("simulator", str(folder), log=folder / "simulator.log") as simulator,
        python("relay", SWITCH, str(simulator.port), str(ONE_WAY), log=folder / "relay.log") as relay,
    ):
        for name in ("netmon.yml", "equal.yml"):
            text = (folder / name).read_text()
            (folder / f"far_{name}").write_text(
                text.replace(f"port: {simulator.port}", f"port: {relay.port}")
            )
        with (
            python("checks", str(folder / "far_netmon.yml"), log=folder / "netmon.log") as netmon,
            python("checks", str(folder / "far_equal.yml"), log=folder / "equal.log") as equal,
            exporter("prometheus-snmp-exporter", old, log=folder / "snmp_exporter.log") as peer,
            Page(netmon, f"/check?host=sw1&endpoint=sw1:{relay.port}") as own_page,
            Page(equal, f"/check?host=sw1&endpoint=sw1:{relay.port}") as equal_page,
            Page(peer, f"/snmp?target={SWITCH}:{relay.port}&module=if_mib") as peer_page,
        ):
            theirs = series(peer_page.fetch())
            for page in (own_page, equal_page):
                if wrong := differences(series(page.fetch()), theirs):
                    raise RuntimeError(f"{len(wrong)} series differ between the pages, such as {wrong[:5]}")

            def requests() -> int:
                return int(relay.ask("requests"))

            contenders = [
                Contender("netmon, its own requests", netmon, own_page.times, requests=requests),
                Contender("netmon, requests of 25", equal, equal_page.times, requests=requests),
                Contender("snmp_exporter 0.21", peer, peer_page.times, requests=requests),
            ]
            race(contenders, rounds=rounds, count=count)
            return contenders
