"""Schemas of answers: closed, finite, and as tight as the rules of legality."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from actors.policy.decisions import Experience, PlanChoice, PointsChoice, RetroChoice, ToolChoice
from actors.policy.prompting.answers import misfit, text_of
from actors.policy.prompting.forms import FORMS, SHARES
from actors.policy.prompting.legality import illegal
from actors.policy.prompting.narrowing import MOST_APART, schema_of
from actors.policy.prompting.schemas import schema_for, schema_text
from actors.policy.prompting.tool_forms import tool_forms
from actors.work.tools.calls import TOOLS, schemas
from inference.engines.schemas import MAX_SCHEMA_CHARS, read_schema
from tests.actors.policy import people
from tests.actors.policy.prompting import situations

UNDERSTOOD = {
    "anyOf",
    "additionalProperties",
    "const",
    "enum",
    "items",
    "maxItems",
    "maxLength",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "prefixItems",
    "properties",
    "required",
    "type",
}  # what engines that enforce schemas understand alike; no patterns, no references, no uniqueItems
WITHOUT_END = 10**9
each_kind = pytest.mark.parametrize(
    "observation", situations.one_of_each(), ids=lambda observation: type(observation).__name__
)


def parts(schema: Any) -> Iterator[dict[str, Any]]:
    """Every schema inside of a schema, itself included."""
    if isinstance(schema, dict):
        yield schema
        for inner in schema.get("properties", {}).values():
            yield from parts(inner)
        for key in ("anyOf", "prefixItems"):
            for inner in schema.get(key, ()):
                yield from parts(inner)
        yield from parts(schema.get("items"))


def longest(schema: dict[str, Any]) -> int:
    """Characters of the longest text that satisfies a schema, each letter of a text counted as one."""
    if "anyOf" in schema:
        return max(longest(one) for one in schema["anyOf"])
    if "const" in schema or "enum" in schema:
        return max(len(json.dumps(one)) for one in schema.get("enum", [schema.get("const")]))
    match schema["type"]:
        case "boolean":
            return 5
        case "integer":
            return max(len(str(schema["minimum"])), len(str(schema["maximum"])))
        case "string":
            return 2 + int(schema.get("maxLength", WITHOUT_END))
        case "array":
            fixed = schema.get("prefixItems")
            if fixed is not None:
                assert schema["items"] is False
                return 2 + sum(1 + longest(one) for one in fixed)
            return 2 + int(schema["maxItems"]) * (1 + longest(schema["items"]))
        case "object":
            assert schema["additionalProperties"] is False
            return 2 + sum(4 + len(name) + longest(one) for name, one in schema["properties"].items())
    raise AssertionError(schema)


def all_schemas(observation: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    return schema_for(type(observation).ANSWER), schema_of(observation)


@each_kind
def test_every_answer_that_a_schema_allows_is_finite_and_closed(observation: Any) -> None:
    for schema in all_schemas(observation):
        assert longest(schema) < (50 * WITHOUT_END if observation.ANSWER is ToolChoice else 4_000)


@each_kind
def test_schemas_say_nothing_that_engines_do_not_understand_alike(observation: Any) -> None:
    for schema in all_schemas(observation):
        assert {key for part in parts(schema) for key in part} <= UNDERSTOOD


@each_kind
def test_an_engine_reads_every_schema_and_its_text_has_no_whitespace_around_words(observation: Any) -> None:
    for schema in all_schemas(observation):
        text = schema_text(schema)
        read_schema(text)
        assert json.loads(text) == schema
        assert len(text) < MAX_SCHEMA_CHARS // 4
        assert not {": ", ", ", "\n"} & {text[at : at + 2] for at in range(len(text))}


@each_kind
def test_keys_come_in_the_order_in_which_answers_write_them(observation: Any) -> None:
    names = list(type(observation).ANSWER.__slots__)
    for schema in all_schemas(observation):
        for variant in schema.get("anyOf", [schema]):
            assert list(variant["properties"]) == variant["required"] == names


def test_a_schema_may_be_changed_without_changing_the_next_one() -> None:
    before = schema_text(schema_for(RetroChoice))
    schema_for(RetroChoice)["properties"].clear()
    schema_of(people.report())["properties"].clear()

    assert schema_text(schema_for(RetroChoice)) == before
    assert schema_of(people.report())["properties"]


def test_only_answers_and_observations_have_schemas() -> None:
    with pytest.raises(ValueError, match="EstimatePoints is no answer"):
        schema_for(type(people.estimate()))
    with pytest.raises(ValueError, match="is no observation"):
        schema_of(PointsChoice(points=3))


def test_every_tool_has_a_form_with_the_arguments_that_it_takes() -> None:
    told = {one["name"]: one["parameters"] for one in schemas()}
    forms = {form["properties"]["tool"]["const"]: form["properties"]["arguments"] for form in _tool_schemas()}

    assert list(forms) == list(TOOLS) == list(told)
    assert len(tool_forms()) == len(TOOLS)
    for name, arguments in forms.items():
        assert list(arguments["properties"]) == list(told[name]["properties"])
        assert arguments.get("required", []) == told[name]["required"]


def test_texts_of_tools_have_no_length_in_a_schema_and_paths_have_one() -> None:
    """Grammars of vLLM's servers let no new line and no quotation mark into a string with a length."""
    texts = {
        f"{form['properties']['tool']['const']} {name}": "maxLength" in argument
        for form in _tool_schemas()
        for name, argument in form["properties"]["arguments"]["properties"].items()
        if argument["type"] == "string"
    }

    assert not texts["write_file text"]
    assert not texts["replace_text new"]
    assert texts["write_file path"]
    assert {name for name, is_bounded in texts.items() if is_bounded} == {
        name for name in texts if name.endswith((" path", " folder"))
    }


