"""The cautious choice for every judgement: what a person does who got no valid answer from the policy."""

from __future__ import annotations

from actors.policy.decisions import (
    AnswerChoice,
    CheckpointChoice,
    ChooseAnswer,
    ChooseQuestion,
    CriterionChoice,
    DecideEscalation,
    DecideHelp,
    EscalationChoice,
    EstimatePoints,
    HelpChoice,
    HoldCheckpoint,
    JudgeCriterion,
    JudgeQuality,
    PlanChoice,
    PlanStory,
    PointsChoice,
    QaChoice,
    QuestionChoice,
    ReflectOnSprint,
    ReportChoice,
    ReportStandup,
    RetroChoice,
    ReviewCheckpoint,
    ReviewChoice,
    TaskChoice,
    TriageChoice,
    TriageDisturbance,
)
from brokers.wire.registry import Message

_REASON = "no valid decision; cautious choice"


def cautious_choice(observation: Message) -> tuple[str, Message]:
    """Name and answer of the cautious choice. Raises ValueError for what is no observation."""
    match observation:
        case ChooseQuestion():
            return "ask_nothing", QuestionChoice(ask=False, criterion=0, topic="", category="", text="")
        case ChooseAnswer():
            return "answer_at_once", AnswerChoice(dismiss=False, pause_ms=1000)
        case EstimatePoints(story=story):
            return "product_owners_size", PointsChoice(points=story.sized_points)
        case PlanStory():
            return "two_equal_tasks", _two_tasks(observation)
        case HoldCheckpoint():
            return "continue", CheckpointChoice(action="continue", reason=_REASON)
        case ReviewCheckpoint():
            return "ask_for_tests", ReviewChoice(approve=False, issue="tests", reason=_REASON)
        case DecideEscalation():
            return "first_option", EscalationChoice(option=0, record=False, consequence=_REASON)
        case _:
            return _cautious_ceremony(observation)


def _cautious_ceremony(observation: Message) -> tuple[str, Message]:
    match observation:
        case ReportStandup():
            return "raise_nothing", ReportChoice(raise_blocker=False, ask_help=False, text=_REASON)
        case DecideHelp():
            return "nobody_helps", HelpChoice(helper="", text=_REASON)
        case TriageDisturbance():
            return "fix_now", TriageChoice(severity=2, blast=1, response="fix_now")
        case JudgeQuality(failing_checks=failing, flaky_checks=flaky):
            return "trust_the_checks", QaChoice(approve=failing + flaky == 0, text=_REASON)
        case JudgeCriterion(deviations=deviations):
            return "trust_the_demonstration", CriterionChoice(accept=not deviations, reason=_REASON)
        case ReflectOnSprint():
            return "say_nothing", RetroChoice(
                keep_topic="", keep="", drop_topic="", drop="", puzzle_topic="", puzzle=""
            )
        case _:
            raise ValueError(f"{observation.KIND} is no observation")


def _two_tasks(observation: PlanStory) -> PlanChoice:
    story = observation.story
    build = TaskChoice(
        title=f"Build: {story.title}", share_permille=500, depends_on=(), specialization=story.specialization
    )
    test = TaskChoice(
        title=f"Test: {story.title}", share_permille=500, depends_on=(0,), specialization=story.specialization
    )
    return PlanChoice(tasks=(build, test), approach=_REASON)
