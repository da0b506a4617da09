"""Which tier serves whom, over a whole configuration. Pure."""

from __future__ import annotations

from config.pool_roles import model_of, tier_of
from config.sections import RunConfig

__all__ = ["model_of", "tier_of", "tiers_of_agents"]


def tiers_of_agents(config: RunConfig) -> dict[str, str]:
    """Every agent of a configuration with its tier; `-` for one that no tier serves."""
    return {name: tier_of(config.pool, name, agent) or "-" for name, agent in config.models.agents.items()}
