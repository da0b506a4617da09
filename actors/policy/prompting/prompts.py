"""The conversation in which a model is asked for a decision.

First what is the same in every request of one person and kind of decision (who you are, how the team works, what is to
be decided, the form of the answer), then what the person remembers, then what it observes: a prefix cache serves the
first part always and the second mostly. The texts are templates in `config/profiles/prompts/`; a file of the same name
in a folder of one's own takes the place of a shipped one.

A file is named after its decision and has three blocks: `task`, which knows nothing but the person and so stays the
same; `observation`, which knows every field of the observation; and `recall`, the line by which it is remembered.
"""

from __future__ import annotations

import dataclasses
import difflib
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from actors.policy.decisions import (
    ChooseAnswer,
    ChooseQuestion,
    DecideEscalation,
    DecideHelp,
    EstimatePoints,
    HoldCheckpoint,
    JudgeCriterion,
    JudgeQuality,
    Person,
    PlanStory,
    ReflectOnSprint,
    ReportStandup,
    ReviewCheckpoint,
    TriageDisturbance,
    WriteCode,
)
from actors.policy.prompting.answers import text_of
from actors.policy.prompting.errors import PromptError
from actors.policy.prompting.memory import Memory
from actors.policy.prompting.templates import PromptFile, PromptTemplate, read_folder
from actors.policy.prompting.wording import in_words
from brokers.wire.registry import Message
from inference.text import ChatMessage

SHIPPED = Path(__file__).resolve().parents[3] / "config" / "profiles" / "prompts"
OBSERVATIONS: tuple[type[Any], ...] = (
    ChooseQuestion,
    ChooseAnswer,
    EstimatePoints,
    PlanStory,
    HoldCheckpoint,
    ReviewCheckpoint,
    DecideEscalation,
    ReportStandup,
    DecideHelp,
    TriageDisturbance,
    JudgeQuality,
    JudgeCriterion,
    ReflectOnSprint,
    WriteCode,
)
WRONG_CHARS = 2000  # of a wrong answer that a model is shown again
_PERSON = {"person": Person}
_SYSTEM = {"system": {**_PERSON, "decision": str, "task": str, "answer": str}}
_REPAIR = {"repair": {"problem": str}}


class Prompts:
    """All templates, read and checked once."""

    def __init__(self, files: Mapping[str, PromptFile]) -> None:
        """Check every template. Raises PromptError with every problem of every file."""
        wanted: dict[str, Mapping[str, Mapping[str, Any]]] = {"system": _SYSTEM, "repair": _REPAIR}
        wanted |= {name_of(cls): _blocks_of(cls) for cls in OBSERVATIONS}
        self._templates: dict[str, PromptTemplate] = {}
        found = [*_strangers(files, tuple(wanted)), *(f"{name}.j2: is missing" for name in wanted if name not in files)]
        for name, blocks in wanted.items():
            if name in files:
                try:
                    self._templates[name] = PromptTemplate(files[name], blocks)
                except PromptError as error:
                    found += error.problems
        if found:
            raise PromptError(tuple(found))
        self._prefixes: dict[tuple[str, Person], str] = {}

    def messages(self, observation: Any, memory: Memory | None = None) -> tuple[ChatMessage, ...]:
        """The conversation that ends with an observation. Raises ValueError for what is no observation."""
        template = self._template_of(observation)
        return (
            ChatMessage(role="system", content=self.prefix(type(observation), observation.person)),
            *(() if memory is None else memory.messages()),
            ChatMessage(role="user", content=template.render("observation", _values(observation))),
        )

    def prefix(self, kind: type[Any], person: Person) -> str:
        """What stands first in every conversation of one person about one kind of decision; always the same bytes."""
        name = name_of(kind)
        known = self._prefixes.get((name, person))
        if known is None:
            task = self._templates[name].render("task", {"person": person})
            values = {"person": person, "decision": name, "task": task, "answer": in_words(kind.ANSWER)}
            known = self._prefixes[name, person] = self._templates["system"].render("system", values)
        return known

    def remembered(self, memory: Memory, observation: Any, answer: Message) -> Memory:
        """The memory after a decision. Raises ValueError for what is no observation, or no answer."""
        about = self._template_of(observation).render("recall", _values(observation))
        return memory.with_turn(about=about, answer=text_of(answer))

    def repair_messages(self, messages: tuple[ChatMessage, ...], wrong: str, problem: str) -> tuple[ChatMessage, ...]:
        """The same conversation, gone on with the wrong answer (its beginning, if it is long) and what is wrong."""
        shown = wrong if len(wrong) <= WRONG_CHARS else f"{wrong[: WRONG_CHARS - 1]}…"
        repair = self._templates["repair"].render("repair", {"problem": problem})
        return (
            *messages,
            ChatMessage(role="assistant", content=_sendable(shown)),
            ChatMessage(role="user", content=_sendable(repair)),
        )

    def asked_again(self, messages: tuple[ChatMessage, ...], problem: str) -> tuple[ChatMessage, ...]:
        """The same conversation, its last message gone on with what was wrong with an answer that is not known."""
        *before, last = messages
        repair = self._templates["repair"].render("repair", {"problem": problem})
        return (*before, ChatMessage(role=last.role, content=_sendable(f"{last.content}\n\n{repair}")))

    def _template_of(self, observation: Any) -> PromptTemplate:
        if type(observation) not in OBSERVATIONS:
            raise ValueError(f"{observation.KIND} is no observation")
        return self._templates[name_of(type(observation))]


def shipped_files() -> Mapping[str, PromptFile]:
    """The shipped templates by name."""
    return read_folder(SHIPPED)


def load_prompts(folder: Path | None = None) -> Prompts:
    """The shipped templates, with those of a folder in their place. Raises PromptError."""
    own = {} if folder is None else read_folder(folder)
    return Prompts({**shipped_files(), **own})


def name_of(kind: type[Any]) -> str:
    """The name of a decision and of its template, such as estimate_points."""
    full: str = kind.KIND
    return full.removeprefix("decision.").partition("/")[0]


def _blocks_of(kind: type[Any]) -> Mapping[str, Mapping[str, Any]]:
    hints = typing.get_type_hints(kind)
    fields = {field.name: hints[field.name] for field in dataclasses.fields(kind)}
    return {"task": _PERSON, "observation": fields, "recall": fields}


def _values(observation: Any) -> dict[str, Any]:
    return {field.name: getattr(observation, field.name) for field in dataclasses.fields(observation)}


def _strangers(files: Mapping[str, PromptFile], wanted: tuple[str, ...]) -> list[str]:
    """Files that no decision reads; probably a slip in a name."""
    found = []
    for name, source in files.items():
        if name not in wanted:
            near = difflib.get_close_matches(name, wanted, n=1)
            hint = f" (did you mean {near[0]}.j2?)" if near else ""
            found.append(f"{source.file}: no decision is called {name}{hint}")
    return found


def _sendable(text: str) -> str:
    """A text that bytes can encode: half characters, which a model can write as escapes, are replaced."""
    return text.encode("utf-8", "replace").decode("utf-8")
