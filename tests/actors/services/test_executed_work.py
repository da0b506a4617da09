"""The ground truth of executed work: what people understood, mistook and were hit by, as files of a branch."""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean

import pytest

from actors.policy.calibration import shipped_calibration
from actors.scrum.stories import ExerciseRef, Story
from actors.services.executed_work import ExecutedWork, NoExerciseError
from actors.services.work_ledger import Debt
from actors.work.katas.exercise import Exercise, exercise
from actors.work.messages import FlawPlanted
from actors.work.product import index_path
from tests.actors.services.written_code import (
    FAMILY,
    KEY,
    NUMBER,
    SLOW,
    STORY,
    begin,
    land,
    planted,
    quarters,
    told,
    working,
    written,
)


@pytest.fixture
def one() -> Exercise:
    return exercise(FAMILY, NUMBER)


# -- writing ----------------------------------------------------------------------------------------------------------


def test_a_story_without_an_exercise_cannot_be_executed() -> None:
    story = Story(
        story_id="S-1",
        title="T",
        description="",
        criteria=("c",),
        sized_points=1,
        priority=1,
        module="api",
        specialization="",
    )
    with pytest.raises(NoExerciseError, match="S-1 has no exercise"):
        working().register(story)


def test_criteria_come_into_the_code_as_work_goes_on_and_all_are_there_at_its_end(one: Exercise) -> None:
    built = [len(code.module.built) for code in quarters(working())]

    assert built == sorted(built)
    assert built[0] < built[-1] == len(one.kata.criteria)


def test_a_branch_has_module_tests_and_the_list_of_modules_and_before_the_code_only_the_tests(one: Exercise) -> None:
    work = working()
    code = written(work)
    index = index_path(one.kata.domain)

    assert sorted(code.files(work.product)) == sorted([one.path, one.test_path, index])
    assert f'"{one.name}",' in code.files(work.product)[index]
    assert sorted(code.files_before_code(work.product)) == [one.test_path]


def test_what_was_asked_is_built_as_it_is_wanted(one: Exercise) -> None:
    for seed in range(8):
        work = working(seed)
        for point in told(one).clarifications:
            work.clarify(STORY, point.criterion, point.topic)
        assert written(work).module.choices == one.wanted


def test_what_nobody_asked_about_is_built_as_somebody_assumed_and_that_is_sometimes_wrong(one: Exercise) -> None:
    found: set[bool] = set()
    for seed in range(12):
        work = working(seed)
        code, story = written(work), work.ledger.work_on(STORY)
        for position, point in enumerate(one.kata.open_points):
            is_wrong = (point.criterion, point.topic) in story.wrong
            found.add(is_wrong)
            assert code.module.choices[position] == (0 if is_wrong else one.wanted[position])
            assert not (is_wrong and one.wanted[position] == 0), "what is wanted cannot be wrong"
    assert found == {True, False}


def test_rework_after_the_review_settles_what_was_misunderstood(one: Exercise) -> None:
    work = next(made for made in map(working, range(20)) if written(made) and made.ledger.work_on(STORY).wrong)
    story = work.ledger.work_on(STORY)
    criteria = tuple(sorted({criterion for criterion, _ in story.wrong}))
    work.repair(STORY, sprint=1, reason="review", criteria=criteria)
    task = story.current
    assert task is not None
    work.write_quarter(story, task, SLOW)

    assert story.wrong == {}
    assert work.code_of(STORY).module.choices == one.wanted


# -- mistakes ---------------------------------------------------------------------------------------------------------


def test_nothing_can_be_wrong_before_something_is_written(one: Exercise) -> None:
    work = working()
    story = work.ledger.work_on(STORY)
    assert story.current is not None
    assert work.flaw_wanted(story, story.current, escapes=False) is None

    (*_, code) = quarters(work, count=3)
    assert story.current is not None
    request = work.flaw_wanted(story, story.current, escapes=False)
    assert request is not None
    assert sorted(request.functions) == sorted(one.functions(code.module.built))
    assert not request.escapes


def test_whoever_owes_minutes_for_an_interruption_slips_more_often() -> None:
    def slipped(*, owed: int) -> int:
        count = 0
        for seed in range(200):
            work = working(seed)
            story = work.ledger.work_on(STORY)
            story.debts = [Debt(disturbance_id="D-01-01", hazard="hotfix", minutes=owed)] if owed else []
            assert story.current is not None
            count += work.slips(story, story.current, SLOW, 0)
        return count

    assert slipped(owed=15) > 1.5 * slipped(owed=0) > 0


