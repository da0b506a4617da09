"""Whose hands write code: only those that can are accepted."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import ConfigError
from config.loader import load_config
from tests.config.helpers import problems_of, write


def test_hands_of_a_model_are_refused_with_file_line_and_key(tmp_path: Path) -> None:
    path = write(tmp_path, "code_generation:\n  mode: executed\n  hands: model\n")
    (problem,) = problems_of(path)

    assert (problem.file, problem.line, problem.key) == (str(path), 3, "code_generation.hands")
    assert "\n" not in str(problem)
    assert problem.allowed == "behavioural"


def test_they_are_refused_on_the_command_line_too() -> None:
    with pytest.raises(ConfigError) as refused:
        load_config(None, overrides=["simulation.seed=3", "code_generation.hands=model"])

    assert str(refused.value).startswith("command line:2: code_generation.hands: ")


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
