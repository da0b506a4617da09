"""A card on the board, and what everybody can see of it: all but the story's hidden ground truth."""

from __future__ import annotations

from dataclasses import dataclass

from actors.scrum.messages import Column
from actors.scrum.stories import Story, StoryKind
from actors.scrum.tasks import Task

COLUMNS: tuple[Column, ...] = ("backlog", "ready", "in_progress", "review", "done")
BLOCKED = "BLOCKED"  # forbids a pull
HOTFIX = "HOTFIX"
TECH_DEBT = "TECH DEBT"
FLAKY = "FLAKY"
CONFLICT = "CONFLICT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One story on a board."""

    card_id: int
    story: Story
    points: int  # what the team estimated
    owner: str  # empty: nobody yet
    navigator: str  # empty: nobody yet
    tasks: tuple[Task, ...]  # in dependency order
    tags: tuple[str, ...]  # in the order they were put on
    sprint: int  # the sprint it belongs to; rises when it is carried over
    expedite: bool  # to be pulled before all others; a pull uses it up
    pulled_at_us: int | None  # when it was pulled for the first time

    @property
    def story_id(self) -> str:
        """The id of the card's story."""
        return self.story.story_id

    @property
    def is_blocked(self) -> bool:
        """Whether a label forbids to pull it."""
        return BLOCKED in self.tags


@dataclass(frozen=True, slots=True, kw_only=True)
class CardView:
    """One card as everybody sees it."""

    card_id: int
    story_id: str
    title: str
    module: str
    specialization: str
    kind: StoryKind
    priority: int
    depends_on: tuple[str, ...]  # story ids
    column: Column
    points: int
    owner: str
    navigator: str
    tasks: tuple[Task, ...]
    tags: tuple[str, ...]
    sprint: int
    expedite: bool
    pulled_at_us: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardView:
    """A whole board at one instant; it stays as it is while the board moves on."""

    team: str
    sprint: int
    wip_in_progress: int
    wip_review: int
    cards: tuple[CardView, ...]  # by column, from backlog to done, then by card id

    def in_column(self, column: Column) -> tuple[CardView, ...]:
        """Return the cards of one column, by card id."""
        return tuple(card for card in self.cards if card.column == column)


def view_of(card: Card, column: Column) -> CardView:
    """Return what everybody can see of a card."""
    return CardView(
        card_id=card.card_id,
        story_id=card.story_id,
        title=card.story.title,
        module=card.story.module,
        specialization=card.story.specialization,
        kind=card.story.kind,
        priority=card.story.priority,
        depends_on=card.story.depends_on,
        column=column,
        points=card.points,
        owner=card.owner,
        navigator=card.navigator,
        tasks=card.tasks,
        tags=card.tags,
        sprint=card.sprint,
        expedite=card.expedite,
        pulled_at_us=card.pulled_at_us,
    )


def pull_order(card: Card) -> tuple[bool, int, int]:
    """Return the sort key of cards that wait to be pulled: expedited first, then priority, then age."""
    return (not card.expedite, card.story.priority, card.card_id)
