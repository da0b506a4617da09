"""Code that a model writes with tools: judged by the same tests, whatever the model tries."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from actors.policy.calibration import shipped_calibration
from actors.policy.decisions import WriteCode
from actors.policy.engine import BehaviouralEngine
from actors.scrum.code_messages import AcceptanceMeasured, CodeCommitted, StoryLanded
from actors.scrum.code_messages import TestsRan as SuiteRan
from actors.scrum.messages import DecisionFailed, DecisionTaken
from actors.services.disturbance_messages import CrashActor
from actors.work.katas.exercise import exercise
from actors.work.tool_messages import UseTool
from actors.work.tools.limits import LIMITS
from actors.work.workspace.repository import Repository
from brokers.node.messages import DeadLettered
from tests.actors.services.models import (
    FAMILY,
    NUMBER,
    STORY,
    Machine,
    Script,
    ScriptedModel,
    Told,
    Written,
    as_told,
    finish,
    honest,
    in_turn,
    machine,
    own_tests,
    step,
    story,
    world_with,
)
from tests.actors.services.teams import TEAM
from tests.support.world import MILLISECOND, VirtualWorld

ONE = exercise(FAMILY, NUMBER)
BRANCH = f"feat/ada/{STORY}"
FOR_EVER = f"def {ONE.functions()[0]}(*arguments):\n    while True:\n        pass\n"
LIES = """\
import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    outcome.get_result().outcome = "passed"


def pytest_collection_modifyitems(items):
    items.clear()
"""


def play(engine: Machine, *, crash_at: int = 0, asks: bool = True, repairs: int = 0) -> tuple[VirtualWorld, Told]:
    """One story from start to end."""
    world, told = world_with(engine, {"ada": story()}, asks=asks, repairs=repairs)
    if crash_at:
        world.tell(f"workshop/{TEAM}", CrashActor(reason="a test"), at=crash_at)
    world.run_until_quiet()
    return world, told["ada"]


def written_by(script: Script, place: Path) -> tuple[VirtualWorld, Told, ScriptedModel]:
    model = ScriptedModel(script)
    with machine(model, place) as engine:
        return *play(engine), model


def files_of(place: Path, ref: str) -> dict[str, str]:
    repository = Repository.create(place / "repository")
    return repository.files(repository.ref(f"refs/heads/{ref}"))


def refs(place: Path) -> dict[str, str]:
    return Repository.create(place / "repository").refs()


def stub(body: str) -> str:
    return "".join(f'def {name}(*arguments):\n    """No."""\n    {body}\n\n\n' for name in ONE.functions())


@dataclass(frozen=True)
class Played:
    world: VirtualWorld
    told: Told
    model: ScriptedModel
    place: Path


@pytest.fixture(scope="module")
def honest_run(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Read only."""
    place = tmp_path_factory.mktemp("honest")
    return Played(*written_by(honest(ONE), place), place)


# -- an honest model --------------------------------------------------------------------------------------------------


def test_what_a_model_writes_lands_and_passes_the_hidden_tests(honest_run: Played) -> None:
    assert [one.failing for one in honest_run.told.checks] == [0]
    assert [one.reason for one in honest_run.told.integrated] == [""]
    assert [one.deviations for one in honest_run.told.demonstrated] == [()]
    (landed,) = honest_run.world.events(StoryLanded)
    (accepted,) = honest_run.world.events(AcceptanceMeasured)
    assert (accepted.commit, set(accepted.failed)) == (landed.commit, {0})
    assert sum(accepted.cases) > 10
    main = files_of(honest_run.place, "main")
    assert main[ONE.path] == ONE.source(ONE.wanted)
    assert main[ONE.test_path] == ONE.starter_tests()
    assert len(honest_run.model.seen) == len(honest_run.world.events(DecisionTaken))


def test_tests_are_red_before_the_code_and_green_after_it(honest_run: Played) -> None:
    runs = [(one.phase, one.failing == ()) for one in honest_run.world.events(SuiteRan)]

    assert runs[:2] == [("red", False), ("green", True)]
    assert all(is_green for phase, is_green in runs if phase in ("green", "queue"))


def test_commits_of_a_model_have_author_and_trailers_like_everybodys(honest_run: Played) -> None:
    made = [one for one in honest_run.world.events(CodeCommitted) if one.branch == BRANCH]
    repository = Repository.create(honest_run.place / "repository")
    log = repository.git.text("log", "--format=%an%n%B", made[-1].commit)

    assert {one.author for one in made} == {"ada"}
    assert f"\nPaired-with: tess\nSession: P-1\nDecision: d/1\nStory: {STORY}\n" in log
    assert f"Fulfil criteria 1 to {len(ONE.criteria)}" in log


