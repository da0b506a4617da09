"""The metrics of a run over virtual time, as an OpenMetrics file that Prometheus can load.

A sample is taken on a fixed grid of virtual time. A series that changed gets its new value on the next grid point and
its old one a step earlier, so that `rate(...[1h])` sees the change; gauges and counters are repeated at least once a
day. Memory stays flat: finished rows wait in a scratch file, and only their places are remembered until the end.

    promtool tsdb create-blocks-from --max-block-duration=672h openmetrics metrics/run.om DATA
    prometheus --storage.tsdb.path=DATA --storage.tsdb.retention.time=50y

Without the first option promtool reads the file once for every two hours of the run; without the second Prometheus
deletes blocks of another year.
"""

from __future__ import annotations

from array import array
from typing import BinaryIO

from actors.reporting.artifact_folder import ArtifactFolder
from actors.reporting.catalogue import METRICS, Metric
from actors.reporting.entries import LoggedEvent
from actors.reporting.measures import Measures
from actors.reporting.run_info import RunInfo
from actors.reporting.series import Key, Labels, decimal

STEP_US = 15 * 60 * 1_000_000
STEPS_PER_DAY = 96
_MOST_ROWS_IN_MEMORY = 20_000
_STEP_S = STEP_US // 1_000_000
_PATH = "metrics/run.om"

Value = tuple[int, ...]  # one number, or buckets, count and sum of a histogram


class RowStore:
    """Rows of text by series; full ones move to a scratch file."""

    def __init__(self, folder: ArtifactFolder, *, most_rows: int) -> None:
        self._folder = folder
        self._most_rows = most_rows
        self._waiting: dict[Key, list[str]] = {}
        self._rows = 0
        self._places: dict[Key, array[int]] = {}  # offsets and lengths in the scratch file, alternating
        self._scratch_name = _PATH + ".rows"
        self._file = folder.open_scratch(self._scratch_name)

    def add(self, key: Key, rows: str, count: int) -> None:
        """Append finished rows to a series."""
        self._waiting.setdefault(key, []).append(rows)
        self._rows += count
        if self._rows >= self._most_rows:
            self._spill()

    def keys(self) -> list[Key]:
        """All series that have rows, by metric and then by labels."""
        self._spill()
        return sorted(self._places)

    def copy(self, key: Key, source: BinaryIO, target: BinaryIO) -> None:
        """Copy the rows of one series, in the order they were added."""
        places = self._places[key]
        for offset, length in zip(places[::2], places[1::2], strict=True):
            source.seek(offset)
            target.write(source.read(length))

    def open(self) -> BinaryIO:
        """The scratch file, complete, to copy from."""
        self._spill()
        self._file.flush()
        return self._folder.scratch(self._scratch_name).open("rb")

    def close(self) -> None:
        """Remove the scratch file."""
        self._file.close()
        self._folder.scratch(self._scratch_name).unlink(missing_ok=True)

    def _spill(self) -> None:
        for key, rows in self._waiting.items():
            text = "".join(rows).encode()
            self._places.setdefault(key, array("q")).extend((self._file.tell(), len(text)))
            self._file.write(text)
        self._waiting.clear()
        self._rows = 0


