"""Sprint folders and final reports as projections of a log."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from actors.reporting.entries import LoggedEvent
from actors.reporting.errors import InconsistentLogError
from actors.reporting.run_info import RunInfo
from actors.reporting.writer import ArtifactWriter
from actors.scrum.messages import CardTagged, DisturbanceSoftened, PlannedTask, TaskAdded
from brokers.node.messages import DeadLettered
from tests.actors.reporting import builders as b


def write(folder: Path, log: Iterable[LoggedEvent], info: RunInfo | None = None) -> dict[str, Any]:
    writer = ArtifactWriter(folder, info or b.run_info())
    for entry in log:
        writer.apply(entry)
    return writer.finish(event_digest="d" * 64)


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def every_file(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def card_log(*events: Any) -> list[LoggedEvent]:
    return b.entries([(0, b.team_formed()), (0, b.sprint_started()), *((b.at(1, 1), event) for event in events)])


def test_done_holds_what_the_sprint_accepted_and_a_carried_card_stays_on_the_board(tmp_path: Path) -> None:
    write(
        tmp_path,
        card_log(
            b.planned(1, points=5),
            b.planned(2, points=3),
            b.moved(1, "ready", "done"),
            b.moved(2, "ready", "in_progress"),
            b.sprint_ended(1, points=5, stories=("S-1",)),
            b.sprint_started(2),
            b.moved(2, "in_progress", "done", sprint=2),
            b.sprint_ended(2, points=3, stories=("S-2",)),
        ),
    )

    first, second = load(tmp_path / "sprint-01/kanban.json"), load(tmp_path / "sprint-02/kanban.json")
    assert [card["story_id"] for card in first["done"]] == ["S-1"]
    assert [card["story_id"] for card in first["in_progress"]] == ["S-2"]
    assert [(card["story_id"], card["story_points"], card["sprint"]) for card in second["done"]] == [("S-2", 3, 2)]
    assert second["in_progress"] == []


def test_a_card_that_is_done_but_not_accepted_is_shown_in_review_until_it_is(tmp_path: Path) -> None:
    write(
        tmp_path,
        card_log(
            b.planned(1),
            b.moved(1, "ready", "done"),
            b.sprint_ended(1),
            b.sprint_started(2),
            b.sprint_ended(2, points=5, stories=("S-1",)),
        ),
    )

    waiting = load(tmp_path / "sprint-01/kanban.json")["review"][0]
    assert (waiting["status"], waiting["metadata"]["awaits_acceptance"]) == ("review", True)
    assert [card["story_id"] for card in load(tmp_path / "sprint-02/kanban.json")["done"]] == ["S-1"]


def test_boards_can_be_read_at_any_time(tmp_path: Path) -> None:
    writer = ArtifactWriter(tmp_path, b.run_info())
    for entry in card_log(b.planned(1), b.planned(2), b.moved(2, "ready", "done")):
        writer.apply(entry)

    board = writer.boards()[b.TEAM]
    assert board["sprint"] == 1
    assert [card["story_id"] for card in board["ready"]] == ["S-1"]
    assert [(card["story_id"], card["status"]) for card in board["done"]] == [("S-2", "done")]


def test_a_stretch_story_goes_up_in_the_backlog_column(tmp_path: Path) -> None:
    write(tmp_path, card_log(b.planned(1, column="backlog"), b.sprint_ended()))

    assert [card["id"] for card in load(tmp_path / "sprint-01/kanban.json")["backlog"]] == [1]


def test_a_velocity_that_does_not_match_its_cards_is_refused(tmp_path: Path) -> None:
    writer = ArtifactWriter(tmp_path, b.run_info())
    *log, wrong_end = card_log(
        b.planned(1, points=5), b.moved(1, "ready", "done"), b.sprint_ended(1, points=8, stories=("S-1",))
    )
    for entry in log:
        writer.apply(entry)

    with pytest.raises(InconsistentLogError, match="5 points, the sprint announced 8"):
        writer.apply(wrong_end)
    assert not (tmp_path / "sprint-01").exists()


def test_a_move_of_a_card_that_was_never_planned_is_refused(tmp_path: Path) -> None:
    writer = ArtifactWriter(tmp_path, b.run_info())

    with pytest.raises(InconsistentLogError, match="card 9"):
        writer.apply(b.entries([(0, b.moved(9, "ready", "in_progress"))])[0])


def test_a_card_tells_its_labels_added_tasks_and_spent_minutes(tmp_path: Path) -> None:
    repair = PlannedTask(
        task_id="T-1-009", title="Repair it", estimated_minutes=30, depends_on=(), specialization="backend"
    )

    def tag(name: str, present: bool) -> CardTagged:
        return CardTagged(team=b.TEAM, sprint=1, card_id=1, story_id="S-1", tag=name, present=present)

    write(
        tmp_path,
        card_log(
            b.planned(1),
            tag("BLOCKED", True),
            tag("FLAKY", True),
            tag("BLOCKED", False),
            b.task_finished(1, 1),
            TaskAdded(team=b.TEAM, sprint=1, story_id="S-1", task=repair, reason="qa", criterion=""),
            b.sprint_ended(),
        ),
    )

    metadata = load(tmp_path / "sprint-01/kanban.json")["ready"][0]["metadata"]
    assert metadata["tags"] == ["FLAKY"]
    assert [(task["id"], task["spent_minutes"]) for task in metadata["tasks"]] == [("T-1-001", 300), ("T-1-009", None)]


def test_a_pairing_line_has_virtual_dates_and_admits_what_was_not_measured(tmp_path: Path) -> None:
    write(tmp_path, b.whole_run(1))

    lines = (tmp_path / "sprint-01/pairing_log.jsonl").read_text(encoding="utf-8").splitlines()
    first = json.loads(lines[0])
    assert len(lines) == 4
    assert (first["start_time"], first["end_time"]) == ("2026-01-06T10:00:00.000Z", "2026-01-06T11:30:00.000Z")
    assert first["duration_seconds"] == 5400.0
    assert first["consensus_reached"] is True
    assert first["line_coverage"] is None
    assert first["commit_sha"] is None
    assert "no code was written" in first["unmeasured"]


def test_decisions_become_numbered_pages_with_an_index_in_every_sprint(tmp_path: Path) -> None:
    log = card_log(b.recorded(12, title="Split: API / workers"), b.sprint_ended(), b.sprint_ended(2))
    write(tmp_path, log)

    page = (tmp_path / "sprint-01/adrs/0012-split-api-workers.md").read_text(encoding="utf-8")
    assert "accepted by ahmed on 2026-01-05T09:00:00.000Z" in page
    assert "1. a queue\n2. a table" in page
    assert "0012-split-api-workers.md" in (tmp_path / "sprint-01/adrs/README.md").read_text(encoding="utf-8")
    assert "No decision" in (tmp_path / "sprint-02/adrs/README.md").read_text(encoding="utf-8")


def test_a_learning_page_tells_what_changes_from_now_on(tmp_path: Path) -> None:
    write(tmp_path, b.whole_run(1))

    page = (tmp_path / "sprint-01/meta_learning_diff.md").read_text(encoding="utf-8")
    assert "+ sprint 1 (keep): Run a red test again -> triages flaky tests more carefully" in page


def test_the_report_adds_up_what_happened(tmp_path: Path) -> None:
    report = write(tmp_path, b.whole_run(4))

    metrics = report["metrics"]
    assert load(tmp_path / "final_report.json") == report
    assert [sprint["velocity"] for sprint in report["sprints"].values()] == [6, 7, 8, 9]
    assert (metrics["avg_velocity"], metrics["velocity_first_3"], metrics["velocity_last_3"]) == (7.5, 7.0, 8.0)
    assert (metrics["total_points"], metrics["total_features"], metrics["commitment_kept"]) == (30, 8, 0.375)
    assert (metrics["cycle_time_avg_hours"], metrics["mean_overrun"]) == (12.0, 0.25)
    assert (metrics["consensus_rate"], metrics["escalations"]) == (0.75, 4)
    assert (metrics["junior_questions"], metrics["junior_question_hit_rate"]) == (24, 0.167)
    assert (metrics["dismissal_rate"], metrics["senior_pause_avg_seconds"]) == (0.167, 3.0)
    assert (metrics["disturbances"], metrics["triage_accuracy"], metrics["triage_blast_accuracy"]) == (4, 0.5, 0.0)
    assert metrics["knowledge_mean_permille"] == 300.0  # 400 and 200 after sprint 4, for the one who was reviewed
    assert metrics["test_coverage"] is None
    assert "modelled" in report["unmeasured"]["test_coverage"]
    assert report["teams"][b.TEAM]["ended"] == "completed"
    assert not any(isinstance(value, list) for value in report.values())


def test_shares_of_nothing_are_unknown_not_zero(tmp_path: Path) -> None:
    metrics = write(tmp_path, [])["metrics"]

    assert metrics["total_points"] == 0
    assert [metrics[name] for name in ("avg_velocity", "consensus_rate", "triage_accuracy", "mean_overrun")] == [
        None
    ] * 4


def test_tokens_are_summed_where_the_policy_has_them_and_explained_where_not(tmp_path: Path) -> None:
    silent = write(tmp_path / "a", b.entries([(0, b.decision())]))
    talking = write(tmp_path / "b", b.entries([(0, b.decision(tokens=20)), (1, b.decision(tokens=5))]))

    assert silent["metrics"]["prompt_tokens"] is None
    assert silent["unmeasured"]["prompt_tokens"] == "the policy has no tokens"
    assert talking["metrics"]["prompt_tokens"] == 25
    assert "prompt_tokens" not in talking["unmeasured"]


def test_dead_letters_are_counted_by_actor_and_message(tmp_path: Path) -> None:
    letter = DeadLettered(
        actor="agent/jamie", sender="board", message_kind="board.changed/1", error="KeyError: 'S-9'", incarnation=2
    )
    report = write(tmp_path, b.entries([(0, letter), (5, letter)]))

    assert report["metrics"]["dead_letters"] == 2
    assert report["dead_letters"]["agent/jamie"] == {
        "by_message": {"board.changed/1": 2},
        "last_error": "KeyError: 'S-9'",
    }
    assert "| agent/jamie | 2 | board.changed/1 |" in (tmp_path / "final_report.md").read_text(encoding="utf-8")


def test_several_teams_get_a_folder_each_and_one_report(tmp_path: Path) -> None:
    report = write(tmp_path, b.whole_run(2, "red", "blue"), b.run_info("red", "blue"))

    assert (tmp_path / "red/sprint-02/kanban.json").is_file()
    assert (tmp_path / "blue/sprint-02/retro.md").is_file()
    assert [sprint["velocity"] for sprint in report["sprints"].values()] == [12, 14]
    assert report["metrics"]["avg_velocity"] == 13.0
    assert report["teams"]["blue"]["velocity"] == {"01": 6, "02": 7}


def test_a_disturbance_shows_truth_beside_judgement_and_its_softening(tmp_path: Path) -> None:
    softened = DisturbanceSoftened(
        team=b.TEAM, sprint=1, disturbance_id="D-01-01", drawn_severity=4, points_at_risk=9, cap_points=6
    )
    report = write(
        tmp_path,
        card_log(softened, b.struck(severity=1), b.triaged(severity=3), b.resolved(), b.sprint_ended()),
    )

    (case,) = report["sprints"]["01"]["disturbances"]
    assert (case["severity"], case["assessed_severity"], case["spent_minutes"]) == (1, 3, 95)
    retro = (tmp_path / "sprint-01/retro.md").read_text(encoding="utf-8")
    assert "softened from severity 4" in retro
    assert "marcus judged severity 3" in retro


def test_a_disturbance_resolved_in_a_later_sprint_is_closed_in_the_final_tables(tmp_path: Path) -> None:
    write(
        tmp_path, card_log(b.struck(), b.sprint_ended(), b.sprint_started(2), b.resolved(sprint=2), b.sprint_ended(2))
    )

    assert "; open" in (tmp_path / "sprint-01/retro.md").read_text(encoding="utf-8")
    with (tmp_path / "metrics/disturbances.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["spent_minutes"], row["resolved_at"]) == ("95", "2026-01-14T15:00:00.000Z")
    assert row["assessed_severity"] == ""


def test_raw_tables_hold_one_row_for_each_fact(tmp_path: Path) -> None:
    write(tmp_path, b.whole_run(3))

    def rows(name: str) -> list[dict[str, str]]:
        with (tmp_path / "metrics" / name).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    assert [row["velocity"] for row in rows("sprints.csv")] == ["6", "7", "8"]
    assert len(rows("knowledge.csv")) == 6  # two modules, three sprints
    assert [(row["driver"], row["sessions"]) for row in rows("pairs.csv")] == [("ahmed", "6"), ("marcus", "6")]


def test_the_same_log_gives_the_same_bytes_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = b.whole_run(3)
    write(tmp_path / "one", log)
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    before = os.umask(0o077)
    try:
        write(tmp_path / "elsewhere" / "two", log)
    finally:
        os.umask(before)
    write(tmp_path / "one", log)  # again, over the first

    assert every_file(tmp_path / "one") == every_file(tmp_path / "elsewhere" / "two")


def test_nothing_unfinished_is_left_behind(tmp_path: Path) -> None:
    write(tmp_path, b.whole_run(2))

    assert list((tmp_path / ".tmp").iterdir()) == []


def test_all_text_ends_lines_with_a_line_feed_and_says_its_schema(tmp_path: Path) -> None:
    write(tmp_path, b.whole_run(1))

    files = every_file(tmp_path)
    assert not any(b"\r" in content for content in files.values())
    assert all(content.endswith(b"\n") for content in files.values())
    assert all(load(tmp_path / name)["schema_version"] == 2 for name in files if name.endswith(".json"))


def test_memory_of_a_sprint_is_released_when_its_folder_is_written(tmp_path: Path) -> None:
    writer = ArtifactWriter(tmp_path, b.run_info())
    for entry in b.whole_run(5):
        writer.apply(entry)

    history = writer._histories[b.TEAM]
    record = history.record
    assert (record.sessions, record.questions, record.notes, record.decisions) == ([], {}, [], [])
    assert history.wall._cards == {}
    assert writer._decided_at == {}
