"""What is asked of the board of one team, and what it answers. Refusals are the rules of `actors.scrum.errors`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from actors.scrum.cards import CardView
from actors.scrum.messages import Column, PlannedTask
from actors.scrum.stories import Story


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardSeen:
    """All cards on the wall, by column, then by card id."""

    KIND: ClassVar[str] = "board.seen/1"
    cards: tuple[CardView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewBoard:
    """Look at the wall. Answered by BoardSeen."""

    KIND: ClassVar[str] = "board.view/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSprint:
    """Carry unfinished cards into a new sprint. Answered by BoardSeen."""

    KIND: ClassVar[str] = "board.open_sprint/1"
    sprint: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCard:
    """Put a planned story on the board. Answered by CardAdded; refused with DuplicateStoryError."""

    KIND: ClassVar[str] = "board.add_card/1"
    story: Story
    points: int
    owner: str
    navigator: str
    tasks: tuple[PlannedTask, ...]
    column: Column  # ready, or backlog for a stretch story
    sprint: int
    expedite: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CardAdded:
    """The number of the new card."""

    KIND: ClassVar[str] = "board.card_added/1"
    card_id: int
    story_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PullStory:
    """Ask for a story to start. Answered by CardMoved; refused with WipLimitError, NotReadyError or BlockedError."""

    KIND: ClassVar[str] = "board.pull_story/1"
    story_id: str
    developer: str
    navigator: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitStory:
    """Hand a story over to quality assurance. Answered by CardMoved; refused with WipLimitError."""

    KIND: ClassVar[str] = "board.submit_story/1"
    story_id: str
    developer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproveStory:
    """Quality assurance is content. Answered by CardMoved."""

    KIND: ClassVar[str] = "board.approve_story/1"
    story_id: str
    tester: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SendBackStory:
    """Quality assurance found something. Answered by CardMoved."""

    KIND: ClassVar[str] = "board.send_back_story/1"
    story_id: str
    tester: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReopenStory:
    """The product owner rejected a done story. Answered by CardMoved."""

    KIND: ClassVar[str] = "board.reopen_story/1"
    story_id: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PromoteStory:
    """Commit a stretch story after all. Answered by CardMoved."""

    KIND: ClassVar[str] = "board.promote_story/1"
    story_id: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TagCard:
    """Put a label on a card, or take it off. Answered by CardTagged, or by nothing if that changes nothing."""

    KIND: ClassVar[str] = "board.tag_card/1"
    story_id: str
    tag: str
    present: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReassignStory:
    """Another pair takes a story over."""

    KIND: ClassVar[str] = "board.reassign_story/1"
    story_id: str
    owner: str
    navigator: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardChanged:
    """Told to the facilitator and the disturber: a card moved."""

    KIND: ClassVar[str] = "board.changed/1"
    story_id: str
    from_column: str  # empty: the card is new
    to_column: Column
    by: str
