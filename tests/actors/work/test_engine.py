"""The engine of work: git, tests, judgements and mistakes, carried out for real; any engine gives the same reply."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from actors.work.engine import NO_FLAW, WorkEngine, build, build_registry
from actors.work.katas.exercise import exercise
from actors.work.katas.mutants import LIMITS
from actors.work.messages import (
    MAIN,
    Author,
    CodeJudged,
    CommitFiles,
    Committed,
    ExerciseJudged,
    ExerciseTested,
    FileText,
    FlawPlanted,
    JudgeCode,
    LandTree,
    MergeTrees,
    PlantFlaw,
    RunTests,
    TreesMerged,
)
from actors.work.messages import TestsRun as Run
from actors.work.product import Flaw, ModuleCode, skeleton
from actors.work.sandbox.sandbox import Sandbox
from actors.work.workspace.errors import RefMovedError
from inference.engine import RequestError
from inference.messages import Failed

FAMILY, NUMBER = "page_links", 1
AUTHOR = Author(name="ada", email="ada@red.example", at_s=1_767_600_000)
Make = Callable[[], WorkEngine]


@pytest.fixture(scope="module")
def sandboxes() -> Iterator[tuple[Sandbox, Sandbox]]:
    with Sandbox(trust="trusted") as sandbox, Sandbox(trust="trusted", limits=LIMITS) as mutants:
        yield sandbox, mutants


@pytest.fixture
def make(tmp_path: Path, sandboxes: tuple[Sandbox, Sandbox]) -> Make:
    """Another engine on the same repository, with nothing in its caches; the sandboxes are warm already."""

    def made() -> WorkEngine:
        engine = WorkEngine({"red": tmp_path / "red"}, *(Warm(each) for each in sandboxes))  # type: ignore[arg-type]
        engine.start()
        return engine

    return made


class Warm:
    """A sandbox that somebody else opens and closes."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.judge, self.run_tests = sandbox.judge, sandbox.run_tests

    def __enter__(self) -> Warm:
        return self

    def __exit__(self, *_: object) -> None: ...


@pytest.fixture
def engine(make: Make) -> WorkEngine:
    return make()


def commit(files: dict[str, str | None], *, parent: str = "", ref: str = MAIN, message: str = "Work\n") -> CommitFiles:
    return CommitFiles(
        team="red",
        ref=ref,
        expected=parent if ref == MAIN else "",
        parents=(parent,) if parent else (),
        base=parent,
        changes=tuple(FileText(path=path, content=text) for path, text in sorted(files.items())),
        message=message,
        author=AUTHOR,
    )


def whole() -> ModuleCode:
    one = exercise(FAMILY, NUMBER)
    return ModuleCode(family=FAMILY, number=NUMBER, choices=one.wanted, built=tuple(one.criteria))


def begun(engine: WorkEngine, code: ModuleCode | None = None) -> Committed:
    """Main with the empty product, and a module in it."""
    files: dict[str, str | None] = {**skeleton("red"), **(code.files() if code else {})}
    made = engine.answer(commit(files), 0)
    assert isinstance(made, Committed)
    return made


def judged(engine: WorkEngine, tree: str, which: str, **asked: Any) -> ExerciseJudged:
    exercises = (ExerciseTested(family=FAMILY, number=NUMBER, **({"choices": None} | asked)),)
    reply = engine.answer(JudgeCode(team="red", tree=tree, which=which, exercises=exercises), 0)
    assert isinstance(reply, CodeJudged)
    return reply.exercises[0]


# -- git --------------------------------------------------------------------------------------------------------------


def test_the_same_request_twice_is_the_same_commit_also_for_another_engine(make: Make) -> None:
    request = commit({**skeleton("red")})

    assert make().answer(request, 1) == make().answer(request, 2)


def test_a_commit_onto_a_branch_that_is_elsewhere_is_a_fault_and_moves_nothing(engine: WorkEngine) -> None:
    first = begun(engine)
    second = engine.answer(commit({"a": "1\n"}, parent=first.commit), 0)

    with pytest.raises(RefMovedError):
        engine.answer(commit({"a": "2\n"}, parent=first.commit), 0)
    assert engine.answer(commit({"a": "1\n"}, parent=first.commit), 0) == second


