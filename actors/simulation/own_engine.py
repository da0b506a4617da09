"""The vLLM that a run starts by itself: what it is told, and whether it can be started at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from config.errors import ConfigError, Problem
from config.sections import RunConfig
from config.yaml_tree import Loc

BUILDER = "inference.engines.vllm.serving:build"
_IN_A_MODEL = ("config.json", "tokenizer_config.json")


def plan_of(config: RunConfig) -> dict[str, Any]:
    """What vLLM is told. Requests call the model by the one name that everybody asks for."""
    own = config.models.vllm
    return {
        "model": own.model,
        "served_name": config.policy.model,
        "slots": own.slots,
        "context_tokens": own.context_tokens,
        "kv_cache_mib": own.kv_cache_mib,
        "batch_tokens": max(own.context_tokens, own.slots),
        "cores": list(own.cores),
        "devices": list(own.devices),
        "tensor_parallel": len(own.devices) or 1,
        "memory_share": own.memory_share,
    }


def check(config: RunConfig, problem_at: Any) -> None:
    """Whether the packages are there, and the model. Loads neither torch nor vllm.

    Raises:
        ConfigError: With everything that is in the way, and what to do about it.
    """
    found = setup_problems(("models", "engine"), problem_at)
    found += folder_problems(Path(config.models.vllm.model), ("models", "vllm", "model"), problem_at)
    if found:
        raise ConfigError(tuple(found))


def setup_problems(engine: Loc, problem_at: Any) -> list[Problem]:
    """What is wrong with the packages, told of the setting that asks for vLLM."""
    from inference.setup_check import SetupError, check_setup, installed_versions

    try:
        check_setup(installed_versions())
    except SetupError as error:
        return [problem_at(engine, f"vllm cannot run here: {problem}") for problem in error.problems]
    return []


def folder_problems(folder: Path, setting: Loc, problem_at: Any) -> list[Problem]:
    """What is missing in a folder that is to hold a model."""
    missing = [name for name in _IN_A_MODEL if not (folder / name).is_file()]
    if not missing:
        return []
    message = f"{folder} is no folder with a model: {missing[0]} is missing"
    allowed = "a model as transformers saves it; `make house-model` makes one in outputs/house-model"
    return [problem_at(setting, message, allowed=allowed)]
