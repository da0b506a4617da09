"""JSON schemas of answers: finite, without a key too many, made from the forms by pydantic.

Schemas hold no references, titles or descriptions, so that their text is short and equal for equal rules. Optional
whitespace is not a schema's matter: engines are told to allow none.

What a tool is to write, search or tell has no length in a schema, only in what models are told of it: the grammars that
vLLM's servers make (xgrammar 0.2.8) let no escape into a string with a length, and no code is one line without a
quotation mark. `max_tokens` bounds such a call, and tools refuse what is too long for them.
"""

from __future__ import annotations

import copy
import json
from functools import cache
from typing import Any

from actors.policy.decisions import ToolChoice
from actors.policy.prompting.forms import FORMS, Form
from actors.policy.prompting.tool_forms import PATHS, tool_forms

Schema = dict[str, Any]
_SILENT = ("title", "description", "default")


def schema_for(answer: type[Any]) -> Schema:
    """The schema of an answer class, whatever is observed. Raises ValueError for what is no answer of `decisions`."""
    return joined([copy.deepcopy(_bare(form)) for form in variants(answer)])


def variants(answer: type[Any]) -> tuple[type[Form], ...]:
    """The forms an answer may have. Raises ValueError for what is no answer of `decisions`."""
    found = tool_forms() if answer is ToolChoice else FORMS.get(answer)
    if found is None:
        raise ValueError(f"{answer.__name__} is no answer to a decision")
    return found


def variant(form: type[Form], **narrowed: Schema) -> Schema:
    """The schema of one form, with other schemas for some of its keys."""
    schema = copy.deepcopy(_bare(form))
    schema["properties"].update(narrowed)
    return schema


def joined(schemas: list[Schema]) -> Schema:
    """One of these."""
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def described(form: type[Form]) -> Schema:
    """The schema of a form with what its keys mean, for `wording`."""
    schema = form.model_json_schema()
    return _cleaned(schema, schema.get("$defs", {}), silent=("title",))


def schema_text(schema: Schema) -> str:
    """A schema as requests carry it: without whitespace, keys in the order in which answers have them."""
    return json.dumps(schema, ensure_ascii=False, separators=(",", ":"))


@cache
def _bare(form: type[Form]) -> Schema:
    schema = form.model_json_schema()
    bare = _cleaned(schema, schema.get("$defs", {}), silent=_SILENT)
    arguments = bare["properties"].get("arguments", {}).get("properties", {})
    for name, argument in arguments.items():
        if name not in PATHS:
            argument.pop("maxLength", None)
    return bare


def _cleaned(schema: Schema, shared: Schema, *, silent: tuple[str, ...]) -> Schema:
    """A schema without what only people read, and with what it refers to in its place."""
    if "$ref" in schema:
        meant = shared[schema["$ref"].removeprefix("#/$defs/")]
        schema = {**meant, **{key: value for key, value in schema.items() if key != "$ref"}}
    found: Schema = {}
    for key, value in schema.items():
        if key in silent or key == "$defs":
            continue
        if key == "properties":  # its keys are names, not words of JSON schema
            found[key] = {name: _cleaned(each, shared, silent=silent) for name, each in value.items()}
        elif key == "items":
            found[key] = _cleaned(value, shared, silent=silent)
        else:
            found[key] = value
    return found
