"""The form of tool calls: which tools there are and what each takes, bounded so that no call is endless."""

from __future__ import annotations

import dataclasses
import typing
from functools import cache
from typing import Annotated, Any

from pydantic import Field, create_model

from actors.policy.prompting.forms import Form, OneOf
from actors.work import tool_messages
from actors.work.tools.calls import LARGEST, TOOLS
from actors.work.tools.limits import LIMITS

PATH_CHARS = 300
FILE_CHARS = 20_000  # that one call writes; a longer file is made of several calls
SUMMARY_CHARS = 1000
PATHS = ("path", "folder")
_WHOLE_TEXTS = (("write_file", "text"), ("replace_text", "old"), ("replace_text", "new"))
_LIMITS = {("search", "text"): LIMITS.needle_chars, ("commit", "message"): LIMITS.message_chars}


@cache
def tool_forms() -> tuple[type[Form], ...]:
    """One form for each tool, in the order in which models are told of them."""
    return tuple(_form(name, cls) for name, cls in TOOLS.items())


def _form(tool: str, cls: type[Any]) -> type[Form]:
    about = (cls.__doc__ or "").strip()
    fields: dict[str, Any] = {field.name: _field(tool, cls, field) for field in dataclasses.fields(cls)}
    arguments = create_model(f"{cls.__name__}Arguments", __base__=Form, __doc__="What it takes.", **fields)
    return create_model(
        f"{cls.__name__}Call",
        __base__=Form,
        __doc__=about,
        tool=(Annotated[str, OneOf((tool,))], ...),
        arguments=(arguments, ...),
    )


def _field(tool: str, cls: type[Any], field: dataclasses.Field[Any]) -> tuple[Any, Any]:
    """The bounded type of an argument, and its default as pydantic writes it."""
    hint = typing.get_type_hints(cls, vars(tool_messages))[field.name]
    default = ... if field.default is dataclasses.MISSING else field.default
    if hint is int:
        return Annotated[int, Field(ge=0, le=LARGEST)], default
    if hint is str:
        return Annotated[str, Field(max_length=_longest(tool, field.name))], default
    paths = Annotated[list[Annotated[str, Field(max_length=PATH_CHARS)]], Field(max_length=LIMITS.test_paths)]
    return paths, default if default is ... else list(default)


def _longest(tool: str, name: str) -> int:
    if name in PATHS:
        return PATH_CHARS
    if (tool, name) in _WHOLE_TEXTS:
        return FILE_CHARS
    return _LIMITS.get((tool, name), SUMMARY_CHARS)
