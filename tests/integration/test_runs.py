"""Whole runs: the same digest and the same bytes, whatever the processes, the folder and the environment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from actors.simulation.comparing import causes
from brokers.journal.reader import JournalReader
from brokers.wire.packing import unpack
from tests.support.runs import artifacts, digest, run, simulate

SPRINTS = ("--sprints", "2", "--seed", "7")


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reference") / "run"
    run(folder, *SPRINTS, "--nodes", "2")
    return folder


def test_a_run_finishes_stories_and_leaves_nothing_live(reference: Path) -> None:
    report = json.loads((reference / "final_report.json").read_text())

    assert report["metrics"]["total_features"] > 0
    assert report["event_digest"] == digest(reference)
    assert not (reference / ".live").exists()
    assert {"kanban.json", "pairing_log.jsonl", "retro.md", "test_coverage.json", "meta_learning_diff.md", "adrs"} <= {
        path.name for path in (reference / "sprint-01").iterdir()
    }


@pytest.mark.parametrize("nodes", ["1", "3"])
def test_any_number_of_nodes_gives_the_same_log_and_the_same_bytes(reference: Path, tmp_path: Path, nodes: str) -> None:
    run(tmp_path / "run", *SPRINTS, "--nodes", nodes)

    assert digest(tmp_path / "run") == digest(reference)
    assert artifacts(tmp_path / "run") == artifacts(reference)


def test_hash_seed_time_zone_locale_umask_and_folder_do_not_show(reference: Path, tmp_path: Path) -> None:
    folder = tmp_path / "ein Ordner mit Ümlaut" / "deeper"
    folder.parent.mkdir()
    env = {"PYTHONHASHSEED": "12345", "TZ": "Pacific/Chatham", "LC_ALL": "C", "LANG": "C"}
    run(folder, *SPRINTS, "--nodes", "1", env=env, umask=0o077)

    assert digest(folder) == digest(reference)
    assert artifacts(folder) == artifacts(reference)


def test_another_seed_is_another_run(reference: Path, tmp_path: Path) -> None:
    run(tmp_path / "run", "--sprints", "2", "--seed", "8", "--nodes", "1")

    assert digest(tmp_path / "run") != digest(reference)


def test_replay_needs_no_engine_and_finds_every_row_equal(reference: Path) -> None:
    done = simulate("replay", reference)

    assert (done.code, digest(reference) in done.out) == (0, True), done.err


def test_resuming_a_finished_run_verifies_it(reference: Path) -> None:
    done = simulate("run", "--resume", "--output", reference, "--nodes", "1", "--metrics-port", "0")

    assert done.code == 0, done.err
    assert "verified" in done.out


def test_resuming_with_other_options_is_refused_with_the_differences(reference: Path) -> None:
    before = artifacts(reference)
    done = simulate("run", "--resume", "--output", reference, "--seed", "9", "--sprints", "2")

    assert done.code == 2
    assert "simulation.seed: was 7, is 9" in done.err
    assert artifacts(reference) == before


def test_continuing_gives_the_run_that_was_longer_from_the_start(tmp_path: Path) -> None:
    run(tmp_path / "grown", "--sprints", "1", "--seed", "7", "--nodes", "1")
    done = simulate("run", "--continue", "1", "--output", tmp_path / "grown", "--nodes", "1", "--metrics-port", "0")
    assert done.code == 0, done.err
    run(tmp_path / "long", *SPRINTS, "--nodes", "1")

    assert digest(tmp_path / "grown") == digest(tmp_path / "long")
    assert artifacts(tmp_path / "grown") == artifacts(tmp_path / "long")


def test_a_fork_that_changes_nothing_has_its_parents_digest(reference: Path, tmp_path: Path) -> None:
    with JournalReader(reference / "run.sqlite") as journal:
        middle = str(journal.count() // 2)
    done = simulate(
        "fork", reference, "--at", middle, "--output", tmp_path / "fork", "--nodes", "1", "--metrics-port", "0"
    )

    assert done.code == 0, done.err
    assert digest(tmp_path / "fork") == digest(reference)
    assert simulate("diff", reference, tmp_path / "fork").code == 0


def test_a_fork_without_one_disturbance_differs_only_after_it_and_diff_names_why(
    reference: Path, tmp_path: Path
) -> None:
    with JournalReader(reference / "run.sqlite") as journal:
        n, struck = list(journal.rows(kinds=("disturbance.struck/1",)))[-1]
        name = unpack(struck.record)[7]["disturbance_id"]
        strikes, _ = next(row for row in causes(journal, struck) if row[1].kind == "disturbance.strike/1")
    done = simulate(
        "fork",
        reference,
        "--at",
        str(strikes),
        "--output",
        tmp_path / "fork",
        "--nodes",
        "1",
        "--metrics-port",
        "0",
        f"disturbances.suppress=[{name}]",
    )
    assert done.code == 0, done.err

    diff = simulate("diff", reference, tmp_path / "fork")
    assert diff.code == 1
    first = int(diff.out.split("event ")[1].split(":")[0])
    assert strikes < first <= n
    assert "caused by" in diff.out


def test_a_fork_that_would_change_its_past_is_refused_and_keeps_nothing(reference: Path, tmp_path: Path) -> None:
    with JournalReader(reference / "run.sqlite") as journal:
        last = str(journal.count())
    done = simulate(
        "fork",
        reference,
        "--at",
        last,
        "--output",
        tmp_path / "fork",
        "--nodes",
        "1",
        "team.wip_limits.in_progress=2",
        "--metrics-port",
        "0",
    )

    assert done.code == 2
    assert "change the run before the fork" in done.err
    assert not (tmp_path / "fork").exists()
