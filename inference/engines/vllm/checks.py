"""Whether vLLM can run here, and has its model: looked at before anything is started. Loads neither torch nor vllm."""

from __future__ import annotations

from pathlib import Path

from config.errors import Problem
from config.finding import ProblemAt
from config.yaml_tree import Loc
from inference.setup_check import SetupError, check_setup, installed_versions

_IN_A_MODEL = ("config.json", "tokenizer_config.json")


def vllm_problems(engine: Loc, folder: str | None, setting: Loc, problem_at: ProblemAt) -> list[Problem]:
    """What keeps vLLM from starting.

    Args:
        engine: The setting that asks for vLLM.
        folder: Of the model; None: nothing says which.
        setting: What says so.
    """
    missing = [] if folder is None else _folder_problems(Path(folder), setting, problem_at)
    return [*_setup_problems(engine, problem_at), *missing]


def _setup_problems(engine: Loc, problem_at: ProblemAt) -> list[Problem]:
    """What is wrong with the packages, told of the setting that asks for vLLM."""
    try:
        check_setup(installed_versions())
    except SetupError as error:
        return [problem_at(engine, f"vllm cannot run here: {problem}") for problem in error.problems]
    return []


def _folder_problems(folder: Path, setting: Loc, problem_at: ProblemAt) -> list[Problem]:
    """What is missing in a folder that is to hold a model."""
    missing = [name for name in _IN_A_MODEL if not (folder / name).is_file()]
    if not missing:
        return []
    message = f"{folder} is no folder with a model: {missing[0]} is missing"
    allowed = "a model as transformers saves it; `make house-model` makes one in outputs/house-model"
    return [problem_at(setting, message, allowed=allowed)]
