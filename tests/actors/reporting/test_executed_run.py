"""One sprint of executed work, as a user runs it: its artifacts agree with each other and with its repository."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.support.runs import simulate


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("executed") / "run"
    options = ("--sprints", "1", "--seed", "7", "--nodes", "1", "--metrics-port", "0", "code_generation.mode=executed")
    done = simulate("run", "--output", target, *options)
    assert done.code == 0, done.err + done.out
    return target


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def git(folder: Path, *arguments: str) -> list[str]:
    command = ["git", "-C", str(folder / "workspace"), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout.split()


def test_velocity_is_the_sum_of_the_done_points_everywhere(folder: Path) -> None:
    done = pd.DataFrame(load(folder / "sprint-01/kanban.json")["done"], columns=["story_id", "story_points"])
    (row,) = pd.read_csv(folder / "metrics/sprints.csv").to_dict("records")
    report = load(folder / "final_report.json")

    assert done["story_points"].sum() == row["velocity"] == report["sprints"]["01"]["velocity"]
    assert len(done) == row["features_completed"] == report["metrics"]["total_features"]
    planned, accepted = row["planned_stories"], row["accepted_planned_stories"]
    assert planned > 0
    assert report["metrics"]["accepted_share_percent"] == pytest.approx(100 * accepted / planned, abs=0.001)


def test_every_commit_that_is_told_is_in_the_repository_and_no_other(folder: Path) -> None:
    report, code = load(folder / "final_report.json"), load(folder / "sprint-01/code.json")
    sessions = pd.read_json(folder / "sprint-01/pairing_log.jsonl", lines=True)
    commits, on_main = set(git(folder, "rev-list", "--all")), set(git(folder, "rev-list", "main"))

    metrics = report["metrics"]
    assert metrics["commits"] == sum(code["commits"]["by_author"].values()) > 0
    assert len(commits) == 1 + metrics["commits"] + metrics["merges_landed"]  # one begins the product
    assert set(sessions["commit_sha"].dropna()) <= commits
    assert {one["commit"] for one in code["merges"]["landed"]} <= on_main
    cards = load(folder / "sprint-01/kanban.json")
    assert {card["metadata"]["commit"] for card in cards["done"]} <= on_main
    assert git(folder, "rev-parse", "main") == [load(folder / "sprint-01/test_coverage.json")["commit"]]


def test_hidden_tests_agree_on_cards_in_the_sprint_and_in_the_report(folder: Path) -> None:
    acceptance = load(folder / "sprint-01/code.json")["acceptance"]
    stories = pd.DataFrame(acceptance["stories"], index=["cases", "failed"]).T
    metrics = load(folder / "final_report.json")["metrics"]

    assert stories["cases"].sum() == acceptance["cases"] == metrics["hidden_cases"]
    assert stories["failed"].sum() == acceptance["failed"] == metrics["hidden_failed"]
    for card in load(folder / "sprint-01/kanban.json")["done"]:
        assert card["metadata"]["acceptance"] == acceptance["stories"][card["story_id"]]["criteria"]


def test_coverage_of_the_files_adds_up_to_that_of_main(folder: Path) -> None:
    coverage = load(folder / "sprint-01/test_coverage.json")
    files = pd.DataFrame(coverage["by_file"]).T
    report = load(folder / "final_report.json")

    assert files["lines"].sum() == coverage["lines"] > 0
    assert files["branches"].sum() == coverage["branches"]
    assert coverage["line_coverage"] == pytest.approx(100 * coverage["lines_hit"] / coverage["lines"], abs=0.001)
    assert coverage["line_coverage"] == report["metrics"]["test_coverage"] == report["sprints"]["01"]["test_coverage"]
    assert (coverage["tests"], coverage["failing"]) == (report["metrics"]["tests_on_main"], 0)
    assert all((folder / "workspace" / path).is_file() for path in files.index)


def test_defects_agree_in_table_and_report(folder: Path) -> None:
    defects = pd.read_csv(folder / "metrics/defects.csv")
    metrics, code = load(folder / "final_report.json")["metrics"], load(folder / "sprint-01/code.json")

    assert len(defects) == metrics["defects_made"] == code["flaws"]["made"]
    assert defects["found_by"].notna().sum() == metrics["defects_found"]
    assert defects["found_by"].dropna().value_counts().to_dict() == code["flaws"]["found_by"]
    assert metrics["defects_escaped"] == len(code["escaped_defects"])


def test_sessions_wrote_tests_before_code(folder: Path) -> None:
    sessions = pd.read_json(folder / "sprint-01/pairing_log.jsonl", lines=True)
    results = pd.json_normalize(sessions["test_results"].tolist())
    by_phase = load(folder / "sprint-01/code.json")["test_runs"]["by_phase"]

    assert (results["runs"] == results["red"] + results["green"]).all()
    assert by_phase["red"]["runs"] > 0
    assert results["runs"].sum() <= sum(phase["runs"] for phase in by_phase.values())
    assert sessions.loc[results["runs"] > 0, "files_changed"].map(len).gt(0).all()
