"""What executed work adds to the folder of a sprint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.actors.reporting import builders as b
from tests.actors.reporting import code_builders as c
from tests.actors.reporting.folders import card_log, load, write


def sessions(folder: Path, sprint: int = 1) -> list[dict[str, Any]]:
    lines = (folder / f"sprint-{sprint:02d}/pairing_log.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


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
