"""Metrics over virtual time, as a file that Prometheus can load."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from actors.reporting.artifact_folder import ArtifactFolder
from actors.reporting.catalogue import METRICS
from actors.reporting.entries import LoggedEvent
from actors.reporting.openmetrics import OpenMetricsRecorder
from actors.reporting.series import Distribution, decimal
from tests.actors.reporting import builders as b
from tests.actors.reporting import code_builders as c

START_S = b.run_info().start_epoch_s
STEP_S = 900


def record(folder: Path, log: Iterable[LoggedEvent], *, most_rows: int = 20_000) -> str:
    recorder = OpenMetricsRecorder(ArtifactFolder(folder), b.run_info(), most_rows_in_memory=most_rows)
    for entry in log:
        recorder.apply(entry)
    recorder.finish()
    return (folder / "metrics/run.om").read_text(encoding="utf-8")


def samples(text: str, name: str) -> list[tuple[int, float]]:
    """(grid point, value) of an unlabelled or single series."""
    rows = [line.rsplit(" ", 2) for line in text.splitlines() if line.startswith((name + "{", name + " "))]
    return [((int(at) - START_S) // STEP_S, float(number)) for _, number, at in rows]


def is_of_histogram(line: str) -> bool:
    return any(metric.type == "histogram" and metric.name in line.split("{")[0] for metric in METRICS)


def test_a_change_has_its_old_value_one_step_earlier(tmp_path: Path) -> None:
    text = record(tmp_path, b.entries([(b.at(1, 1, 9, 20), b.escalated(1)), (b.at(1, 1, 11), b.escalated(1))]))

    assert samples(text, "escalations_total") == [(37, 0), (38, 1), (44, 1), (45, 2)]


def test_changes_within_one_step_are_one_sample(tmp_path: Path) -> None:
    log = b.entries([(b.at(1, 1, 9, 1), b.escalated(1)), (b.at(1, 1, 9, 14), b.escalated(1))])

    assert samples(record(tmp_path, log), "escalations_total") == [(36, 0), (37, 2)]


def test_a_gauge_begins_when_it_is_first_known_and_is_repeated_daily(tmp_path: Path) -> None:
    log = b.entries([(b.at(1, 1, 17), b.sprint_ended(1, points=8)), (b.at(1, 4, 9), b.escalated(1))])

    assert samples(record(tmp_path, log), "sprint_velocity") == [
        (69, 8), (96, 8), (192, 8), (288, 8), (325, 8)
    ]  # fmt: skip


def test_coverage_has_its_history_and_modelled_work_has_none(tmp_path: Path) -> None:
    executed, modelled = record(tmp_path / "executed", c.executed_run(2)), record(tmp_path / "modelled", b.whole_run(2))

    assert samples(executed, "test_coverage_percent")[-1][1] == 90.0
    assert samples(executed, "commits_total")[-1][1] == 6.0
    for name in ("test_coverage_percent", "commits_total", "defects_escaped_total", "merges_total"):
        assert samples(modelled, name) == []


def test_a_real_parser_accepts_the_file_and_finds_each_family_once(tmp_path: Path) -> None:
    text = record(tmp_path, b.whole_run(3))
    # prometheus_client 0.26 drops buckets of a histogram's second point in time; promtool below reads them.
    lines = text.splitlines(keepends=True)
    families = list(text_string_to_metric_families("".join(line for line in lines if not is_of_histogram(line))))

    names = [family.name for family in families]
    assert len(names) == len(set(names))
    assert text.endswith("# EOF\n")
    (velocity,) = (family for family in families if family.name == "sprint_velocity")
    assert [sample.value for sample in velocity.samples][-1] == 8.0


def test_each_point_of_a_histogram_is_complete_and_rises(tmp_path: Path) -> None:
    lines = record(tmp_path, b.whole_run(3)).splitlines()
    rows = [line.rsplit(" ", 2) for line in lines if not line.startswith("#")]
    points: dict[str, list[tuple[str, float]]] = {}
    for series, number, at in rows:
        if series.startswith("consensus_seconds"):
            points.setdefault(at, []).append((series, float(number)))

    assert len(points) >= 6
    for point in points.values():
        *buckets, (count_name, count), (sum_name, _) = point
        assert (count_name, sum_name) == ("consensus_seconds_count", "consensus_seconds_sum")
        assert [name for name, _ in buckets] == [
            f'consensus_seconds_bucket{{le="{bound}"}}'
            for bound in ("1.0", "5.0", "15.0", "60.0", "300.0", "900.0", "+Inf")
        ]
        values = [value for _, value in buckets]
        assert values == sorted(values)
        assert values[-1] == count


def test_samples_of_one_series_are_in_time_order_and_never_doubled(tmp_path: Path) -> None:
    times: dict[str, list[int]] = {}
    for line in record(tmp_path, b.whole_run(3)).splitlines():
        if not line.startswith("#"):
            series, _, at = line.rsplit(" ", 2)
            times.setdefault(series, []).append(int(at))

    assert len(times) > 30
    assert all(points == sorted(set(points)) for points in times.values())


def test_rows_that_went_to_the_scratch_file_come_back_in_place(tmp_path: Path) -> None:
    log = b.whole_run(3)

    assert record(tmp_path / "small", log, most_rows=5) == record(tmp_path / "large", log)
    assert list((tmp_path / "small/.tmp").iterdir()) == []


def test_odd_characters_in_labels_are_escaped(tmp_path: Path) -> None:
    text = record(tmp_path, b.entries([(0, b.sprint_ended(1, team='a"b\\c'))]))

    assert 'sprint_velocity{team="a\\"b\\\\c"} 0 ' in text


@given(st.integers(min_value=-(10**15), max_value=10**15))
def test_millionths_are_shown_exactly(millionths: int) -> None:
    whole, _, part = decimal(millionths).lstrip("-").partition(".")
    shown = int(whole) * 1_000_000 + int(part.ljust(6, "0") or "0")

    assert (-shown if decimal(millionths).startswith("-") else shown) == millionths


@given(st.lists(st.integers(min_value=0, max_value=2 * 10**9)))
def test_buckets_hold_what_is_at_most_their_bound(durations_us: list[int]) -> None:
    metric = next(metric for metric in METRICS if metric.name == "consensus_seconds")
    distribution = Distribution(metric)
    for duration_us in durations_us:
        distribution.observe(duration_us)

    at_most = [sum(us <= bound * 10**6 for us in durations_us) for bound in metric.bounds_s]
    assert distribution.cumulative() == (*at_most, len(durations_us))
    assert distribution.sum_us == sum(durations_us)


# --- the real thing: promtool makes blocks of the file and a Prometheus server answers the seed document's queries ---

needs_prometheus = pytest.mark.skipif(
    shutil.which("promtool") is None or shutil.which("prometheus") is None, reason="Prometheus is not installed"
)


@contextmanager
def prometheus(data: Path) -> Iterator[str]:
    """A server on loopback over finished blocks; its address. Backfilled data is old, so retention must be long."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    settings = data.parent / "prometheus.yml"
    settings.write_text("global: {scrape_interval: 1h}\n")
    command = [
        "prometheus", f"--config.file={settings}", f"--storage.tsdb.path={data}",
        "--storage.tsdb.retention.time=50y", f"--web.listen-address={address}", "--log.level=info",
    ]  # fmt: skip
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _wait_until_ready(server)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=20)


