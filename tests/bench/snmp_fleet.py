"""Ten thousand switches of 20 ports in one agent: the real `netmon run`, the simulator in another process.

One interval warms up, in one the agent only polls, and in one every host's page is scraped besides, at
an even pace, as Prometheus does by `/sd`: a page of all hosts would be too large for one scrape.
"""

import json
import re
import time
from pathlib import Path
from typing import Final

from netmon.demo.machine import COMMUNITY
from tests.bench.process import Fact, Page, Process, agent, compiled, python

PORTS: Final = 20
QUANTILE: Final = 0.99
_SERIES: Final = re.compile(r"^(?!#).+$", re.MULTILINE)
_LATE: Final = re.compile(
    r'^netmon_check_lateness_seconds_bucket\{le="([^"]+)",probe="snmp"\} (\S+)$', re.MULTILINE
)
_SKIPPED: Final = re.compile(r'^netmon_check_skipped_total\{probe="snmp"\} (\S+)$', re.MULTILINE)
_UP: Final = re.compile(r'^netmon_check_up\{.*probe="snmp".*\} (\S+)$', re.MULTILINE)
_RETRIES: Final = re.compile(r"^netmon_snmp_retries_total\{.*\} (\S+)$", re.MULTILINE)


def config(folder: Path, addresses: list[str], port: int, interval: float) -> str:
    """The agent's configuration; JSON is YAML, and faster to write."""
    snmp = {"port": port, "auth": "lab", "modules": ["if_mib"]}
    return json.dumps(
        {
            "agent": {"name": "probe.bench.example"},
            "defaults": {"interval": f"{interval:g}s", "timeout": "5s", "retries": 2},
            "auths": {"lab": {"version": 2, "community": COMMUNITY}},
            "hosts": [
                {"name": f"fleet{number}", "address": address, "snmp": snmp}
                for number, address in enumerate(addresses)
            ],
            "web": {"listen": "127.0.0.1:0"},
            "state": {"path": str(folder)},
        },
        indent=1,
    )


def measure(folder: Path, *, devices: int, interval: float) -> list[Fact]:
    """Three intervals of an agent, and its size when it watches a single device.  Compiled, if it can be."""
    fast = compiled()
    listing = folder / "addresses"
    with python("fleet", str(devices), str(PORTS), str(listing), log=folder / "fleet.log") as simulator:
        addresses = listing.read_text().split()
        few, everyone = folder / "few.yml", folder / "all.yml"
        few.write_text(config(folder / "few", addresses[:1], simulator.port, interval))
        everyone.write_text(config(folder / "all", addresses, simulator.port, interval))
        with agent(few, log=folder / "few.log", fast=fast) as netmon, Page(netmon, "/metrics") as page:
            time.sleep(2.0)
            page.fetch()
            empty = netmon.memory()
        begun = time.monotonic()
        with agent(everyone, log=folder / "all.log", fast=fast) as netmon:
            started = time.monotonic() - begun
            return [
                Fact("devices", devices, "(netmon compiled)" if fast else "", 0),
                Fact("from the start to the first run", started, "s", 1),
                *_observe(netmon, simulator, devices=devices, interval=interval, empty=empty),
            ]


def _observe(netmon: Process, simulator: Process, *, devices: int, interval: float, empty: int) -> list[Fact]:
    def requests() -> int:
        return int(simulator.ask("requests"))

    with Page(netmon, "/metrics/agent") as own:
        time.sleep(interval)
        first, asked, cpu, begun = own.fetch(), requests(), netmon.cpu(), time.monotonic()
        time.sleep(interval)
        took = time.monotonic() - begun
        polling = (netmon.cpu() - cpu) / took
        rate = (requests() - asked) / took
        last = own.fetch()
        held = netmon.memory()
        cpu, begun = netmon.cpu(), time.monotonic()
        pages = _scrape(netmon, devices, interval)
        both = (netmon.cpu() - cpu) / (time.monotonic() - begun)
        end = own.fetch()
    series = sum(len(_SERIES.findall(page)) for page in pages)
    return [
        Fact("devices up at the end", _sum(_UP, pages), "", 0),
        Fact("series", series, "", 0),
        Fact("requests a second", rate, "", 0),
        Fact("CPU, polling only", polling * 100, "% of a core", 1),
        Fact("CPU of one device's run", polling * interval / devices * 1e3, "ms", 2),
        Fact("CPU, every host scraped besides", both * 100, "% of a core", 1),
        Fact("resident memory, polling only", held / 1e6, "MB", 0),
        Fact("of it for a device", (held - empty) / devices / 1e3, "kB", 1),
        Fact("of it for a series", (held - empty) / series, "bytes", 0),
        Fact("resident memory, every page kept as text too", netmon.memory() / 1e6, "MB", 0),
        Fact("lateness p99, polling only: at most", lateness(first, last) * 1e3, "ms", 0),
        Fact("lateness p99, scraped besides: at most", lateness(last, end) * 1e3, "ms", 0),
        Fact("runs left out", _sum(_SKIPPED, [end]), "", 0),
        Fact("requests sent again", _sum(_RETRIES, pages), "", 0),
        Fact("datagrams dropped by the kernel, agent", netmon.dropped(), "", 0),
        Fact("datagrams dropped by the kernel, simulator", simulator.dropped(), "", 0),
    ]


def _scrape(netmon: Process, devices: int, interval: float) -> list[str]:
    """Every host's page, spread over an interval."""
    begun = time.monotonic()
    pages = []
    with Page(netmon, "") as page:
        for number in range(devices):
            time.sleep(max(0.0, begun + number * interval / devices - time.monotonic()))
            pages.append(page.fetch(f"/metrics?host=fleet{number}"))
    return pages


def _sum(pattern: re.Pattern[str], pages: list[str]) -> float:
    return sum(float(value) for page in pages for value in pattern.findall(page))


def lateness(before: str, after: str) -> float:
    """Seconds: the upper bound of the histogram's bucket in which the 99th percentile lies."""
    earlier = {bound: float(count) for bound, count in _LATE.findall(before)}
    counts = [(float(bound), float(count) - earlier[bound]) for bound, count in _LATE.findall(after)]
    wanted = QUANTILE * counts[-1][1]
    return next(bound for bound, count in counts if count >= wanted)
