"""The official client of OpenAI against a real door on a loopback port."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam
from pydantic import BaseModel

from tests.inference.http.doors import OpenDoor, open_door, until
from tests.support.word_engine import HOLD, WordEngine

ASKED: list[ChatCompletionMessageParam] = [
    {"role": "system", "content": "you lead a team"},
    {"role": "user", "content": "what is next?"},
]
HELD: list[ChatCompletionMessageParam] = [{"role": "user", "content": HOLD}]


@pytest.fixture(scope="module")
def door() -> Iterator[OpenDoor]:
    with open_door() as opened:
        yield opened


@pytest.fixture
def client(door: OpenDoor) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=door.url, api_key="none", max_retries=0) as made:
        yield made


# -- chat --------------------------------------------------------------------------------------------------------------


def test_a_chat_is_answered_with_its_tokens(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="tiny", messages=ASKED, max_tokens=5, seed=7)

    assert (answer.object, answer.model) == ("chat.completion", "tiny")
    assert answer.choices[0].message.role == "assistant"
    assert len((answer.choices[0].message.content or "").split()) == 5
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (9, 5, 14)


def test_a_prompt_that_was_there_before_is_told_as_cached(client: openai.OpenAI) -> None:
    told = [
        client.chat.completions.create(model="tiny", messages=[{"role": "user", "content": "only here: cache"}])
        for _ in range(2)
    ]

    cached = [each.usage and each.usage.prompt_tokens_details for each in told]
    assert [each and each.cached_tokens for each in cached] == [0, 3]


def test_a_seed_repeats_a_text_and_another_seed_does_not(client: openai.OpenAI) -> None:
    def text(**given: Any) -> str | None:
        return client.chat.completions.create(model="tiny", messages=ASKED, **given).choices[0].message.content

    assert text(seed=7) == text(seed=7)
    assert text(seed=7) != text(seed=8)
    assert text(seed=7, temperature=0) == text(seed=8, temperature=0)
    assert text() != text()  # each drawn anew


def test_several_answers_differ_and_the_prompt_counts_once(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="tiny", messages=ASKED, n=3, seed=7)

    assert [each.index for each in answer.choices] == [0, 1, 2]
    assert len({each.message.content for each in answer.choices}) == 3
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == 9
    assert answer.usage.completion_tokens == 36


def test_a_text_ends_before_a_stop(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="tiny", messages=ASKED, seed=7).choices[0].message.content or ""
    third = whole.split()[2]

    cut = client.chat.completions.create(model="tiny", messages=ASKED, seed=7, stop=[third]).choices[0]

    assert cut.finish_reason == "stop"
    assert cut.message.content == whole[: whole.index(third)]


def test_content_may_come_in_parts_and_a_developer_speaks_as_the_system(client: openai.OpenAI) -> None:
    in_parts: Any = [
        {"role": "developer", "content": "you lead a team"},
        {"role": "user", "content": [{"type": "text", "text": "what is "}, {"type": "text", "text": "next?"}]},
    ]

    texts = [
        client.chat.completions.create(model="tiny", messages=each, seed=7).choices[0].message.content
        for each in (ASKED, in_parts)
    ]

    assert texts[0] == texts[1]


def test_a_tools_message_needs_its_call_id_and_is_read(client: openai.OpenAI) -> None:
    with_tool: list[ChatCompletionMessageParam] = [*ASKED, {"role": "tool", "tool_call_id": "call-2", "content": "ok"}]

    assert client.chat.completions.create(model="tiny", messages=with_tool).choices[0].message.content


def test_log_probabilities_come_for_each_token(client: openai.OpenAI) -> None:
    choice = client.chat.completions.create(
        model="tiny", messages=ASKED, seed=7, max_tokens=4, logprobs=True, top_logprobs=2
    ).choices[0]

    assert choice.logprobs is not None
    tokens = choice.logprobs.content or []
    assert "".join(each.token for each in tokens) == choice.message.content
    assert [(each.logprob, len(each.top_logprobs)) for each in tokens] == [(-0.7, 2)] * 4
    assert bytes(tokens[0].bytes or ()).decode() == tokens[0].token


def test_token_ids_come_under_the_names_that_vllm_gives_them(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="tiny", messages=ASKED, max_tokens=4, extra_body={"return_token_ids": True}
    ).model_dump()

    assert len(answer["prompt_token_ids"]) == answer["usage"]["prompt_tokens"]
    assert len(answer["choices"][0]["token_ids"]) == 4


# -- structured output -------------------------------------------------------------------------------------------------


class Estimate(BaseModel):
    """What an answer must look like."""

    story: str
    points: int


SCHEMA = {
    "type": "object",
    "properties": {
        "story": {"enum": ["S-1", "S-2"]},
        "points": {"type": "integer", "minimum": 1, "maximum": 8},
    },
    "required": ["story", "points"],
    "additionalProperties": False,
}


def test_an_answer_satisfies_its_schema(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="tiny",
        messages=ASKED,
        response_format={"type": "json_schema", "json_schema": {"name": "estimate", "strict": True, "schema": SCHEMA}},
    )

    found = Estimate.model_validate_json(answer.choices[0].message.content or "")
    assert found.story in ("S-1", "S-2")
    assert 1 <= found.points <= 8


def test_a_json_object_is_one(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="tiny", messages=ASKED, response_format={"type": "json_object"})

    assert isinstance(json.loads(answer.choices[0].message.content or ""), dict)


def test_a_schema_that_is_none_is_refused_by_its_name(client: openai.OpenAI) -> None:
    form: Any = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "nothing"}}}

    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(model="tiny", messages=ASKED, response_format=form)

    assert (raised.value.param, raised.value.code) == ("response_format", "invalid_schema")


# -- streams -----------------------------------------------------------------------------------------------------------


def test_a_stream_is_the_same_text_in_pieces(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="tiny", messages=ASKED, seed=7).choices[0].message.content
    chunks = list(client.chat.completions.create(model="tiny", messages=ASKED, seed=7, stream=True))

    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == whole
    assert len(chunks) == 13  # twelve words and the end
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * 12 + ["stop"]
    assert {(chunk.id, chunk.object, chunk.model) for chunk in chunks} == {
        (chunks[0].id, "chat.completion.chunk", "tiny")
    }


def test_a_stream_ends_with_its_usage_where_that_is_wanted(client: openai.OpenAI) -> None:
    *pieces, last = client.chat.completions.create(
        model="tiny", messages=ASKED, stream=True, stream_options={"include_usage": True}
    )

    assert {each.usage for each in pieces} == {None}
    assert last.choices == []
    assert last.usage is not None
    assert (last.usage.prompt_tokens, last.usage.completion_tokens) == (9, 12)


def test_several_answers_are_streamed_beside_each_other(client: openai.OpenAI) -> None:
    asked: dict[str, Any] = {"model": "tiny", "messages": ASKED, "n": 3, "seed": 7}
    whole = client.chat.completions.create(**asked)
    texts = {0: "", 1: "", 2: ""}
    for chunk in client.chat.completions.create(**asked, stream=True):
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""

    assert list(texts.values()) == [each.message.content for each in whole.choices]


def test_a_stream_has_log_probabilities_and_token_ids_of_each_piece(client: openai.OpenAI) -> None:
    asked: dict[str, Any] = {"model": "tiny", "messages": ASKED, "seed": 7, "logprobs": True}
    asked["extra_body"] = {"return_token_ids": True}
    whole = client.chat.completions.create(**asked).model_dump()
    chunks = [each.model_dump() for each in client.chat.completions.create(**asked, stream=True)]

    choices = [each["choices"][0] for each in chunks]
    tokens = [token for each in choices if each["logprobs"] for token in each["logprobs"]["content"]]
    assert tokens == whole["choices"][0]["logprobs"]["content"]
    ids = [number for each in choices for number in each.get("token_ids") or []]
    assert ids == whole["choices"][0]["token_ids"]
    assert [each["prompt_token_ids"] for each in chunks if each.get("prompt_token_ids")] == [whole["prompt_token_ids"]]


def test_closing_a_stream_frees_its_slot(door: OpenDoor, client: openai.OpenAI) -> None:
    engine: WordEngine = door.engine
    before = len(engine.cancelled)
    stream = client.chat.completions.create(model="tiny", messages=HELD, stream=True)
    next(iter(stream))

    stream.close()

    engine.wait_for_cancels(before + 1)
    until(lambda: door.door.under_way == 0)


def test_a_client_that_gives_up_frees_its_slot(door: OpenDoor, client: openai.OpenAI) -> None:
    engine: WordEngine = door.engine
    before = len(engine.cancelled)

    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.3).chat.completions.create(model="tiny", messages=HELD)

    engine.wait_for_cancels(before + 1)
    until(lambda: door.door.under_way == 0)


def test_a_stream_whose_time_is_over_ends_with_an_error(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(model="tiny", messages=HELD, stream=True, extra_body={"timeout": 0.3})

    with pytest.raises(openai.APIError, match=r"no answer within 0.3 s"):
        list(stream)


# -- completions -------------------------------------------------------------------------------------------------------


def test_a_bare_prompt_is_gone_on_with(client: openai.OpenAI) -> None:
    answer = client.completions.create(model="tiny", prompt="once upon a time", max_tokens=6, seed=3)

    assert answer.object == "text_completion"
    assert len(answer.choices[0].text.split()) == 6
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (4, 6)


def test_a_completion_has_log_probabilities_with_places(client: openai.OpenAI) -> None:
    choice = client.completions.create(model="tiny", prompt="once", max_tokens=3, logprobs=2).choices[0]

    assert choice.logprobs is not None
    assert "".join(choice.logprobs.tokens or []) == choice.text
    assert choice.logprobs.token_logprobs == [-0.7, -0.7, -0.7]
    assert [len(each) for each in choice.logprobs.top_logprobs or []] == [2, 2, 2]
    tokens, offsets = choice.logprobs.tokens or [], choice.logprobs.text_offset or []
    assert [choice.text[start : start + len(token)] for start, token in zip(offsets, tokens, strict=True)] == tokens


def test_several_prompts_have_an_answer_each(client: openai.OpenAI) -> None:
    both = client.completions.create(model="tiny", prompt=["once", "upon a"], n=2, seed=3)
    alone = client.completions.create(model="tiny", prompt="upon a", seed=3)

    assert len(both.choices) == 4
    assert both.choices[2].text == alone.choices[0].text
    assert both.usage is not None
    assert both.usage.prompt_tokens == 3


def test_a_completion_is_streamed(client: openai.OpenAI) -> None:
    whole = client.completions.create(model="tiny", prompt="once", seed=3)
    chunks = list(client.completions.create(model="tiny", prompt="once", seed=3, stream=True, logprobs=0))

    assert "".join(each.choices[0].text for each in chunks) == whole.choices[0].text
    assert chunks[-1].choices[0].finish_reason == "stop"
    offsets = [each.choices[0].logprobs.text_offset for each in chunks if each.choices[0].logprobs]
    assert [each[0] for each in offsets if each] == sorted(each[0] for each in offsets if each)


# -- models and adapters -----------------------------------------------------------------------------------------------


def test_models_are_the_base_and_every_version_of_an_adapter(client: openai.OpenAI) -> None:
    assert [each.id for each in client.models.list()] == ["tiny", "reviewer@1", "reviewer@2"]
    assert client.models.retrieve("reviewer@2").id == "reviewer@2"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("reviewer@3")


def test_a_version_answers_under_its_name_and_a_bare_name_is_the_newest(client: openai.OpenAI) -> None:
    answers = {
        name: client.chat.completions.create(model=name, messages=ASKED, seed=7)
        for name in ("tiny", "reviewer@1", "reviewer@2", "reviewer")
    }

    assert [each.model for each in answers.values()] == ["tiny", "reviewer@1", "reviewer@2", "reviewer@2"]
    texts = [each.choices[0].message.content for each in answers.values()]
    assert texts[2] == texts[3]
    assert len(set(texts)) == 3


# -- errors ------------------------------------------------------------------------------------------------------------


def test_a_model_that_is_not_served_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as raised:
        client.chat.completions.create(model="gpt-9", messages=ASKED)

    assert (raised.value.code, raised.value.param, raised.value.type) == ("model_not_found", "model", "not_found_error")


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"temperature": 3}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"n": 0}, "n"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ({"frequency_penalty": 0.5}, "frequency_penalty"),
        ({"logit_bias": {"5": 1}}, "logit_bias"),
        ({"extra_body": {"min_p": 0.1}}, "min_p"),
        ({"extra_body": {"timeout": -1}}, "timeout"),
        ({"extra_headers": {"X-Request-Timeout": "soon"}}, "x-request-timeout"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages.0.content.0.type"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "messages.0.role"),
    ],
)
def test_a_bad_request_names_the_parameter(client: openai.OpenAI, given: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(**{"model": "tiny", "messages": ASKED, **given})

    assert raised.value.param == param
    assert raised.value.type == "invalid_request_error"


def test_parameters_that_change_nothing_are_accepted(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="tiny",
        messages=ASKED,
        frequency_penalty=0,
        presence_penalty=0,
        logit_bias={},
        tools=[],
        user="ada",
        metadata={"run": "7"},
        store=False,
    )

    assert answer.choices


def test_a_prompt_that_does_not_fit_is_told_as_openai_does(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(model="tiny", messages=[{"role": "user", "content": "word " * 5000}])

    assert raised.value.code == "context_length_exceeded"


def test_a_deadline_of_the_client_is_kept(client: openai.OpenAI, door: OpenDoor) -> None:
    for extra in ({"extra_body": {"timeout": 0.3}}, {"extra_headers": {"X-Request-Timeout": "0.3"}}):
        with pytest.raises(openai.APIStatusError) as raised:
            client.chat.completions.create(model="tiny", messages=HELD, **extra)  # type: ignore[arg-type]
        assert (raised.value.status_code, raised.value.code) == (408, "deadline_exceeded")

    until(lambda: door.door.under_way == 0)


def test_a_client_does_not_ask_again_by_itself_what_is_too_late(door: OpenDoor) -> None:
    engine: WordEngine = door.engine
    before = len(engine.seen)
    with (
        openai.OpenAI(base_url=door.url, api_key="none", max_retries=2) as client,
        pytest.raises(openai.APIStatusError),
    ):
        client.chat.completions.create(model="tiny", messages=HELD, extra_body={"timeout": 0.3})

    assert len(engine.seen) == before + 1


# -- the asynchronous client -------------------------------------------------------------------------------------------


def test_the_asynchronous_client_asks_and_streams(door: OpenDoor) -> None:
    async def both() -> tuple[str, str]:
        async with openai.AsyncOpenAI(base_url=door.url, api_key="none", max_retries=0) as client:
            whole = await client.chat.completions.create(model="tiny", messages=ASKED, seed=7)
            text = ""
            async for chunk in await client.chat.completions.create(model="tiny", messages=ASKED, seed=7, stream=True):
                text += chunk.choices[0].delta.content or ""
            return whole.choices[0].message.content or "", text

    whole, streamed = asyncio.run(both())

    assert whole == streamed != ""


def test_a_cancelled_task_frees_its_slot(door: OpenDoor) -> None:
    engine: WordEngine = door.engine
    seen, cancelled = len(engine.seen), len(engine.cancelled)

    async def give_up() -> None:
        async with openai.AsyncOpenAI(base_url=door.url, api_key="none", max_retries=0) as client:
            asking = asyncio.ensure_future(client.chat.completions.create(model="tiny", messages=HELD))
            await asyncio.to_thread(engine.wait_for, seen + 1)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

    asyncio.run(give_up())

    engine.wait_for_cancels(cancelled + 1)
    until(lambda: door.door.under_way == 0)
