"""JSON schemas that come with requests: whether one can be used, and whether an answer satisfies it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NoReturn

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, best_match
from referencing import Registry

from inference.engines.bounded_schemas import MAX_STEPS, BoundedValidator, TooManyStepsError, problems, unbounded

MAX_SCHEMA_CHARS = 65_536
_DETAIL_CHARS = 300
_REFERRING = ("$ref", "$dynamicRef", "$id", "$anchor", "$dynamicAnchor")
_KEPT = 256  # schemas that were read and are kept; a run has a few dozen kinds of answers


class MalformedSchemaError(ValueError):
    """Raised for a schema that no engine could enforce; the asker gets a typed failure."""


class AnswerSchema:
    """A schema (JSON Schema 2020-12) that was checked: it can be used without surprises."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.schema = schema
        dialect = {key: value for key, value in schema.items() if key != "$schema"}  # it is 2020-12, or near enough
        self._validator = BoundedValidator(dialect, registry=Registry())  # an empty one: nothing is ever fetched

    def problem(self, text: str) -> str:
        """Why an answer does not satisfy the schema; empty if it does."""
        try:
            value = _parsed(text)
            worst = best_match(problems(self._validator, value))
        except ValueError as error:
            return f"not JSON: {error}"[:_DETAIL_CHARS]
        except RecursionError:
            return "nested too deeply"
        except TooManyStepsError:
            return f"it cannot be checked within {MAX_STEPS} steps"
        return "" if worst is None else f"{worst.json_path}: {worst.message}"[:_DETAIL_CHARS]


@lru_cache(maxsize=_KEPT)
def read_schema(text: str) -> AnswerSchema:
    """Read a schema from its JSON text.

    Raises:
        MalformedSchemaError: It is too long, no JSON object, no JSON schema, refers to something outside itself, or
            holds what cannot be checked in bounded time.
    """
    if len(text) > MAX_SCHEMA_CHARS:
        raise MalformedSchemaError(f"the schema has {len(text)} characters, {MAX_SCHEMA_CHARS} are allowed")
    try:
        schema = _parsed(text)
        if not isinstance(schema, dict):
            raise MalformedSchemaError("the schema is not a JSON object")
        if wrong := unbounded(schema):  # first: the checks that follow take their time, too
            raise MalformedSchemaError(wrong[:_DETAIL_CHARS])
        Draft202012Validator.check_schema(schema)
        _check_references(schema)
    except SchemaError as error:
        raise MalformedSchemaError(f"{error.json_path}: {error.message}"[:_DETAIL_CHARS]) from None
    except RecursionError:
        raise MalformedSchemaError("the schema is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise MalformedSchemaError(f"the schema is not JSON: {error}") from None
    return AnswerSchema(schema)


def _parsed(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> NoReturn:
    raise json.JSONDecodeError(f"{name} is no JSON value", name, 0)


def _check_references(schema: dict[str, Any]) -> None:
    for key, reference in _references(schema):
        found: Any = schema
        for part in reference.split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            found = found.get(name) if isinstance(found, dict) else None
        if key != "$ref" or not (reference + "/").startswith("#/") or not isinstance(found, (dict, bool)):
            raise MalformedSchemaError(
                f"{key} {reference[:80]!r}: only a $ref to a part of the schema itself can be used"
            )


def _references(part: Any) -> Iterator[tuple[str, str]]:
    match part:
        case dict():
            for key, value in part.items():
                if key in _REFERRING and isinstance(value, str):
                    yield key, value
                else:
                    yield from _references(value)
        case list():
            for value in part:
                yield from _references(value)
