"""Whether an answer is possible in the observed state; whether it is wise is not asked.

The rules here add to those of the forms, which an answer must fit first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from actors.policy.decisions import (
    CheckpointChoice,
    ChooseQuestion,
    DecideEscalation,
    DecideHelp,
    EscalationChoice,
    HelpChoice,
    HoldCheckpoint,
    PlanChoice,
    PlanStory,
    QuestionChoice,
    ReflectOnSprint,
    ReportChoice,
    ReportStandup,
    RetroChoice,
    ToolChoice,
    TriageChoice,
    TriageDisturbance,
    WriteCode,
)
from actors.policy.prompting import choices
from actors.policy.prompting.answers import misfit
from actors.policy.prompting.forms import SHARES
from actors.work.tools.calls import TOOLS, parse_call
from actors.work.tools.errors import CallError
from brokers.wire.registry import Message

_SPOKEN = ("text", "reason", "consequence", "approach")  # what has words must say something


def illegal(observation: Message, answer: Message) -> str:
    """Why an answer is not possible in the observed state, in one sentence; empty if it is."""
    expected = getattr(observation, "ANSWER", None)
    if expected is None:
        return f"{observation.KIND} is no observation"
    if type(answer) is not expected:
        return f"the answer to {observation.KIND} is {expected.KIND}, not {answer.KIND}"
    wrong = misfit(answer)
    if wrong:
        return wrong
    rule = _RULES.get(type(observation))
    return (rule(observation, answer) if rule is not None else "") or _blank(answer)


def _question(observation: ChooseQuestion, answer: QuestionChoice) -> str:
    if not answer.ask:
        return ""
    count = len(observation.story.criteria)
    if not 1 <= answer.criterion <= count:
        return f"criterion: the story has {count} criteria, there is no criterion {answer.criterion}"
    if answer.topic not in choices.open_topics(observation).get(answer.criterion, ()):
        return f"topic: {answer.topic} of criterion {answer.criterion} was asked and answered before"
    return ""


def _plan(observation: PlanStory, answer: PlanChoice) -> str:
    allowed = choices.specializations(observation)
    for place, task in enumerate(answer.tasks):
        if not task.title.strip():
            return f"tasks[{place}].title is blank"
        if any(not 0 <= needed < place for needed in task.depends_on):
            return f"tasks[{place}].depends_on: a task depends on earlier ones only"
        if len(set(task.depends_on)) != len(task.depends_on):
            return f"tasks[{place}].depends_on names a task twice"
        if task.specialization not in allowed:
            return f"tasks[{place}].specialization: must be one of {_listed(allowed)}"
    total = sum(task.share_permille for task in answer.tasks)
    return "" if total == SHARES else f"tasks: the shares sum to {total}, not to {SHARES}"


def _checkpoint(observation: HoldCheckpoint, answer: CheckpointChoice) -> str:
    if answer.action == "escalate" and not observation.concern:
        return "action: the navigator has raised no concern, there is nothing to escalate"
    return ""


def _escalation(observation: DecideEscalation, answer: EscalationChoice) -> str:
    count = len(observation.options)
    return "" if 0 <= answer.option < count else f"option: there are {count} options, from 0 to {count - 1}"


def _report(observation: ReportStandup, answer: ReportChoice) -> str:
    if answer.raise_blocker and not observation.open_hazards:
        return "raise_blocker: nothing holds up this work"
    return ""


def _help(observation: DecideHelp, answer: HelpChoice) -> str:
    if answer.helper and answer.helper not in observation.candidates:
        return f"helper: must be empty or one of {_listed(observation.candidates)}"
    return ""


def _triage(observation: TriageDisturbance, answer: TriageChoice) -> str:
    fewest, most = choices.reach(observation)
    return "" if fewest <= answer.blast <= most else f"blast: must be from {fewest} to {most} stories"


def _retro(observation: ReflectOnSprint, answer: RetroChoice) -> str:
    good, bad = choices.praiseworthy(observation), choices.troublesome(observation)
    columns = (
        ("keep", answer.keep_topic, answer.keep, good),
        ("drop", answer.drop_topic, answer.drop, bad),
        ("puzzle", answer.puzzle_topic, answer.puzzle, bad),
    )
    for column, topic, text, lived in columns:
        if topic and topic not in lived:
            return f"{column}_topic: must be empty or one of {_listed(lived)}"
        if bool(topic) != bool(text.strip()) or (text and not topic):
            return f"{column}: a topic needs words, and words need a topic"
    if answer.drop_topic and answer.drop_topic == answer.puzzle_topic:
        return "puzzle_topic: must be another topic than drop_topic"
    return ""


def _tool(observation: WriteCode, answer: ToolChoice) -> str:
    if answer.tool in TOOLS and answer.tool not in choices.tools(observation):
        return f"tool: {answer.tool} is used up in this quarter"
    try:
        parse_call(answer.tool, answer.arguments)
    except CallError as error:
        return str(error)
    return ""


def _blank(answer: Message) -> str:
    if isinstance(answer, QuestionChoice) and not answer.ask:
        return ""
    blank = [name for name in _SPOKEN if not getattr(answer, name, "said").strip()]
    return f"{blank[0]} is blank" if blank else ""


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(name or '""' for name in names) or "nothing: there is none"


_RULES: Mapping[type[Any], Callable[[Any, Any], str]] = {
    ChooseQuestion: _question,
    PlanStory: _plan,
    HoldCheckpoint: _checkpoint,
    DecideEscalation: _escalation,
    ReportStandup: _report,
    DecideHelp: _help,
    TriageDisturbance: _triage,
    ReflectOnSprint: _retro,
    WriteCode: _tool,
}