def test_a_merge_names_the_files_that_conflict_and_moves_no_branch(engine: WorkEngine) -> None:
    first = begun(engine)
    one = engine.answer(commit({"a": "1\n", "b": "1\n"}, parent=first.commit, ref="refs/heads/feat/ada/S-1"), 0)
    two = engine.answer(commit({"a": "2\n", "c": "1\n"}, parent=first.commit, ref="refs/heads/feat/ada/S-2"), 0)
    other = engine.answer(commit({"d": "1\n"}, parent=first.commit, ref="refs/heads/feat/ada/S-3"), 0)
    torn = engine.answer(MergeTrees(team="red", ours=one.commit, theirs=two.commit), 0)
    clean = engine.answer(MergeTrees(team="red", ours=one.commit, theirs=other.commit), 0)

    assert isinstance(clean, TreesMerged)
    assert (torn.conflicts, clean.conflicts) == (("a",), ())
    landed = engine.answer(
        LandTree(
            team="red",
            expected=first.commit,
            tree=clean.tree,
            parents=(first.commit, other.commit),
            message="Merge S-3\n",
            author=AUTHOR,
        ),
        0,
    )
    assert landed.tree == clean.tree


@pytest.mark.parametrize(
    "request_", [MergeTrees(team="blue", ours="", theirs=""), Failed(reason="malformed_request", detail="")]
)
def test_what_is_no_work_of_its_teams_is_refused_by_name(engine: WorkEngine, request_: Any) -> None:
    with pytest.raises(RequestError, match=r"blue|failed"):
        engine.answer(request_, 0)


@pytest.mark.parametrize("plan", [{}, {"folders": "here"}, {"folders": {}, "more": 1}])
def test_a_plan_that_is_none_is_refused(plan: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="the plan of a work engine"):
        build(plan)


def test_everything_it_can_be_asked_and_can_reply_travels() -> None:
    assert {"work.commit_files/1", "work.committed/1", "work.judge_code/1", "work.flaw_planted/1"} <= set(
        build_registry().kinds()
    )


# -- tests ------------------------------------------------------------------------------------------------------------


def ran(engine: WorkEngine, tree: str, *tests: str, cover: tuple[str, ...] = ()) -> Run:
    request = RunTests(team="red", tree=tree, tests=tests, cover=cover, hash_seed=0, clock_s=0, order_seed=0)
    run = engine.answer(request, 0)
    assert isinstance(run, Run)
    return run


def test_a_run_tells_what_is_red_and_what_was_covered(engine: WorkEngine) -> None:
    code = whole()
    one = code.exercise
    made = begun(engine, code)
    run = ran(engine, made.tree, cover=(one.path, "src/nothing_there.py"))

    assert run.is_green
    assert run.red == ()
    (measured,) = run.coverage
    assert measured.path == one.path
    assert 0 < measured.lines_hit <= measured.lines
    assert 1 <= measured.complexity <= 10
    broken = engine.answer(commit({one.test_path: "def test_it():\n    assert False\n"}, parent=made.commit), 0)
    assert ran(engine, broken.tree).red == (f"{one.test_path}::test_it",)


def test_a_file_that_cannot_be_collected_is_red_and_tests_that_did_not_run_for_it_are_not(engine: WorkEngine) -> None:
    made = begun(engine, whole())
    broken = engine.answer(commit({"tests/test_broken.py": "import nothing_there\n"}, parent=made.commit), 0)
    run = ran(engine, broken.tree)

    assert not run.is_green
    assert run.red == ("tests/test_broken.py",)


