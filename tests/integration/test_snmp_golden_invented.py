"""`/snmp` against snmp_exporter 0.21 on invented agents: every stock module, with every kind of value.

Captures hold what some devices have; here each module of the stock file meets an agent made for it,
with indexes and values of all its types, holes in tables, short indexes and some values of a wrong
type.  Equal series and values are wanted.  Pages that 0.21 fails to make are no measure, and the kinds
of such failures are named.
"""

import random
import struct
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import yaml

from tests.integration.test_snmp_golden import _CONFIG, PATIENCE, differences, page
from tests.servers.agent import agent
from tests.servers.captures import address, captures
from tests.servers.shared import shared
from tests.servers.snmp_exporter import new_file, old_file, snmp_exporter, without_news

# Where 0.21 gives no page at all: two rows with equal labels, an EnumAsInfo that is its own index, two
# objects of one name with other help texts.
FAILS: Final = ("collected before", "duplicate label names", "but should have")
NUMBER: Final = ("gauge", "counter", "Integer", "Integer32")
WRONG: Final = ("gauge", "DisplayString", "counter", "OBJECT IDENTIFIER", "IpAddress", "Float")
Row = tuple[str, str]


class Inventor:
    """Makes agents' objects for modules; the same for the same seed."""

    def __init__(self, seed: int, wrong: float) -> None:
        self.random = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
        self.wrong = wrong  # share of values of a wrong type and of short indexes

    def octets(self, count: int, low: int = 0, high: int = 255) -> bytes:
        """Some octets."""
        return bytes(self.random.randint(low, high) for _ in range(count))

    def index(self, indexes: Sequence[Mapping[str, Any]]) -> tuple[int, ...]:
        """What stands behind a column in one row."""
        ids: list[int] = []
        for part in indexes:
            kind, size = part["type"], part.get("fixed_size", 0)
            if kind in NUMBER or kind == "EnumAsInfo":
                ids.append(self.random.choice((1, 2, 3, 200, 70000)))
            elif kind in ("PhysAddress48", "InetAddressIPv4", "InetAddressIPv6"):
                ids += self.octets({"PhysAddress48": 6, "InetAddressIPv4": 4, "InetAddressIPv6": 16}[kind])
            elif kind in ("OctetString", "DisplayString"):
                text = self.octets(size or self.random.randint(0, 4), 48, 122)
                ids += [*(() if size or part.get("implied") else (len(text),)), *text]
            else:
                form = self.random.randint(0, 4)
                length = {1: 4, 2: 16}.get(form, self.random.randint(0, 5))
                ids += [form, *(() if kind == "InetAddressMissingSize" else (length,)), *self.octets(length)]
        # A column that stands alone is no row.
        return tuple(ids[:-1] if len(ids) > 1 and self.random.random() < self.wrong else ids) or (0,)

    def value(self, kind: str, enums: Mapping[int, str]) -> Row:
        """Tag and value as a capture has them."""
        if self.random.random() < self.wrong and kind not in ("Bits", "EnumAsStateSet"):
            kind = self.random.choice(WRONG)
        make: Mapping[str, Callable[[], Row]] = {
            "gauge": lambda: self.random.choice((("2", "-7"), ("66", "4294967295"), ("65", "12345"))),
            "counter": lambda: ("70", str(self.random.getrandbits(64))),
            "EnumAsInfo": lambda: ("2", str(self.random.choice((*enums, 77)))),
            "EnumAsStateSet": lambda: ("2", str(self.random.choice((*enums, 77)))),
            "DisplayString": lambda: self.text(self.random.choice(('a"\\b', "", "ż", "x" * 30)).encode()),
            "OctetString": lambda: self.text(self.octets(self.random.randint(0, 4), 33, 90)),
            "Bits": lambda: self.text(self.octets(self.random.randint(0, 3))),
            "PhysAddress48": lambda: self.text(self.octets(self.random.choice((6, 6, 0, 3, 8)))),
            "InetAddressIPv4": lambda: ("64x", self.octets(4).hex()),
            "DateAndTime": lambda: self.text(self.octets(2) + self.octets(6, 0, 20) + self.zone()),
            "Float": lambda: (
                "68x",
                (b"\x9f\x78\x04" + struct.pack(">f", self.random.choice((1.5, 3.14)))).hex(),
            ),
            "OBJECT IDENTIFIER": lambda: ("6", "1.3.6.1.4.1.9"),
            "IpAddress": lambda: ("64x", "0a000001"),
        }
        return make.get(kind, lambda: self.text(self.octets(self.random.choice((4, 16)), 65, 90)))()

    def text(self, octets: bytes) -> Row:
        """An octet string."""
        return "4x", octets.hex()

    def zone(self) -> bytes:
        """The end of a DateAndTime, which may be none."""
        return self.random.choice((b"", b"+\x02\x1e", b"-\x01\x00", b"z\x00\x00", b"q"))

    def agent(self, module: Mapping[str, Any]) -> str:
        """A capture of an agent that serves a module."""
        rows: dict[tuple[int, ...], Row] = {}
        tables: dict[str, list[tuple[int, ...]]] = {}
        for metric in module["metrics"]:
            indexes = metric.get("indexes", ())
            table = tables.setdefault(repr(indexes), [])
            while len(table) < (3 if indexes else 1):
                table.append(self.index(indexes))
            kinds = [(metric["oid"], metric["type"], metric.get("enum_values", {}))]
            kinds += [(each["oid"], each["type"], {}) for each in metric.get("lookups", ()) if each["labels"]]
            for oid, kind, enums in kinds:
                for row in table:
                    if self.random.random() < 0.9:
                        rows.setdefault((*map(int, oid.split(".")), *row), self.value(kind, enums))
        return "".join(f"{'.'.join(map(str, oid))}|{'|'.join(rows[oid])}\n" for oid in sorted(rows))


@pytest.mark.parametrize(("seed", "wrong"), [(1, 0.0), (2, 0.1)])
def test_pages_of_invented_agents_are_equal(tmp_path: Path, seed: int, wrong: float) -> None:
    """Every stock module, each with an agent of its own."""
    stock = yaml.load(shared("peers/snmp.yml").read_text(), Loader=yaml.CSafeLoader)["modules"]
    inventor, paths = Inventor(seed, wrong), []
    for name, module in stock.items():
        paths.append(tmp_path / f"{name}.snmprec")
        paths[-1].write_text(inventor.agent(without_news(module)))
    (tmp_path / "old.yml").write_text(old_file(stock, "public"))
    (tmp_path / "snmp.yml").write_text(new_file(stock))
    with (
        captures(paths) as port,
        snmp_exporter(tmp_path / "old.yml") as exporter,
        agent(tmp_path, _CONFIG.format(folder=tmp_path)) as netmon,
        httpx.Client(timeout=PATIENCE, trust_env=False) as client,
        ThreadPoolExecutor(4) as pool,
    ):

        def compare(number: int, name: str) -> list[str]:
            target = f"{address(number)}:{port}"
            return differences(*(page(client, url, target, name) for url in (netmon.url, exporter)))

        found = dict(zip(stock, pool.map(compare, range(len(stock)), stock), strict=True))
    failed = [name for name, lines in found.items() if lines and any(why in lines[0] for why in FAILS)]
    assert {name: lines[:10] for name, lines in found.items() if lines and name not in failed} == {}
    assert len(failed) < len(stock) / 3
