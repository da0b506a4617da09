"""Checks of answers against schemas of strangers, in bounded time: a validator, and which schemas it takes.

A schema of a few hundred characters can keep the usual validator busy for years: by a pattern that backtracks, or by
references that double at every level. Here patterns are matched in linear time, and applied keywords are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from pydantic_core import SchemaError, SchemaValidator, core_schema

MAX_PARTS = 1_000  # schemas within a schema; what a grammar costs to make grows with them, with some faster than so
MAX_PROPERTIES = 500  # of one object; the cost grows with their square
MAX_STEPS = 100_000  # keywords that are applied to one answer: a second or two
MAX_PATTERNS = 50
MAX_PATTERN_CHARS = 512
_KEPT = 32  # patterns; a compiled one has up to 10 MiB
_DATA = ("const", "enum", "default", "examples")  # of these the value is data and no schema
_BEYOND = ("unevaluatedProperties", "unevaluatedItems")

_steps: ContextVar[list[int]] = ContextVar("steps")  # keywords that were applied to the present answer

Check = Callable[[Any, Any, Any, Any], Iterable[ValidationError] | None]


class TooManyStepsError(Exception):
    """Raised when an answer cannot be checked in the steps that one may take."""


def unbounded(schema: dict[str, Any]) -> str:
    """Why a schema cannot be worked with in bounded time; empty if it can."""
    patterns: dict[str, None] = {}
    for number, part in enumerate(_parts(schema)):
        if number >= MAX_PARTS:
            return f"the schema has more than {MAX_PARTS} parts"
        properties = part.get("properties")
        if isinstance(properties, dict) and len(properties) > MAX_PROPERTIES:
            return f"an object with {len(properties)} properties, {MAX_PROPERTIES} are allowed"
        if part is not schema and isinstance(part.get("$schema"), str):
            return "a part of the schema is in a $schema of its own"
        if beyond := [each for each in _BEYOND if each in part]:
            return f"{beyond[0]} is not supported"
        named = part.get("patternProperties")
        found = [part.get("pattern"), *(named if isinstance(named, dict) else ())]
        patterns |= dict.fromkeys(each for each in found if isinstance(each, str))
    if len(patterns) > MAX_PATTERNS:
        return f"the schema has {len(patterns)} patterns, {MAX_PATTERNS} are allowed"
    for pattern in patterns:
        if len(pattern) > MAX_PATTERN_CHARS:
            return f"a pattern has {len(pattern)} characters, {MAX_PATTERN_CHARS} are allowed"
        if wrong := _problem_of(pattern):
            return f"the pattern {pattern[:80]!r} cannot be matched in linear time: {wrong}"
    return ""


def problems(validator: Draft202012Validator, value: object) -> Iterator[ValidationError]:
    """What of a value does not satisfy a schema. Raises TooManyStepsError, RecursionError."""
    token = _steps.set([0])
    try:
        yield from list(validator.iter_errors(value))
    finally:
        _steps.reset(token)


def _parts(schema: Any) -> Iterator[dict[str, Any]]:
    """A schema and all within it; maps of schemas by name among them."""
    match schema:
        case dict():
            yield schema
            for key, value in schema.items():
                if key not in _DATA or isinstance(value, dict):
                    yield from _parts(value)
        case list():
            for value in schema:
                yield from _parts(value)


@lru_cache(maxsize=_KEPT)
def _matcher(pattern: str) -> SchemaValidator:
    return SchemaValidator(core_schema.str_schema(pattern=pattern))  # by Rust's regex: finite automata


def _problem_of(pattern: str) -> str:
    try:
        _matcher(pattern)
    except SchemaError as error:
        return str(error).strip().splitlines()[-1].removeprefix("error: ").strip()
    return ""


def _matches(pattern: str, text: str) -> bool:
    return _matcher(pattern).isinstance_python(text)


# -- keywords ----------------------------------------------------------------------------------------------------------


def _pattern(validator: Any, pattern: str, instance: Any, _: Any) -> Iterator[ValidationError]:
    if validator.is_type(instance, "string") and not _matches(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, named: Any, instance: Any, _: Any) -> Iterator[ValidationError]:
    if not validator.is_type(instance, "object"):
        return
    for pattern, part in named.items():
        for name, value in instance.items():
            if _matches(pattern, name):
                yield from validator.descend(value, part, path=name, schema_path=pattern)


def _additional_properties(validator: Any, extra: Any, instance: Any, schema: Any) -> Iterable[ValidationError]:
    """As usual; where there are patterns, names are matched as above."""
    named = schema.get("patternProperties")
    if not named or not validator.is_type(instance, "object"):
        return _USUAL["additionalProperties"](validator, extra, instance, schema) or ()
    known = {name: None for name in instance if any(_matches(pattern, name) for pattern in named)}
    rest = {name: value for name, value in instance.items() if name not in known}
    others = {key: value for key, value in schema.items() if key != "patternProperties"}
    return _USUAL["additionalProperties"](validator, extra, rest, others) or ()


def _counted(check: Check) -> Check:
    def counted(validator: Any, value: Any, instance: Any, schema: Any) -> Iterable[ValidationError] | None:
        taken = _steps.get()
        taken[0] += 1
        if taken[0] > MAX_STEPS:
            raise TooManyStepsError
        return check(validator, value, instance, schema)

    return counted


_USUAL: dict[str, Check] = dict(Draft202012Validator.VALIDATORS)
_OWN: dict[str, Check] = {
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
}
BoundedValidator: Any = extend(
    Draft202012Validator, validators={name: _counted(check) for name, check in (_USUAL | _OWN).items()}
)
