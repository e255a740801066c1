"""prometheus_client rendering the same large page from a custom collector; commands as `series_netmon`."""

# ruff: noqa: T201 - stdout is how it talks to the benchmark

import sys
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from netmon.model import Kind, Table
from tests.bench.series import FAMILIES, NAMES, tables


class Switches(Collector):
    """Gives every value as a sample, as exporters of device data written on prometheus_client do."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._tables: list[tuple[str, Table]] = list(tables(count, 0))

    def observe(self, turn: int) -> None:
        """New values."""
        self._tables = list(tables(self._count, turn))

    def describe(self) -> list[Metric]:
        """Nothing in advance, so that registering does not collect."""
        return []

    def collect(self) -> Iterator[Metric]:
        """A metric for each family, with the samples of all hosts."""
        for number, family in enumerate(FAMILIES):
            # `unknown` keeps the name as it is; a counter would get `_total`.
            metric = Metric(family.name, family.help, "unknown" if family.kind is Kind.COUNTER else "gauge")
            for host, table in self._tables:
                for row, value in zip(table.rows, table.columns[number].values, strict=True):
                    labels = {"host": host} | dict(zip(NAMES, row, strict=True))
                    metric.add_sample(family.name, labels, float(value or 0))
            yield metric


def main(hosts: int) -> None:
    """See `series_netmon`."""
    switches = Switches(hosts)
    registry = CollectorRegistry()
    registry.register(switches)
    print(0, flush=True)
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        if command == "observe":
            switches.observe(int(argument))
            print(command, flush=True)
        elif command == "render":
            print(len(generate_latest(registry)), flush=True)
        else:
            Path(argument).write_bytes(generate_latest(registry))
            print(command, flush=True)


main(int(sys.argv[1]))
