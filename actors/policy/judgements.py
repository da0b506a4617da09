"""Which rule answers which observation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from actors.policy import asking, ceremonies, estimating, pairing, reflecting, triage
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
)
from actors.policy.dice import Dice
from brokers.wire.registry import Message
from inference.engine import RequestError

Rule = Callable[[Any, Calibration, Dice], Message]

RULES: Mapping[type[Any], Rule] = {
    ChooseQuestion: asking.choose_question,
    ChooseAnswer: asking.choose_answer,
    EstimatePoints: estimating.estimate_points,
    PlanStory: estimating.plan_story,
    HoldCheckpoint: pairing.hold_checkpoint,
    ReviewCheckpoint: pairing.review_checkpoint,
    DecideEscalation: pairing.decide_escalation,
    ReportStandup: ceremonies.report_standup,
    DecideHelp: ceremonies.decide_help,
    ReflectOnSprint: reflecting.reflect_on_sprint,
    TriageDisturbance: triage.triage_disturbance,
    JudgeQuality: triage.judge_quality,
    JudgeCriterion: triage.judge_criterion,
}


def judge(observation: Message, calibration: Calibration, dice: Dice) -> Message:
    """Decide by the rule for this kind of observation. Raises RequestError if there is none, or it makes no sense."""
    rule = RULES.get(type(observation))
    if rule is None:
        raise RequestError(f"no rule answers {observation.KIND}")
    try:
        return rule(observation, calibration, dice)
    except ValueError as error:
        raise RequestError(f"{observation.KIND}: {error}") from error
