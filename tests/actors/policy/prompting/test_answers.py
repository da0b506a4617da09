"""Answers as text and back, and everything else that a model may write."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from actors.policy.decisions import PointsChoice, ToolChoice, TriageChoice
from actors.policy.prompting.answers import ANSWER_CHARS, REASON_CHARS, MalformedAnswer, misfit, parse, text_of
from actors.policy.prompting.forms import TEXT_CHARS
from tests.actors.policy import people
from tests.actors.policy.prompting import situations


def reason(observation: Any, text: str) -> str:
    found = parse(observation, text)
    assert isinstance(found, MalformedAnswer), found
    return found.reason


ESTIMATE = people.estimate()

# -- there and back ---------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(situations.with_answers(st.sampled_from(situations.one_of_each())))
def test_an_answer_that_fits_its_form_survives_the_way_through_text(case: tuple[Any, Any]) -> None:
    observation, answer = case
    assume(not misfit(answer))

    assert parse(observation, text_of(answer)) == answer


@settings(deadline=None)
@given(situations.with_answers(st.sampled_from(situations.one_of_each())))
def test_an_answer_that_does_not_fit_its_form_is_malformed_as_text_too(case: tuple[Any, Any]) -> None:
    observation, answer = case
    assume(misfit(answer))

    assert reason(observation, text_of(answer)) == misfit(answer)


def test_the_text_has_no_whitespace_to_choose_and_keys_in_the_order_of_the_schema() -> None:
    assert text_of(TriageChoice(severity=3, blast=2, response="fix_now")) == (
        '{"severity":3,"blast":2,"response":"fix_now"}'
    )


def test_whitespace_and_the_order_of_keys_do_not_matter_to_the_reader() -> None:
    text = ' {"response": "defer",\n "blast": 1, "severity": 2} \n'

    assert parse(people.disturbance(), text) == TriageChoice(severity=2, blast=1, response="defer")


# -- tool calls -------------------------------------------------------------------------------------------------------


def test_arguments_of_tools_are_written_as_an_object_and_read_as_the_text_that_tools_take() -> None:
    call = ToolChoice(tool="read_file", arguments='{"path":"src/ä.py","first_line":3}')

    assert text_of(call) == '{"tool":"read_file","arguments":{"path":"src/ä.py","first_line":3}}'
    assert parse(situations.writing(), text_of(call)) == call


@pytest.mark.parametrize("arguments", ["", "{", '{"a": 1}', '{"a":1,"a":2}', '{"a":[[1]]}', "[1]", '{"a":"\\u00e4"}'])
def test_arguments_that_are_no_object_of_that_very_text_stay_text(arguments: str) -> None:
    call = ToolChoice(tool="read_file", arguments=arguments)

    assert parse(situations.writing(), text_of(call)) == call


# -- what a model may write -------------------------------------------------------------------------------------------

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.sampled_from(("fix_now", "continue", "\ud800", "\0", "9" * 30)),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.text(max_size=5), st.sampled_from(("ask", "points", "tasks"))), inner, max_size=4),
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.sampled_from(situations.one_of_each()), st.one_of(st.text(), values.map(json.dumps)))
def test_whatever_is_written_gives_an_answer_or_a_reason(observation: Any, text: str) -> None:
    found = parse(observation, text)

    assert isinstance(found, (MalformedAnswer, type(observation).ANSWER))


@settings(deadline=None)
@given(situations.with_answers(st.sampled_from(situations.one_of_each())), st.data())
def test_an_answer_with_one_value_of_another_kind_gives_an_answer_or_a_reason(
    case: tuple[Any, Any], data: st.DataObject
) -> None:
    observation, answer = case
    given_keys = json.loads(text_of(answer))
    key = data.draw(st.sampled_from(sorted(given_keys)))
    found = parse(observation, json.dumps(given_keys | {key: data.draw(values)}))

    assert isinstance(found, (MalformedAnswer, type(observation).ANSWER))
    if isinstance(found, MalformedAnswer):
        assert 0 < len(found.reason) <= REASON_CHARS
        assert found.reason.isprintable()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no JSON"),
        ("I would say 5.", "no JSON"),
        ('```json\n{"points":5}\n```', "no JSON"),
        ('{"points":5} {"points":8}', "no JSON: Extra data"),
        ("5", "one JSON object"),
        ("null", "one JSON object"),
        ('[{"points":5}]', "one JSON object"),
        ("{}", "points: Field required"),
        ('{"points":5,"sure":true}', "sure: Extra inputs"),
        ('{"points":4}', "points: Input should be 1, 2, 3, 5, 8 or 13"),
        ('{"points":"5"}', "points: Input should be"),
        ('{"points":true}', "points: Input should be"),
        ('{"points":5.0}', "points: Input should be"),
        ('{"points":null}', "points: Input should be"),
        ('{"points":NaN}', "NaN is no JSON value"),
        ('{"points":-Infinity}', "-Infinity is no JSON value"),
        ('{"points":1e999}', "points: Input should be"),
        ('{"points":' + "9" * 400 + "}", "points: Unable to parse"),
        ('{"points":' + "9" * 5000 + "}", "Exceeds the limit"),
        ('{"points":5,"points":8}', "the key 'points' stands twice"),
        ('{"points":' + "[" * 9000 + "]" * 9000 + "}", "nested too deeply"),
        ("[" * 15_000, "nested too deeply"),
        ('{"\\ud800":5}', "half a character"),
        ('{"points":"\ud800"}', "half a character"),
        (" " * (ANSWER_CHARS + 1), "20001 characters"),
    ],
)
def test_a_wrong_answer_is_told_why(text: str, says: str) -> None:
    assert says in reason(ESTIMATE, text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "reason: String should have at least 1 character"),
        ("a\\u0000b", "reason: holds the control character U+0000"),
        ("a\\u0085b", "reason: holds the control character U+0085"),
        ("x" * (TEXT_CHARS + 1), f"reason: String should have at most {TEXT_CHARS} characters"),
    ],
)
def test_a_text_is_bounded_and_readable(text: str, says: str) -> None:
    assert says in reason(people.criterion(), f'{{"accept":true,"reason":"{text}"}}')


def test_of_several_forms_the_reason_speaks_of_the_one_that_was_probably_meant() -> None:
    text = '{"ask":true,"criterion":1,"topic":"weather","category":"edge_case","text":"Why?"}'

    assert reason(people.question(), text).startswith("topic: Input should be 'limits', 'errors'")


def test_a_number_does_not_pass_for_a_truth_nor_a_truth_for_a_number() -> None:
    assert "approve" in reason(people.quality(), '{"approve":1,"text":"fine"}')
    assert "dismiss" in reason(people.answer(), '{"dismiss":1,"pause_ms":0}')
    assert "pause_ms" in reason(people.answer(), '{"dismiss":true,"pause_ms":false}')


def test_a_reason_is_one_short_printable_line_whatever_the_model_wrote() -> None:
    keys = ",".join(f'"{n}\\u001b[31m{"long" * 50}":1' for n in range(50))
    found = reason(ESTIMATE, f"{{{keys}}}")

    assert len(found) <= REASON_CHARS
    assert found.isprintable()


def test_only_observations_are_answered() -> None:
    with pytest.raises(ValueError, match="is no observation"):
        parse(PointsChoice(points=3), "{}")
    with pytest.raises(ValueError, match="is no answer"):
        misfit(people.estimate())
