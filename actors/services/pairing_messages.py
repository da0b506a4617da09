"""What is said between the facilitator and those who work, and within a pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from actors.policy.decisions import StoryView
from actors.work.effort import Worker


@dataclass(frozen=True, slots=True, kw_only=True)
class StartWork:
    """Told to a driver: work on this story with this navigator until it is done or the day is over."""

    KIND: ClassVar[str] = "pairing.start_work/1"
    sprint: int
    day: int
    story: StoryView
    navigator: str
    ends_us: int  # when today's development ends


@dataclass(frozen=True, slots=True, kw_only=True)
class StopWork:
    """Told to a driver: leave the story at the next pause, somebody of the pair is not available."""

    KIND: ClassVar[str] = "pairing.stop_work/1"
    story_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkStopped:
    """Told to the facilitator: the pair is free again."""

    KIND: ClassVar[str] = "pairing.work_stopped/1"
    story_id: str
    driver: str
    finished: bool  # every task of the story is done
    cleared: tuple[str, ...]  # "criterion:topic" that was clarified while pairing


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinPair:
    """Ask the navigator to sit down. Answered by PairJoined."""

    KIND: ClassVar[str] = "pairing.join_pair/1"
    story_id: str
    module: str
    specialization: str
    partner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PairJoined:
    """The navigator is there."""

    KIND: ClassVar[str] = "pairing.pair_joined/1"
    worker: Worker
    seniority: str
    familiarity_permille: int  # with the driver, as the navigator feels it


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReported:
    """Told to the lead: a task is finished; its size in minutes at standard pace, and what it took."""

    KIND: ClassVar[str] = "pairing.task_reported/1"
    task_id: str
    sized_minutes: int
    spent_minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeavePair:
    """Told to the navigator: the session is over; what it taught."""

    KIND: ClassVar[str] = "pairing.leave_pair/1"
    story_id: str
    module: str
    partner: str
    minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewWork:
    """Ask the navigator at a checkpoint. Answered by WorkReviewed."""

    KIND: ClassVar[str] = "pairing.review_work/1"
    story: StoryView
    percent: int
    driver: str
    driver_seniority: str
    driver_action: str
    suspicious_spots: int
    exchange: int
    entity: str  # names the draws: story, task and checkpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkReviewed:
    """Approved, or one issue."""

    KIND: ClassVar[str] = "pairing.work_reviewed/1"
    approve: bool
    issue: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseQuestions:
    """Ask the navigator of a session whether it wants to ask something. Answered by Considered."""

    KIND: ClassVar[str] = "pairing.raise_questions/1"
    story: StoryView
    partner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalate:
    """A pair could not agree: ask the lead. Answered by EscalationDecided."""

    KIND: ClassVar[str] = "pairing.escalate/1"
    story: StoryView
    session_id: str
    issue: str
    reason: str
    tier: int
    options: tuple[str, ...]
    entity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationDecided:
    """What those above decided."""

    KIND: ClassVar[str] = "pairing.escalation_decided/1"
    option: int
    consequence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewStory:
    """Told to a tester: a story is in Review."""

    KIND: ClassVar[str] = "qa.review_story/1"
    sprint: int
    story: StoryView
    returned_before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryChecked:
    """Told to the facilitator: the tester is free again and has a verdict."""

    KIND: ClassVar[str] = "qa.story_checked/1"
    story_id: str
    tester: str
    approved: bool
