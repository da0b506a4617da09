"""The Python snippets of the seed document ("Analyzing Results", copied beside this file) run unchanged."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest

from actors.reporting.writer import ArtifactWriter
from tests.actors.reporting.builders import points_of, run_info, whole_run
from tests.actors.reporting.code_builders import executed_run

SNIPPETS = re.findall(
    r"```python\n(.*?)```", Path(__file__).with_name("seed_analysis.md").read_text("utf-8"), re.DOTALL
)
VELOCITY, JUNIOR_VALUE, PAIRING_QUALITY, COMPARISON = SNIPPETS

EXPERIMENTS = ("baseline-experiment", "constrained-experiment", "free-swap-experiment")


@pytest.fixture(scope="module", params=["modelled", "executed"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("analysis")
    executes = request.param == "executed"
    log = executed_run(20) if executes else whole_run(20)
    for name in EXPERIMENTS:
        writer = ArtifactWriter(root / "outputs" / name, run_info(executes=executes))
        for entry in log:
            writer.apply(entry)
        writer.finish(event_digest="0" * 64)
    return root


def run(snippet: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Execute a snippet in a folder and return the names it defined."""
    monkeypatch.chdir(folder)
    mpl.use("Agg")
    names: dict[str, Any] = {}
    exec(snippet, names)
    return names


def test_the_velocity_script_finds_the_velocity_of_each_sprint(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run(VELOCITY, folder, monkeypatch)

    assert names["sprints"] == list(range(1, 21))
    assert names["velocities"] == [points_of(sprint) for sprint in range(1, 21)]
    assert (folder / "velocity_trend.png").stat().st_size > 1000


def test_the_junior_value_script_counts_questions_and_changes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = run(JUNIOR_VALUE, folder, monkeypatch)

    assert names["questions_per_sprint"] == [6] * 20
    assert names["changes_per_sprint"] == [1] * 20
    assert "Average questions per sprint: 6.0\nAverage hit rate: 16.7%" in capsys.readouterr().out


def test_the_pairing_script_sees_durations_and_failed_consensus(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(PAIRING_QUALITY, folder, monkeypatch)

    printed = capsys.readouterr().out
    assert printed.count("Sessions: 4\n  Avg duration: 90.0 minutes\n  Consensus failures: 1\n") == 20


def test_the_comparison_script_tabulates_the_metrics_of_three_runs(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    comparison = run(COMPARISON, folder, monkeypatch)["comparison"]

    velocity = sum(points_of(sprint) for sprint in range(1, 21)) / 20
    assert list(comparison.columns) == ["No Swap", "Constrained", "Free Swap"]
    assert comparison.loc["avg_velocity"].tolist() == [velocity] * 3
    assert comparison.loc["junior_question_hit_rate"].tolist() == [0.167] * 3
    assert "avg_velocity" in capsys.readouterr().out


def test_every_learning_page_can_be_found_by_its_heading(folder: Path) -> None:
    pages = sorted((folder / "outputs" / EXPERIMENTS[0]).glob("sprint-*/meta_learning_diff.md"))

    assert len(pages) == 20
    assert all("Recent Learning" in page.read_text(encoding="utf-8") for page in pages)
