from __future__ import annotations

import json
from collections.abc import Callable

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


# -- schemas of strangers ----------------------------------------------------------------------------------------------


def doubling(keyword: str, levels: int = 60) -> dict[str, object]:
    """Each level refers to the next one twice."""
    parts = {f"d{n}": {keyword: [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(levels)}
    return {"$defs": parts | {f"d{levels}": {"type": "string"}}, "$ref": "#/$defs/d0"}


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|aa)+$", "^(a|a?)+$", "(x+x+)+y"])
@pytest.mark.parametrize(
    "schema",
    [
        lambda pattern: {"pattern": pattern},
        lambda pattern: {"patternProperties": {pattern: {"type": "null"}}, "additionalProperties": False},
        lambda pattern: {"propertyNames": {"pattern": pattern}},
    ],
    ids=["pattern", "patternProperties", "propertyNames"],
)
def test_a_pattern_that_backtracks_elsewhere_is_matched_at_once(schema: Callable[[str], object], pattern: str) -> None:
    text = "a" * 50_000 + "!" + "x" * 50_000
    answers = [json.dumps(text), json.dumps({text: None})]
    problems = [read_schema(json.dumps(schema(pattern))).problem(answer) for answer in answers]

    assert any(problems)


@pytest.mark.parametrize("keyword", ["allOf", "oneOf", "anyOf"])
@pytest.mark.parametrize("answer", ['"x"', "1"])
def test_references_that_double_at_every_level_are_given_up(keyword: str, answer: str) -> None:
    problem = read_schema(json.dumps(doubling(keyword))).problem(answer)

    assert problem in ("", "it cannot be checked within 100000 steps")
    assert problem or (keyword, answer) == ("anyOf", '"x"')


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"pattern": "^(?!(a+)+b)a{36,40}$"}, "cannot be matched in linear time: look-around"),
        ({"pattern": r"(a)\1"}, "cannot be matched in linear time: backreferences"),
        ({"pattern": "^((a{1,1000}){1,1000}){1,1000}$"}, "cannot be matched in linear time: "),
        ({"properties": {"a": {"patternProperties": {"(?=a)b": True}}}}, "cannot be matched in linear time: "),
        ({"properties": {f"p{n}": True for n in range(501)}}, "an object with 501 properties, 500 are allowed"),
        ({"anyOf": [{"type": "null"}] * 1_001}, "more than 1000 parts"),
        ({"anyOf": [{"pattern": f"a{n}"} for n in range(51)]}, "51 patterns, 50 are allowed"),
        ({"pattern": "a" * 513}, "a pattern has 513 characters, 512 are allowed"),
        ({"unevaluatedProperties": False}, "unevaluatedProperties is not supported"),
        ({"items": {"$schema": "http://json-schema.org/draft-04/schema"}}, "a $schema of its own"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_schema_that_cannot_be_worked_with_in_bounded_time_is_refused(schema: object, told: str) -> None:
    with pytest.raises(MalformedSchemaError) as raised:
        read_schema(json.dumps(schema))
    assert told in str(raised.value)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"a1": 1, "b": 2}, ""),
        ({"a1": "x"}, "$.a1: 'x' is not of type 'integer'"),
        ({"a1": 1, "c": 2}, "$: Additional properties are not allowed ('c' was unexpected)"),
        ({"const": "("}, "$: Additional properties are not allowed"),
    ],
)
def test_patterns_of_names_mean_what_they_mean_elsewhere(answer: object, told: str) -> None:
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {"b": {"enum": [2, {"pattern": "("}]}},
        "patternProperties": {"^a[0-9]$": {"type": "integer"}},
        "additionalProperties": False,
    }

    assert read_schema(json.dumps(schema)).problem(json.dumps(answer)).startswith(told)
    assert bool(read_schema(json.dumps(schema)).problem(json.dumps(answer))) == bool(told)
