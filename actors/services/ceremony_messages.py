"""What is said in refinement, planning, stand-up, review, retrospective and meta-learning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from actors.policy.decisions import StoryView, TaskChoice
from actors.scrum.messages import RetroNote
from actors.scrum.stories import Story


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeStories:
    """Ask the product owner for the next stories. Answered by StoriesOffered."""

    KIND: ClassVar[str] = "ceremony.take_stories/1"
    count: int
    known: tuple[str, ...]  # stories that are done or on the board: what depends on them may be refined


@dataclass(frozen=True, slots=True, kw_only=True)
class StoriesOffered:
    """The next stories by priority; none when the backlog is exhausted."""

    KIND: ClassVar[str] = "ceremony.stories_offered/1"
    stories: tuple[Story, ...]
    is_exhausted: bool  # nothing waits, and nobody thinks of more


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentStory:
    """Ask the product owner to present a story. Answered when everybody has heard it."""

    KIND: ClassVar[str] = "ceremony.present_story/1"
    story_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsiderStory:
    """Is there something to ask? Answered by Considered, after the question was answered."""

    KIND: ClassVar[str] = "ceremony.consider_story/1"
    story: StoryView


@dataclass(frozen=True, slots=True, kw_only=True)
class Considered:
    """What became clear through this person's question."""

    KIND: ClassVar[str] = "ceremony.considered/1"
    cleared: str  # "criterion:topic", empty when nothing was asked or the question was dismissed


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerQuestion:
    """A question, put to a person. Answered by QuestionReply."""

    KIND: ClassVar[str] = "ceremony.answer_question/1"
    question_id: str
    story_id: str
    criterion: int
    topic: str
    asker: str
    asker_seniority: str
    category: str
    text: str
    phase: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionReply:
    """The answer, or a dismissal."""

    KIND: ClassVar[str] = "ceremony.question_reply/1"
    dismissed: bool
    changed: bool
    learned: bool  # the answerer learned something
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUpWish:
    """A member asks the product owner on somebody's behalf. Answered by Wish."""

    KIND: ClassVar[str] = "ceremony.look_up_wish/1"
    story_id: str
    criterion: int
    topic: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is wanted, and whether that differs from what one would have assumed."""

    KIND: ClassVar[str] = "ceremony.wish/1"
    answer: str
    changes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateStory:
    """Vote. Answered by EstimateGiven."""

    KIND: ClassVar[str] = "ceremony.estimate_story/1"
    story: StoryView
    round: int
    votes: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateGiven:
    """A vote."""

    KIND: ClassVar[str] = "ceremony.estimate_given/1"
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitStory:
    """Ask the lead for the tasks of a story. Answered by StorySplit."""

    KIND: ClassVar[str] = "ceremony.split_story/1"
    story: StoryView
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StorySplit:
    """The plan."""

    KIND: ClassVar[str] = "ceremony.story_split/2"
    tasks: tuple[TaskChoice, ...]
    approach: str
    pace_permille: int  # planned minutes for each thousand minutes of sizing


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportStatus:
    """Stand-up: how far are you? Answered by StatusReported."""

    KIND: ClassVar[str] = "ceremony.report_status/1"
    story_id: str
    days_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReported:
    """Yesterday, today, blockers."""

    KIND: ClassVar[str] = "ceremony.status_reported/1"
    progress_permille: int
    blocker: str  # empty: none
    wants_help: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideBlocker:
    """Ask the lead what to do about a blocker. Answered by BlockerDecided."""

    KIND: ClassVar[str] = "ceremony.decide_blocker/1"
    story_id: str
    module: str
    blocker: str
    candidates: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockerDecided:
    """Who helps, if anybody, and what is said."""

    KIND: ClassVar[str] = "ceremony.blocker_decided/1"
    helper: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TellKnowledge:
    """How well do you know this module? Answered by KnowledgeTold."""

    KIND: ClassVar[str] = "ceremony.tell_knowledge/1"
    module: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeTold:
    """Knowledge of one module, thousandths."""

    KIND: ClassVar[str] = "ceremony.knowledge_told/1"
    permille: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeStory:
    """Sprint review: ask the product owner to check one done story. Answered by StoryVerdict."""

    KIND: ClassVar[str] = "ceremony.judge_story/1"
    story: StoryView
    cycle_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryVerdict:
    """What became of the story."""

    KIND: ClassVar[str] = "ceremony.story_verdict/1"
    verdict: str
    rejected_criteria: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reflect:
    """Retrospective: Keep, Drop, Puzzle. Answered by Reflected."""

    KIND: ClassVar[str] = "ceremony.reflect/1"
    sprint: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reflected:
    """One person's notes, in the order keep, drop, puzzle; at most one of each."""

    KIND: ClassVar[str] = "ceremony.reflected/1"
    notes: tuple[RetroNote, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeLessons:
    """Meta-learning: what the team wrote down. Answered when it is learned and the sprint's knowledge is reviewed."""

    KIND: ClassVar[str] = "ceremony.take_lessons/1"
    sprint: int
    accepted: tuple[str, ...]  # stories accepted in this sprint; comparing them with one's estimates teaches
    notes: tuple[RetroNote, ...]