# -- judgements -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["acceptance", "canary"])
def test_what_is_wanted_passes_every_hidden_test_and_what_was_assumed_fails_those_of_its_criteria(
    engine: WorkEngine, which: str
) -> None:
    code = whole()
    right = judged(engine, begun(engine, code).tree, which)
    different = [position for position, wanted in enumerate(code.exercise.wanted) if wanted]
    assumed = replace(code, choices=code.exercise.assumed)
    parent = begun(engine, code)
    made = engine.answer(commit({**assumed.files()}, parent=parent.commit), 0)
    wrong = judged(engine, made.tree, which)

    assert right.failed == ()
    assert min(right.cases) > 0
    points = code.exercise.kata.open_points
    assert different, "this variant wants something else than one would assume"
    assert set(wrong.failing_criteria) <= {points[position].criterion for position in different}
    if which == "acceptance":
        assert wrong.failing_criteria
        believed = judged(engine, made.tree, which, choices=assumed.choices)
        assert believed.failed == (), "by what the team believes it is right"


def test_a_criterion_that_nobody_built_is_missing_from_the_code(engine: WorkEngine) -> None:
    code = replace(whole(), built=(1,))
    found = judged(engine, begun(engine, code).tree, "acceptance")

    assert 1 not in found.failing_criteria
    assert set(found.failing_criteria) == set(code.exercise.criteria) - {1}
    assert {one.outcome for one in found.failed} == {"missing"}


def test_a_share_of_the_tests_is_drawn_the_same_for_everybody_and_more_holds_less(make: Make) -> None:
    code = replace(whole(), built=())
    made = begun(make(), None)
    failed = [
        {one.case_id for one in judged(make(), made.tree, "acceptance", share_permille=share).failed}
        for share in (0, 300, 700, 1000)
    ]

    assert code.files() == {}
    assert failed[0] == set()
    assert failed[0] <= failed[1] <= failed[2] <= failed[3]
    assert len(failed[1]) < len(failed[3])


# -- mistakes ---------------------------------------------------------------------------------------------------------


def wish(code: ModuleCode, *, escapes: bool, seed: int = 5) -> PlantFlaw:
    return PlantFlaw(
        team="red",
        family=code.family,
        number=code.number,
        choices=code.choices,
        built=code.built,
        functions=code.exercise.functions(code.built),
        taken=tuple(flaw.site for flaw in code.flaws),
        escapes=escapes,
        seed=seed,
    )


def made_of(planted: FlawPlanted, number: int = 1) -> Flaw:
    assert planted.site is not None
    return Flaw(
        number=number,
        site=planted.site,
        incident_class=planted.incident_class,
        severity=planted.severity,
        criteria=planted.criteria,
        noticed_by=planted.noticed_by,
        fix_lines=planted.fix_lines,
    )


@pytest.mark.parametrize("seed", range(3))
def test_a_mistake_breaks_the_criteria_it_says_for_hidden_tests(engine: WorkEngine, seed: int) -> None:
    code = whole()
    planted = engine.answer(wish(code, escapes=False, seed=seed), 0)
    broken = code.with_flaw(made_of(planted))
    made = begun(engine, broken)
    failing = {*judged(engine, made.tree, "acceptance").failing_criteria}
    failing |= {*judged(engine, made.tree, "canary").failing_criteria}

    assert failing == set(planted.criteria) != set()
    assert planted.incident_class
    assert 1 <= planted.severity <= 4


def test_a_mistake_that_escapes_is_noticed_by_canaries_only(engine: WorkEngine) -> None:
    code = whole()
    planted = next(
        found for found in (engine.answer(wish(code, escapes=True, seed=seed), 0) for seed in range(5)) if found.site
    )
    made = begun(engine, code.with_flaw(made_of(planted)))

    assert planted.noticed_by == "canary"
    assert judged(engine, made.tree, "acceptance").failed == ()
    assert judged(engine, made.tree, "canary").failing_criteria == planted.criteria
    assert ran(engine, made.tree).is_green


def test_any_engine_finds_the_same_mistake_and_never_one_that_is_there_already(make: Make) -> None:
    code = whole()
    first = make().answer(wish(code, escapes=False), 0)
    again = make().answer(wish(code, escapes=False), 99)
    second = make().answer(wish(code.with_flaw(made_of(first)), escapes=False), 0)

    assert first == again
    assert second.site != first.site


def test_where_nothing_can_be_wrong_no_mistake_is_made(engine: WorkEngine) -> None:
    request = replace(wish(whole(), escapes=False), functions=())

    assert engine.answer(request, 0).site is None
    assert NO_FLAW.site is None
