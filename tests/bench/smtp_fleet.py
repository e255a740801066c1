"""Two thousand mail checks a minute in one agent, two hundred of them of addresses that answer nothing."""

import json
import re
import time
from pathlib import Path
from typing import Final

from tests.bench.process import Fact, Page, agent, python

QUANTILE: Final = 0.99
_LATE: Final = re.compile(
    r'^netmon_check_lateness_seconds_bucket\{le="([^"]+)",probe="smtp"\} (\S+)$', re.MULTILINE
)
_UP: Final = re.compile(r'^netmon_check_up\{.*probe="smtp".*\} 1$', re.MULTILINE)
_SKIPPED: Final = re.compile(r'^netmon_check_skipped_total\{probe="smtp"\} (\S+)$', re.MULTILINE)


def config(folder: Path, *, living: int, silent: int, port: int, hole: int, interval: float) -> str:
    """The agent's configuration; each host has a loopback address of its own."""
    hosts = [
        {
            "name": f"mx{number}",
            "address": f"127.{1 + number // 250}.0.{1 + number % 250}",
            "smtp": [{"port": port if number < living else hole}],
        }
        for number in range(living + silent)
    ]
    return json.dumps(
        {
            "agent": {"name": "probe.bench.example"},
            "defaults": {"interval": f"{interval:g}s", "timeout": "5s"},
            "hosts": hosts,
            "web": {"listen": "127.0.0.1:0"},
            "state": {"path": str(folder)},
        },
        indent=1,
    )


def measure(folder: Path, *, living: int, silent: int, interval: float) -> list[Fact]:
    """One interval warms up, the next is measured."""
    listing = folder / "hole.port"
    with python("mailfarm", str(listing), log=folder / "mailfarm.log") as farm:
        path = folder / "mail.yml"
        path.write_text(
            config(
                folder / "mail",
                living=living,
                silent=silent,
                port=farm.port,
                hole=int(listing.read_text()),
                interval=interval,
            )
        )
        with agent(path, log=folder / "mail.log") as netmon, Page(netmon, "/metrics/agent") as own:
            time.sleep(1.2 * interval)
            first, cpu, begun = own.fetch(), netmon.cpu(), time.monotonic()
            time.sleep(interval)
            used = (netmon.cpu() - cpu) / (time.monotonic() - begun)
            last = own.fetch()
            up = len(_UP.findall(own.fetch("/metrics")))
            return [
                Fact("checks", living + silent, "", 0),
                Fact("of them up at the end", up, f"of {living} that answer", 0),
                Fact("lateness p99: at most", _lateness(first, last) * 1e3, "ms", 0),
                Fact("runs left out", sum(map(float, _SKIPPED.findall(last))), "", 0),
                Fact("CPU", used * 100, "% of a core", 1),
                Fact("CPU of one check", used * interval / (living + silent) * 1e3, "ms", 2),
                Fact("resident memory", netmon.memory() / 1e6, "MB", 0),
            ]


def _lateness(before: str, after: str) -> float:
    """Seconds: the upper bound of the histogram's bucket in which the 99th percentile lies."""
    earlier = {bound: float(count) for bound, count in _LATE.findall(before)}
    counts = [(float(bound), float(count) - earlier[bound]) for bound, count in _LATE.findall(after)]
    wanted = QUANTILE * counts[-1][1]
    return next(bound for bound, count in counts if count >= wanted)
