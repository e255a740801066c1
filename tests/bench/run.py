"""Runs the comparisons, prints a table and writes the numbers as JSON.

    python -m tests.bench.run [--only NAME ...] [--quick] [--json FILE]

The names are snmp far v3 fleet smtp mail mailflow metrics traps.

`--quick` shows that everything works; its numbers mean little.
"""

# ruff: noqa: T201 - the terminal is its output

import argparse
import json
import os
import platform
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from tests.bench import (
    mailflows,
    metrics_page,
    smtp_fleet,
    smtp_probe,
    snmp_far,
    snmp_fleet,
    snmp_page,
    snmp_v3,
    traps,
)
from tests.bench.process import ROOT, Contender, Fact

Measure = Callable[[Path, bool], list[Contender] | list[Fact]]
BENCHES: Final[dict[str, tuple[str, Measure]]] = {
    "snmp": (
        "One page of a 48-port switch (if_mib, 1,969 varbinds, everything read afresh)",
        lambda folder, quick: snmp_page.measure(folder, rounds=1 if quick else 5, count=5 if quick else 60),
    ),
    "far": (
        "The same page at a round trip of 20 ms",
        lambda folder, quick: snmp_far.measure(folder, rounds=1 if quick else 5, count=1 if quick else 4),
    ),
    "v3": (
        "The page in SNMPv3 authPriv (SHA-256, AES-128) beside SNMPv2c",
        lambda folder, quick: snmp_v3.measure(folder, rounds=1 if quick else 5, count=10 if quick else 60),
    ),
    "fleet": (
        "10,000 devices of 20 ports every 60 s in one agent (500 every 10 s with --quick)",
        lambda folder, quick: snmp_fleet.measure(
            folder, devices=500 if quick else 10_000, interval=10.0 if quick else 60.0
        ),
    ),
    "smtp": (
        "One STARTTLS probe (greeting, EHLO, STARTTLS verified, EHLO, QUIT)",
        lambda folder, quick: smtp_probe.measure(
            folder, rounds=1 if quick else 5, count=10 if quick else 200
        ),
    ),
    "mail": (
        "2,000 mail checks every 60 s in one agent, 200 of them black holes (220 every 10 s with --quick)",
        lambda folder, quick: smtp_fleet.measure(
            folder,
            living=200 if quick else 1800,
            silent=20 if quick else 200,
            interval=10.0 if quick else 60.0,
        ),
    ),
    "mailflow": (
        "50 mailflows at once through Postfix and Dovecot, every 30 s (10 with --quick)",
        lambda folder, quick: mailflows.measure(folder, flows=10 if quick else 50, interval=30.0),
    ),
    "metrics": (
        "/metrics of 1,000,000 series (50,000 with --quick)",
        lambda folder, quick: metrics_page.measure(
            folder, rounds=1 if quick else 3, series=50_000 if quick else 1_000_000
        ),
    ),
    "traps": (
        "20,000 linkDowns of 6 varbinds a second for 30 s, 1,000 devices polled (2 s and 100 with --quick)",
        lambda folder, quick: traps.measure(
            folder,
            devices=100 if quick else 1_000,
            interval=10.0 if quick else 60.0,
            rate=20_000,
            seconds=2 if quick else 30,
            many=40_000 if quick else 1_000_000,
        ),
    ),
}
PACKAGES: Final = ("pysnmp", "prometheus-client", "aiosmtplib", "uvloop", "cryptography")
DEBIAN: Final = ("prometheus-snmp-exporter", "prometheus-blackbox-exporter")


def machine() -> dict[str, Any]:
    """What the numbers were taken on."""
    models = [
        line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")
    ]
    return {
        "cpu": models[0].partition(":")[2].strip() if models else platform.machine(),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES}
        | {
            name: subprocess.run(
                ["dpkg-query", "-W", "-f", "${Version}", name], check=True, capture_output=True, text=True
            ).stdout
            for name in DEBIAN
        },
    }


def summary(contenders: Sequence[Contender]) -> list[dict[str, Any]]:
    """Milliseconds for one repetition (median of rounds), and how much more the peer needs.

    A side's peer is the next one in the list, else the last.
    """
    peers = [side for side in contenders if side.reference]
    after = [
        next((peer for peer in contenders[at:] if peer.reference), peers[-1]) for at in range(len(contenders))
    ]
    return [
        {
            "name": side.name,
            "cpu_ms": round(statistics.median(side.cpu) * 1000, 3),
            "cpu_ms_least": round(min(side.cpu) * 1000, 3),
            "cpu_ms_rounds": [round(seconds * 1000, 3) for seconds in side.cpu],
            "cpu_ratio": round(statistics.median(peer.cpu) / statistics.median(side.cpu), 2),
            "cpu_ratio_least": round(min(peer.cpu) / min(side.cpu), 2),
            "wall_ms": round(statistics.median(side.wall) * 1000, 3),
            "wall_ratio": round(statistics.median(peer.wall) / statistics.median(side.wall), 2),
            "requests": round(statistics.median(side.asked), 1) if side.asked else None,
            "peak_memory_mb": round(side.memory / 1e6, 1),
        }
        for side, peer in zip(contenders, after, strict=True)
    ]


def table(title: str, rows: Sequence[dict[str, Any]]) -> str:
    """The rows for people."""
    heads = ("CPU ms", "least", "peer /", "wall ms", "peer /", "requests", "peak MB")
    lines = [title, f"  {'':32}" + "".join(f"{head:>9}" for head in heads)]
    lines += [
        f"  {row['name']:32}{row['cpu_ms']:>9.2f}{row['cpu_ms_least']:>9.2f}{row['cpu_ratio']:>9.2f}"
        f"{row['wall_ms']:>9.2f}{row['wall_ratio']:>9.2f}{row['requests'] or '':>9}"
        f"{row['peak_memory_mb']:>9.1f}"
        for row in rows
    ]
    return "\n".join(lines)


def figures(title: str, facts: Sequence[Fact]) -> str:
    """Figures without a peer, for people."""
    lines = [f"  {fact.name:44}{fact.value:>14,.{fact.digits}f} {fact.unit}".rstrip() for fact in facts]
    return "\n".join([title, *lines])


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description="netmon side by side with its peers")
    parser.add_argument("--only", nargs="+", choices=BENCHES, default=list(BENCHES))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path, default=ROOT / "build/bench.json")
    arguments = parser.parse_args()
    about = machine()
    print(
        f"{about['cpu']}, {about['cores']} cores, Linux {about['kernel']}, Python {about['python']}",
        flush=True,
    )
    results: dict[str, Any] = {}
    for name in arguments.only:
        title, measure = BENCHES[name]
        with tempfile.TemporaryDirectory(prefix="netmon-bench-") as folder:
            outcome = measure(Path(folder), arguments.quick)
        sides = [side for side in outcome if isinstance(side, Contender)]
        facts = [fact for fact in outcome if isinstance(fact, Fact)]
        rows = summary(sides) if sides else []
        print("\n" + (table(title, rows) if rows else figures(title, facts)), flush=True)
        results[name] = {"title": title, "sides": rows, "facts": [fact._asdict() for fact in facts]}
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(
        json.dumps({"machine": about, "quick": arguments.quick, "results": results}, indent=2) + "\n"
    )


if __name__ == "__main__":
    main()
