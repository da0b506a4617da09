"""The vLLM that a run starts by itself: what it is told, and whether it can be started at all."""

from __future__ import annotations

from typing import Any

from config.errors import ConfigError
from config.finding import ProblemAt
from config.sections import RunConfig
from inference.engines.vllm.checks import vllm_problems

BUILDER = "inference.engines.vllm.serving:build"


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


def check(config: RunConfig, problem_at: ProblemAt) -> None:
    """Whether the packages are there, and the model. Loads neither torch nor vllm.

    Raises:
        ConfigError: With everything that is in the way, and what to do about it.
    """
    found = vllm_problems(("models", "engine"), config.models.vllm.model, ("models", "vllm", "model"), problem_at)
    if found:
        raise ConfigError(tuple(found))
