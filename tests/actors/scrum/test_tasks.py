from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.scrum.errors import DependencyCycleError, DuplicateTaskError, UnknownTaskError
from actors.scrum.tasks import Task, in_dependency_order, next_open, shared_minutes, task_id


def task(name: str, *depends_on: str, done: bool = False) -> Task:
    return Task(task_id=name, title=name, estimated_minutes=60, depends_on=depends_on, done=done)


def test_task_ids_name_the_sprint_and_count_with_three_digits() -> None:
    assert [task_id(3, 7), task_id(12, 1000)] == ["T-3-007", "T-12-1000"]


def test_tasks_without_dependencies_stay_in_the_order_they_were_planned() -> None:
    assert in_dependency_order((task("b"), task("a"), task("c"))) == (task("b"), task("a"), task("c"))


def test_a_task_comes_after_those_it_depends_on() -> None:
    tasks = (task("deploy", "build", "test"), task("test", "build"), task("build"))

    assert [one.task_id for one in in_dependency_order(tasks)] == ["build", "test", "deploy"]


def test_tasks_that_wait_for_each_other_are_named() -> None:
    with pytest.raises(DependencyCycleError) as refused:
        in_dependency_order((task("a"), task("b", "c"), task("c", "d"), task("d", "c")))

    assert refused.value.ids == ("c", "d")


def test_a_dependency_that_does_not_exist_is_named() -> None:
    with pytest.raises(UnknownTaskError) as refused:
        in_dependency_order((task("a", "z"),))

    assert refused.value.task_id == "z"


def test_two_tasks_with_one_id_are_refused() -> None:
    with pytest.raises(DuplicateTaskError) as refused:
        in_dependency_order((task("a"), task("b"), task("b")))

    assert refused.value.task_id == "b"


def test_the_next_open_task_is_the_first_in_dependency_order_that_is_not_done() -> None:
    assert next_open((task("b", "a"), task("a", done=True))) == task("b", "a")
    assert next_open((Task(task_id="new", title="just planned", estimated_minutes=1),)) is not None
    assert next_open((task("a", done=True),)) is None


def test_minutes_that_rounding_leaves_go_to_the_largest_fractions() -> None:
    assert shared_minutes(100, (333, 333, 334)) == (33, 33, 34)
    assert shared_minutes(101, (500, 500)) == (51, 50)
    assert shared_minutes(7, (0, 1)) == (0, 7)


@given(st.integers(0, 10_000), st.lists(st.integers(0, 1000), min_size=1, max_size=6).filter(any))
def test_not_a_minute_is_lost_and_no_share_is_off_by_a_whole_minute(total: int, shares: list[int]) -> None:
    minutes = shared_minutes(total, shares)

    assert sum(minutes) == total
    for given_minutes, share in zip(minutes, shares, strict=True):
        assert abs(given_minutes * sum(shares) - total * share) < sum(shares)


@pytest.mark.parametrize(("total", "shares"), [(10, ()), (10, (0, 0)), (-1, (1,)), (10, (2, -1))])
def test_an_effort_that_cannot_be_split_is_refused(total: int, shares: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="cannot split"):
        shared_minutes(total, shares)
