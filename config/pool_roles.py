"""Which tier of a pool serves whom, and through which versions of adapters. Pure."""

from __future__ import annotations

from config.pool_section import PoolSection, RolloutSection
from config.team_sections import AgentSection


def tier_of(pool: PoolSection, agent_id: str, agent: AgentSection) -> str | None:
    """The tier that `pool.roles` gives an agent, else the one that serves its own model; None if there is none.

    Of several entries the first of these counts: the agent's id, the end of it, seniority and archetype
    (`junior_developer`), archetype, seniority.
    """
    names = [name for name in pool.roles if _ends(agent_id, name)]
    names.sort(key=lambda name: -len(name))
    for name in (*names, *_role_names(agent)):
        if name in pool.roles:
            return pool.roles[name]
    return next((name for name, tier in pool.tiers.items() if tier.model == agent.model), None)


def model_of(pool: PoolSection, agent_id: str, agent: AgentSection) -> str:
    """The model that answers an agent: that of its tier, else its own; also its own where that tier is not there."""
    tier = tier_of(pool, agent_id, agent)
    return pool.tiers[tier].model if tier in pool.tiers else agent.model


def has_lost_tier(pool: PoolSection, agent_id: str, agent: AgentSection) -> bool:
    """Whether `pool.roles` gives an agent a tier that is not there, so that nobody knows what it would ask."""
    tier = tier_of(pool, agent_id, agent)
    return tier is not None and tier not in pool.tiers


def has_role(name: str, agent_id: str, agent: AgentSection) -> bool:
    """Whether a name in `pool.roles` or of a rollout means this agent."""
    return _ends(agent_id, name) or name in _role_names(agent)


def rollout_for(pool: PoolSection, agent_id: str, agent: AgentSection, model: str) -> tuple[RolloutSection, ...]:
    """The entries of `pool.rollout` for an agent where it asks a model, in their order."""
    return tuple(
        entry
        for entry in pool.rollout
        if (not entry.roles or any(has_role(name, agent_id, agent) for name in entry.roles))
        and (entry.adapter is None or (entry.adapter in pool.adapters and pool.adapters[entry.adapter].model == model))
    )


def worn_from(entries: tuple[RolloutSection, ...]) -> tuple[tuple[int, str | None], ...]:
    """From which sprint on which version answers, ascending; before the first it is the model without an adapter."""
    sprints = sorted({entry.from_sprint for entry in entries})
    return tuple(
        (sprint, [entry.adapter for entry in entries if entry.from_sprint <= sprint][-1]) for sprint in sprints
    )


def _ends(agent_id: str, name: str) -> bool:
    return agent_id == name or agent_id.endswith(f"_{name}")


def _role_names(agent: AgentSection) -> tuple[str, ...]:
    return f"{agent.seniority}_{agent.role_archetype}", agent.role_archetype, agent.seniority