def test_a_model_sees_the_story_what_was_answered_and_what_its_last_call_said(honest_run: Played) -> None:
    first, second = honest_run.model.seen[0], honest_run.model.seen[1]

    assert (first.person.agent, first.person.seniority, first.story.story_id) == ("ada", "senior", STORY)
    assert (first.module_path, first.test_path) == (ONE.path, ONE.test_path)
    assert ONE.test_path in first.files
    assert ONE.path not in first.files
    assert (first.last_tool, first.earlier, first.steps_left) == ("", (), LIMITS.steps)
    wanted = [point.alternatives[n].answer for point, n in zip(ONE.kata.open_points, ONE.wanted, strict=True)]
    assert [answer.partition(": ")[2] for answer in first.answers] == wanted
    assert ONE.starter_tests(first.due) in second.last_result
    assert (second.last_tool, second.last_is_refused, second.steps_left) == ("read_file", False, LIMITS.steps - 1)
    assert ONE.path in honest_run.model.seen[3].files
    assert honest_run.model.seen[4].last_result == "6 tests, 0 not green"
    assert honest_run.model.seen[-1].edits_left == LIMITS.edits - 2


def test_the_working_folder_of_the_pair_shows_the_head_of_its_branch(honest_run: Played) -> None:
    shown = honest_run.place / "worktrees" / TEAM / "ada" / ONE.path

    assert shown.read_text() == files_of(honest_run.place, BRANCH)[ONE.path]


def test_the_same_model_gives_the_same_log_and_commits_again(honest_run: Played, tmp_path: Path) -> None:
    again, _, _ = written_by(honest(ONE), tmp_path)

    assert again.rows == honest_run.world.rows
    assert refs(tmp_path) == refs(honest_run.place)


@pytest.mark.parametrize("effect", range(9))
def test_a_workshop_that_crashes_amid_a_quarter_goes_on_with_what_the_model_had_written(
    effect: int, honest_run: Played, tmp_path: Path
) -> None:
    decided = [row.time_us for row in honest_run.world.rows if isinstance(row.message, DecisionTaken)]
    committed = [row.time_us for row in honest_run.world.rows if isinstance(row.message, CodeCommitted)]
    moments = [*decided[:7], committed[1], committed[2]]  # the first commit of all is main's
    model = ScriptedModel(honest(ONE))
    with machine(model, tmp_path) as engine:
        world, told = play(engine, crash_at=moments[effect] + 60 * MILLISECOND)

    assert len(world.events(DeadLettered)) >= 1
    assert [one.reason for one in told.integrated] == [""]
    assert told.demonstrated[0].deviations == ()
    assert files_of(tmp_path, "main") == files_of(honest_run.place, "main")
    assert len(world.events(StoryLanded)) == 1
    assert len(model.seen) <= len(honest_run.model.seen) + 1  # what was decided before is not asked again


# -- models that are not ----------------------------------------------------------------------------------------------


def test_a_model_that_edits_tests_and_configuration_gains_nothing_by_it(tmp_path: Path) -> None:
    def script(seen: WriteCode) -> Written:
        return in_turn(
            ("write_file", {"path": seen.module_path, "text": stub("return None")}),
            ("write_file", {"path": "tests/conftest.py", "text": LIES}),
            ("write_file", {"path": "conftest.py", "text": LIES}),
            ("write_file", {"path": "pytest.ini", "text": "[pytest]\naddopts = --collect-only\n"}),
            ("write_file", {"path": "src/sitecustomize.py", "text": "import os\nos._exit(0)\n"}),
            ("write_file", {"path": seen.test_path, "text": "def test_it():\n    pass\n"}),
            ("write_file", {"path": "pyproject.toml", "text": ""}),
            ("run_tests", {}),
            ("finish", {"summary": "all tests pass"}),
        )(seen)

    world, told, model = written_by(script, tmp_path)
    refused = [one.last_result for one in model.seen if one.last_is_refused]

    assert any(ONE.test_path in text and "kept" in text for text in refused)
    assert any("pyproject.toml" in text for text in refused)
    assert " 0 not green" not in next(one.last_result for one in model.seen if one.last_tool == "run_tests")
    assert not any(one.phase == "green" and not one.failing for one in world.events(SuiteRan))
    assert told.checks[0].failing >= len(ONE.criteria)
    assert told.integrated[0].reason == "red"
    assert world.events(StoryLanded) == []
    assert ONE.path not in files_of(tmp_path, "main")
    assert len(told.demonstrated[0].deviations) >= len(ONE.criteria)


