"""One product backlog for several teams: who gets which stories, and where new ones come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from actors.roles.product_owner import REFILL_BATCH, Refill
from actors.scrum.stories import Clarification, Story
from config.backlog import Story as BacklogStory
from config.backlog_generator import FamilyBook, backlog_story, expand, load_families
from config.backlog_generator import Story as GeneratedStory

GENERATED_PREFIX = "TF-"  # ids of the stories that the generator makes
FIRST_BLOCK = 128  # stories made at first, at least
GROWTH = 2  # so many times as many stories whenever they run short: all growing together costs two expansions


def share_out(stories: Sequence[BacklogStory], *, teams: int) -> tuple[tuple[Story, ...], ...]:
    """Deal the stories to the teams in turns, by priority. A story that waits for others goes where the last of them
    went; a dependency on a story of another team is dropped, teams do not wait for each other.
    """
    shares: list[list[Story]] = [[] for _ in range(teams)]
    home: dict[str, int] = {}
    ordered = sorted(stories, key=lambda one: (one.priority, one.id))
    turn = 0
    for one in ordered:
        homes = [home[needed] for needed in one.depends_on if needed in home]
        if homes:
            chosen = homes[-1]
        else:
            chosen, turn = turn, (turn + 1) % teams
        home[one.id] = chosen
        shares[chosen].append(story_of(one))
    if teams == 1:
        return (tuple(shares[0]),)
    return tuple(tuple(_within(story, home) for story in share) for share in shares)


def first_new_number(stories: Sequence[BacklogStory]) -> int:
    """The number of the first story that the generator may make without repeating one of these."""
    numbers = [one.id.removeprefix(GENERATED_PREFIX) for one in stories if one.id.startswith(GENERATED_PREFIX)]
    return 1 + max((int(number) for number in numbers if number.isdecimal()), default=0)


class NewStories:
    """The generator's endless backlog of one seed, shared by the teams of a run.

    The generator makes every story before the wanted ones again, so more are made than asked for, and kept.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._made: tuple[GeneratedStory, ...] = ()

    def take(self, first: int, count: int) -> tuple[GeneratedStory, ...]:
        """`count` stories, the first of which is `first`; the same whatever was taken before."""
        wanted = first - 1 + count
        if wanted > len(self._made):
            self._made = expand(_families(), seed=self._seed, count=max(wanted, GROWTH * len(self._made), FIRST_BLOCK))
        return self._made[first - 1 : wanted]


def refill_for(new_stories: NewStories, *, first_number: int, position: int, teams: int) -> Refill:
    """How the product owner of one team thinks of more stories: teams take the generator's batches in turns."""

    def refill(first: int, count: int) -> tuple[Story, ...]:
        batch = (first - first_number) // REFILL_BATCH
        start = first_number + (batch * teams + position) * REFILL_BATCH
        made = new_stories.take(start, count)
        ids = frozenset(one.id for one in made)
        stories = (story_of(backlog_story(one)) for one in made)
        return tuple(
            replace(story, depends_on=tuple(needed for needed in story.depends_on if needed in ids))
            for story in stories
        )

    return refill


def story_of(one: BacklogStory) -> Story:
    """A story of the configuration as the domain knows it."""
    return Story(
        story_id=one.id,
        title=one.title,
        description=one.description,
        criteria=one.acceptance_criteria,
        sized_points=one.story_points,
        priority=one.priority,
        module=one.area,
        specialization=next(iter(one.assigned_specializations), ""),
        clarifications=tuple(
            Clarification(
                criterion=point.criterion,
                topic=point.topic,
                question=point.question,
                assumption=point.assumption,
                answer=point.answer,
                changes=point.changes,
            )
            for point in one.clarifications
        ),
        depends_on=one.depends_on,
        family=one.family,
        generated=one.generated,
    )


def _within(story: Story, home: dict[str, int]) -> Story:
    own = home[story.story_id]
    return replace(story, depends_on=tuple(needed for needed in story.depends_on if home.get(needed) == own))


@cache
def _families() -> FamilyBook:
    return load_families()
