"""The ground truth of executed work: what people understood, mistook and were hit by, as files of a branch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from actors.policy.calibration import shipped_calibration
from actors.scrum.messages import PlannedTask
from actors.scrum.stories import ExerciseRef, Story
from actors.services.executed_work import ExecutedWork, NoExerciseError, StoryCode
from actors.services.work_ledger import StoryWork, WorkLedger
from actors.services.work_messages import DisturbanceEffect
from actors.simulation.portfolio import story_of
from actors.work.effort import Pair, Worker
from actors.work.katas import backlog as katas
from actors.work.katas.exercise import Exercise, exercise
from actors.work.messages import FlawPlanted, FlawSite
from actors.work.mutations.operators import sites
from actors.work.product import ProductCode, index_path
from actors.work.troubles import CHANGES_PATH, PRODUCT_TEST_PATH, VENDORED_PATH, copy_path, flaky_path, vendored

NOVICE = Worker(seniority="junior", knowledge_permille=0, fit="none")
SLOW = Pair(driver=NOVICE, navigator=None, familiarity_permille=0)
FAMILY, NUMBER = "money_split", 3
STORY, KEY = "KT-001", (FAMILY, NUMBER)


@pytest.fixture
def one() -> Exercise:
    return exercise(FAMILY, NUMBER)


def told(one: Exercise, story_id: str = STORY) -> Story:
    return replace(story_of(katas.story_of(one, number=1, depends_on=(), clarity="exact")), story_id=story_id)


def begin(work: ExecutedWork, story: Story) -> StoryWork:
    """The story is known and planned: one task of four quarters."""
    work.register(story)
    task = PlannedTask(
        task_id=f"T-{story.story_id}", title="Do it", estimated_minutes=240, depends_on=(), specialization=""
    )
    work.plan(story.story_id, (task,), (240,))
    return work.ledger.work_on(story.story_id)


def working(seed: int = 1, *stories: Story) -> ExecutedWork:
    product = ProductCode(team="red", main="begun")
    work = ExecutedWork(WorkLedger(team="red"), product, calibration=shipped_calibration(), seed=seed)
    for story in stories or (told(exercise(*KEY)),):
        begin(work, story)
    return work


def quarters(work: ExecutedWork, story_id: str = STORY, *, count: int = 4) -> Iterator[StoryCode]:
    """Work so many quarters; the code after each."""
    story, code = work.ledger.work_on(story_id), work.code_of(story_id)
    for _ in range(count):
        task = story.current
        assert task is not None
        work.next_quarter(story_id, SLOW)
        work.write_quarter(story, task, SLOW)
        yield code
        work.finish_quarter(story_id, 0)


def written(work: ExecutedWork, story_id: str = STORY) -> StoryCode:
    """The code when every quarter is worked."""
    return [*quarters(work, story_id)][-1]


def land(work: ExecutedWork, story_id: str = STORY, commit: str = "landed") -> None:
    code = work.code_of(story_id)
    if not code.branch:
        work.begin_branch(code, "ada")
    work.landed(story_id, commit)


def planted(one: Exercise, choices: tuple[int, ...], criterion: int) -> FlawPlanted:
    """What an engine would have found: the first mistake that fits into the function of a criterion."""
    site = sites(one.source(choices), [one.functions([criterion])[0]])[0]
    return FlawPlanted(
        site=FlawSite(function=site.function, operator=site.operator, number=site.number),
        incident_class="a mistake",
        severity=2,
        criteria=(criterion,),
        noticed_by="acceptance",
        discarded=(),
    )


def hit(kind: str, *, name: str = "D-01-01", story_id: str = STORY) -> DisturbanceEffect:
    return DisturbanceEffect(
        disturbance_id=name,
        type=kind,  # type: ignore[arg-type]
        story_id=story_id,
        severity=2,
        minutes=60,
        sprint=1,
        text="",
    )


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
    assert work.flaw_wanted(story, story.current) is None

    (*_, code) = quarters(work, count=3)
    assert story.current is not None
    request = work.flaw_wanted(story, story.current)
    assert request is not None
    assert sorted(request.functions) == sorted(one.functions(code.module.built))
    assert not request.escapes


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
    none = FlawPlanted(site=None, incident_class="", severity=0, criteria=(), noticed_by="", discarded=())
    assert story.current is not None

    assert work.plant(story, story.current, none) is None
    assert code.module.flaws == ()


# -- disturbances -----------------------------------------------------------------------------------------------------


def test_a_dependency_that_breaks_changes_the_vendored_package_and_the_repair_adapts_to_it() -> None:
    work = working()
    code = written(work)
    work.disturb(hit("dependency_breaks"))
    broken = code.files(work.product)
    work.settle(STORY, "D-01-01")
    adapted = code.files(work.product)

    assert broken[VENDORED_PATH] == adapted[VENDORED_PATH] == vendored(2)
    assert "words_1" in broken[PRODUCT_TEST_PATH]
    assert "words_2" in adapted[PRODUCT_TEST_PATH]
    land(work)
    assert work.product.vendored == 2
    assert VENDORED_PATH not in code.files(work.product), "main has it"


def test_those_whom_a_conflict_hits_announce_something_in_the_same_place(one: Exercise) -> None:
    work = working(1, told(one), told(exercise("page_links", 1), "KT-002"))
    for story_id in (STORY, "KT-002"):
        written(work, story_id)
        work.disturb(hit("merge_conflict", story_id=story_id))
    first, second = (work.code_of(story_id).files(work.product)[CHANGES_PATH] for story_id in (STORY, "KT-002"))
    land(work)
    after = work.code_of("KT-002").files(work.product)[CHANGES_PATH]

    assert first.splitlines()[-1] != second.splitlines()[-1]
    assert after.splitlines()[-2:] == [first.splitlines()[-1], second.splitlines()[-1]], "both, once one has landed"


def test_a_flaky_test_is_there_until_somebody_has_seen_to_it(one: Exercise) -> None:
    work = working()
    code = written(work)
    work.disturb(hit("flaky_test"))
    assert flaky_path(one) in code.files(work.product)

    work.settle(STORY, "D-01-01")
    assert flaky_path(one) not in code.files(work.product)


def test_who_misunderstands_builds_what_nobody_wants_and_it_is_undone_when_it_is_understood(one: Exercise) -> None:
    work = working()
    for point in told(one).clarifications:
        work.clarify(STORY, point.criterion, point.topic)
    code, story = written(work), work.ledger.work_on(STORY)
    work.disturb(hit("junior_misunderstanding"))
    work.decide(story)
    misread = code.module.choices
    work.settle(STORY, "D-01-01")
    work.decide(story)

    assert sum(1 for ours, wanted in zip(misread, one.wanted, strict=True) if ours != wanted) == 1
    assert code.module.choices == one.wanted


def test_a_disturbance_that_is_none_of_this_storys_settles_nothing(one: Exercise) -> None:
    work = working()
    code = written(work)
    work.disturb(hit("flaky_test"))
    work.settle(STORY, "D-09-09")
    work.settle("KT-999", "D-01-01")

    assert flaky_path(one) in code.files(work.product)


# -- landing ----------------------------------------------------------------------------------------------------------


def test_what_has_landed_is_where_the_next_branch_begins_and_branches_of_a_story_have_different_names(
    one: Exercise,
) -> None:
    work = working()
    code = written(work)
    work.begin_branch(code, "ada")
    assert (code.branch, code.base) == (f"refs/heads/feat/ada/{STORY}", "begun")

    land(work)
    work.begin_branch(code, "bob")
    assert (code.branch, code.base) == (f"refs/heads/feat/bob/{STORY}-2", "landed")
    assert code.written == code.files(work.product), "nothing has changed since"
    assert list(code.listed) == [one.name]


def test_a_branch_of_which_nothing_came_leaves_no_gap_in_the_names() -> None:
    work = working()
    code = written(work)
    work.begin_branch(code, "ada")
    work.forget_branch(code)
    assert code.branch == ""

    work.begin_branch(code, "bob")
    assert code.branch == f"refs/heads/feat/bob/{STORY}"


def test_a_landing_that_is_told_twice_counts_once(one: Exercise) -> None:
    work = working()
    code = written(work)
    land(work)
    work.begin_branch(code, "ada")
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


# -- copies and incidents ---------------------------------------------------------------------------------------------


def test_there_is_nothing_to_copy_and_nothing_to_break_on_an_empty_main() -> None:
    work = working()

    assert work.copy_wanted("D-01-06") is None
    assert work.copy_removal("D-01-06") is None
    assert work.breakable("D-01-02") == ()


def test_a_copy_is_known_once_it_has_landed_and_leaves_the_module_as_it_was(one: Exercise) -> None:
    work = working()
    written(work)
    land(work)
    before = work.product.landed[KEY]
    copy = work.copy_wanted("D-01-06")
    assert copy is not None
    assert work.copy_removal("D-01-06") is None, "it never came to main"
    work.begin_branch(copy, "platform")
    work.landed(copy.story_id, "copied")

    assert work.product.copies == {"D-01-06": (copy_path(one), before.source())}
    removal = work.copy_removal("D-01-06")
    assert removal is not None
    work.begin_branch(removal, "platform")
    work.landed(removal.story_id, "removed")
    assert work.product.copies == {}
    assert work.product.landed[KEY] == before
    assert [work.product.culprit(KEY, criterion) for criterion in one.criteria] == ["landed"] * len(one.criteria)


def test_a_copy_that_waited_does_not_bring_back_what_was_repaired_meanwhile(one: Exercise) -> None:
    work = working()
    story = work.ledger.work_on(STORY)
    (*_, code) = quarters(work, count=3)
    assert story.current is not None
    flaw = work.plant(story, story.current, planted(one, code.module.choices, 1))
    assert flaw is not None
    land(work)
    copy = work.copy_wanted("D-01-06")
    assert copy is not None
    work.begin_branch(copy, "platform")
    work.mend(story, [flaw.number])
    land(work, commit="repaired")
    work.landed(copy.story_id, "copied")

    assert work.product.landed[KEY].flaws == ()
    assert work.product.culprit(KEY, 1) == "repaired"


def test_only_modules_on_main_that_nobody_works_on_can_break(one: Exercise) -> None:
    work = working()
    code = written(work)
    land(work)
    assert work.breakable("D-01-02") == (KEY,)
    request = work.regression_wanted(KEY, "D-01-02")
    assert (request.escapes, request.functions) == (True, one.functions(code.module.built))

    work.begin_branch(code, "ada")
    assert work.breakable("D-01-02") == ()


def test_a_broken_module_is_main_with_one_mistake_more(one: Exercise) -> None:
    work = working()
    written(work)
    land(work)
    landed = work.product.landed[KEY]
    code, flaw = work.break_module(KEY, "D-01-02-CHANGE", planted(one, landed.choices, 2))

    assert code.module.without_flaws([flaw.number]) == landed
    assert work.codes["D-01-02-CHANGE"] is code
    assert code.ref.criteria == tuple(one.criteria)
