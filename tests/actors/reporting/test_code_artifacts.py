"""What executed work adds to sprint folders, tables and reports."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from actors.reporting.entries import LoggedEvent
from actors.reporting.errors import InconsistentLogError
from actors.reporting.run_info import RunInfo
from actors.reporting.writer import ArtifactWriter
from tests.actors.reporting import builders as b
from tests.actors.reporting import code_builders as c

EXECUTED = b.run_info(executes=True)


def write(folder: Path, log: Iterable[LoggedEvent], info: RunInfo = EXECUTED) -> dict[str, Any]:
    writer = ArtifactWriter(folder, info)
    for entry in log:
        writer.apply(entry)
    return writer.finish(event_digest="d" * 64)


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def sessions(folder: Path, sprint: int = 1) -> list[dict[str, Any]]:
    lines = (folder / f"sprint-{sprint:02d}/pairing_log.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def card_log(*events: Any) -> list[LoggedEvent]:
    return b.entries([(0, b.team_formed()), (0, b.sprint_started()), *((b.at(1, 1), event) for event in events)])


def test_a_pairing_line_tells_what_its_session_committed_and_what_tests_said(tmp_path: Path) -> None:
    log = card_log(
        b.planned(1),
        c.session_started(),
        c.committed("c1", "tests/a.py"),
        c.ran_tests("red", "a", ended="collection_error"),
        c.committed("c2", "src/a.py", "index.py"),
        c.ran_tests("green", "a", "b"),
        c.committed("c3", "src/a.py"),
        c.ran_tests("repair"),
        b.session_ended(),
        b.sprint_ended(),
    )
    write(tmp_path, log)

    (line,) = sessions(tmp_path)
    assert line["files_changed"] == ["index.py", "src/a.py", "tests/a.py"]
    assert line["commit_sha"] == "c3"
    assert line["test_results"] == {"runs": 3, "red": 2, "green": 1, "failing_last": 0}
    assert (line["line_coverage"], line["branch_coverage"]) == (None, None)
    assert "not landed yet" in line["unmeasured"]


def test_what_happens_after_a_session_is_not_told_as_part_of_it(tmp_path: Path) -> None:
    log = card_log(
        b.planned(1),
        c.session_started(),
        b.session_ended(),
        c.committed("late", "src/a.py"),
        c.ran_tests("checks", "a"),
        b.sprint_ended(),
    )
    write(tmp_path, log)

    (line,) = sessions(tmp_path)
    assert (line["files_changed"], line["commit_sha"]) == ([], None)
    assert line["test_results"]["runs"] == 0
    assert load(tmp_path / "sprint-01/code.json")["commits"]["by_author"] == {b.SENIOR: 1}


def test_a_session_has_the_coverage_of_its_storys_module_when_it_landed_last(tmp_path: Path) -> None:
    first = c.measured_file("src/a.py", lines=(1, 4), branches=(1, 2))
    last = c.measured_file("src/a.py", lines=(3, 4), branches=(1, 2))
    log = card_log(
        b.planned(1), c.session_started(), b.session_ended(), c.landed("m1", first), c.landed("m2", last),
        b.sprint_ended(),
    )  # fmt: skip
    write(tmp_path, log)

    (line,) = sessions(tmp_path)
    assert (line["line_coverage"], line["branch_coverage"], line["unmeasured"]) == (75.0, 50.0, None)


def test_code_without_branches_has_no_branch_coverage_and_says_why(tmp_path: Path) -> None:
    file = c.measured_file("src/a.py", lines=(4, 4))
    write(
        tmp_path,
        card_log(b.planned(1), c.session_started(), b.session_ended(), c.landed("m1", file), b.sprint_ended()),
    )

    (line,) = sessions(tmp_path)
    assert (line["line_coverage"], line["branch_coverage"]) == (100.0, None)
    assert "no branch" in line["unmeasured"]


def test_a_done_card_tells_its_commit_its_hidden_tests_and_its_flaws(tmp_path: Path) -> None:
    log = card_log(
        b.planned(1),
        b.moved(1, "ready", "done"),
        c.committed("c1", "src/a.py"),
        c.flaw_made(1),
        c.flaw_made(2),
        c.flaw_found(1, "navigator"),
        c.landed("m1"),
        c.hidden_tests((0, 15), (2, 13)),
        b.sprint_ended(points=5, stories=("S-1",)),
    )
    write(tmp_path, log)

    metadata = load(tmp_path / "sprint-01/kanban.json")["done"][0]["metadata"]
    assert (metadata["branch"], metadata["commit"], metadata["is_on_main"]) == ("feat/ahmed/S-1", "m1", True)
    assert metadata["acceptance"] == {"1": {"cases": 15, "failed": 0}, "2": {"cases": 13, "failed": 2}}
    assert [(flaw["number"], flaw["author"], flaw["found_by"]) for flaw in metadata["flaws"]] == [
        (1, b.JUNIOR, "navigator"),
        (2, b.JUNIOR, None),
    ]
    assert metadata["unmeasured"] is None


def test_a_card_in_progress_keeps_its_flaws_to_itself(tmp_path: Path) -> None:
    log = card_log(b.planned(1), c.committed("c1", "src/a.py"), c.flaw_made(1), b.sprint_ended())
    write(tmp_path, log)

    metadata = load(tmp_path / "sprint-01/kanban.json")["ready"][0]["metadata"]
    assert (metadata["commit"], metadata["is_on_main"], metadata["flaws"]) == ("c1", False, None)
    assert (metadata["acceptance"], "sprint review" in metadata["unmeasured"]) == (None, True)


def test_a_story_that_is_worked_on_again_is_not_on_main_as_it_is(tmp_path: Path) -> None:
    log = card_log(
        b.planned(1), c.committed("c1"), c.landed("m1"), c.hidden_tests((1, 9)), c.committed("c2"), b.sprint_ended()
    )
    write(tmp_path, log)

    metadata = load(tmp_path / "sprint-01/kanban.json")["ready"][0]["metadata"]
    assert (metadata["commit"], metadata["is_on_main"]) == ("c2", False)
    assert metadata["acceptance"] == {"1": {"cases": 9, "failed": 1}}


def test_coverage_is_that_of_main_at_the_end_of_the_sprint(tmp_path: Path) -> None:
    file = c.measured_file("src/a.py", lines=(18, 20), branches=(6, 8))
    write(
        tmp_path,
        card_log(
            c.landed("m1", file),
            c.main_measured(1, tests=14),
            b.sprint_ended(),
            b.sprint_started(2),
            c.main_measured(2, tests=20, lines=(30, 40), branches=(9, 10)),
            b.sprint_ended(2),
        ),
    )

    first, second = (load(tmp_path / f"sprint-{sprint}/test_coverage.json") for sprint in ("01", "02"))
    assert (first["line_coverage"], first["branch_coverage"], first["new_tests"]) == (90.0, 75.0, 14)
    assert (second["line_coverage"], second["branch_coverage"], second["new_tests"]) == (75.0, 90.0, 6)
    assert (second["tests"], second["complexity"], second["canaries"], second["canaries_failing"]) == (20, 5, 40, 1)
    assert second["by_file"]["src/a.py"]["line_coverage"] == 90.0
    assert second["unmeasured"] is None


def test_an_empty_main_has_no_coverage_rather_than_none_of_it(tmp_path: Path) -> None:
    report = write(tmp_path, card_log(c.main_measured(1, tests=1, lines=(0, 0), branches=(0, 0)), b.sprint_ended()))

    coverage = load(tmp_path / "sprint-01/test_coverage.json")
    assert (coverage["line_coverage"], coverage["tests"]) == (None, 1)
    assert "no code on main" in coverage["unmeasured"]
    assert report["metrics"]["test_coverage"] is None
    assert "test_coverage" in report["unmeasured"]


def test_the_code_of_a_sprint_is_told_by_author_phase_reason_and_class(tmp_path: Path) -> None:
    log = card_log(
        b.planned(1),
        b.planned(2),
        c.committed("c1", "a", author=b.SENIOR),
        c.committed("c2", "a", author=b.MID),
        c.committed("c3", "a", author=b.MID),
        c.ran_tests("red", "a"),
        c.ran_tests("green"),
        c.ran_tests("green", count=0),
        c.flaw_made(1),
        c.flaw_found(1, "qa"),
        c.flaw_found(1, "qa"),
        c.flaw_found(1, "rewrite"),
        c.returned("conflict", "CHANGES.md"),
        c.returned("gates", "src/a.py: too little"),
        c.landed("m1", tests=9),
        c.rework("conflict"),
        c.rework("scope_creep", 502),
        c.escape(),
        b.sprint_ended(),
    )
    write(tmp_path, log)

    code = load(tmp_path / "sprint-01/code.json")
    assert code["schema_version"] == 1
    assert code["commits"] == {"count": 3, "by_author": {b.SENIOR: 1, b.MID: 2}}
    assert code["test_runs"]["by_phase"] == {
        "red": {"runs": 1, "green": 0, "red": 1},
        "green": {"runs": 2, "green": 1, "red": 1},
    }
    assert code["merges"]["landed"] == [{"story_id": "S-1", "commit": "m1", "tests": 9}]
    assert code["merges"]["returned_by_reason"] == {"conflict": 1, "gates": 1}
    assert (code["flaws"]["made_by_incident_class"], code["flaws"]["found_by"]) == ({"missing check": 1}, {"qa": 1})
    assert [(one["story_id"], one["culprit"], one["cases"]) for one in code["escaped_defects"]] == [("S-1", "m1", 3)]
    assert code["rework"]["by_reason"] == {"conflict": 1}


def test_hidden_tests_of_a_story_that_was_judged_twice_count_once(tmp_path: Path) -> None:
    log = card_log(
        b.planned(1),
        c.hidden_tests((4, 10), (0, 10)),
        c.hidden_tests((1, 10), (0, 10)),
        c.hidden_tests((0, 5), story="S-2"),
        b.sprint_ended(),
    )
    report = write(tmp_path, log)

    acceptance = load(tmp_path / "sprint-01/code.json")["acceptance"]
    assert (acceptance["cases"], acceptance["failed"], acceptance["passed_percent"]) == (25, 1, 96.0)
    assert acceptance["stories"]["S-1"]["criteria"]["1"] == {"cases": 10, "failed": 1}
    assert report["metrics"]["hidden_passed_percent"] == 96.0


def test_an_estimate_is_compared_with_all_minutes_that_the_story_took(tmp_path: Path) -> None:
    log = card_log(
        b.planned(1),
        b.moved(1, "ready", "done"),
        b.task_finished(1, 1),
        b.task_finished(1, 1),
        b.sprint_ended(points=5, stories=("S-1",)),
    )
    write(tmp_path, log)

    assert load(tmp_path / "sprint-01/code.json")["estimates"] == {
        "S-1": {"points": 5, "estimated_minutes": 240, "spent_minutes": 600, "error_percent": 150.0}
    }


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
