"""From families and a seed to numbered stories: the same arguments give the same stories, everywhere.

Stories come in releases. A release takes one variant of every family, band after band, in drawn order within a band; so
modules alternate, a needed kind of story comes first, and late stories are on average what early ones were: a team's
growth in velocity cannot come from the backlog.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count as count_from
from itertools import groupby, islice
from typing import TypeVar

from config.backlog_generator.families import Choice, Clarification, Family, FamilyBook, fill, words_of
from config.streams import Stream

Item = TypeVar("Item")

_SIZES = (1, 2, 3, 5, 8)
_SMALLER_PERMILLE = 150  # stories that are one size smaller than their family, and as many one size larger
_LINK_PERMILLE = 520  # stories that wait for an earlier one where their family needs such; about 30 % of all
_FEWEST_CLARIFICATIONS = 2
_LATER_PHASE = "An earlier phase of this is in use; this phase brings it to the figures given below."


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One story of a generated backlog, with what it was made from; `backlog_story` gives what a run reads."""

    id: str
    title: str
    description: str
    acceptance_criteria: tuple[str, ...]
    story_points: int
    priority: int  # 1 is the most urgent; equals the number in the id
    module: str
    domain: str
    family: str
    phase: int  # 1 until every variant of the family has been used once
    parameters: Choice
    tags: tuple[str, ...]
    assigned_specializations: tuple[str, ...]
    depends_on: tuple[str, ...]  # ids of earlier stories
    clarifications: tuple[Clarification, ...]


@dataclass(frozen=True, slots=True)
class _Turn:
    """One family's place in the order of stories."""

    number: int
    family: Family
    round: int  # how many stories of the family came before


def expand(families: FamilyBook, *, seed: int, count: int, first_number: int = 1) -> tuple[Story, ...]:
    """Return `count` stories, the first of which is `first_number`.

    A later call with a higher `first_number` continues an earlier one of the same seed without repeating it.

    Raises:
        ValueError: `count` is negative or `first_number` is below 1.
    """
    if count < 0 or first_number < 1:
        raise ValueError(f"cannot make {count} stories from number {first_number} on")
    # Earlier stories are made as well, for later ones may depend on them.
    stories: list[Story] = []
    by_family: dict[str, list[Story]] = {}
    for turn in islice(_turns(families.families, seed), first_number - 1 + count):
        story = _story(families, turn, by_family, seed)
        stories.append(story)
        by_family.setdefault(story.family, []).append(story)
    return tuple(stories[first_number - 1 :])


def _turns(families: Sequence[Family], seed: int) -> Iterator[_Turn]:
    """Yield the order in which families take turns, without an end."""
    stream = Stream(seed, "backlog.order")
    ranked = sorted(families, key=lambda family: (family.band, family.id))
    bands = [(band, tuple(members)) for band, members in groupby(ranked, key=lambda family: family.band)]
    numbers = count_from(1)
    for release in count_from():
        for band, members in bands:
            for family in _shuffled(members, stream, f"release {release} band {band}"):
                yield _Turn(next(numbers), family, release)


def _story(book: FamilyBook, turn: _Turn, earlier: dict[str, list[Story]], seed: int) -> Story:
    """Tell one story: its family's texts with its own values."""
    family, story_id = turn.family, f"TF-{turn.number:03d}"
    phase, parameters = _parameters(family, turn.round, seed)
    words = words_of(parameters)
    later = phase > 1
    return Story(
        id=story_id,
        title=fill(family.title, words) + (f" (phase {phase})" if later else ""),
        description=fill(family.description, words) + (f" {_LATER_PHASE}" if later else ""),
        acceptance_criteria=tuple(fill(criterion, words) for criterion in family.acceptance_criteria),
        story_points=_points(family, story_id, seed),
        priority=turn.number,
        module=family.module,
        domain=book.modules[family.module].domain,
        family=family.id,
        phase=phase,
        parameters=parameters,
        tags=tuple(dict.fromkeys((family.module, family.specialization, *family.tags))),
        assigned_specializations=(family.specialization,),
        depends_on=_dependencies(family, story_id, parameters, earlier, seed),
        clarifications=tuple(c.filled(words) for c in _open_questions(family, story_id, seed)),
    )


def _parameters(family: Family, round_: int, seed: int) -> tuple[int, Choice]:
    """Choose the values of a family's n-th story, and say in which phase it is.

    A phase uses each variant once. The settings of a variant move on with each phase, so that a later phase of the same
    title asks for something else.
    """
    stream = Stream(seed, "backlog.parameters")
    earlier_phases, position = divmod(round_, len(family.variants))
    variant = _shuffled(family.variants, stream, f"{family.id} phase {earlier_phases + 1}")[position]
    first = stream.draw(f"{family.id} {sorted(words_of(variant).items())}").below(len(family.settings))
    settings = family.settings[(first + earlier_phases) % len(family.settings)]
    return earlier_phases + 1, (*variant, *settings)


def _points(family: Family, story_id: str, seed: int) -> int:
    """Return the family's points, for some stories one size less or more."""
    permille = Stream(seed, "backlog.points").draw(story_id).permille()
    step = -1 if permille < _SMALLER_PERMILLE else 1 if permille < 2 * _SMALLER_PERMILLE else 0
    size = _SIZES.index(family.points) + step
    return _SIZES[min(max(size, 0), len(_SIZES) - 1)]


def _dependencies(
    family: Family, story_id: str, parameters: Choice, earlier: dict[str, list[Story]], seed: int
) -> tuple[str, ...]:
    """Return the earlier stories to wait for: of each needed family the latest that fits, for some of the stories."""
    stream = Stream(seed, "backlog.dependencies")
    ids: list[str] = []
    for n, need in enumerate(family.needs):
        fitting = [story.id for story in earlier[need] if _fits(story.parameters, parameters)]
        if fitting and stream.draw(story_id, n).chance(_LINK_PERMILLE):
            ids.append(fitting[-1])
    return tuple(ids)


def _fits(one: Choice, other: Choice) -> bool:
    """Say whether two stories agree in every parameter that both have: a report is exported once it exists."""
    values = dict(other)
    return all(values.get(name, value) == value for name, value in one)


def _open_questions(family: Family, story_id: str, seed: int) -> tuple[Clarification, ...]:
    """Return what this story leaves open: two or more of its family's clarifications, in their order."""
    stream = Stream(seed, "backlog.clarifications")
    spare = len(family.clarifications) - _FEWEST_CLARIFICATIONS
    size = _FEWEST_CLARIFICATIONS + stream.draw(f"{story_id} size").below(spare + 1)
    chosen = _shuffled(range(len(family.clarifications)), stream, story_id)[:size]
    return tuple(family.clarifications[index] for index in sorted(chosen))


def _shuffled(items: Sequence[Item], stream: Stream, entity: str) -> list[Item]:
    """Return the items in drawn order."""
    places = sorted(range(len(items)), key=lambda place: stream.draw(entity, place).bits)
    return [items[place] for place in places]
