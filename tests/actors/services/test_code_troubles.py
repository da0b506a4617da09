"""What befalls code from outside: files of a branch that a disturbance changes, copies and regressions on main."""

from __future__ import annotations

import pytest

from actors.work.katas.exercise import Exercise, exercise
from actors.work.troubles import CHANGES_PATH, PRODUCT_TEST_PATH, VENDORED_PATH, copy_path, flaky_path, vendored
from tests.actors.services.written_code import (
    FAMILY,
    KEY,
    NUMBER,
    STORY,
    hit,
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


# -- disturbances -----------------------------------------------------------------------------------------------------


def test_a_dependency_that_breaks_changes_the_vendored_package_and_the_repair_adapts_to_it() -> None:
    work = working()
    code = written(work)
    work.troubles.disturb(hit("dependency_breaks"))
    broken = code.files(work.product)
    work.troubles.settle(STORY, "D-01-01")
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
        work.troubles.disturb(hit("merge_conflict", story_id=story_id))
    first, second = (work.code_of(story_id).files(work.product)[CHANGES_PATH] for story_id in (STORY, "KT-002"))
    land(work)
    after = work.code_of("KT-002").files(work.product)[CHANGES_PATH]

    assert first.splitlines()[-1] != second.splitlines()[-1]
    assert after.splitlines()[-2:] == [first.splitlines()[-1], second.splitlines()[-1]], "both, once one has landed"


def test_a_flaky_test_is_there_until_somebody_has_seen_to_it(one: Exercise) -> None:
    work = working()
    code = written(work)
    work.troubles.disturb(hit("flaky_test"))
    assert flaky_path(one) in code.files(work.product)

    work.troubles.settle(STORY, "D-01-01")
    assert flaky_path(one) not in code.files(work.product)


def test_who_misunderstands_builds_what_nobody_wants_and_it_is_undone_when_it_is_understood(one: Exercise) -> None:
    work = working()
    for point in told(one).clarifications:
        work.clarify(STORY, point.criterion, point.topic)
    code, story = written(work), work.ledger.work_on(STORY)
    work.troubles.disturb(hit("junior_misunderstanding"))
    work.decide(story)
    misread = code.module.choices
    work.troubles.settle(STORY, "D-01-01")
    work.decide(story)

    assert sum(1 for ours, wanted in zip(misread, one.wanted, strict=True) if ours != wanted) == 1
    assert code.module.choices == one.wanted


def test_a_disturbance_that_is_none_of_this_storys_settles_nothing(one: Exercise) -> None:
    work = working()
    code = written(work)
    work.troubles.disturb(hit("flaky_test"))
    work.troubles.settle(STORY, "D-09-09")
    work.troubles.settle("KT-999", "D-01-01")

    assert flaky_path(one) in code.files(work.product)


# -- copies and incidents ---------------------------------------------------------------------------------------------


def test_there_is_nothing_to_copy_and_nothing_to_break_on_an_empty_main() -> None:
    work = working()

    assert work.troubles.copy_wanted("D-01-06") is None
    assert work.troubles.copy_removal("D-01-06") is None
    assert work.troubles.breakable("D-01-02") == ()


def test_a_copy_is_known_once_it_has_landed_and_leaves_the_module_as_it_was(one: Exercise) -> None:
    work = working()
    written(work)
    land(work)
    before = work.product.landed[KEY]
    copy = work.troubles.copy_wanted("D-01-06")
    assert copy is not None
    assert work.troubles.copy_removal("D-01-06") is None, "it never came to main"
    work.branches.begin(copy, "platform")
    work.landed(copy.story_id, "copied")

    assert work.product.copies == {"D-01-06": (copy_path(one), before.source())}
    removal = work.troubles.copy_removal("D-01-06")
    assert removal is not None
    work.branches.begin(removal, "platform")
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
    copy = work.troubles.copy_wanted("D-01-06")
    assert copy is not None
    work.branches.begin(copy, "platform")
    work.mend(story, [flaw.number])
    land(work, commit="repaired")
    work.landed(copy.story_id, "copied")

    assert work.product.landed[KEY].flaws == ()
    assert work.product.culprit(KEY, 1) == "repaired"


def test_only_modules_on_main_that_nobody_works_on_can_break(one: Exercise) -> None:
    work = working()
    code = written(work)
    land(work)
    assert work.troubles.breakable("D-01-02") == (KEY,)
    request = work.troubles.regression_wanted(KEY, "D-01-02")
    assert (request.escapes, request.functions) == (True, one.functions(code.module.built))

    work.branches.begin(code, "ada")
    assert work.troubles.breakable("D-01-02") == ()


def test_a_broken_module_is_main_with_one_mistake_more(one: Exercise) -> None:
    work = working()
    written(work)
    land(work)
    landed = work.product.landed[KEY]
    code, flaw = work.troubles.break_module(KEY, "D-01-02-CHANGE", planted(one, landed.choices, 2))

    assert code.module.without_flaws([flaw.number]) == landed
    assert work.branches.of("D-01-02-CHANGE") is code
    assert code.ref.criteria == tuple(one.criteria)