def test_code_that_never_returns_is_a_verdict_and_holds_nobody_up(tmp_path: Path) -> None:
    def script(seen: WriteCode) -> Written:
        if len(seen.due) < len(ONE.criteria):
            return finish(seen)
        return in_turn(
            ("write_file", {"path": seen.module_path, "text": stub("return None") + FOR_EVER}),
            ("run_tests", {"paths": [seen.test_path]}),
            finish(seen),
        )(seen)

    world, told, model = written_by(script, tmp_path)

    assert "cut short: cpu_limit" in model.seen[-1].last_result
    assert "cpu_limit" in {one.ended for one in world.events(SuiteRan)}
    assert told.checks[0].failing >= len(ONE.criteria)
    assert told.integrated[0].reason == "red"


def test_malformed_and_refused_calls_come_back_as_text_and_count(tmp_path: Path) -> None:
    calls: tuple[Written, ...] = (
        ("rm -rf", "/"),
        ("write_file", "not json"),
        ("write_file", '{"path": "src/a.py"}'),
        ("write_file", '{"path": "src/a.py", "text": "\\ud800"}'),
        ("write_file", {"path": "../../outside.py", "text": "x"}),
        ("write_file", {"path": "/etc/passwd", "text": "x"}),
        ("write_file", {"path": ".git/hooks/pre-commit", "text": "x"}),
        ("read_file", {"path": "src/none.py"}),
        ("replace_text", {"path": "README.md", "old": "nowhere", "new": ""}),
        ("run_tests", {"paths": ["-p", "no:terminal"]}),
        ("commit", {"message": "nothing"}),
        ("list_files", "[]"),
        ("finish", {}),
        ("finish", {"summary": "that was hard"}),
    )
    world, told, model = written_by(in_turn(*calls), tmp_path)
    quarter = model.seen[: len(calls)]

    assert [step(seen) for seen in quarter] == list(range(len(calls)))
    assert all(seen.last_is_refused and seen.last_result for seen in quarter[1:])
    assert [seen.steps_left for seen in quarter] == list(range(LIMITS.steps, LIMITS.steps - len(calls), -1))
    assert world.events(DeadLettered) == []
    assert world.events(DecisionFailed) == []
    assert told.checks[0].failing >= len(ONE.criteria)


def test_a_model_that_never_finishes_is_stopped_and_what_it_wrote_is_committed(tmp_path: Path) -> None:
    def script(seen: WriteCode) -> Written:
        source = ONE.source(ONE.wanted, seen.due)
        return in_turn(("write_file", {"path": seen.module_path, "text": source}), ("list_files", {}))(seen)

    _, told, model = written_by(script, tmp_path)
    quarters = {seen.due: [one for one in model.seen if one.due == seen.due] for seen in model.seen}

    assert model.seen[LIMITS.steps - 1].steps_left == 1
    assert step(model.seen[LIMITS.steps]) == 0
    assert all(len(quarter) % LIMITS.steps == 0 for quarter in quarters.values())
    assert files_of(tmp_path, BRANCH)[ONE.path] == ONE.source(ONE.wanted)
    assert told.checks[0].failing == 0


def test_changes_and_runs_of_tests_are_counted_over_a_quarter(tmp_path: Path) -> None:
    def script(seen: WriteCode) -> Written:
        if seen.runs_left and seen.edits_left == LIMITS.edits:
            return "run_tests", {"paths": [seen.test_path]}
        if seen.edits_left == LIMITS.edits and not seen.last_is_refused:
            return "run_tests", {}
        if seen.edits_left and not (seen.last_tool == "write_file" and seen.last_is_refused):
            return "write_file", {"path": f"src/product/n{seen.edits_left}.py", "text": f"N = {seen.due}\n"}
        return ("finish", {"summary": ""}) if seen.last_is_refused else ("write_file", {"path": "z.py", "text": ""})

    _, _, model = written_by(script, tmp_path)
    refused = [seen.last_result for seen in model.seen if seen.last_is_refused]

    assert f"all {LIMITS.runs} runs of tests of this quarter are used" in refused


# -- what the merge queue gives back ----------------------------------------------------------------------------------


def test_a_model_that_writes_no_tests_hears_of_the_quality_gates_and_can_put_it_right(tmp_path: Path) -> None:
    def script(seen: WriteCode) -> Written:
        wants_tests = any("coverage" in remark for remark in seen.remarks)
        source, tests = ONE.source(ONE.wanted, seen.due), ONE.tests(ONE.wanted, seen.due)
        done: Written = ("finish", {"summary": ""})
        if wants_tests:
            return in_turn(("write_file", {"path": own_tests(ONE), "text": tests}), done)(seen)
        return in_turn(("write_file", {"path": seen.module_path, "text": source}), done)(seen)

    with machine(ScriptedModel(script), tmp_path) as engine:
        _, told = play(engine, repairs=1)

    assert [one.reason for one in told.integrated] == ["gates", ""]
    assert told.demonstrated[0].deviations == ()
    assert own_tests(ONE) in files_of(tmp_path, "main")


