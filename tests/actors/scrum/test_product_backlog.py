from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.scrum.errors import DependencyCycleError, DuplicateStoryError, UnknownStoryError
from actors.scrum.product_backlog import ProductBacklog
from actors.scrum.stories import FIBONACCI, Story
from tests.actors.scrum.builders import story


def ids(stories: tuple[Story, ...]) -> list[str]:
    return [one.story_id for one in stories]


@st.composite
def story_lists(draw: st.DrawFn) -> list[Story]:
    """Stories in any order of priority; each may depend on some that were made before it."""
    made: list[Story] = []
    for number in range(draw(st.integers(0, 10))):
        made.append(
            story(
                f"US-{number}",
                priority=draw(st.integers(1, 4)),
                points=draw(st.sampled_from(FIBONACCI)),
                depends_on=draw(st.lists(st.sampled_from(ids(tuple(made))), unique=True, max_size=2)) if made else (),
            )
        )
    return draw(st.permutations(made))


def test_stories_come_by_priority_then_id_with_numbers_read_as_numbers() -> None:
    backlog = ProductBacklog([story("US-10"), story("US-9"), story("US-11", priority=0), story("AB-1", priority=2)])

    assert ids(backlog.remaining) == ["US-11", "US-9", "US-10", "AB-1"]


def test_a_batch_ends_before_the_story_that_does_not_fit() -> None:
    backlog = ProductBacklog([story("US-1", points=5), story("US-2", points=5), story("US-3", points=1)])

    assert ids(backlog.take_next(done=(), limit_points=9)) == ["US-1"]
    assert ids(backlog.take_next(done=(), limit_points=6)) == ["US-2", "US-3"]


def test_a_first_story_above_the_limit_does_not_bar_the_way() -> None:
    backlog = ProductBacklog([story("US-1", points=13), story("US-2", points=1)])

    assert ids(backlog.take_next(done=(), limit_points=5)) == ["US-1"]


def test_a_batch_has_no_more_stories_than_asked_for() -> None:
    backlog = ProductBacklog([story("US-1"), story("US-2"), story("US-3")])

    assert backlog.take_next(done=(), limit_count=0) == ()
    assert ids(backlog.take_next(done=(), limit_count=2)) == ["US-1", "US-2"]
    assert not backlog.is_exhausted
    assert ids(backlog.take_next(done=())) == ["US-3"]
    assert backlog.is_exhausted


def test_a_story_waits_until_what_it_depends_on_is_done_or_in_the_same_batch() -> None:
    stories = [story("US-1", priority=1, depends_on=("US-2",)), story("US-2", priority=2), story("US-3", priority=3)]

    assert ids(ProductBacklog(stories).take_next(done=())) == ["US-2", "US-1", "US-3"]
    assert ids(ProductBacklog(stories).take_next(done=("US-2",), limit_count=1)) == ["US-1"]


def test_a_story_that_depends_on_something_unknown_stays() -> None:
    backlog = ProductBacklog([story("US-1", depends_on=("US-9",))])

    assert backlog.take_next(done=()) == ()
    assert ids(backlog.take_next(done=("US-9",))) == ["US-1"]


def test_a_story_that_was_put_back_is_handed_out_again_in_its_place() -> None:
    backlog = ProductBacklog([story("US-1"), story("US-2")])
    (taken,) = backlog.take_next(done=(), limit_count=1)

    backlog.put_back(taken)

    assert ids(backlog.remaining) == ["US-1", "US-2"]
    with pytest.raises(DuplicateStoryError):
        backlog.put_back(taken)
    with pytest.raises(UnknownStoryError):
        backlog.put_back(story("US-3"))


def test_a_new_story_takes_its_place_by_priority() -> None:
    backlog = ProductBacklog([story("US-1", priority=1), story("US-3", priority=3)])

    backlog.add(story("US-2", priority=2, points=8))

    assert ids(backlog.remaining) == ["US-1", "US-2", "US-3"]
    assert backlog.remaining_points == 14


def test_an_id_is_never_used_twice_even_after_the_story_was_taken() -> None:
    backlog = ProductBacklog([story("US-1")])
    backlog.take_next(done=())

    with pytest.raises(DuplicateStoryError):
        backlog.add(story("US-1"))
    with pytest.raises(DuplicateStoryError):
        ProductBacklog([story("US-1"), story("US-1")])


def test_stories_that_wait_for_each_other_are_refused() -> None:
    first, second = story("US-1", depends_on=("US-2",)), story("US-2", depends_on=("US-1",))

    with pytest.raises(DependencyCycleError) as refused:
        ProductBacklog([first, second])
    assert set(refused.value.ids) == {"US-1", "US-2"}

    backlog = ProductBacklog([first])
    with pytest.raises(DependencyCycleError):
        backlog.add(second)
    assert ids(backlog.remaining) == ["US-1"]


@given(story_lists(), st.integers(1, 20))
def test_every_story_is_handed_out_once_and_never_before_what_it_needs(stories: list[Story], limit: int) -> None:
    backlog = ProductBacklog(stories)
    done: list[str] = []
    while not backlog.is_exhausted:
        batch = backlog.take_next(done=done, limit_points=limit)
        assert len(batch) == 1 or sum(one.sized_points for one in batch) <= limit
        for one in batch:
            assert set(one.depends_on) <= set(done)
            done.append(one.story_id)

    assert sorted(done) == sorted(one.story_id for one in stories)


@given(story_lists())
def test_the_order_in_which_stories_were_written_down_does_not_matter(stories: list[Story]) -> None:
    assert ProductBacklog(stories).take_next(done=()) == ProductBacklog(reversed(stories)).take_next(done=())
