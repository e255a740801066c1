"""The agent's metrics about itself: `/metrics/agent`, and the end of `/metrics`.

The registry is this object's own, never prometheus_client's global one, so that two agents in one
process (as in tests) do not meet.  Values are kept here and turned into prometheus_client's records
at a scrape, because its own counters add a `_created` series each.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from netmon.model import Kind

# Seconds.  Below 50 ms nobody cares, above a minute a whole interval is lost.
LATENESS_BUCKETS: Final = (0.005, 0.05, 0.25, 1.0, 5.0, 15.0, 60.0)


class Reading(NamedTuple):
    """One value of a source, read at the scrape.  A counter's name ends in ``_total``."""

    name: str
    help: str
    kind: Kind  # gauge or counter
    labels: Mapping[str, str]
    value: float


class SelfMetrics(Collector):
    """What the agent counts of itself; the scheduler's `Gauges` among it."""

    def __init__(
        self,
        version: str,
        probes: Iterable[str] = (),
        *,
        url: Callable[[], str] = str,
        isolated: Callable[[], bool] = bool,
    ) -> None:
        """`probes` are counted from zero, so that the first event is an increase.

        `url` is where people find the agent's pages, without a slash at the end; `isolated` tells
        whether the agent itself is cut off.
        """
        self._version = version
        self._url = url
        self._isolated = isolated
        self._late = {probe: _Histogram() for probe in probes}
        self._skipped = dict.fromkeys(self._late, 0)
        self._crashes = dict.fromkeys(self._late, 0)
        self._reload_ok = True
        self._reload_at = 0.0
        self._sources: list[Callable[[], Iterable[Reading]]] = []
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def late(self, probe: str, seconds: float) -> None:
        """A scheduled run began `seconds` after it was due."""
        self._late.setdefault(probe, _Histogram()).add(seconds)

    def skipped(self, probe: str) -> None:
        """A due run was left out because the one before still goes on."""
        self._skipped[probe] = self._skipped.get(probe, 0) + 1

    def crashed(self, probe: str) -> None:
        """A probe raised."""
        self._crashes[probe] = self._crashes.get(probe, 0) + 1

    def reloaded(self, at: float, *, ok: bool) -> None:
        """The config was read, at the start too; `at` is wall time."""
        self._reload_ok = ok
        if ok:
            self._reload_at = at

    def add_source(self, source: Callable[[], Iterable[Reading]]) -> None:
        """Ask `source` for more values at every scrape; one name has one kind, help and label set."""
        self._sources.append(source)

    def text(self) -> bytes:
        """All of it in text format 0.0.4."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """prometheus_client's question."""
        yield _gauge("netmon_build_info", "The version of netmon that runs.", 1, version=self._version)
        yield _gauge("netmon_web_info", "Where the agent's pages are.", 1, url=self._url())
        yield _gauge(
            "netmon_agent_isolated",
            "1 while the agent itself is cut off from most hosts, else 0.",
            int(self._isolated()),
        )
        yield _gauge(
            "netmon_config_last_reload_successful",
            "1 if the config was taken when it was last read, 0 if an older one is in force.",
            int(self._reload_ok),
        )
        yield _gauge(
            "netmon_config_last_reload_success_timestamp_seconds",
            "When a config was last taken.",
            self._reload_at,
        )
        late = HistogramMetricFamily(
            "netmon_check_lateness_seconds",
            "How long after its due time a scheduled run began.",
            labels=["probe"],
        )
        for probe, histogram in self._late.items():
            late.add_metric([probe], histogram.buckets(), histogram.sum)
        yield late
        yield _by_probe(
            "netmon_check_skipped_total",
            "Due runs left out because the one before still went on.",
            self._skipped,
        )
        yield _by_probe("netmon_probe_crashes_total", "Runs that ended in a defect of netmon.", self._crashes)
        yield from self._from_sources()

    def _from_sources(self) -> Iterator[Metric]:
        by_name: dict[str, list[Reading]] = defaultdict(list)
        for source in self._sources:
            for reading in source():
                by_name[reading.name].append(reading)
        for name, readings in by_name.items():
            make = CounterMetricFamily if readings[0].kind is Kind.COUNTER else GaugeMetricFamily
            family = make(name, readings[0].help, labels=list(readings[0].labels))
            for reading in readings:
                family.add_metric(list(reading.labels.values()), reading.value)
            yield family


class _Histogram:
    """Counts per bucket; the last one is for what is above all bounds."""

    __slots__ = ("counts", "sum")

    def __init__(self) -> None:
        self.counts = [0] * (len(LATENESS_BUCKETS) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(LATENESS_BUCKETS, value)] += 1
        self.sum += value

    def buckets(self) -> list[tuple[str, float]]:
        """Cumulative counts by upper bound, as the format wants them."""
        total = 0
        result: list[tuple[str, float]] = []
        for bound, count in zip((*map(str, LATENESS_BUCKETS), "+Inf"), self.counts, strict=True):
            total += count
            result.append((bound, total))
        return result


def _gauge(name: str, text: str, value: float, **labels: str) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=list(labels))
    family.add_metric(list(labels.values()), value)
    return family


def _by_probe(name: str, text: str, counts: Mapping[str, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=["probe"])
    for probe, count in counts.items():
        family.add_metric([probe], count)
    return family
