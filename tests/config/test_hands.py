"""Whose hands write code: chosen apart from who judges, and refused where they could not write."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import ConfigError
from config.loader import load_config
from tests.config.helpers import problems_of, write

LLM = "code_generation.hands=llm"


def refused(*settings: str) -> list[str]:
    with pytest.raises(ConfigError) as error:
        load_config(None, overrides=settings)
    return str(error.value).splitlines()


def test_a_model_cannot_write_where_nothing_is_written(tmp_path: Path) -> None:
    path = write(tmp_path, "code_generation:\n  mode: modelled\n  hands: llm\n")
    (problem,) = problems_of(path)

    assert (problem.file, problem.line, problem.key) == (str(path), 3, "code_generation.hands")
    assert problem.message == "llm writes no code while code_generation.mode is modelled"
    assert problem.allowed == "behavioural, or code_generation.mode: executed"


@pytest.mark.parametrize("judgement", ["behavioural", "model"])
def test_judgement_and_hands_are_chosen_apart(judgement: str) -> None:
    config = load_config(None, overrides=[f"policy.judgement={judgement}", LLM]).config

    assert config.code_generation.asks_model
    assert config.policy.asks_model == (judgement == "model")
    assert config.asks_model


def test_hands_are_those_of_the_code_model_else_of_everybodys_else_of_the_driver() -> None:
    both = ["policy.model=small", "code_generation.model=coder"]

    assert load_config(None, overrides=both).config.hands_model == "coder"
    assert load_config(None, overrides=both[:1]).config.hands_model == "small"
    assert load_config(None).config.hands_model is None


def test_an_endpoint_that_is_no_address_is_told_once_with_the_first_reason() -> None:
    (line,) = refused("models.vllm_endpoint=mock://", LLM)
    (other,) = refused("models.vllm_endpoint=mock://", LLM, "policy.judgement=model")

    assert line.startswith("command line:1: models.vllm_endpoint: mock:// is not allowed")
    assert "code_generation.hands is llm" in line
    assert "policy.judgement is model" in other


def test_who_drives_needs_a_model_and_the_product_owner_does_not() -> None:
    silent = [f'models.agents.{agent}.model=""' for agent in ("jamie_junior_fullstack", "alex_senior_po")]
    (line,) = refused(LLM, *silent)

    assert line.startswith("command line:2: models.agents.jamie_junior_fullstack.model: is missing")
    assert load_config(None, overrides=[LLM, *silent, "code_generation.model=coder"]).config.hands_model == "coder"


@pytest.mark.parametrize(
    ("setting", "key"),
    [
        ("code_generation.hands=model", "code_generation.hands"),
        ('code_generation.model=" "', "code_generation.model"),
        ("code_generation.max_tokens=0", "code_generation.max_tokens"),
        ("code_generation.memory_chars=-1", "code_generation.memory_chars"),
        ("models.agents.jamie_junior_fullstack.runtime=anthropic", "models.agents.jamie_junior_fullstack.runtime"),
    ],
)
def test_what_cannot_write_is_refused_by_key(setting: str, key: str) -> None:
    settings = [setting] if setting.startswith("code_generation.hands") else [LLM, setting]
    (line,) = refused(*settings)

    assert line.startswith(f"command line:{len(settings)}: {key}: ")


def test_keys_of_models_are_acted_on_where_a_model_writes() -> None:
    settings = ["models.vllm_endpoint=http://h:1", "models.agents.jamie_junior_fullstack.max_tokens=64"]

    assert load_config(None, overrides=[LLM, *settings]).accepted_but_unused == ()


def test_our_own_hands_are_the_default_and_nothing_is_missing_in_their_sandbox() -> None:
    section = load_config(None).config.code_generation

    assert (section.hands, section.sandbox.accept_missing) == ("behavioural", ())


def test_layers_are_accepted_to_be_missing_by_name_and_acted_on() -> None:
    loaded = load_config(None, overrides=["code_generation.sandbox.accept_missing=[seccomp, landlock]"])

    assert loaded.config.code_generation.sandbox.accept_missing == ("seccomp", "landlock")
    assert loaded.accepted_but_unused == ()


def test_a_layer_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigError, match="secomp is not allowed; expected one of user-namespace"):
        load_config(None, overrides=["code_generation.sandbox.accept_missing=[secomp]"])
