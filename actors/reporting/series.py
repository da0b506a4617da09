"""The numbers behind metrics: whole counts, millionths and microseconds, so that sums never round."""

from __future__ import annotations

from itertools import accumulate

from actors.reporting.catalogue import METRICS, Metric

Labels = tuple[str, ...]
Key = tuple[int, Labels]  # position in METRICS, label values
US_PER_SECOND = 1_000_000

POSITION = {metric.name: position for position, metric in enumerate(METRICS)}


class Distribution:
    """A histogram of durations in microseconds."""

    __slots__ = ("_bounds_us", "_counts", "count", "sum_us")

    def __init__(self, metric: Metric) -> None:
        self._bounds_us = tuple(bound * US_PER_SECOND for bound in metric.bounds_s)
        self._counts = [0] * len(self._bounds_us)
        self.sum_us = 0
        self.count = 0

    def observe(self, duration_us: int) -> None:
        """Count one duration in the first bucket that holds it; longer ones count in +Inf only."""
        self.sum_us += duration_us
        self.count += 1
        for place, bound_us in enumerate(self._bounds_us):
            if duration_us <= bound_us:
                self._counts[place] += 1
                return

    def cumulative(self) -> tuple[int, ...]:
        """How many durations are at most each bound; the last number is all of them (+Inf)."""
        return (*accumulate(self._counts), self.count)


class SeriesStore:
    """Current values of all series, and which of them changed since somebody last looked."""

    def __init__(self) -> None:
        self.numbers: dict[Key, int] = {}  # counters, and gauges in millionths
        self.distributions: dict[Key, Distribution] = {}
        self._changed: dict[Key, None] = {}  # a dict, for its order
        for position, metric in enumerate(METRICS):
            if metric.starts_at_zero:
                self._start((position, ()), metric)

    def increment(self, name: str, *labels: str, by: int = 1) -> None:
        """Add to a counter."""
        key = (POSITION[name], labels)
        self.numbers[key] = self.numbers.get(key, 0) + by
        self._changed[key] = None

    def set_millionths(self, name: str, *labels: str, to: int) -> None:
        """Set a gauge."""
        key = (POSITION[name], labels)
        self.numbers[key] = to
        self._changed[key] = None

    def observe(self, name: str, *labels: str, duration_us: int) -> None:
        """Add a duration to a histogram."""
        key = (POSITION[name], labels)
        if key not in self.distributions:
            self.distributions[key] = Distribution(METRICS[key[0]])
        self.distributions[key].observe(duration_us)
        self._changed[key] = None

    def take_changed(self) -> list[Key]:
        """The series that changed since the last call, in the order of their first change."""
        changed = list(self._changed)
        self._changed.clear()
        return changed

    def _start(self, key: Key, metric: Metric) -> None:
        if metric.type == "histogram":
            self.distributions[key] = Distribution(metric)
        elif metric.type == "counter":
            self.numbers[key] = 0


def decimal(millionths: int) -> str:
    """Millionths as a decimal number without trailing zeros, exactly."""
    whole, rest = divmod(abs(millionths), 1_000_000)
    sign = "-" if millionths < 0 else ""
    return f"{sign}{whole}" if not rest else f"{sign}{whole}.{rest:06d}".rstrip("0")