def _wait_until_ready(server: subprocess.Popen[bytes]) -> None:
    """Its own log says when it serves; the test's time limit bounds the wait."""
    assert server.stderr is not None
    for line in server.stderr:
        if b"ready to receive web requests" in line:
            return
    raise AssertionError("prometheus ended before it was ready")


def query(address: str, expression: str, at_us: int) -> list[tuple[dict[str, str], float]]:
    arguments = urllib.parse.urlencode({"query": expression, "time": START_S + at_us // 10**6})
    with urllib.request.urlopen(f"http://{address}/api/v1/query?{arguments}", timeout=10) as reply:
        answer: Any = json.load(reply)
    return [(series["metric"], float(series["value"][1])) for series in answer["data"]["result"]]


@needs_prometheus
def test_prometheus_loads_the_file_and_answers_the_queries_of_the_seed_document(tmp_path: Path) -> None:
    record(tmp_path, b.whole_run(3))
    blocks = ["promtool", "tsdb", "create-blocks-from", "--max-block-duration=672h", "openmetrics"]
    subprocess.run(
        [*blocks, str(tmp_path / "metrics/run.om"), str(tmp_path / "data")], check=True, capture_output=True, timeout=60
    )

    with prometheus(tmp_path / "data") as address:
        mean = query(address, "avg_over_time(sprint_velocity[5d])", b.at(3, 4))
        success = query(
            address,
            'rate(junior_questions_total{resulted_in_change="true"}[1h]) / \nrate(junior_questions_total[1h])',
            b.at(3, 1, 9, 45),
        )
        learning = query(address, "sum(rate(senior_learned_from_junior_total[1h])) by (senior_id)", b.at(3, 1, 9, 45))

    assert mean == [
        ({"team": b.TEAM}, pytest.approx(7.0))
    ]  # in the middle of sprint 3 the latest velocity is sprint 2's
    assert [(labels["resulted_in_change"], share) for labels, share in success] == [("true", 1.0)]
    assert [labels for labels, _ in learning] == [{"senior_id": b.SENIOR}]
    assert learning[0][1] > 0
