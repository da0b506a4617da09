"""The form of every answer, as tight as its kind allows without an observation; schemas and parsing follow from it.

What depends on the observation (which criterion there is, who may help) is in `narrowing` and `legality`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from actors.policy.asking import CATEGORIES, TOPICS
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
    TaskChoice,
    ToolChoice,
    TriageChoice,
)
from actors.policy.pairing import ISSUES
from actors.scrum.stories import FIBONACCI
from actors.work.tools.limits import LIMITS

TEXT_CHARS = 1000  # of a text that people read; the rules of the behavioural policy write less than half of it
TITLE_CHARS = 160
NAME_CHARS = 200  # of an agent, a topic or a specialization
MOST_CRITERIA = 1000  # as a backlog may have them
MOST_OPTIONS = 20
MOST_STORIES = 50  # that one disturbance is thought to reach, unless more are seen
ALL_STORIES = 1000
PAUSE_MS = 60_000  # nobody waits longer for the beginning of an answer
TASKS = (2, 4)  # fewest and most of a plan
SHARES = 1000  # of all tasks together
ALL_CATEGORIES: tuple[str, ...] = tuple(sorted({one for category in CATEGORIES.values() for one in category}))


@dataclass(frozen=True, slots=True)
class OneOf:
    """Marks a text, a number or a truth that is one of a few; 1 is not true, and true is not 1."""

    values: tuple[Any, ...]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.chain_schema([handler(source), core_schema.literal_schema(list(self.values))])

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        plain: JsonSchemaValue = handler(core_schema.literal_schema(list(self.values)))
        return plain


def readable(text: str) -> str:
    """The text. Raises ValueError if it holds what no reader could see: control characters but for tab and newline."""
    for letter in text:
        if (letter < " " and letter not in "\t\n") or "\x7f" <= letter <= "\x9f":
            raise ValueError(f"holds the control character U+{ord(letter):04X}")
    return text


Text = Annotated[str, Field(min_length=1, max_length=TEXT_CHARS), AfterValidator(readable)]
TextOrNone = Annotated[str, Field(max_length=TEXT_CHARS), AfterValidator(readable)]
Name = Annotated[str, Field(max_length=NAME_CHARS), AfterValidator(readable)]


class Form(BaseModel):
    """Base of all forms: exact types, no key but those declared."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
    ANSWER: ClassVar[type[Any]]


class AskNothing(Form):
    """There is nothing to ask."""

    ANSWER: ClassVar[type[Any]] = QuestionChoice
    ask: Annotated[bool, OneOf((False,))]
    criterion: Annotated[int, OneOf((0,))]
    topic: Literal[""]
    category: Literal[""]
    text: Literal[""]


class Ask(Form):
    """There is a question."""

    ANSWER: ClassVar[type[Any]] = QuestionChoice
    ask: Annotated[bool, OneOf((True,))]
    criterion: Annotated[int, Field(ge=1, le=MOST_CRITERIA, description="number of the criterion it is about")]
    topic: Annotated[str, OneOf(TOPICS), Field(description="what it is about")]
    category: Annotated[str, OneOf(ALL_CATEGORIES), Field(description="what kind of question it is")]
    text: Annotated[Text, Field(description="the question in one sentence")]


class Dismiss(Form):
    """Wave the question away."""

    ANSWER: ClassVar[type[Any]] = AnswerChoice
    dismiss: Annotated[bool, OneOf((True,))]
    pause_ms: Annotated[int, OneOf((0,))]


class AnswerIt(Form):
    """Answer the question."""

    ANSWER: ClassVar[type[Any]] = AnswerChoice
    dismiss: Annotated[bool, OneOf((False,))]
    pause_ms: Annotated[int, Field(ge=0, le=PAUSE_MS, description="milliseconds of thought before the answer")]


class Points(Form):
    """An estimate."""

    ANSWER: ClassVar[type[Any]] = PointsChoice
    points: Annotated[int, OneOf(FIBONACCI), Field(description="story points")]


class PlannedPart(Form):
    """One task of a plan."""

    ANSWER: ClassVar[type[Any]] = TaskChoice
    title: Annotated[str, Field(min_length=1, max_length=TITLE_CHARS), AfterValidator(readable)]
    share_permille: Annotated[
        int,
        Field(ge=1, le=SHARES - 1, description="thousandths of the story's effort; all tasks together have 1000"),
    ]
    depends_on: Annotated[
        list[Annotated[int, Field(ge=0, le=TASKS[1] - 2)]],
        Field(max_length=TASKS[1] - 1, description="positions of earlier tasks that must be done before, the first: 0"),
    ]
    specialization: Annotated[Name, Field(description="whose work it is")]


