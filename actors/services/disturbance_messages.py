"""How disturbances reach a team, and commands from outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from actors.scrum.messages import DisturbanceKind
from actors.scrum.stories import Story


@dataclass(frozen=True, slots=True, kw_only=True)
class SprintOpened:
    """Told to the disturber: planning is over, development begins."""

    KIND: ClassVar[str] = "disturbance.sprint_opened/1"
    sprint: int
    committed_points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """The disturber's own timer: now."""

    KIND: ClassVar[str] = "disturbance.strike/1"
    disturbance_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectDisturbance:
    """From outside: let this happen now. Without a severity or a story the disturber draws them."""

    KIND: ClassVar[str] = "disturbance.inject/1"
    type: DisturbanceKind
    severity: int | None
    story_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TriageCall:
    """Ask the person hit: what do you make of this? Answered by Triaged."""

    KIND: ClassVar[str] = "disturbance.triage_call/1"
    disturbance_id: str
    sprint: int
    hazard: DisturbanceKind
    story_id: str
    module: str
    symptom_permille: int
    visible_stories: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Triaged:
    """What the person decided, and how far lessons of earlier times reduce the harm."""

    KIND: ClassVar[str] = "disturbance.triaged_reply/1"
    response: str  # fix_now, defer or escalate
    lessons: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Suffered:
    """Told to those in the blast radius: it cost you time, remember it."""

    KIND: ClassVar[str] = "disturbance.suffered/1"
    hazard: DisturbanceKind
    minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashActor:
    """From outside, for chaos tests: fail while handling this message."""

    KIND: ClassVar[str] = "chaos.crash/1"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryInserted:
    """Told to the facilitator: an unplanned story is about to appear on the board."""

    KIND: ClassVar[str] = "disturbance.story_inserted/1"
    story: Story
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionAdded:
    """Told to the facilitator: a story in progress was given one more criterion."""

    KIND: ClassVar[str] = "disturbance.criterion_added/1"
    story_id: str
    text: str
