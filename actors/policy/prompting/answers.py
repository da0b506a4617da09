"""Answers as text and back: whatever a model writes becomes a typed answer, or a typed account of what is wrong."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, NoReturn

from pydantic import TypeAdapter, ValidationError

from actors.policy.decisions import ToolChoice
from actors.policy.prompting.forms import FORMS, Form
from actors.work.tools.limits import LIMITS
from brokers.wire.registry import Message

ANSWER_CHARS = 20_000  # of a judgement
TOOL_CHARS = 2 * LIMITS.arguments_chars  # of a tool call, whose arguments may be written as text in text
REASON_CHARS = 300
_PROBLEMS = 3  # that one reason names
_ADAPTERS: Mapping[type[Any], TypeAdapter[Form]] = {
    answer: TypeAdapter(reduce(or_, forms)) for answer, forms in FORMS.items()
}


@dataclass(frozen=True, slots=True)
class MalformedAnswer:
    """What a model wrote is no answer of the kind that was asked for."""

    reason: str  # one line of at most REASON_CHARS characters


def parse(observation: Message, text: str) -> Message | MalformedAnswer:
    """The answer that a model wrote to an observation; raises nothing, whatever it wrote.

    Raises:
        ValueError: It is no observation.
    """
    answer: type[Any] | None = getattr(observation, "ANSWER", None)
    if answer is None or answer not in FORMS:
        raise ValueError(f"{observation.KIND} is no observation")
    most = TOOL_CHARS if answer is ToolChoice else ANSWER_CHARS
    if len(text) > most:
        return MalformedAnswer(f"the answer has {len(text)} characters, more than {most}")
    try:
        given = _object_of(text)
        if answer is ToolChoice:
            given = _with_text_of_arguments(given)
    except RecursionError:
        return MalformedAnswer("the answer is nested too deeply")
    except ValueError as error:
        return MalformedAnswer(_line(str(error)))
    form = _fitted(answer, given)
    return form if isinstance(form, MalformedAnswer) else _answer_from(form)


def text_of(answer: Message) -> str:
    """The text that `parse` reads as this answer: JSON without whitespace, keys in the order of the schema."""
    given = _plain(answer)
    if isinstance(answer, ToolChoice):
        given["arguments"] = _arguments_as_written(answer.arguments)
    return _dumped(given)


def misfit(answer: Message) -> str:
    """Why an answer does not fit its form; empty if it does. Raises ValueError for what is no answer."""
    if type(answer) not in FORMS:
        raise ValueError(f"{answer.KIND} is no answer to a decision")
    form = _fitted(type(answer), _plain(answer))
    return form.reason if isinstance(form, MalformedAnswer) else ""


# -- reading ----------------------------------------------------------------------------------------------------------


def _object_of(text: str) -> dict[str, Any]:
    try:
        given = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_without_repetition)
    except json.JSONDecodeError as error:
        raise ValueError(f"the answer is no JSON: {error.msg} at character {error.pos}") from None
    if not isinstance(given, dict):
        raise ValueError("the answer must be one JSON object and nothing else")
    _require_whole_characters(given)
    return given


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


def _without_repetition(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice[:40]!r} stands twice in one object")
    return found


def _require_whole_characters(value: Any) -> None:
    """Raises ValueError for half a surrogate pair, which no bytes encode."""
    match value:
        case str():
            if any("\ud800" <= letter <= "\udfff" for letter in value):
                raise ValueError("a text holds half a character (a surrogate)")
        case list():
            for item in value:
                _require_whole_characters(item)
        case dict():
            for key, item in value.items():
                _require_whole_characters(key)
                _require_whole_characters(item)


def _with_text_of_arguments(given: dict[str, Any]) -> dict[str, Any]:
    """Arguments written as an object become the text that tools take; written as text they stay as they are."""
    arguments = given.get("arguments")
    return {**given, "arguments": _dumped(arguments)} if isinstance(arguments, dict) else given


def _fitted(answer: type[Any], given: dict[str, Any]) -> Form | MalformedAnswer:
    try:
        return _ADAPTERS[answer].validate_python(given)
    except ValidationError as error:
        return MalformedAnswer(_line(_explained(error, len(FORMS[answer]) > 1)))


def _explained(error: ValidationError, has_variants: bool) -> str:
    """What is wrong in a few words; of several variants, with the one that was probably meant."""
    problems: dict[str, list[str]] = {}
    for each in error.errors(include_url=False, include_input=False, include_context=False):
        variant, place = (str(each["loc"][0]), each["loc"][1:]) if has_variants else ("", each["loc"])
        problems.setdefault(variant, []).append(f"{_path(place)}: {each['msg'].removeprefix('Value error, ')}")
    meant = min(problems.values(), key=lambda found: (_is_of_another_variant(found), len(found)))
    more = len(meant) - _PROBLEMS
    return "; ".join(meant[:_PROBLEMS]) + (f"; and {more} more" if more > 0 else "")


def _is_of_another_variant(problems: Sequence[str]) -> bool:
    """Variants differ in the truth that stands first: if that is wrong, another one was meant."""
    return any(problem.startswith(("ask: ", "dismiss: ", "approve: ")) for problem in problems)


def _path(place: Sequence[int | str]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part[:60]}" for part in place)
    return text.removeprefix(".")


def _line(text: str) -> str:
    """A text as one short line that can be printed and sent."""
    shown = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
    return shown if len(shown) <= REASON_CHARS else f"{shown[: REASON_CHARS - 1]}…"


def _answer_from(form: Form) -> Message:
    values = {name: _value(getattr(form, name)) for name in type(form).model_fields}
    answer: Message = form.ANSWER(**values)
    return answer


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_value(item) for item in value)
    return _answer_from(value) if isinstance(value, Form) else value


# -- writing ----------------------------------------------------------------------------------------------------------


def _plain(answer: Any) -> dict[str, Any]:
    return {field.name: _plain_value(getattr(answer, field.name)) for field in dataclasses.fields(answer)}


def _plain_value(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain_value(item) for item in value]
    return _plain(value) if dataclasses.is_dataclass(value) else value


def _arguments_as_written(arguments: str) -> Any:
    """Arguments as an object where reading it gives this very text again; otherwise the text."""
    try:
        given = _object_of(arguments)
    except (ValueError, RecursionError):
        return arguments
    return given if all(_is_flat(value) for value in given.values()) and _dumped(given) == arguments else arguments


def _is_flat(value: Any) -> bool:
    return isinstance(value, (str, int)) or (isinstance(value, list) and all(isinstance(one, str) for one in value))


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
