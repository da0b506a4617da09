"""A real vLLM engine in a process of a pool, asked through the door by OpenAI's own client."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from tests.support.tiny_model import make_adapter, make_tiny_model

pytest.importorskip("vllm")
ROOT = Path(__file__).resolve().parents[3]
ASKED: Any = [{"role": "user", "content": "what is next?"}]
SCHEMA = {
    "type": "object",
    "properties": {"points": {"enum": [1, 2, 3, 5]}, "sure": {"type": "boolean"}},
    "required": ["points", "sure"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("door")
    make_tiny_model(made / "model")
    (made / "adapters").mkdir()
    for seed in (1, 2):
        make_adapter(made / "adapters" / f"lead-{seed}", seed)
    (made / "serve.yaml").write_text(
        f'door: {{port: 0, adapter_folders: ["{made / "adapters"}"]}}\n'
        "pool:\n"
        "  tiers:\n"
        f'    small: {{model: tiny, engine: vllm, path: "{made / "model"}", cores: 1, slots: 4, context_tokens: 512,\n'
        "            adapter_slots: 2, max_lora_rank: 8}\n"
        f'  adapters: {{coach@3: {{model: tiny, path: "{made / "adapters" / "lead-2"}"}}}}\n'
    )
    return made


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[openai.OpenAI]:
    command = [sys.executable, "-m", "inference", "serve", "--config", str(folder / "serve.yaml")]
    process = subprocess.Popen(
        [*command, "--folder", str(folder / "pool")], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        with openai.OpenAI(base_url=process.stdout.readline().strip(), api_key="none", max_retries=0) as made:
            yield made
    finally:
        process.terminate()
        process.wait(60)


def load(client: openai.OpenAI, path: Path) -> str:
    body = {"lora_name": "lead", "lora_path": str(path)}
    response = httpx.post(f"{client.base_url}load_lora_adapter", json=body, timeout=60)
    assert response.status_code == 200, response.text
    return str(response.json()["model"])


@pytest.mark.timeout(240)
def test_vllm_answers_whole_and_in_pieces_with_everything_that_is_asked_for(client: openai.OpenAI) -> None:
    asked: dict[str, Any] = {"model": "tiny", "messages": ASKED, "seed": 7, "max_tokens": 8, "logprobs": True}
    asked |= {"top_logprobs": 2, "extra_body": {"return_token_ids": True}}
    whole = client.chat.completions.create(**asked).model_dump()
    chunks = [each.model_dump() for each in client.chat.completions.create(**asked, stream=True)]

    choice = whole["choices"][0]
    assert whole["model"] == "tiny"
    assert len(whole["prompt_token_ids"]) == whole["usage"]["prompt_tokens"]
    assert len(choice["token_ids"]) == whole["usage"]["completion_tokens"] == len(choice["logprobs"]["content"])
    assert all(each["logprob"] <= 0 and len(each["top_logprobs"]) == 2 for each in choice["logprobs"]["content"])
    assert "".join(each["choices"][0]["delta"]["content"] or "" for each in chunks) == choice["message"]["content"]
    ids = [number for each in chunks for number in each["choices"][0].get("token_ids") or []]
    assert ids == choice["token_ids"]


@pytest.mark.timeout(240)
def test_vllm_enforces_a_schema(client: openai.OpenAI) -> None:
    form: Any = {"type": "json_schema", "json_schema": {"name": "estimate", "strict": True, "schema": SCHEMA}}
    answer = client.chat.completions.create(model="tiny", messages=ASKED, response_format=form, max_tokens=40)

    found = json.loads(answer.choices[0].message.content or "")
    assert found["points"] in (1, 2, 3, 5)
    assert isinstance(found["sure"], bool)


@pytest.mark.timeout(240)
def test_versions_of_an_adapter_answer_differently_under_their_names(client: openai.OpenAI, folder: Path) -> None:
    assert client.completions.create(model="tiny", prompt="once").usage  # as long as the context lets it
    names = ["tiny", "coach@3", *(load(client, folder / "adapters" / f"lead-{seed}") for seed in (1, 2))]
    answers = [
        client.completions.create(model=name, prompt="once upon a time", max_tokens=12, temperature=0) for name in names
    ]

    assert [each.model for each in answers] == names == ["tiny", "coach@3", "lead@1", "lead@2"]
    base, coach, *leads = (each.choices[0].text for each in answers)
    assert coach == leads[1], "they are the same files"
    assert len({base, *leads}) == 3
    assert [each.id for each in client.models.list()] == names


@pytest.mark.timeout(240)
def test_a_prompt_that_does_not_fit_is_a_bad_request(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(model="tiny", messages=[{"role": "user", "content": "word " * 2000}])

    assert raised.value.code == "context_length_exceeded"
