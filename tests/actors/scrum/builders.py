"""Short ways to say what a test is about."""

from __future__ import annotations

from collections.abc import Sequence

from actors.scrum.board import Board
from actors.scrum.messages import Member
from actors.scrum.stories import Clarification, Story, StoryKind
from actors.scrum.team import Roster


def story(
    story_id: str = "US-1",
    *,
    priority: int = 1,
    points: int = 3,
    depends_on: Sequence[str] = (),
    criteria: Sequence[str] = ("it works",),
    clarifications: Sequence[Clarification] = (),
    kind: StoryKind = "story",
) -> Story:
    return Story(
        story_id=story_id,
        title=f"Title of {story_id}",
        description="",
        criteria=tuple(criteria),
        sized_points=points,
        priority=priority,
        module="tasks",
        specialization="backend",
        clarifications=tuple(clarifications),
        depends_on=tuple(depends_on),
        kind=kind,
    )


def ready_board(*stories: Story, in_progress: int = 4, review: int = 2) -> Board:
    board = Board("team-1", in_progress=in_progress, review=review)
    for one in stories:
        board.add_card(one, "ready", points=one.sized_points)
    return board


def member(
    agent: str,
    seniority: str = "mid",
    roles: Sequence[str] = ("developer",),
    specialization: str = "backend",
    auxiliaries: Sequence[str] = (),
) -> Member:
    return Member(
        agent=agent,
        name=agent.title(),
        seniority=seniority,
        roles=tuple(roles),
        specialization=specialization,
        auxiliaries=tuple(auxiliaries),
    )


def roster(*members: Member) -> Roster:
    return Roster("team-1", (*members, member("po", "senior", ("leader", "product_owner"))))