class OpenMetricsRecorder:
    """Follows the log and writes `metrics/run.om` at its end."""

    def __init__(
        self, folder: ArtifactFolder, info: RunInfo, *, most_rows_in_memory: int = _MOST_ROWS_IN_MEMORY
    ) -> None:
        self._folder = folder
        self._start_s = info.start_epoch_s
        self._measures = Measures()
        self._rows = RowStore(folder, most_rows=most_rows_in_memory)
        self._tick = 1  # the grid point that current changes will appear on
        self._last: dict[Key, tuple[int, Value]] = {}  # grid point and value of the latest sample
        self._row_heads: dict[Key, tuple[str, ...]] = {}

    def apply(self, entry: LoggedEvent) -> None:
        """Take one entry into account."""
        tick = entry.time_us // STEP_US + 1
        if tick > self._tick:
            self._close_tick()
            self._repeat_daily(before=tick)
            self._tick = tick
        self._measures.apply(entry)

    def finish(self) -> None:
        """Write the file. Every series ends with a sample on the last grid point."""
        self._close_tick()
        for key in [*self._measures.store.numbers, *self._measures.store.distributions]:
            self._sample(key, self._tick)
        scratch = self._folder.scratch(_PATH)
        with scratch.open("wb") as target, self._rows.open() as source:
            self._write_families(source, target)
        self._rows.close()
        self._folder.publish(scratch, _PATH)

    def _close_tick(self) -> None:
        for key in self._measures.store.take_changed():
            tick, value = self._last.get(key, (-1, self._before_first(key)))
            if value is not None and tick < self._tick - 1:
                self._add(key, self._tick - 1, value)
            self._sample(key, self._tick)

    def _repeat_daily(self, *, before: int) -> None:
        day = self._tick // STEPS_PER_DAY + 1
        for midnight in range(day * STEPS_PER_DAY, before, STEPS_PER_DAY):
            for key in self._measures.store.numbers:
                self._sample(key, midnight)

    def _sample(self, key: Key, tick: int) -> None:
        """Record the current value, unless this grid point has it already."""
        if key not in self._last or self._last[key][0] < tick:
            self._add(key, tick, self._value(key))

    def _add(self, key: Key, tick: int, value: Value) -> None:
        self._last[key] = (tick, value)
        heads = self._row_heads.get(key)
        if heads is None:
            heads = self._row_heads[key] = _row_heads(METRICS[key[0]], key[1])
        at = self._start_s + tick * _STEP_S
        texts = _texts(METRICS[key[0]], value)
        rows = "".join([f"{head} {text} {at}\n" for head, text in zip(heads, texts, strict=True)])
        self._rows.add(key, rows, len(heads))

    def _value(self, key: Key) -> Value:
        distribution = self._measures.store.distributions.get(key)
        if distribution is None:
            return (self._measures.store.numbers[key],)
        return (*distribution.cumulative(), distribution.count, distribution.sum_us)

    def _before_first(self, key: Key) -> Value | None:
        """What a series was before its first change: zero, or, for a gauge, nothing at all."""
        metric = METRICS[key[0]]
        if metric.type == "gauge":
            return None
        return (0,) if metric.type == "counter" else (0,) * (len(metric.bounds_s) + 3)

    def _write_families(self, source: BinaryIO, target: BinaryIO) -> None:
        keys: dict[int, list[Key]] = {}
        for key in self._rows.keys():  # noqa: SIM118  (a RowStore is no mapping)
            keys.setdefault(key[0], []).append(key)
        for position, metric in enumerate(METRICS):
            head = f"# TYPE {metric.family} {metric.type}\n# HELP {metric.family} {_escaped(metric.help)}\n"
            target.write(head.encode())
            for key in keys.get(position, ()):
                self._rows.copy(key, source, target)
        target.write(b"# EOF\n")


def _row_heads(metric: Metric, labels: Labels) -> tuple[str, ...]:
    """What stands before the value in each row of one sample."""
    pairs = [f'{name}="{_escaped(value)}"' for name, value in zip(metric.labels, labels, strict=True)]
    if metric.type != "histogram":
        return (_head(metric.name, pairs),)
    bounds = [*(f"{bound}.0" for bound in metric.bounds_s), "+Inf"]
    buckets = [_head(metric.name + "_bucket", [*pairs, f'le="{bound}"']) for bound in bounds]
    return (*buckets, _head(metric.name + "_count", pairs), _head(metric.name + "_sum", pairs))


def _head(name: str, pairs: list[str]) -> str:
    return f"{name}{{{','.join(pairs)}}}" if pairs else name


def _texts(metric: Metric, value: Value) -> list[str]:
    """The numbers of one sample as text: counts whole, gauges and sums of seconds from millionths."""
    match metric.type:
        case "counter":
            return [str(value[0])]
        case "gauge":
            return [decimal(value[0])]
        case "histogram":
            return [*map(str, value[:-1]), decimal(value[-1])]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
