"""A million series on /metrics: netmon against prometheus_client's text output of the same data."""

from collections.abc import Iterator
from pathlib import Path

from tests.bench.process import Contender, python, race
from tests.bench.series import FAMILIES, PORTS


def measure(folder: Path, *, rounds: int, series: int) -> list[Contender]:
    """Verify that both pages hold the same samples, then time a page of which every value is new."""
    hosts = str(-(-series // (len(FAMILIES) * PORTS)))
    with (
        python("series_netmon", hosts, log=folder / "series_netmon.log") as netmon,
        python("series_client", hosts, log=folder / "series_client.log") as peer,
    ):
        for process, name in ((netmon, "netmon.txt"), (peer, "client.txt")):
            process.ask(f"write {folder / name}")
        for left, right in zip(samples(folder / "netmon.txt"), samples(folder / "client.txt"), strict=True):
            if left != right:
                raise RuntimeError(f"the pages differ: {left} / {right}")
        contenders = [
            Contender("netmon, all values new", netmon, lambda _: netmon.ask("render")),
            Contender("prometheus_client 0.26", peer, lambda _: peer.ask("render"), reference=True),
        ]
        for turn in range(rounds):
            # New values are put in place outside the time that is taken.
            for process in (netmon, peer):
                process.ask(f"observe {turn + 1}")
            race(contenders, rounds=1, count=1, warm=False)
        unchanged = Contender("netmon, nothing new", netmon, lambda _: netmon.ask("render"))
        race([unchanged], rounds=rounds, count=1, warm=False)
        return [*contenders, unchanged]


def samples(path: Path) -> Iterator[tuple[bytes, float]]:
    """The device samples of a page in its order: name with labels, and value."""
    with path.open("rb") as lines:
        for line in lines:
            if line.startswith(b"ifBench"):
                name, _, value = line.rpartition(b" ")
                yield name, float(value)
