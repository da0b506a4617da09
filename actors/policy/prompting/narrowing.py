"""The schema of an answer in an observed state: only what may be chosen there.

Left to `legality` is what no finite schema of reasonable size says: that shares sum to 1000, that a list names nothing
twice, that a text is more than blanks. Each observation may have a schema of its own, which costs an engine its
compilation; `schemas.schema_for` is the same for all observations of a kind.
"""

from __future__ import annotations

from collections.abc import Sequence

from actors.policy.decisions import (
    ChooseQuestion,
    DecideEscalation,
    DecideHelp,
    HoldCheckpoint,
    PlanStory,
    ReflectOnSprint,
    ReportStandup,
    TriageDisturbance,
    WriteCode,
)
from actors.policy.prompting import choices
from actors.policy.prompting.forms import (
    MOST_OPTIONS,
    TASKS,
    TEXT_CHARS,
    Ask,
    AskNothing,
    Checkpoint,
    Escalation,
    Help,
    Plan,
    PlannedPart,
    Report,
    Retro,
    Triage,
)
from actors.policy.prompting.schemas import Schema, joined, schema_for, variant
from actors.policy.prompting.tool_forms import tool_forms
from brokers.wire.registry import Message

MOST_APART = 12  # topics that a schema keeps apart, one form for each; with more it would be long, and legality does
_EMPTY: Schema = {"type": "string", "const": ""}
_SAID: Schema = {"type": "string", "minLength": 1, "maxLength": TEXT_CHARS}


def schema_of(observation: Message) -> Schema:
    """The schema of the answer to an observation. Raises ValueError for what is no observation."""
    match observation:
        case ChooseQuestion():
            return _question(observation)
        case PlanStory():
            return _plan(choices.specializations(observation))
        case HoldCheckpoint(concern=""):
            return variant(Checkpoint, action=_one_of(("continue", "pivot")))
        case DecideEscalation(options=options):
            last = min(len(options), MOST_OPTIONS) - 1
            return variant(Escalation, option={"type": "integer", "minimum": 0, "maximum": max(0, last)})
        case ReportStandup(open_hazards=()):
            return variant(Report, raise_blocker={"type": "boolean", "const": False})
        case DecideHelp(candidates=candidates):
            return variant(Help, helper=_one_of(("", *dict.fromkeys(candidates))))
        case TriageDisturbance():
            fewest, most = choices.reach(observation)
            return variant(Triage, blast={"type": "integer", "minimum": fewest, "maximum": most})
        case ReflectOnSprint():
            return _retro(choices.praiseworthy(observation), choices.troublesome(observation))
        case WriteCode():
            usable = choices.tools(observation)
            forms = [variant(form) for form in tool_forms()]
            return joined([form for form in forms if form["properties"]["tool"]["const"] in usable])
        case _:
            return schema_for(_answer_of(observation))


def _answer_of(observation: Message) -> type[Message]:
    answer: type[Message] | None = getattr(observation, "ANSWER", None)
    if answer is None:
        raise ValueError(f"{observation.KIND} is no observation")
    return answer


def _question(observation: ChooseQuestion) -> Schema:
    """Nothing, or about criteria what nobody has asked yet; criteria with the same open topics go together."""
    together: dict[tuple[str, ...], list[int]] = {}
    for number, topics in choices.open_topics(observation).items():
        together.setdefault(topics, []).append(number)
    asks = [
        variant(Ask, criterion={"type": "integer", "enum": numbers}, topic=_one_of(topics))
        for topics, numbers in together.items()
    ]
    return joined([variant(AskNothing), *asks])


def _plan(specializations: Sequence[str]) -> Schema:
    """Plans of two, three and four tasks; each task depends on earlier ones only."""
    whose = _one_of(specializations)
    plans = []
    for count in range(TASKS[0], TASKS[1] + 1):
        tasks = [variant(PlannedPart, depends_on=_earlier(place), specialization=whose) for place in range(count)]
        fixed = {"type": "array", "prefixItems": tasks, "items": False, "minItems": count, "maxItems": count}
        plans.append(variant(Plan, tasks=fixed))
    return joined(plans)


def _earlier(place: int) -> Schema:
    if place == 0:
        return {"type": "array", "const": []}
    return {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": place - 1}, "maxItems": place}


def _retro(good: Sequence[str], bad: Sequence[str]) -> Schema:
    """Each column has a topic and words, or neither; what is puzzling is another topic than what is dropped."""
    silent: Sequence[str] = ()
    apart = [((topic,), [other for other in bad if other != topic]) for topic in bad] if len(bad) > 1 else []
    both = apart if len(bad) <= MOST_APART else [(bad, bad)]
    pairs = [(silent, silent), *([(bad, silent), (silent, bad)] if bad else []), *both]
    columns = [(keep, drop, puzzle) for keep in ([silent, good] if good else [silent]) for drop, puzzle in pairs]
    return joined([variant(Retro, **_columns(*each)) for each in columns])


def _columns(keep: Sequence[str], drop: Sequence[str], puzzle: Sequence[str]) -> dict[str, Schema]:
    """The keys of a retrospective with the topics that a column may have; none: it says nothing."""
    keys: dict[str, Schema] = {}
    for column, topics in (("keep", keep), ("drop", drop), ("puzzle", puzzle)):
        keys[f"{column}_topic"] = _one_of(topics) if topics else _EMPTY
        keys[column] = _SAID if topics else _EMPTY
    return keys


def _one_of(values: Sequence[str]) -> Schema:
    return {"type": "string", "enum": list(values)}
