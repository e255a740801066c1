"""One equal page of the 48-port switch: netmon, snmp_exporter, and pysnmp's walk without any page.

netmon twice: with the same size of a request as the peer, and with the size that it chooses itself.
"""

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import yaml
from prometheus_client.parser import text_string_to_metric_families

from netmon.demo.cast import SWITCH
from netmon.demo.machine import COMMUNITY
from tests.bench.process import Contender, Page, compiled, exporter, python, race

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


def own_sides(
    stack: contextlib.ExitStack, folder: Path, path: str, theirs: Series, requests: Callable[[], int]
) -> list[Contender]:
    """netmon with requests of the peer's size and with its own, interpreted and compiled.

    Each has given the same page as the peer.  Raises RuntimeError if they differ.
    """
    sides = []
    for fast in (False, True) if compiled() else (False,):
        for size in ("equal", "own"):
            log = folder / f"{size}-{fast}.log"
            process = stack.enter_context(python("checks", str(folder / f"{size}.yml"), log=log, fast=fast))
            page = stack.enter_context(Page(process, path))
            if wrong := differences(series(page.fetch()), theirs):
                raise RuntimeError(f"{len(wrong)} series differ between the pages, such as {wrong[:5]}")
            name = f"netmon{', compiled' if fast else ''}{', requests of 25' if size == 'equal' else ''}"
            sides.append(Contender(name, process, page.times, requests=requests))
    return sides


def measure(folder: Path, *, rounds: int, count: int) -> list[Contender]:
    """Verify that the pages are equal, then time them.  Raises RuntimeError if they differ."""
    old = folder / "snmp.yml"
    old.write_text(old_format())
    with contextlib.ExitStack() as stack:
        simulator = stack.enter_context(python("simulator", str(folder), log=folder / "simulator.log"))
        peer = stack.enter_context(
            exporter("prometheus-snmp-exporter", old, log=folder / "snmp_exporter.log")
        )
        pysnmp = stack.enter_context(
            python("pysnmp_walk", SWITCH, str(simulator.port), log=folder / "pysnmp.log")
        )
        peer_page = stack.enter_context(Page(peer, f"/snmp?target={SWITCH}:{simulator.port}&module=if_mib"))
        if pysnmp.ask("1") != str(VARBINDS):
            raise RuntimeError("pysnmp walked another number of varbinds")

        def requests() -> int:
            return int(simulator.ask("requests"))

        path = f"/check?host=sw1&endpoint=sw1:{simulator.port}"
        contenders = [
            *own_sides(stack, folder, path, series(peer_page.fetch()), requests),
            Contender("snmp_exporter 0.21", peer, peer_page.times, requests=requests, reference=True),
            Contender(
                "pysnmp (walk only)", pysnmp, lambda n: pysnmp.ask(str(n)), weight=0.1, requests=requests
            ),
        ]
        race(contenders, rounds=rounds, count=count)
        return contenders
