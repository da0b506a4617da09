"""How much virtual time a decision takes: a function of what is observed alone."""

from __future__ import annotations

from actors.policy.calibration import Calibration
from actors.policy.decisions import (
    ChooseAnswer,
    ChooseQuestion,
    DecideEscalation,
    DecideHelp,
    EstimatePoints,
    HoldCheckpoint,
    JudgeCriterion,
    JudgeQuality,
    PlanStory,
    ReflectOnSprint,
    ReportStandup,
    ReviewCheckpoint,
    TriageDisturbance,
    WriteCode,
)
from brokers.wire.registry import Message

WRITING_MS = 2_000  # of one tool call; the minutes that writing takes are those of the quarter, not of its calls


def thinking_us(observation: Message, calibration: Calibration) -> int:
    """Virtual microseconds until somebody has decided; always at least 50 ms.

    Raises:
        ValueError: It is no observation of `decisions`.
    """
    return 1000 * max(50, _thinking_ms(observation, calibration))


def _thinking_ms(observation: Message, calibration: Calibration) -> int:
    numbers = calibration.thinking
    match observation:
        case ChooseQuestion():
            return numbers.question_ms
        case ChooseAnswer():
            return numbers.answer_ms
        case EstimatePoints(story=story):
            return numbers.estimate_ms + numbers.estimate_per_point_ms * story.sized_points
        case PlanStory(points=points):
            return numbers.plan_ms + numbers.plan_per_point_ms * points
        case HoldCheckpoint():
            return numbers.checkpoint_ms
        case ReviewCheckpoint(suspicious_spots=spots):
            return numbers.review_ms + numbers.review_per_spot_ms * spots
        case DecideEscalation(tier=tier):
            return numbers.escalation_ms * tier
        case ReportStandup():
            return numbers.standup_ms
        case DecideHelp():
            return numbers.help_ms
        case TriageDisturbance():
            return numbers.triage_ms
        case JudgeQuality():
            return numbers.quality_ms
        case JudgeCriterion():
            return numbers.criterion_ms
        case ReflectOnSprint():
            return numbers.reflection_ms
        case WriteCode():
            return WRITING_MS
        case _:
            raise ValueError(f"{observation.KIND} is no observation")
