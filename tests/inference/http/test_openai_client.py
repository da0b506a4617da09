"""The official client of OpenAI against a real door on a loopback port."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest

from tests.inference.http.doors import OpenDoor, open_door


@pytest.fixture(scope="module")
def door() -> Iterator[OpenDoor]:
    with open_door() as opened:
        yield opened


@pytest.fixture
def client(door: OpenDoor) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=door.url, api_key="none", max_retries=0) as made:
        yield made


def test_a_chat_is_answered(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="tiny", messages=[{"role": "user", "content": "what is next?"}], max_tokens=5, seed=7
    )

    assert answer.model == "tiny"
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (4, 5, 9)
