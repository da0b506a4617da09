"""From what a model wrote to a typed tool call: names, schemas, and everything that may be wrong with arguments."""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Mapping
from typing import Any

from actors.work import tool_messages
from actors.work.tool_messages import (
    CommitWork,
    Finish,
    ListFiles,
    ReadFile,
    ReplaceText,
    RunSomeTests,
    SearchText,
    ShowDiff,
    ShowStatus,
    UseTool,
    WriteFile,
)
from actors.work.tools.errors import CallError
from actors.work.tools.limits import LIMITS, ToolLimits

Call = (
    ListFiles
    | ReadFile
    | SearchText
    | WriteFile
    | ReplaceText
    | RunSomeTests
    | ShowStatus
    | ShowDiff
    | CommitWork
    | Finish
)
_CLASSES: tuple[type[Any], ...] = typing.get_args(Call)
LARGEST = 1_000_000_000  # a line number; whatever is larger is a slip


def name_of(call: object) -> str:
    """The name by which a model calls a tool, such as read_file."""
    kind: str = getattr(call, "KIND", UseTool.KIND)
    return kind.removeprefix("tool.").partition("/")[0]


TOOLS: Mapping[str, type[Any]] = {name_of(cls): cls for cls in _CLASSES}


def schemas() -> tuple[dict[str, Any], ...]:
    """Name, description and JSON schema of the arguments of every tool, as models are told them."""
    return tuple(
        {
            "name": name,
            "description": (cls.__doc__ or "").strip(),
            "parameters": {
                "type": "object",
                "properties": {field.name: _schema_of(_hint(cls, field.name)) for field in dataclasses.fields(cls)},
                "required": [field.name for field in dataclasses.fields(cls) if _is_required(field)],
                "additionalProperties": False,
            },
        }
        for name, cls in TOOLS.items()
    )


def parse_call(tool: str, arguments: str, limits: ToolLimits = LIMITS) -> Call:
    """Make a typed call of what a model wrote.

    Args:
        tool: The name of the tool.
        arguments: The text of a JSON object; empty for none.
        limits: How long it may be.
    Raises:
        CallError: There is no such tool, or these are no arguments for it.
    """
    cls = TOOLS.get(tool)
    if cls is None:
        raise CallError(f"there is no tool {tool[:40]!r}; there are {', '.join(TOOLS)}")
    if len(arguments) > limits.arguments_chars:
        raise CallError(f"the arguments have {len(arguments)} characters, more than {limits.arguments_chars}")
    given = _object_of(arguments, tool)
    fields = {field.name: field for field in dataclasses.fields(cls)}
    strangers = [name for name in given if name not in fields]
    if strangers:
        raise CallError(f"{tool} has no argument {strangers[0][:40]!r}; {_expected(cls)}")
    lacking = [name for name, field in fields.items() if _is_required(field) and name not in given]
    if lacking:
        raise CallError(f"{tool} needs {lacking[0]}; {_expected(cls)}")
    values = {name: _checked(f"{tool}.{name}", value, _hint(cls, name)) for name, value in given.items()}
    call: Call = cls(**values)
    return call


def _object_of(arguments: str, tool: str) -> dict[str, Any]:
    try:
        given = json.loads(arguments or "{}")
    except (ValueError, RecursionError):
        raise CallError(f"the arguments of {tool} are no JSON; expected the text of one JSON object") from None
    if not isinstance(given, dict):
        raise CallError(f"the arguments of {tool} are no JSON object")
    return given


def _checked(what: str, value: Any, hint: Any) -> Any:
    """A value as the call wants it."""
    if hint is int:
        if type(value) is not int or not 0 <= value <= LARGEST:  # a bool is no number here
            raise CallError(f"{what} must be a whole number from 0 to {LARGEST}")
        return value
    if hint is str:
        return _text(what, value)
    if not isinstance(value, list):
        raise CallError(f"{what} must be a list of texts")
    return tuple(_text(what, item) for item in value)


def _text(what: str, value: Any) -> str:
    if not isinstance(value, str):
        raise CallError(f"{what} must be a text")
    if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise CallError(f"{what} has a NUL or half a surrogate pair, which no text file holds")
    return value


def _expected(cls: type[Any]) -> str:
    parts = [field.name if _is_required(field) else f"{field.name} (optional)" for field in dataclasses.fields(cls)]
    return f"expected {', '.join(parts) or 'no arguments'}"


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING


def _schema_of(hint: Any) -> dict[str, Any]:
    if hint is int:
        return {"type": "integer", "minimum": 0, "maximum": LARGEST}
    if hint is str:
        return {"type": "string"}
    return {"type": "array", "items": {"type": "string"}}


def _hint(cls: type[Any], name: str) -> Any:
    return typing.get_type_hints(cls, vars(tool_messages))[name]
