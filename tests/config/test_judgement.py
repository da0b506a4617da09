"""Who judges: a model needs a server that can be asked and a name for everybody."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.acted_on import is_acted_on
from config.errors import ConfigError
from config.loader import load_config
from config.reference import reference_markdown
from tests.config.helpers import problems_of, write

MODEL = "policy:\n  judgement: model\n"


def test_people_judge_by_rules_unless_a_model_is_asked_for() -> None:
    loaded = load_config(None)

    assert not loaded.config.policy.asks_model
    assert load_config(None, overrides=["policy.judgement=model"]).config.policy.asks_model


@pytest.mark.parametrize("endpoint", ["mock://", "localhost:8000", "http://", "ftp://host", "http:// x"])
def test_an_endpoint_that_is_no_address_is_refused_with_its_line(tmp_path: Path, endpoint: str) -> None:
    (problem,) = problems_of(write(tmp_path, f"{MODEL}models:\n  vllm_endpoint: '{endpoint}'\n"))

    assert (problem.line, problem.key) == (4, "models.vllm_endpoint")
    assert "http://HOST:PORT" in problem.allowed


def test_the_same_endpoint_is_nobodys_business_where_no_model_is_asked(tmp_path: Path) -> None:
    path = write(tmp_path, "models:\n  vllm_endpoint: mock://\n")

    assert load_config(path).config.models.vllm_endpoint == "mock://"
    assert [key.key for key in load_config(path).accepted_but_unused] == ["models.vllm_endpoint"]


@pytest.mark.parametrize(
    ("endpoint", "base"),
    [("http://h:1", "http://h:1/v1"), ("http://h:1/v1/", "http://h:1/v1"), ("https://h/a/", "https://h/a/v1")],
)
def test_the_version_of_the_interface_is_added_where_it_is_missing(endpoint: str, base: str) -> None:
    config = load_config(None, overrides=["policy.judgement=model", f"models.vllm_endpoint={endpoint}"]).config

    assert config.models.base_url == base


def test_an_agent_without_a_model_is_named_unless_there_is_one_for_everybody() -> None:
    settings = ["policy.judgement=model", 'models.agents.jamie_junior_fullstack.model=""']
    with pytest.raises(ConfigError) as refused:
        load_config(None, overrides=settings)
    assert str(refused.value).startswith("command line:2: models.agents.jamie_junior_fullstack.model: is missing")

    assert load_config(None, overrides=[*settings, "policy.model=tiny"]).config.policy.model == "tiny"


@pytest.mark.parametrize(
    ("setting", "key"),
    [
        ("policy.judgement=llm", "policy.judgement"),
        ("policy.memory_chars=-1", "policy.memory_chars"),
        ('policy.model=" "', "policy.model"),
        ("models.agents.jamie_junior_fullstack.runtime=anthropic", "models.agents.jamie_junior_fullstack.runtime"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_key(setting: str, key: str) -> None:
    settings = [setting] if setting.startswith("policy.judgement") else ["policy.judgement=model", setting]
    with pytest.raises(ConfigError) as refused:
        load_config(None, overrides=settings)

    (problem,) = refused.value.problems
    assert (problem.file, problem.line, problem.key) == ("command line", len(settings), key)


def test_keys_of_models_are_acted_on_with_a_model_only() -> None:
    settings = ["models.vllm_endpoint=http://h:1", "models.agents.jamie_junior_fullstack.max_tokens=64"]

    assert len(load_config(None, overrides=settings).accepted_but_unused) == 2
    assert load_config(None, overrides=["policy.judgement=model", *settings]).accepted_but_unused == ()
    assert is_acted_on("policy.memory_chars")
    when = "with `policy.judgement: model` or `code_generation.hands: llm`"
    assert f"| `models.token_file` | text, or null | `null` | {when} |" in reference_markdown()


def test_an_own_engine_needs_a_model_and_one_name_for_it(tmp_path: Path) -> None:
    missing = problems_of(write(tmp_path, f"{MODEL}models:\n  engine: vllm\n"))
    found = {problem.key: problem for problem in missing}

    assert set(found) == {"models.vllm.model", "policy.model"}
    assert "make house-model" in found["models.vllm.model"].allowed
    named = f"{MODEL}  model: house\nmodels:\n  engine: vllm\n  vllm: {{model: m}}\n  vllm_endpoint: mock://\n"
    assert load_config(write(tmp_path, named)).config.models.engine == "vllm"


@pytest.mark.parametrize(
    ("setting", "key"),
    [
        ("models.engine=llama", "models.engine"),
        ("models.vllm.slots=0", "models.vllm.slots"),
        ("models.vllm.folder=m", "models.vllm.folder"),
        ("models.vllm.memory_share=2", "models.vllm.memory_share"),
    ],
)
def test_settings_of_an_own_engine_are_checked(setting: str, key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_config(None, overrides=["policy.judgement=model", "policy.model=m", setting])

    assert [problem.key for problem in refused.value.problems] == [key]
