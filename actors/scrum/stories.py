"""A story: what the product owner wants, how big it looks, and what nobody has asked about yet."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal, get_args

TOPICS = (
    "limits",
    "errors",
    "permissions",
    "format",
    "performance",
    "edge_case",
    "compatibility",
    "data",
    "workflow",
    "security",
)
FIBONACCI = (1, 2, 3, 5, 8, 13)  # the sizes a story may have, in points
StoryKind = Literal["story", "hotfix", "scope"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clarification:
    """Something a criterion leaves open: what is built when nobody asks, and what the product owner means.

    Ground truth: it never enters an observation before the question was asked.
    """

    criterion: int  # 1-based
    topic: str  # one of TOPICS
    question: str
    assumption: str  # what a developer would build without asking
    answer: str  # what is wanted
    changes: bool  # the answer differs from the assumption


@dataclass(frozen=True, slots=True, kw_only=True)
class ExerciseRef:
    """The exercise behind a story whose work is executed."""

    family: str
    number: int
    criteria: tuple[int, ...]  # the exercise's criteria, in the order of the story's


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One story of the product backlog, with its hidden ground truth in `clarifications`."""

    story_id: str
    title: str
    description: str
    criteria: tuple[str, ...]
    sized_points: int  # the product owner's sizing, one of FIBONACCI
    priority: int  # 1 comes first
    module: str
    specialization: str
    clarifications: tuple[Clarification, ...] = ()
    depends_on: tuple[str, ...] = ()  # story ids
    family: str = ""  # the kind of exercise that the story was made from; empty if none
    generated: bool = False  # made by the simulator, not written by the user
    kind: StoryKind = "story"
    exercise: ExerciseRef | None = None  # None: its work can only be modelled

    def __post_init__(self) -> None:
        if self.sized_points not in FIBONACCI:
            raise ValueError(f"{self.story_id}: {self.sized_points} points is not one of {FIBONACCI}")
        if self.kind not in get_args(StoryKind):
            raise ValueError(f"{self.story_id}: unknown kind {self.kind}")
        if self.story_id in self.depends_on:
            raise ValueError(f"{self.story_id} depends on itself")
        if self.exercise is not None and len(self.exercise.criteria) != len(self.criteria):
            raise ValueError(
                f"{self.story_id}: {len(self.criteria)} criteria, but {len(self.exercise.criteria)} to test"
            )
        for open_point in self.clarifications:
            if not 1 <= open_point.criterion <= len(self.criteria):
                raise ValueError(f"{self.story_id}: there is no criterion {open_point.criterion}")
            if open_point.topic not in TOPICS:
                raise ValueError(f"{self.story_id}: unknown topic {open_point.topic}")

    def hidden(self, criterion: int, topic: str) -> Clarification | None:
        """What a question about this topic of this criterion would bring to light; None if there is nothing."""
        for open_point in self.clarifications:
            if (open_point.criterion, open_point.topic) == (criterion, topic):
                return open_point
        return None


def snap_points(points: int) -> int:
    """Return the size of FIBONACCI nearest to `points`; half-way between two, the larger (4 becomes 5)."""
    return snap_half_points(2 * points)


def snap_half_points(half_points: int) -> int:
    """Return the size nearest to a number of half points, so that a median of two votes needs no fraction."""
    return min(FIBONACCI, key=lambda size: (abs(2 * size - half_points), -size))


def story_order(story_id: str) -> tuple[tuple[str | int, ...], str]:
    """Return a sort key in which US-2 comes before US-10."""
    parts = re.split(r"([0-9]+)", story_id)  # text and digits take turns, so keys never compare text with numbers
    return tuple(int(part) if position % 2 else part for position, part in enumerate(parts)), story_id


def follow_up(story: Story, unmet: tuple[int, ...], *, story_id: str) -> Story:
    """Return a story for the criteria that a demonstration left unmet.

    Args:
        story: The story that was accepted with notes.
        unmet: 1-based criteria; at least one.
        story_id: Id of the new story, which depends on the first and keeps its priority and open points.
    Raises:
        ValueError: `unmet` is empty or names a criterion that does not exist.
    """
    if not unmet or not all(1 <= number <= len(story.criteria) for number in unmet):
        raise ValueError(f"{story.story_id} has criteria 1 to {len(story.criteria)}, not {unmet}")
    renumbered = {number: position for position, number in enumerate(unmet, start=1)}
    return Story(
        story_id=story_id,
        title=f"Follow-up: {story.title}",
        description=f"What the review of {story.story_id} left open.",
        criteria=tuple(story.criteria[number - 1] for number in unmet),
        sized_points=snap_points(max(1, story.sized_points * len(unmet) // len(story.criteria))),
        priority=story.priority,
        module=story.module,
        specialization=story.specialization,
        clarifications=tuple(
            replace(point, criterion=renumbered[point.criterion])
            for point in story.clarifications
            if point.criterion in renumbered
        ),
        depends_on=(story.story_id,),
        family=story.family,
        generated=True,
        exercise=None if story.exercise is None else _part(story.exercise, unmet),
    )


def _part(exercise: ExerciseRef, unmet: tuple[int, ...]) -> ExerciseRef:
    return replace(exercise, criteria=tuple(exercise.criteria[number - 1] for number in unmet))