def test_whether_a_mistake_is_to_escape_is_told_to_whoever_looks_for_one(one: Exercise) -> None:
    work = working()
    story = work.ledger.work_on(STORY)
    [*quarters(work, count=3)]
    assert story.current is not None
    ordinary = work.flaw_wanted(story, story.current, escapes=False)
    subtle = work.flaw_wanted(story, story.current, escapes=True)

    assert ordinary is not None
    assert subtle == replace(ordinary, escapes=True), "in the same place"


def test_so_many_mistakes_are_subtle_as_the_calibration_says() -> None:
    def subtle(work: ExecutedWork) -> bool:
        story = work.ledger.work_on(STORY)
        assert story.current is not None
        return work.is_subtle(story, story.current, SLOW)

    share = shipped_calibration().defects.subtle_knowing_nothing / 1000
    drawn = [subtle(working(seed)) for seed in range(300)]

    assert share - 0.1 < fmean(drawn) < share + 0.1


def test_a_mistake_is_a_defect_of_its_criterion_until_it_is_repaired(one: Exercise) -> None:
    work = working()
    story = work.ledger.work_on(STORY)
    (*_, code) = quarters(work, count=3)
    task = story.current
    assert task is not None
    clean = code.module.source()
    flaw = work.plant(story, task, planted(one, code.module.choices, 1))
    assert flaw is not None

    assert [(defect.number, defect.criterion) for defect in story.defects] == [(flaw.number, 1)]
    assert code.module.source() != clean
    test = f"{one.test_path}::test_{flaw.site.function}_fulfils_criterion_1"
    assert work.blamed(code, [test]) == (flaw.number,)
    assert work.blamed(code, [f"{one.test_path}::test_something_else"]) == ()
    assert work.mend(story, [flaw.number, 99]) == (flaw.number,)
    assert (code.module.source(), story.defects) == (clean, [])


def test_where_no_mistake_was_found_none_is_made() -> None:
    work = working()
    story = work.ledger.work_on(STORY)
    (*_, code) = quarters(work, count=3)
    none = FlawPlanted(site=None, incident_class="", severity=0, criteria=(), noticed_by="", fix_lines=0, discarded=())
    assert story.current is not None

    assert work.plant(story, story.current, none) is None
    assert code.module.flaws == ()


# -- landing ----------------------------------------------------------------------------------------------------------


def test_what_has_landed_is_where_the_next_branch_begins_and_branches_of_a_story_have_different_names(
    one: Exercise,
) -> None:
    work = working()
    code = written(work)
    work.branches.begin(code, "ada")
    assert (code.branch, code.base) == (f"refs/heads/feat/ada/{STORY}", "begun")

    land(work)
    work.branches.begin(code, "bob")
    assert (code.branch, code.base) == (f"refs/heads/feat/bob/{STORY}-2", "landed")
    assert code.written == code.files(work.product), "nothing has changed since"
    assert list(code.listed) == [one.name]


def test_a_branch_of_which_nothing_came_leaves_no_gap_in_the_names() -> None:
    work = working()
    code = written(work)
    work.branches.begin(code, "ada")
    work.branches.forget(code)
    assert code.branch == ""

    work.branches.begin(code, "bob")
    assert code.branch == f"refs/heads/feat/bob/{STORY}"


def test_a_landing_that_is_told_twice_counts_once(one: Exercise) -> None:
    work = working()
    code = written(work)
    land(work)
    work.branches.begin(code, "ada")
    work.landed(STORY, "landed")

    assert code.branch, "what began since goes on"
    assert work.product.culprit(KEY, 1) == "landed"


def test_a_story_about_a_module_on_main_begins_with_that_module(one: Exercise) -> None:
    work = working()
    written(work)
    land(work)
    bug = Story(
        story_id="KT-001-B1",
        title="Bug",
        description="",
        criteria=("It works",),
        sized_points=1,
        priority=0,
        module=one.kata.domain,
        specialization="",
        exercise=ExerciseRef(family=FAMILY, number=NUMBER, criteria=(2,)),
    )
    begin(work, bug)

    assert work.code_of("KT-001-B1").module == work.product.landed[KEY]
    assert [*quarters(work, "KT-001-B1")][-1].module.built == tuple(one.criteria)