def test_what_is_puzzling_is_another_topic_than_what_is_dropped_also_where_there_are_many() -> None:
    for count in (2, MOST_APART, MOST_APART + 1, 40):
        topics = tuple(f"trouble_number_{number}" for number in range(count))
        lived = tuple(Experience(topic=topic, count=1, minutes=30, where="") for topic in topics)
        observation = people.reflection(experiences=lived)
        schema = read_schema(schema_text(schema_of(observation)))
        different = RetroChoice(
            keep_topic="", keep="", drop_topic=topics[0], drop="less", puzzle_topic=topics[1], puzzle="why"
        )
        same = replace(different, puzzle_topic=topics[0])

        assert schema.problem(text_of(different)) == illegal(observation, different) == ""
        assert illegal(observation, same)
        assert bool(schema.problem(text_of(same))) == (count <= MOST_APART)


def _tool_schemas() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = schema_for(ToolChoice)["anyOf"]
    return found


# -- schema and legality agree ----------------------------------------------------------------------------------------


def beyond_schemas(answer: Any) -> bool:
    """Whether an answer breaks a rule that no finite schema says."""
    match answer:
        case PlanChoice(tasks=tasks):
            return (
                sum(task.share_permille for task in tasks) != SHARES
                or any(len(set(task.depends_on)) != len(task.depends_on) for task in tasks)
                or any(not task.title.strip() for task in tasks)
                or not answer.approach.strip()
            )
        case RetroChoice():
            texts = (answer.keep, answer.drop, answer.puzzle)
            return any(text and not text.strip() for text in texts)
        case _:
            said = [getattr(answer, name, "") for name in ("text", "reason", "consequence")]
            return any(text and not text.strip() for text in said)


@settings(max_examples=400, deadline=None)
@given(situations.with_answers(situations.judged))
def test_what_the_schema_of_an_observation_allows_is_legal_and_nothing_else_is(case: tuple[Any, Any]) -> None:
    observation, answer = case
    is_allowed = not read_schema(schema_text(schema_of(observation))).problem(text_of(answer))

    assert (is_allowed and not beyond_schemas(answer)) == (illegal(observation, answer) == "")


@settings(max_examples=200, deadline=None)
@given(situations.with_answers(st.sampled_from(people.one_of_each())))
def test_the_schema_of_a_kind_allows_every_answer_that_fits_its_form_and_no_other(case: tuple[Any, Any]) -> None:
    _, answer = case
    assume(type(answer) in FORMS)

    problem = read_schema(schema_text(schema_for(type(answer)))).problem(text_of(answer))
    assert (problem == "") == (misfit(answer) == "")


@settings(deadline=None)
@given(situations.with_answers(st.just(situations.writing())))
def test_a_tool_call_that_the_schema_allows_is_legal(case: tuple[Any, Any]) -> None:
    observation, answer = case
    if not read_schema(schema_text(schema_of(observation))).problem(text_of(answer)):
        assert illegal(observation, answer) == ""
