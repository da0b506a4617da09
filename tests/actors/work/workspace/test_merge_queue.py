"""The merge queue lands only what was tested, loses nothing, and goes the same way with real git."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from actors.work.workspace.merge_queue import (
    Entry,
    Idle,
    Land,
    Merge,
    MergeQueue,
    Return,
    StaleAnswerError,
    Test,
)
from actors.work.workspace.repository import Repository
from tests.actors.work.workspace.schedules import Schedule
from tests.actors.work.workspace.worlds import ModelWorld, RealWorld

S1 = Entry(story_id="S-1", branch="feat/ada/S-1", head="h1", by="ada")
S2 = Entry(story_id="S-2", branch="feat/bob/S-2", head="h2", by="bob")
S1_AGAIN = Entry(story_id="S-1", branch="feat/ada/S-1", head="h1b", by="ada")


@pytest.fixture
def queue() -> MergeQueue:
    queue = MergeQueue("m0")
    queue.enqueue(S1)
    queue.enqueue(S2)
    return queue


def merge(queue: MergeQueue, tree: str = "t", conflicts: tuple[str, ...] = ()) -> None:
    step = queue.next_step()
    assert isinstance(step, Merge)
    queue.merged(main=step.main, head=step.head, tree=tree, conflicts=conflicts)


def run_tests(queue: MergeQueue, *failing: str, gates: tuple[str, ...] = ()) -> None:
    step = queue.next_step()
    assert isinstance(step, Test)
    queue.tested(main=step.main, tree=step.tree, run=step.run, failing=failing, gates=gates)


# -- one entry --------------------------------------------------------------------------------------------------------


def test_the_tree_that_was_tested_is_the_one_that_lands(queue: MergeQueue) -> None:
    assert queue.next_step() == Merge(entry=S1, main="m0", head="h1")
    merge(queue, tree="t1")
    assert queue.next_step() == Test(entry=S1, main="m0", tree="t1", run=1)
    run_tests(queue)
    assert queue.next_step() == Land(entry=S1, main="m0", tree="t1", parents=("m0", "h1"), flaky=())

    queue.landed(main="m0", tree="t1", commit="m1")

    assert queue.next_step() == Merge(entry=S2, main="m1", head="h2")


def test_a_conflict_goes_back_to_the_owner_and_the_next_one_gets_its_turn(queue: MergeQueue) -> None:
    merge(queue, tree="", conflicts=("a.py",))

    assert queue.next_step() == Return(entry=S1, reason="conflict", details=("a.py",))
    queue.returned(story_id="S-1")
    assert queue.under_way is None
    assert queue.next_step() == Merge(entry=S2, main="m0", head="h2")


def test_red_once_is_run_again_and_red_twice_is_red(queue: MergeQueue) -> None:
    merge(queue)
    run_tests(queue, "test_a")
    assert queue.next_step() == Test(entry=S1, main="m0", tree="t", run=2)
    run_tests(queue, "test_b")

    assert queue.next_step() == Return(entry=S1, reason="red", details=("test_b",))


def test_red_then_green_lands_and_the_flaky_test_is_named(queue: MergeQueue) -> None:
    merge(queue)
    run_tests(queue, "test_a")
    run_tests(queue)

    step = queue.next_step()
    assert isinstance(step, Land)
    assert step.flaky == ("test_a",)


def test_a_gate_is_no_flake(queue: MergeQueue) -> None:
    merge(queue)
    run_tests(queue, gates=("coverage 40 %",))

    assert queue.next_step() == Return(entry=S1, reason="gates", details=("coverage 40 %",))


@pytest.mark.parametrize("progress", [0, 1, 2])
def test_when_main_moves_everything_is_done_again_on_the_new_one(queue: MergeQueue, progress: int) -> None:
    queue.next_step()
    for act in (merge, run_tests)[:progress]:
        act(queue)

    queue.moved("m9")

    assert queue.next_step() == Merge(entry=S1, main="m9", head="h1")


def test_a_red_run_on_the_old_main_does_not_count_on_the_new_one(queue: MergeQueue) -> None:
    merge(queue)
    run_tests(queue, "test_a")
    queue.moved("m9")
    merge(queue)
    run_tests(queue, "test_a")

    assert isinstance(queue.next_step(), Test)


def test_a_landing_that_nobody_told_about_is_not_done_twice(queue: MergeQueue) -> None:
    merge(queue)
    run_tests(queue)

    assert queue.moved("m9", has_head=True)

    assert queue.next_step() == Merge(entry=S2, main="m9", head="h2")


def test_answers_about_the_past_are_refused_and_change_nothing(queue: MergeQueue) -> None:
    merge(queue)
    before = queue.state()

    for answer in (
        lambda: queue.merged(main="m0", head="h1", tree="t", conflicts=()),
        lambda: queue.tested(main="m0", tree="other", run=1, failing=()),
        lambda: queue.tested(main="old", tree="t", run=1, failing=()),
        lambda: queue.tested(main="m0", tree="t", run=2, failing=()),
        lambda: queue.landed(main="m0", tree="t", commit="m1"),
        lambda: queue.returned(story_id="S-1"),
    ):
        with pytest.raises(StaleAnswerError):
            answer()

    assert queue.state() == before


# -- who is in it -----------------------------------------------------------------------------------------------------


def test_a_new_head_keeps_its_place_while_it_waits(queue: MergeQueue) -> None:
    queue.next_step()
    queue.enqueue(Entry(story_id="S-3", branch="b", head="h3", by="eve"))
    queue.enqueue(Entry(story_id="S-2", branch="b", head="h2b", by="bob"))

    assert [entry.head for entry in queue.waiting] == ["h2b", "h3"]


def test_a_new_head_of_the_one_under_way_is_what_lands(queue: MergeQueue) -> None:
    merge(queue, tree="old")
    queue.enqueue(S1_AGAIN)

    assert queue.next_step() == Merge(entry=S1_AGAIN, main="m0", head="h1b")
    with pytest.raises(StaleAnswerError):
        queue.tested(main="m0", tree="old", run=1, failing=())


def test_a_new_head_while_the_old_one_lands_waits_for_its_own_turn(queue: MergeQueue) -> None:
    merge(queue)
    run_tests(queue)
    queue.enqueue(S1_AGAIN)

    assert isinstance(queue.next_step(), Land)
    assert queue.waiting == (S2, S1_AGAIN)


def test_a_story_can_be_cancelled_until_it_lands(queue: MergeQueue) -> None:
    assert queue.cancel("S-2")
    assert not queue.cancel("S-2")
    merge(queue)
    assert queue.cancel("S-1")
    assert queue.next_step() == Idle()

    queue.enqueue(S1)
    merge(queue)
    run_tests(queue)
    assert not queue.cancel("S-1")
    assert isinstance(queue.next_step(), Land)


@pytest.mark.parametrize("progress", range(5))
def test_a_restart_goes_on_from_the_same_step(queue: MergeQueue, progress: int) -> None:
    steps = [queue.next_step, lambda: merge(queue), lambda: run_tests(queue, "a"), lambda: run_tests(queue, "a")]
    for act in steps[:progress]:
        act()

    again = MergeQueue.from_state(json.loads(json.dumps(queue.state())))

    assert again.state() == queue.state()
    assert again.next_step() == queue.next_step()


# -- schedules --------------------------------------------------------------------------------------------------------


def test_in_a_thousand_schedules_main_stays_green_and_no_work_is_lost() -> None:
    seen: Counter[str] = Counter()
    for seed in range(1_000):
        schedule = Schedule(seed, ModelWorld())
        schedule.run()
        seen += schedule.seen

    rare = ("landed", "conflict", "red", "gates", "cancelled", "flake", "replaced", "restart", "moved", "hotfix")
    assert min(seen[one] for one in (*rare, "killed before telling")) >= 100, seen
    assert seen["landed unnoticed"] > 0


@pytest.mark.parametrize("seed", range(30))
def test_with_real_git_a_schedule_goes_as_in_the_model(tmp_path: Path, seed: int) -> None:
    model = Schedule(seed, ModelWorld(), stories=5)
    model.run()
    repository = Repository.create(tmp_path / "r")
    real = Schedule(seed, RealWorld(repository), stories=5)

    real.run()

    assert (real.log, real.seen) == (model.log, model.seen)
    assert repository.fsck() == ()
