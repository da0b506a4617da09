"""One product backlog for several teams: who gets which stories, and where new ones come from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

from actors.roles.product_owner import REFILL_BATCH, Refill
from actors.scrum.stories import Clarification, ExerciseRef, Story
from actors.work.katas.backlog import kata_stories, most_stories, unplanned_story
from config.backlog import Story as BacklogStory
from config.backlog_generator import FamilyBook, backlog_story, expand, load_families
from config.backlog_generator import Story as GeneratedStory

GENERATED_PREFIXES = ("TF-", "KT-")  # ids of the stories that the generators make
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
    numbers = [one.id[3:] for one in stories if one.id.startswith(GENERATED_PREFIXES)]
    return 1 + max((int(number) for number in numbers if number.isdecimal()), default=0)


class NewKatas:
    """Stories whose code can be written, as many as there are; the teams of a run share them."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def take(self, first: int, count: int) -> tuple[BacklogStory, ...]:
        """At most `count` stories, the first of which is `first`."""
        return kata_stories(self._seed, min(count, most_stories()), first=first)


class NewStories:
    """The generator's endless backlog of one seed, shared by the teams of a run.

    The generator makes every story before the wanted ones again, so more are made than asked for, and kept.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._made: tuple[GeneratedStory, ...] = ()

    def take(self, first: int, count: int) -> tuple[BacklogStory, ...]:
        """`count` stories, the first of which is `first`; the same whatever was taken before."""
        wanted = first - 1 + count
        if wanted > len(self._made):
            self._made = expand(_families(), seed=self._seed, count=max(wanted, GROWTH * len(self._made), FIRST_BLOCK))
        return tuple(backlog_story(one) for one in self._made[first - 1 : wanted])


def wishes_of(seed: int, *, position: int, teams: int) -> Callable[[int], Story]:
    """The stories that come up in a team without a plan, counted from 1: teams take them in turns."""

    def wish(number: int) -> Story:
        return story_of(unplanned_story(seed, (number - 1) * teams + position))

    return wish


def refill_for(new_stories: NewStories | NewKatas, *, first_number: int, position: int, teams: int) -> Refill:
    """How the product owner of one team thinks of more stories: teams take the generator's batches in turns."""

    def refill(first: int, count: int) -> tuple[Story, ...]:
        batch = (first - first_number) // REFILL_BATCH
        start = first_number + (batch * teams + position) * REFILL_BATCH
        made = new_stories.take(start, count)
        ids = frozenset(one.id for one in made)
        stories = (story_of(one) for one in made)
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
        exercise=_exercise(one),
    )


def _exercise(one: BacklogStory) -> ExerciseRef | None:
    if one.variant is None:
        return None
    criteria = tuple(range(1, len(one.acceptance_criteria) + 1))
    return ExerciseRef(family=one.family, number=one.variant, criteria=criteria)


def _within(story: Story, home: dict[str, int]) -> Story:
    own = home[story.story_id]
    return replace(story, depends_on=tuple(needed for needed in story.depends_on if home.get(needed) == own))


@cache
def _families() -> FamilyBook:
    return load_families()
