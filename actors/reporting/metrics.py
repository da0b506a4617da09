"""Live metrics of one run for Prometheus: a registry of its own, so that runs on one host never mix."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Lock

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from actors.reporting.catalogue import METRICS, Metric
from actors.reporting.entries import LoggedEvent
from actors.reporting.measures import Measures
from actors.reporting.series import US_PER_SECOND, Distribution, Labels, SeriesStore

Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily


class RunMetrics(Collector):
    """Keeps the metrics of a run up to date; entries may come from one thread and scrapes from another."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._measures = Measures()
        self._mailbox_depth: dict[str, int] = {}
        self.registry = CollectorRegistry()
        self.registry.register(self)

    def apply(self, entry: LoggedEvent) -> None:
        """Take one entry of the log into account."""
        with self._lock:
            self._measures.apply(entry)

    def set_mailbox_depth(self, node: str, depth: int) -> None:
        """Tell how many messages wait on a node. It depends on the layout, so only the live registry shows it."""
        with self._lock:
            self._mailbox_depth[node] = depth

    def exposition(self) -> bytes:
        """All metrics in the classic text format."""
        return generate_latest(self.registry)

    def collect(self) -> Iterator[Family]:
        """Every family with its current samples, those without samples too."""
        with self._lock:
            families = _families(self._measures.store)
            depth = GaugeMetricFamily("mailbox_depth", "Messages that wait on a node", labels=["node"])
            for node, waiting in sorted(self._mailbox_depth.items()):
                depth.add_metric([node], waiting)
        yield from [*families, depth]


def _families(store: SeriesStore) -> list[Family]:
    families = [_empty_family(metric) for metric in METRICS]
    for (position, labels), number in sorted(store.numbers.items()):
        family = families[position]
        assert not isinstance(family, HistogramMetricFamily)
        value = number / 1_000_000 if isinstance(family, GaugeMetricFamily) else number
        family.add_metric(list(labels), value)
    for (position, labels), distribution in sorted(store.distributions.items(), key=lambda item: item[0]):
        _add_distribution(families[position], METRICS[position], labels, distribution)
    return families


def _empty_family(metric: Metric) -> Family:
    match metric.type:
        case "counter":
            return CounterMetricFamily(metric.family, metric.help, labels=metric.labels)
        case "gauge":
            return GaugeMetricFamily(metric.family, metric.help, labels=metric.labels)
        case "histogram":
            return HistogramMetricFamily(metric.family, metric.help, labels=metric.labels)


def _add_distribution(family: Family, metric: Metric, labels: Labels, distribution: Distribution) -> None:
    assert isinstance(family, HistogramMetricFamily)
    bounds = [*(f"{bound}.0" for bound in metric.bounds_s), "+Inf"]
    buckets = list(zip(bounds, distribution.cumulative(), strict=True))
    family.add_metric(list(labels), buckets, distribution.sum_us / US_PER_SECOND)
