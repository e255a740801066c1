"""One equal page of the 48-port switch: netmon, snmp_exporter, and pysnmp's walk without any page.

netmon twice: with the same size of a request as the peer, and with the size that it chooses itself.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import yaml
from prometheus_client.parser import text_string_to_metric_families

from netmon.demo.cast import SWITCH
from netmon.demo.machine import COMMUNITY
from tests.bench.process import Contender, Page, exporter, python, race

Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]
VARBINDS: Final = 1969
MODULE: Final = Path(__file__).resolve().parents[2] / "netmon/mib/data/if_mib.yml"


def old_format() -> str:
    """netmon's own if_mib in the format of snmp_exporter 0.21: walk, indexes and lookups are the same."""
    module = yaml.safe_load(MODULE.read_text())["modules"]["if_mib"]
    module |= {"version": 2, "auth": {"community": COMMUNITY}, "max_repetitions": 25}
    return yaml.safe_dump({"if_mib": module})


def series(page: str) -> Series:
    """The device's series of a page, without the exporters' own and without netmon's label `host`."""
    return {
        (sample.name, tuple(sorted((k, v) for k, v in sample.labels.items() if k != "host"))): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if not sample.name.startswith(("netmon_", "snmp_scrape_"))
    }


def differences(left: Series, right: Series) -> list[str]:
    """What two pages disagree on."""
    keys: Iterable[tuple[str, tuple[tuple[str, str], ...]]] = left.keys() | right.keys()
    return [f"{key}: {left.get(key)} / {right.get(key)}" for key in keys if left.get(key) != right.get(key)]


def measure(folder: Path, *, rounds: int, count: int) -> list[Contender]:
    """Verify that the pages are equal, then time them.  Raises RuntimeError if they differ."""
    old = folder / "snmp.yml"
    old.write_text(old_format())
    with (
        python("simulator", str(folder), log=folder / "simulator.log") as simulator,
        python("checks", str(folder / "equal.yml"), log=folder / "equal.log") as equal,
        python("checks", str(folder / "netmon.yml"), log=folder / "netmon.log") as netmon,
        exporter("prometheus-snmp-exporter", old, log=folder / "snmp_exporter.log") as peer,
        python("pysnmp_walk", SWITCH, str(simulator.port), log=folder / "pysnmp.log") as pysnmp,
        Page(equal, f"/check?host=sw1&endpoint=sw1:{simulator.port}") as equal_page,
        Page(netmon, f"/check?host=sw1&endpoint=sw1:{simulator.port}") as own_page,
        Page(peer, f"/snmp?target={SWITCH}:{simulator.port}&module=if_mib") as peer_page,
    ):
        theirs = series(peer_page.fetch())
        for page in (equal_page, own_page):
            if wrong := differences(series(page.fetch()), theirs):
                raise RuntimeError(f"{len(wrong)} series differ between the pages, such as {wrong[:5]}")
        if pysnmp.ask("1") != str(VARBINDS):
            raise RuntimeError("pysnmp walked another number of varbinds")

        def requests() -> int:
            return int(simulator.ask("requests"))

        contenders = [
            Contender("netmon, requests of 25", equal, equal_page.times, requests=requests),
            Contender("netmon, its own requests", netmon, own_page.times, requests=requests),
            Contender("snmp_exporter 0.21", peer, peer_page.times, requests=requests),
            Contender(
                "pysnmp (walk only)", pysnmp, lambda n: pysnmp.ask(str(n)), weight=0.1, requests=requests
            ),
        ]
        race(contenders, rounds=rounds, count=count)
        return contenders
