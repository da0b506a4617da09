"""The form of an answer in words, as a prompt tells it: made from the same forms as the schema, so that they agree."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from actors.policy.prompting.schemas import Schema, described, variants

_INDENT = "  "


@cache
def in_words(answer: type[Any]) -> str:
    """Which keys the answer has and what each may be. Raises ValueError for what is no answer of `decisions`."""
    forms = [described(form) for form in variants(answer)]
    if len(forms) == 1:
        return "\n".join(("One JSON object with these keys, in this order:", *_keys(forms[0], "")))
    lines = [f"One JSON object, one of these {len(forms)}, with its keys in this order."]
    for form in forms:
        lines += [_sentence(form["description"]), *_keys(form, "")]
    return "\n".join(lines)


def _keys(form: Schema, indent: str) -> Iterator[str]:
    needed = form.get("required", ())
    if not form["properties"]:
        yield f"{indent}- no keys: {{}}"
    for name, schema in form["properties"].items():
        about = f"; {schema['description']}" if "description" in schema and "properties" not in schema else ""
        optional = "" if name in needed else " (may be left out)"
        yield f'{indent}- "{name}"{optional}: {_kind(schema)}{about}'
        inner = schema if "properties" in schema else schema.get("items", {})
        if "properties" in inner:
            yield from _keys(inner, indent + _INDENT)


def _kind(schema: Schema) -> str:
    if "const" in schema:
        return _written(schema["const"])
    if "enum" in schema:
        return f"one of {', '.join(map(_written, schema['enum']))}"
    match schema["type"]:
        case "boolean":
            return "true or false"
        case "integer":
            return f"a whole number from {schema['minimum']} to {schema['maximum']}"
        case "string":
            fewest = schema.get("minLength", 0)
            return f"text of {f'{fewest} to' if fewest else 'at most'} {schema['maxLength']} characters"
        case "array":
            fewest = schema.get("minItems", 0)
            return f"a list of {f'{fewest} to' if fewest else 'at most'} {schema['maxItems']} {_items(schema['items'])}"
        case _:
            return "an object"


def _items(schema: Schema) -> str:
    if "properties" in schema:
        return "objects, each with"
    return "texts" if schema["type"] == "string" else f"whole numbers from {schema['minimum']} to {schema['maximum']}"


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _sentence(text: str) -> str:
    return text.rstrip(".") + ":"