class Plan(Form):
    """A plan."""

    ANSWER: ClassVar[type[Any]] = PlanChoice
    tasks: Annotated[list[PlannedPart], Field(min_length=TASKS[0], max_length=TASKS[1])]
    approach: Annotated[Text, Field(description="the approach in one sentence")]


class Checkpoint(Form):
    """What follows at a checkpoint."""

    ANSWER: ClassVar[type[Any]] = CheckpointChoice
    action: Literal["continue", "pivot", "escalate"]
    reason: Annotated[Text, Field(description="why, in one sentence")]


class Approve(Form):
    """The work is good."""

    ANSWER: ClassVar[type[Any]] = ReviewChoice
    approve: Annotated[bool, OneOf((True,))]
    issue: Literal[""]
    reason: Annotated[Text, Field(description="why, in one sentence")]


class RaiseIssue(Form):
    """Something is wrong with the work."""

    ANSWER: ClassVar[type[Any]] = ReviewChoice
    approve: Annotated[bool, OneOf((False,))]
    issue: Annotated[str, OneOf(ISSUES)]
    reason: Annotated[Text, Field(description="your concern in one sentence")]


class Escalation(Form):
    """A decision between options."""

    ANSWER: ClassVar[type[Any]] = EscalationChoice
    option: Annotated[int, Field(ge=0, le=MOST_OPTIONS - 1, description="number of the option, the first: 0")]
    record: Annotated[bool, Field(description="whether others will meet the same question, so that it is written down")]
    consequence: Annotated[Text, Field(description="what follows from it, in one sentence")]


class Report(Form):
    """What to say in the stand-up."""

    ANSWER: ClassVar[type[Any]] = ReportChoice
    raise_blocker: Annotated[bool, Field(description="whether to name what holds the work up")]
    ask_help: Annotated[bool, Field(description="whether to ask for help")]
    text: Annotated[Text, Field(description="what you say, in one sentence")]


class Help(Form):
    """Who helps."""

    ANSWER: ClassVar[type[Any]] = HelpChoice
    helper: Annotated[Name, Field(description="one of the candidates; empty: nobody helps")]
    text: Annotated[Text, Field(description="what you tell them, in one sentence")]


class Triage(Form):
    """What is thought of a disturbance."""

    ANSWER: ClassVar[type[Any]] = TriageChoice
    severity: Annotated[int, Field(ge=1, le=4, description="1 minor to 4 critical")]
    blast: Annotated[int, Field(ge=0, le=ALL_STORIES, description="stories that you think are affected")]
    response: Literal["fix_now", "defer", "escalate"]


class Quality(Form):
    """The verdict on a story in Review."""

    ANSWER: ClassVar[type[Any]] = QaChoice
    approve: Annotated[bool, Field(description="false sends it back")]
    text: Annotated[Text, Field(description="your verdict in one sentence")]


class Criterion(Form):
    """The verdict on one criterion."""

    ANSWER: ClassVar[type[Any]] = CriterionChoice
    accept: bool
    reason: Annotated[Text, Field(description="why, in one sentence")]


class Retro(Form):
    """One item for each column."""

    ANSWER: ClassVar[type[Any]] = RetroChoice
    keep_topic: Annotated[Name, Field(description="a topic that went well; empty: nothing to say")]
    keep: Annotated[TextOrNone, Field(description="what to keep, in one sentence; empty without a topic")]
    drop_topic: Annotated[Name, Field(description="a topic that cost most; empty: nothing to say")]
    drop: Annotated[TextOrNone, Field(description="what to stop and what to do instead; empty without a topic")]
    puzzle_topic: Annotated[Name, Field(description="another topic that cost something; empty: nothing to say")]
    puzzle: Annotated[TextOrNone, Field(description="what you wonder about; empty without a topic")]


class ToolCall(Form):
    """A tool call as it is read; what a tool takes is in `tool_forms`, and whether it can be used in `legality`."""

    ANSWER: ClassVar[type[Any]] = ToolChoice
    tool: Annotated[str, Field(min_length=1, max_length=NAME_CHARS), AfterValidator(readable)]
    arguments: Annotated[str, Field(max_length=LIMITS.arguments_chars)]


FORMS: Mapping[type[Any], tuple[type[Form], ...]] = {
    QuestionChoice: (AskNothing, Ask),
    AnswerChoice: (Dismiss, AnswerIt),
    PointsChoice: (Points,),
    PlanChoice: (Plan,),
    CheckpointChoice: (Checkpoint,),
    ReviewChoice: (Approve, RaiseIssue),
    EscalationChoice: (Escalation,),
    ReportChoice: (Report,),
    HelpChoice: (Help,),
    TriageChoice: (Triage,),
    QaChoice: (Quality,),
    CriterionChoice: (Criterion,),
    RetroChoice: (Retro,),
    ToolChoice: (ToolCall,),
}
