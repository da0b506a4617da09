from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.scrum.stories import FIBONACCI, Clarification, follow_up, snap_points
from tests.actors.scrum.builders import story


def open_point(criterion: int, topic: str = "limits") -> Clarification:
    return Clarification(
        criterion=criterion, topic=topic, question="how many?", assumption="any", answer="at most ten", changes=True
    )


@pytest.mark.parametrize(
    ("points", "size"), [(-3, 1), (0, 1), (1, 1), (4, 5), (6, 5), (7, 8), (10, 8), (11, 13), (99, 13)]
)
def test_points_snap_to_the_nearest_size_and_upwards_in_the_middle(points: int, size: int) -> None:
    assert snap_points(points) == size


@given(st.integers(-50, 50))
def test_no_size_is_nearer_than_the_one_snapped_to(points: int) -> None:
    assert abs(snap_points(points) - points) == min(abs(size - points) for size in FIBONACCI)


def test_a_question_finds_what_a_criterion_leaves_open() -> None:
    asked = story(clarifications=[open_point(1, "limits"), open_point(1, "errors")])

    assert asked.hidden(1, "errors") == open_point(1, "errors")
    assert asked.hidden(1, "security") is None


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"points": 4}, "4 points"),
        ({"depends_on": ("US-1",)}, "depends on itself"),
        ({"kind": "spike"}, "unknown kind spike"),
        ({"clarifications": (open_point(2),)}, "no criterion 2"),
        ({"clarifications": (open_point(1, "weather"),)}, "unknown topic weather"),
    ],
)
def test_a_story_that_makes_no_sense_is_refused_and_says_why(arguments: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        story("US-1", **arguments)


def test_a_follow_up_holds_what_was_left_open_and_is_sized_by_its_share() -> None:
    first = story(
        "US-1",
        points=8,
        priority=4,
        criteria=("a", "b", "c", "d"),
        clarifications=[open_point(1), open_point(2), open_point(4, "errors")],
    )

    second = follow_up(first, (2, 4), story_id="US-1-F1")

    assert second.criteria == ("b", "d")
    assert second.clarifications == (open_point(1), open_point(2, "errors"))
    assert (second.sized_points, second.priority, second.depends_on) == (5, 4, ("US-1",))
    assert (first.generated, second.generated) == (False, True)


@pytest.mark.parametrize("unmet", [(), (0,), (2,)])
def test_a_follow_up_needs_criteria_that_exist(unmet: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="criteria 1 to 1"):
        follow_up(story("US-1"), unmet, story_id="US-2")


def test_a_follow_up_may_hold_every_criterion_again() -> None:
    first = story("US-1", points=3, criteria=("a", "b"))

    assert follow_up(first, (1, 2), story_id="US-2").criteria == ("a", "b")
    assert follow_up(first, (1,), story_id="US-2").sized_points == 1
