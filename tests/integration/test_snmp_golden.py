"""`/snmp` against Debian's snmp_exporter 0.21: equal series and values, for every capture and stock module.

Both ask the same simulated agents with the same modules, those of the stock snmp.yml, which leave out
on both sides what 0.21 does not know.  A difference is allowed only where it is a defect of 0.21.  Each
of those stands in `DEFECTS` with its reason, and one that does not show any more fails the test.
"""

import math
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import yaml

from netmon.demo.snmprec import read
from tests.servers.agent import agent
from tests.servers.captures import address, captures
from tests.servers.shared import shared
from tests.servers.snmp_exporter import new_file, old_file, snmp_exporter

PATIENCE: Final = 120.0  # seconds for one page; the machine is shared
_CONFIG: Final = """\
hosts: []
module_files: [snmp.yml]
state: {{path: "{folder}/state"}}
web: {{listen: "127.0.0.1:0", probe_targets: ["127.63.0.0/16"]}}
"""
Series = Mapping[str, float]


@dataclass(frozen=True)
class Page:
    """One side's answer: its series, or why there are none."""

    status: int
    series: Series = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True)
class Defect:
    """What 0.21 does wrong: what it says then, and the metrics without which it does not."""

    reason: str
    says: str
    metrics: frozenset[str]


DEFECTS: Final[Mapping[tuple[str, str], Defect]] = {
    ("juniper-mx960-13-3r9-13", "juniper"): Defect(
        "rows whose looked-up names are equal become one series twice, which ends the whole scrape",
        'collected metric "jnxFruState"',
        frozenset({"jnxFruState"}),
    ),
}


def wanted(module: Mapping[str, Any]) -> tuple[str, ...]:
    """The OIDs that a module asks for."""
    return tuple(f"{oid}." for oid in (*module.get("walk", ()), *module.get("get", ())))


def rest(capture: str, module: str) -> str:
    """The name of a module without the metrics of its defect."""
    return f"{module}_without_defect_{capture.replace('-', '_')}"


def answered(modules: Mapping[str, Any], paths: list[Path]) -> dict[tuple[str, str], int]:
    """Which capture holds anything of which module: (capture, module) -> the capture's number."""
    pairs = {}
    for number, path in enumerate(paths):
        oids = [f"{row.oid.removeprefix('.')}." for row in read(path).rows]
        for name, module in modules.items():
            prefixes = wanted(module)
            if any(oid.startswith(prefixes) for oid in oids):
                pairs[path.name.partition(".")[0], name] = number
    return pairs


def page(client: httpx.Client, url: str, target: str, module: str) -> Page:
    """One page of either side."""
    answer = client.get(f"{url}/snmp", params={"target": target, "module": module})
    if answer.status_code != 200:
        return Page(answer.status_code, error=answer.text[:2000])
    series: dict[str, float] = {}
    for line in answer.content.decode("utf-8", "replace").split("\n"):
        if line and not line.startswith(("#", "snmp_scrape_", "netmon_")):
            name, _, value = line.rpartition(" ")
            assert name not in series
            series[name] = float(value)
    return Page(200, series)


def differences(ours: Page, theirs: Page) -> list[str]:
    """What the two disagree on."""
    if ours.status != 200 or theirs.status != 200:
        return [f"status {ours.status} {ours.error!r} / {theirs.status} {theirs.error!r}"]
    return [
        f"{name}: {ours.series.get(name)} / {theirs.series.get(name)}"
        for name in sorted(ours.series.keys() | theirs.series.keys())
        if not _equal(ours.series.get(name), theirs.series.get(name))
    ]


def _equal(left: float | None, right: float | None) -> bool:
    return left == right or (
        left is not None and right is not None and math.isnan(left) and math.isnan(right)
    )


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[tuple[str, str], list[str]]]:
    """The differences of every pair."""
    folder = tmp_path_factory.mktemp("golden")
    paths = sorted(shared("devices").glob("*.snmprec.bz2"))
    stock = yaml.load(shared("peers/snmp.yml").read_text(), Loader=yaml.CSafeLoader)["modules"]
    pairs = answered(stock, paths)
    used = {name: stock[name] for name in sorted({module for _, module in pairs})}
    for (capture, name), defect in DEFECTS.items():
        metrics = [metric for metric in stock[name]["metrics"] if metric["name"] not in defect.metrics]
        used[rest(capture, name)] = stock[name] | {"metrics": metrics}
        pairs[capture, rest(capture, name)] = pairs[capture, name]
    old = folder / "old.yml"
    old.write_text(old_file(used, "public"))
    (folder / "snmp.yml").write_text(new_file(used))
    with (
        captures(paths) as port,
        snmp_exporter(old) as exporter,
        agent(folder, _CONFIG.format(folder=folder)) as netmon,
        httpx.Client(timeout=PATIENCE, trust_env=False) as client,
        ThreadPoolExecutor(4) as pool,
    ):

        def compare(pair: tuple[str, str]) -> list[str]:
            target = f"{address(pairs[pair])}:{port}"
            return differences(*(page(client, url, target, pair[1]) for url in (netmon.url, exporter)))

        yield dict(zip(pairs, pool.map(compare, pairs), strict=True))


def test_pages_are_equal(compared: dict[tuple[str, str], list[str]]) -> None:
    """Every series and value of every pair, but where 0.21 has a defect that is named here."""
    wrong = {pair: found[:20] for pair, found in compared.items() if found and pair not in DEFECTS}
    assert wrong == {}
    assert len(compared) > 70


def test_named_defects_still_show(compared: dict[tuple[str, str], list[str]]) -> None:
    """An allowed difference that is gone has to leave the list; without its metrics all is equal."""
    for pair, defect in DEFECTS.items():
        assert [text for text in compared[pair] if defect.says in text], defect.reason
        assert compared[pair[0], rest(*pair)] == []
