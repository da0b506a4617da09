"""Versions of adapters in a run: who wears which and when, and whether their files are what they were.

Files are looked at before anything is written, and again when a run goes on: a version never changes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from actors.roles.wearing import BASE, Version, Wardrobe
from actors.simulation.run_calendar import calendar_of
from config.errors import ConfigError
from config.finding import ProblemAt
from config.pool_roles import rollout_for, worn_from
from config.pool_section import AdapterSection, PoolSection
from config.rosters import TeamMember, original_id
from config.sections import RunConfig
from config.yaml_tree import Loc
from inference.adapters.configured import contents, load_of
from inference.adapters.messages import LoadAdapter
from inference.text import name_and_version


def wardrobe_of(config: RunConfig, member: TeamMember, model: str) -> Wardrobe:
    """Through which versions a member is answered where it asks this model."""
    agent_id = original_id(member)
    entries = rollout_for(config.pool, agent_id, config.models.agents[agent_id], model)
    return Wardrobe(calendar_of(config), tuple((sprint, version_of(name)) for sprint, name in worn_from(entries)))


def version_of(name: str | None) -> Version:
    """What `reviewer@3` says; none is the model without an adapter."""
    if name is None:
        return BASE
    return Version(*name_and_version(name))


def rolled_out(pool: PoolSection, models: Collection[str]) -> dict[str, AdapterSection]:
    """The versions that some rollout names, of these models."""
    named = {entry.adapter for entry in pool.rollout}
    return {name: each for name, each in pool.adapters.items() if name in named and each.model in models}


def content_of(
    config: RunConfig, models: Collection[str], problem_at: ProblemAt, *, recorded: Mapping[str, str]
) -> dict[str, str]:
    """Content hashes of the versions that engines load, by name. Raises ConfigError with everything that is wrong."""
    found, problems = contents(config.pool, rolled_out(config.pool, models), problem_at)
    for name, sha256 in found.items():
        was = recorded.get(name, sha256)
        if was != sha256:
            at: Loc = ("pool", "adapters", name, "path")
            message = f"adapter {name} has other content than when the run began ({sha256[:12]}, was {was[:12]})"
            problems.append(problem_at(at, message, allowed=f"a folder with what {name} was; a version never changes"))
    if problems:
        raise ConfigError(tuple(problems))
    return found


def loads_of(plan: Mapping[str, Any]) -> list[LoadAdapter]:
    """What has engines load the versions of a run, from what its pool is told."""
    adapters, content = plan["pool"]["adapters"], plan["content"]
    return [load_of(name, AdapterSection.model_validate(adapters[name]), content[name]) for name in sorted(content)]


def slots_of(plan: Mapping[str, Any]) -> dict[str, int]:
    """How many versions engines of each model hold: as many as the smallest of its tiers."""
    slots: dict[str, int] = {}
    for tier in plan["pool"]["tiers"].values():
        slots[tier["model"]] = min(tier["adapter_slots"], slots.get(tier["model"], tier["adapter_slots"]))
    return slots
