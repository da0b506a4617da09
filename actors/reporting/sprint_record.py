"""What one team lived through in the sprint that is running: kept until its folder is written, then forgotten."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from actors.scrum.code_messages import CodeMeasured
from actors.scrum.messages import (
    BudgetExhausted,
    DecisionRecorded,
    DisturbanceResolved,
    DisturbanceSoftened,
    DisturbanceStruck,
    DisturbanceTriaged,
    LearningApplied,
    QuestionAnswered,
    QuestionAsked,
    RetroNote,
    SessionEnded,
)

Tally = Counter[str]  # plain counts and integer sums by name, see tallies.py


@dataclass(slots=True)
class Question:
    """A question and what became of it."""

    asked: QuestionAsked
    answered: QuestionAnswered | None = None

    @property
    def changed(self) -> bool:
        """Whether the answer differed from what would have been built."""
        return self.answered is not None and self.answered.changed


@dataclass(slots=True)
class DisturbanceCase:
    """A disturbance: the truth, what people made of it, and how it ended."""

    struck: DisturbanceStruck
    struck_us: int
    triages: list[DisturbanceTriaged] = field(default_factory=list)
    resolved: DisturbanceResolved | None = None
    softened: DisturbanceSoftened | None = None


@dataclass(slots=True)
class SprintRecord:
    """Everything of one sprint that its artifacts tell."""

    sprint: int
    capacity_points: int = 0
    sessions: list[SessionEnded] = field(default_factory=list)
    questions: dict[str, Question] = field(default_factory=dict)
    notes: list[RetroNote] = field(default_factory=list)
    learnings: list[LearningApplied] = field(default_factory=list)
    decisions: list[DecisionRecorded] = field(default_factory=list)
    disturbances: list[DisturbanceCase] = field(default_factory=list)
    budgets: list[BudgetExhausted] = field(default_factory=list)  # what may be spent on models is spent
    tally: Tally = field(default_factory=Counter)

    @property
    def junior_questions(self) -> list[Question]:
        """What juniors asked, in order."""
        return [question for question in self.questions.values() if question.asked.asker_seniority == "junior"]


@dataclass(frozen=True, slots=True)
class SprintSummary:
    """What remains of a sprint once its folder is written."""

    team: str
    sprint: int
    capacity_points: int
    planned_points: int
    finished_points: int
    finished_stories: tuple[str, ...]
    carried_stories: tuple[str, ...]
    disturbances: tuple[str, ...]
    planned_stories: int  # taken on in it or before, and not accepted before; unplanned ones left out
    accepted_planned: int  # of them
    measured: CodeMeasured | None  # None: work is modelled
    tally: Tally
