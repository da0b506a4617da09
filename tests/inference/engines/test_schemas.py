from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.engines.schemas import MAX_SCHEMA_CHARS, MalformedSchemaError, read_schema
from tests.inference.conformance.benches import SCHEMA

NESTED = json.dumps(
    {
        "$defs": {"Share": {"type": "integer", "minimum": 0, "maximum": 1000}, "a/b": {"type": "null"}},
        "type": "object",
        "properties": {
            "shares": {"type": "array", "items": {"$ref": "#/$defs/Share"}, "maxItems": 3},
            "next": {"anyOf": [{"$ref": "#"}, {"$ref": "#/$defs/a~1b"}]},
            "$ref": {"type": "string", "pattern": "^[A-Z]-[0-9]+$"},
        },
        "required": ["shares"],
        "additionalProperties": False,
    }
)


@pytest.mark.parametrize(
    "answer",
    [
        {"shares": []},
        {"shares": [0, 1000], "next": None},
        {"shares": [1], "next": {"shares": [2], "next": {"shares": []}}, "$ref": "S-1"},
    ],
    ids=str,
)
def test_what_satisfies_a_schema_has_no_problem(answer: object) -> None:
    assert read_schema(NESTED).problem(json.dumps(answer)) == ""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("NaN", "not JSON"),
        ('{"shares": [Infinity]}', "not JSON"),
        ('{"shares": []} {"shares": []}', "not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"shares": [], "next": ' * 3_000 + "null" + "}" * 3_000, "nested too deeply"),
        ("[]", "$: "),
        ("{}", "$: 'shares' is a required property"),
        ('{"shares": [1001]}', "$.shares[0]: 1001 is greater than the maximum"),
        ('{"shares": [], "x": 1}', "$: Additional properties"),
        ('{"shares": [], "$ref": "s"}', "does not match"),
        ('{"shares": [' + "1" * 5_000 + "]}", ""),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_does_not_satisfy_a_schema_is_told(text: str, told: str) -> None:
    problem = read_schema(NESTED).problem(text)

    assert told in problem
    assert 0 < len(problem) <= 300


@given(st.text())
def test_whatever_a_model_writes_is_judged(text: str) -> None:
    assert isinstance(read_schema(SCHEMA).problem(text), str)


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ("", "not JSON"),
        ("true", "no JSON object|not a JSON object"),
        ('{"type": "objekt"}', "objekt"),
        ('{"minimum": "1"}', "minimum"),
        ('{"pattern": "("}', "pattern"),
        ('{"$ref": "https://example.org/x"}', "only a"),
        ('{"$ref": "other.json#/x"}', "only a"),
        ('{"$ref": "#name"}', "only a"),
        ('{"items": {"$ref": "#/$defs/None"}}', "only a"),
        ('{"$id": "https://example.org/x", "$ref": "#"}', "only a"),
        ('{"$dynamicRef": "#"}', "only a"),
        (json.dumps({"description": "x" * MAX_SCHEMA_CHARS}), "characters"),
        ('{"a": ' * 50_00 + "1" + "}" * 50_00, "nested too deeply"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_schema_that_cannot_be_enforced_is_refused(schema: str, told: str) -> None:
    with pytest.raises(MalformedSchemaError, match=told):
        read_schema(schema)


def test_a_schema_that_refers_to_itself_without_end_is_no_trap() -> None:
    assert read_schema('{"$ref": "#"}').problem("1") == "nested too deeply"
