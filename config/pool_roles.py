"""Which tier of a pool serves whom. Pure."""

from __future__ import annotations

from config.pool_section import PoolSection
from config.team_sections import AgentSection


def tier_of(pool: PoolSection, agent_id: str, agent: AgentSection) -> str | None:
    """The tier that `pool.roles` gives an agent, else the one that serves its own model; None if there is none.

    Of several entries the first of these counts: the agent's id, the end of it, seniority and archetype
    (`junior_developer`), archetype, seniority.
    """
    names = [name for name in pool.roles if agent_id == name or agent_id.endswith(f"_{name}")]
    names.sort(key=lambda name: -len(name))
    for name in (*names, f"{agent.seniority}_{agent.role_archetype}", agent.role_archetype, agent.seniority):
        if name in pool.roles:
            return pool.roles[name]
    return next((name for name, tier in pool.tiers.items() if tier.model == agent.model), None)


def model_of(pool: PoolSection, agent_id: str, agent: AgentSection) -> str:
    """The model that answers an agent: that of its tier, else its own."""
    tier = tier_of(pool, agent_id, agent)
    return agent.model if tier is None else pool.tiers[tier].model