def test_a_conflict_stands_between_marks_until_the_model_has_resolved_it(tmp_path: Path) -> None:
    """Two stories write one file; whoever comes second sees both texts, and loses neither."""
    shared, other = "src/shared.py", exercise("page_links", NUMBER)
    exercises = {ONE.path: ONE, other.path: other}

    def script(seen: WriteCode) -> Written:
        one, done = exercises[seen.module_path], ("finish", {"summary": "resolved"})
        if any("conflict marks" in remark for remark in seen.remarks):
            both = f"OWNERS = {sorted([ONE.name, other.name])!r}\n"
            return in_turn(("read_file", {"path": shared}), ("write_file", {"path": shared, "text": both}), done)(seen)
        return in_turn(
            ("write_file", {"path": shared, "text": f"OWNERS = {[one.name]!r}\n"}),
            ("write_file", {"path": seen.module_path, "text": one.source(one.wanted, seen.due)}),
            ("write_file", {"path": own_tests(one), "text": one.tests(one.wanted, seen.due)}),
            done,
        )(seen)

    model = ScriptedModel(script)
    stories = {"ada": story(), "bob": story("page_links", "US-2")}
    with machine(model, tmp_path) as engine:
        world, told = world_with(engine, stories, repairs=2)
        world.run_until_quiet()
    outcomes = sorted([one.reason for one in told[agent].integrated] for agent in stories)
    seen = next(one.last_result for one in model.seen if one.last_tool == "read_file")

    assert outcomes == [[""], ["conflict", ""]]
    assert all(mark in seen for mark in ("<<<<<<<", "=======", ">>>>>>>", ONE.name, other.name))
    main = files_of(tmp_path, "main")
    assert main[shared] == f"OWNERS = {sorted([ONE.name, other.name])!r}\n"
    assert {ONE.path, other.path} <= set(main)
    assert all(told[agent].demonstrated[-1].deviations == () for agent in stories)


# -- what nobody asked about ------------------------------------------------------------------------------------------


def test_what_nobody_asked_about_passes_the_checks_as_it_is_obvious_and_shows_in_the_review(tmp_path: Path) -> None:
    with machine(ScriptedModel(as_told(ONE)), tmp_path) as engine:
        _, told = play(engine, asks=False)
    deviations = {(one.criterion, one.text.partition(":")[0]) for one in told.demonstrated[0].deviations}
    otherwise = [point for point, wanted in zip(ONE.kata.open_points, ONE.wanted, strict=True) if wanted != 0]

    assert otherwise
    assert [one.failing for one in told.checks] == [0]
    assert [one.reason for one in told.integrated] == [""]
    assert deviations == {(point.criterion, point.topic) for point in otherwise}


def test_a_model_that_guesses_what_is_wanted_is_not_told_that_it_is_wrong(tmp_path: Path) -> None:
    with machine(ScriptedModel(honest(ONE)), tmp_path) as engine:
        _, told = play(engine, asks=False)

    assert [one.failing for one in told.checks] == [0]
    assert told.demonstrated[0].deviations == ()


def test_a_model_that_is_told_builds_what_was_answered(tmp_path: Path) -> None:
    _, told, _ = written_by(as_told(ONE), tmp_path)

    assert [one.failing for one in told.checks] == [0]
    assert told.demonstrated[0].deviations == ()


# -- no model ---------------------------------------------------------------------------------------------------------


def test_where_nobody_can_write_nothing_is_written_and_that_is_said(tmp_path: Path) -> None:
    with machine(BehaviouralEngine(1, shipped_calibration()), tmp_path) as engine:
        world, told = play(engine)
    failed = world.events(DecisionFailed)

    assert {(one.agent, one.decision, one.cautious_choice) for one in failed} == {
        ("ada", WriteCode.KIND, "stop_writing")
    }
    assert all("no rule answers decision.write_code/1" in one.reason for one in failed)
    assert ONE.path not in files_of(tmp_path, BRANCH)
    assert told.checks[0].failing >= len(ONE.criteria)
    assert told.integrated[0].reason == "red"


def test_a_repeated_request_has_the_same_reply_in_another_process_with_another_repository(tmp_path: Path) -> None:
    model = ScriptedModel(honest(ONE))
    replies: list[Any] = []
    with machine(model, tmp_path / "a") as engine:
        world, _ = play(engine)
        asked = [request for request in world.effects if isinstance(request, UseTool)]
        first = [engine.answer(request, 0) for request in asked]
    with machine(model, tmp_path / "b") as other:
        play(other)
        replies = [other.answer(request, 1) for request in reversed(asked)]

    assert len(asked) > 8
    assert list(reversed(replies)) == first
