"""Answers in plain words, as the house model learns to give them: the same judgement, said in a short sentence.

The behavioural policy quotes stories, people and times. To copy those is a late skill of a small model and says nothing
about a judgement, so transcripts leave them out. Two sizes lose what chance made of them: a pause is
round, and the building parts of a plan have equal shares, for drawn ones a small model does not make sum to 1000. What
was decided stays as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from actors.policy.decisions import (
    AnswerChoice,
    CheckpointChoice,
    CriterionChoice,
    EscalationChoice,
    HelpChoice,
    PlanChoice,
    QaChoice,
    QuestionChoice,
    ReportChoice,
    RetroChoice,
    ReviewChoice,
    TaskChoice,
)
from brokers.wire.registry import Message

PAUSE_STEP_MS = 500
SHARE_STEP = 10  # thousandths of a story's effort
_ISSUES = {
    "design": "I cannot see how this will carry the criterion.",
    "tests": "Nothing checks this yet.",
    "naming": "I would not find this by its name.",
    "scope": "We are building more than was asked for.",
    "edge_case": "I doubt that this holds in the unusual cases.",
    "performance": "This will be slow with a lot of data.",
}
_ACTIONS = {
    "continue": "We go on as we meant to.",
    "pivot": "You are right, a simpler way is needed.",
    "escalate": "We do not agree on this.",
}


def in_plain_words(answer: Message) -> Any:
    """The same judgement, said shortly. An answer without words comes back as it is."""
    match answer:
        case QuestionChoice(ask=True, text=text):
            return replace(answer, text=text.rpartition("”: ")[2])
        case AnswerChoice(pause_ms=pause_ms):
            return replace(answer, pause_ms=_rounded(pause_ms, PAUSE_STEP_MS))
        case PlanChoice():
            return _plan(answer)
        case CheckpointChoice(action=action):
            return replace(answer, reason=_ACTIONS[action])
        case ReviewChoice(issue=issue):
            return replace(answer, reason=_ISSUES[issue] if issue else "I can follow what we did.")
        case EscalationChoice():
            return replace(answer, consequence="Whoever meets this again starts from here.")
        case ReportChoice():
            return replace(answer, text=_report(answer))
        case HelpChoice(helper=helper):
            return replace(answer, text="You know this best." if helper else "Go on, nobody free knows this.")
        case QaChoice(approve=approve):
            return replace(
                answer, text="It does what its criteria say." if approve else "It goes back, checks were red."
            )
        case CriterionChoice(accept=accept):
            return replace(answer, reason="This is good enough." if accept else "This is not what was wanted.")
        case RetroChoice(keep=keep, drop=drop, puzzle=puzzle):
            return replace(answer, keep=_last_clause(keep), drop=_last_clause(drop), puzzle=_last_clause(puzzle))
        case _:
            return answer


def _report(answer: ReportChoice) -> str:
    if answer.raise_blocker:
        return "I am held up and could use help." if answer.ask_help else "I am held up."
    return "I am behind and could use help." if answer.ask_help else "Going on with it today."


def _last_clause(text: str) -> str:
    """What is left of a sentence of a retrospective without what happened when, where and how often."""
    return text.replace("; ", ": ").rpartition(": ")[2]


def _rounded(number: int, step: int) -> int:
    return (number + step // 2) // step * step


def _plan(answer: PlanChoice) -> PlanChoice:
    *building, checking = answer.tasks
    share = (1000 - _rounded(checking.share_permille, SHARE_STEP)) // len(building)
    tasks = [
        replace(task, title=f"Build part {number} of {len(building)}", share_permille=share)
        for number, task in enumerate(building, start=1)
    ]
    rest = replace(checking, title="Check the whole", share_permille=1000 - share * len(building))
    side_by_side = len(building) > 1 and not any(task.depends_on for task in building)
    order = "side by side" if side_by_side else "one after another"
    return PlanChoice(tasks=(*tasks, rest), approach=f"Small steps, {order}, then check the whole.")


def shares_of(tasks: Sequence[TaskChoice]) -> tuple[int, ...]:
    """Each task's share of the effort, in thousandths."""
    return tuple(task.share_permille for task in tasks)
