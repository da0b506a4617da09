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
    from inference.setup_check import SetupError, check_setup, installed_versions

    found: list[Problem] = []
    engine: Loc = ("models", "engine")
    try:
        check_setup(installed_versions())
    except SetupError as error:
        found += [problem_at(engine, f"vllm cannot run here: {problem}") for problem in error.problems]
    folder = Path(config.models.vllm.model)
    missing = [name for name in _IN_A_MODEL if not (folder / name).is_file()]
    if missing:
        message = f"{folder} is no folder with a model: {missing[0]} is missing"
        allowed = "a model as transformers saves it; `make house-model` makes one in outputs/house-model"
        found.append(problem_at(("models", "vllm", "model"), message, allowed=allowed))
    if found:
        raise ConfigError(tuple(found))
