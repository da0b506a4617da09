"""What executed work adds to the tables and reports of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.reporting.errors import InconsistentLogError
from actors.reporting.writer import ArtifactWriter
from tests.actors.reporting import builders as b
from tests.actors.reporting import code_builders as c
from tests.actors.reporting.folders import EXECUTED, card_log, load, rows, write


def test_the_report_adds_up_the_code_of_all_sprints(tmp_path: Path) -> None:
    report = write(tmp_path, c.executed_run(3))

    metrics, sprints = report["metrics"], report["sprints"]
    assert report["code_generation"] == "executed"
    assert (metrics["test_coverage"], metrics["branch_coverage"], metrics["tests_on_main"]) == (90.0, 75.0, 15)
    assert (metrics["commits"], metrics["merges_landed"], metrics["merges_returned"]) == (9, 6, 3)
    assert metrics["merge_conflicts_percent"] == 33.333
    assert (metrics["hidden_cases"], metrics["hidden_passed_percent"]) == (120, 95.0)
    assert (metrics["defects_made"], metrics["defects_found"], metrics["defects_found_by_qa"]) == (3, 3, 3)
    assert (metrics["rework_tasks"], metrics["rework_conflict"], metrics["rework_qa"]) == (3, 3, 0)
    assert (metrics["complexity_mean"], metrics["complexity_max"]) == (4.0, 5)
    assert [sprint["commits"] for sprint in sprints.values()] == [3, 3, 3]
    assert [sprint["tests_on_main"] for sprint in sprints.values()] == [5, 10, 15]
    assert set(report["unmeasured"]) == {"process_coverage", "prompt_tokens", "completion_tokens"}
    assert not any(isinstance(value, dict | list) for value in metrics.values())


def test_modelled_work_has_no_number_about_code_and_one_reason_for_all(tmp_path: Path) -> None:
    report = write(tmp_path, b.whole_run(1), b.run_info())
    metrics, sprint = report["metrics"], report["sprints"]["01"]

    about_code = [name for name, reason in report["unmeasured"].items() if "no code was written" in reason]
    assert {"test_coverage", "commits", "defects_escaped", "hidden_passed_percent"} <= set(about_code)
    assert all(metrics[name] is None for name in about_code)
    assert (sprint["test_coverage"], sprint["commits"]) == (None, None)
    assert load(tmp_path / "sprint-01/kanban.json")["done"][0]["metadata"]["commit"] is None
    assert not (tmp_path / "sprint-01/code.json").exists()
    assert not (tmp_path / "metrics/defects.csv").exists()
    assert rows(tmp_path / "metrics/sprints.csv")[0]["commits"] == ""
    assert "## Code" not in (tmp_path / "final_report.md").read_text(encoding="utf-8")


def test_a_story_counts_as_planned_once_in_the_run_and_in_every_sprint_that_had_it(tmp_path: Path) -> None:
    log = card_log(
        b.planned(1, points=5),
        b.planned(2, points=3),
        b.planned(3, column="backlog"),
        b.moved(1, "ready", "done"),
        b.sprint_ended(1, points=5, stories=("S-1",)),
        b.sprint_started(2),
        b.moved(3, "backlog", "ready", sprint=2),
        b.moved(2, "ready", "done", sprint=2),
        b.sprint_ended(2, points=3, stories=("S-2",)),
    )
    report = write(tmp_path, log)

    shares = [sprint["accepted_share_percent"] for sprint in report["sprints"].values()]
    assert shares == [50.0, 50.0]  # S-1 of S-1 and S-2; S-2 of S-2 and S-3
    assert (report["metrics"]["planned_stories"], report["metrics"]["accepted_share_percent"]) == (3, 66.667)


def test_only_a_story_that_is_accepted_without_notes_at_once_is_accepted_the_first_time(tmp_path: Path) -> None:
    log = card_log(
        *(b.planned(card) for card in (1, 2, 3)),
        b.judged(1),
        b.judged(2, verdict="accepted_with_notes"),
        b.judged(3, verdict="rejected"),
        b.judged(3),
        b.sprint_ended(),
    )

    assert write(tmp_path, log)["metrics"]["first_time_acceptance_percent"] == 33.333


def test_every_defect_has_one_row_that_says_who_found_it_first_and_when(tmp_path: Path) -> None:
    log = card_log(
        c.flaw_made(1),
        c.flaw_made(2, story="S-9"),
        b.sprint_ended(),
        b.sprint_started(2),
        c.flaw_found(1, "canary", sprint=2),
        c.flaw_found(1, "qa", sprint=2),
        b.sprint_ended(2),
    )
    report = write(tmp_path, log)

    found, hidden = rows(tmp_path / "metrics/defects.csv")
    assert [found[name] for name in ("story", "number", "incident_class", "severity")] == [
        "S-1", "1", "missing check", "3",
    ]  # fmt: skip
    assert [found[name] for name in ("made_in_sprint", "found_in_sprint", "found_by")] == ["1", "2", "canary"]
    assert (hidden["story"], hidden["found_in_sprint"], hidden["found_by"]) == ("S-9", "", "")
    assert (report["metrics"]["defects_found"], report["metrics"]["defects_found_by_qa"]) == (1, 0)


def test_a_defect_is_told_with_its_place_its_repair_and_the_commit_that_brought_it(tmp_path: Path) -> None:
    code, tests = ("src/product/api/parcels.py",), ("tests/api/test_parcels.py",)
    log = card_log(
        c.committed("c0", *code),
        c.flaw_made(1),
        c.committed("c1", *tests),
        c.committed("c2", *code, story="S-2"),
        c.committed("c3", *code),
        c.committed("c4", *code),
        c.flaw_made(2),
        b.sprint_ended(),
    )
    write(tmp_path, log)

    row, never = rows(tmp_path / "metrics/defects.csv")
    assert [row[name] for name in ("function", "operator", "broken_criteria", "fix_lines")] == [
        "read", "removed_guard", "1", "2",
    ]  # fmt: skip
    assert (row["culprit"], never["culprit"]) == ("c3", "")


def test_a_flaw_that_was_found_and_never_made_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InconsistentLogError, match="flaw 7"):
        write(tmp_path, card_log(c.flaw_found(7)))


def test_the_sprint_table_has_the_measured_values(tmp_path: Path) -> None:
    report = write(tmp_path, c.executed_run(2))

    table = rows(tmp_path / "metrics/sprints.csv")
    assert [row["test_coverage"] for row in table] == ["90.0", "90.0"]
    for row, sprint in zip(table, report["sprints"].values(), strict=True):
        for name in ("commits", "hidden_cases", "hidden_failed", "defects_made", "merges_returned", "rework_tasks"):
            assert row[name] == str(sprint[name])


def test_the_page_shows_the_code_sprint_by_sprint(tmp_path: Path) -> None:
    write(tmp_path, c.executed_run(2))

    page = (tmp_path / "final_report.md").read_text(encoding="utf-8")
    assert "main: 10 tests, 0 of them red, run 90 % of the lines and 75 % of the branches" in page
    assert "| 02 | 10 | 0 | 90 | 75 | 5 | 3 | 2 | 1 | 95 | 1 | 1 | 0 | 1 |" in page
    assert "qa 2" in page


def test_two_teams_keep_their_code_apart_and_the_report_adds_it_up(tmp_path: Path) -> None:
    report = write(tmp_path, c.executed_run(2, "red", "blue"), b.run_info("red", "blue", executes=True))

    assert load(tmp_path / "red/sprint-02/code.json")["commits"]["count"] == 3
    assert (report["metrics"]["commits"], report["teams"]["blue"]["metrics"]["commits"]) == (12, 6)
    assert report["metrics"]["tests_on_main"] == 20
    assert {row["team"] for row in rows(tmp_path / "metrics/defects.csv")} == {"red", "blue"}


def test_the_same_log_gives_the_same_bytes(tmp_path: Path) -> None:
    log = c.executed_run(2)
    for name in ("one", "two"):
        write(tmp_path / name, log)

    files = [sorted(path for path in (tmp_path / name).rglob("*") if path.is_file()) for name in ("one", "two")]
    assert [path.read_bytes() for path in files[0]] == [path.read_bytes() for path in files[1]]


def test_what_a_sprint_knew_about_code_is_forgotten_with_it(tmp_path: Path) -> None:
    writer = ArtifactWriter(tmp_path, EXECUTED)
    for entry in c.executed_run(5):
        writer.apply(entry)

    code = writer._histories[b.TEAM].code
    assert (code.stories, code.sprint.sessions, code.sprint.landed, code._open) == ({}, {}, [], {})
    assert (len(code.flaws), len(code.files)) == (5, 5)  # these grow with the product
