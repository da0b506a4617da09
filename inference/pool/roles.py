"""Which tier serves whom, and through which versions of adapters, over a whole configuration. Pure."""

from __future__ import annotations

from typing import Any

from config.pool_roles import model_of, rollout_for, tier_of, worn_from
from config.sections import RunConfig

__all__ = ["model_of", "rollout_of_agents", "tier_of", "tiers_of_agents"]


def tiers_of_agents(config: RunConfig) -> dict[str, str]:
    """Every agent of a configuration with its tier; `-` for one that no tier serves."""
    return {name: tier_of(config.pool, name, agent) or "-" for name, agent in config.models.agents.items()}


def rollout_of_agents(config: RunConfig) -> list[dict[str, Any]]:
    """Who is answered through which version, from which sprint, where it asks which model; none: without an adapter."""
    models = list(dict.fromkeys(adapter.model for adapter in config.pool.adapters.values()))
    return [
        {"agent": name, "model": model, "from_sprint": sprint, "adapter": adapter}
        for name, agent in config.models.agents.items()
        for model in models
        if model in _asked_by(config, name)
        for sprint, adapter in worn_from(rollout_for(config.pool, name, agent, model))
    ]


def _asked_by(config: RunConfig, agent_id: str) -> set[str]:
    """The models that an agent may ask: one for everybody, or that of its tier."""
    own = model_of(config.pool, agent_id, config.models.agents[agent_id])
    return {config.policy.model or own, config.hands_model or own}
