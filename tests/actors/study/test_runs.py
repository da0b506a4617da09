"""Runs of a study: what makes one, what is kept, and going on after being cut off."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pykka import ActorRegistry

from actors.study.__main__ import main
from actors.study.book import RunBook
from actors.study.options import mode_of, without_mode
from actors.study.runs import Case, Finished, Record, run_case, run_cases
from config.backlog import load_backlog

ARMS = ("all junior", "all mid", "all senior", "all junior, nobody asks", "as usual", "nobody asks")


def shape(run: Finished) -> Record:
    stories = load_backlog(run.backlog).stories
    return {
        "sprints": len(run.report["sprints"]),
        "digest": run.report["event_digest"],
        "stories": len(stories),
        "katas": sum(story.variant is not None for story in stories),
    }


def never(run: Finished) -> Record:
    raise AssertionError("this run was finished before")


def test_a_seed_gives_the_same_run_and_another_seed_another_one() -> None:
    first, again, other = (run_case(Case("usual", seed, 1), shape) for seed in (1, 1, 2))

    assert first == again
    assert first["digest"] != other["digest"]


def test_a_run_leaves_no_actor_behind() -> None:
    before = ActorRegistry.get_all()
    run_case(Case("usual", 1, 1), shape)

    assert ActorRegistry.get_all() == before


def test_the_backlog_of_executed_work_is_made_of_katas(tmp_path: Path) -> None:
    modelled = run_case(Case("usual", 1, 1), shape)
    executed = run_case(Case("usual", 1, 1, mode="executed"), shape)

    assert (modelled["katas"], executed["katas"]) == (0, 240)
    assert executed["stories"] == modelled["stories"] == 240


def test_finished_runs_are_taken_from_the_book(tmp_path: Path) -> None:
    path, case = tmp_path / "runs.jsonl", Case("usual", 1, 1)

    made = list(run_cases([case], shape, jobs=1, book=RunBook(path, "code")))
    found = list(run_cases([case], never, jobs=1, book=RunBook(path, "code")))

    assert found == made


def test_a_book_forgets_what_other_code_or_other_settings_gave(tmp_path: Path) -> None:
    path, case = tmp_path / "runs.jsonl", Case("usual", 1, 1)
    RunBook(path, "old").add(case.key("old"), {"n": 1})

    assert RunBook(path, "old").find(case.key("old")) == {"n": 1}
    assert RunBook(path, "new").find(case.key("new")) is None
    assert RunBook(path, "old").find(Case("usual", 1, 1, ("team.wip_limits.review=1",)).key("old")) is None


def test_a_line_that_was_cut_off_costs_its_run_only(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    book = RunBook(path, "code")
    book.add("first", {"n": 1})
    with path.open("a", encoding="utf-8") as file:
        file.write('{"case": "second", "rec')

    again = RunBook(path, "code")

    again.add("third", {"n": 3})
    third = RunBook(path, "code")

    assert [third.find(key) for key in ("first", "second", "third")] == [{"n": 1}, None, {"n": 3}]


def test_a_case_follows_what_its_files_say_and_not_where_they_are(tmp_path: Path) -> None:
    here, there = tmp_path / "here.yaml", tmp_path / "there.yaml"
    here.write_text("team: {max_engineers: 9}\n", encoding="utf-8")
    there.write_text("team: {max_engineers: 9}\n", encoding="utf-8")
    key = Case("usual", 1, 1, config=here).key("code")

    assert Case("usual", 1, 1, config=there).key("code") == key
    there.write_text("team: {max_engineers: 8}\n", encoding="utf-8")
    assert Case("usual", 1, 1, config=there).key("code") != key


def test_a_setting_says_the_mode_more_firmly_than_the_default() -> None:
    assert mode_of(("team.max_engineers=9",), "executed") == "executed"
    assert mode_of(("code_generation.mode = modelled",), "executed") == "modelled"
    assert without_mode(("code_generation.mode=modelled", "team.max_engineers=9")) == ("team.max_engineers=9",)


def test_the_skill_study_compares_six_teams_on_the_same_backlogs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "skill.json"
    words = ["skill", "--seeds", "2", "--sprints", "1", "--jobs", "2", "--output", str(output)]

    status = main([*words, "code_generation.mode=modelled"])

    told, data = capsys.readouterr().out, json.loads(output.read_text(encoding="utf-8"))
    assert status == 1  # without code there are no escaped defects to compare
    assert "nothing to compare" in told
    assert [run["arm"] for run in data["runs"]][::2] == list(ARMS)
    assert [run["seed"] for run in data["runs"]] == [1, 2] * len(ARMS)
    assert all((run["questions"] == 0) == ("nobody asks" in run["arm"]) for run in data["runs"])
    points = {run["arm"]: run["points_accepted"] for run in data["runs"]}
    assert points["all senior"] >= points["all junior"]
    assert (tmp_path / "skill.svg").exists()


def test_a_bad_setting_is_named_before_anything_runs(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["--seeds", "1", "--jobs", "1", "team.max_engineer=9"])

    assert status == 2
    assert "command line:2: team.max_engineer: " in capsys.readouterr().err
