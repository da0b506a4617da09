"""What is decided in an answer: everything but its words and what only sizes it.

Two answers agree when this is equal. Left out are texts, the length of a pause, the kind of a question (its topic
stays) and the exact shares of a plan, which decides how many tasks there are, in which order, and whose work they are.
"""

from __future__ import annotations

from typing import Any

from actors.policy.decisions import (
    AnswerChoice,
    CheckpointChoice,
    CriterionChoice,
    EscalationChoice,
    HelpChoice,
    PlanChoice,
    PointsChoice,
    QaChoice,
    QuestionChoice,
    ReportChoice,
    RetroChoice,
    ReviewChoice,
    TriageChoice,
)
from brokers.wire.registry import Message

Gist = tuple[Any, ...]


def gist(answer: Message) -> Gist:
    """What the answer decides. Raises ValueError for what is no judgement."""
    match answer:
        case QuestionChoice(ask=ask, criterion=criterion, topic=topic):
            return ask, criterion, topic
        case AnswerChoice(dismiss=dismiss):
            return (dismiss,)
        case PointsChoice(points=points):
            return (points,)
        case PlanChoice(tasks=tasks):
            return tuple((task.depends_on, task.specialization) for task in tasks)
        case CheckpointChoice(action=action):
            return (action,)
        case ReviewChoice(approve=approve, issue=issue):
            return approve, issue
        case EscalationChoice(option=option, record=record):
            return option, record
        case ReportChoice(raise_blocker=raise_blocker, ask_help=ask_help):
            return raise_blocker, ask_help
        case HelpChoice(helper=helper):
            return (helper,)
        case TriageChoice(severity=severity, blast=blast, response=response):
            return severity, blast, response
        case QaChoice(approve=approve):
            return (approve,)
        case CriterionChoice(accept=accept):
            return (accept,)
        case RetroChoice(keep_topic=keep, drop_topic=drop, puzzle_topic=puzzle):
            return keep, drop, puzzle
        case _:
            raise ValueError(f"{answer.KIND} is no judgement")
