"""Versions of adapters in a run: who wears which and when, and whether their files are what they were.

Files are looked at before anything is written, and again when a run goes on: a version never changes.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from actors.roles.wearing import BASE, Version, Wardrobe
from actors.simulation.run_calendar import calendar_of
from config.errors import ConfigError, Problem
from config.finding import ProblemAt
from config.pool_roles import rollout_for, worn_from
from config.pool_section import AdapterSection, PoolSection
from config.rosters import TeamMember, original_id
from config.sections import RunConfig
from config.yaml_tree import Loc
from inference.adapters.content import content_hash
from inference.adapters.errors import AdapterError
from inference.adapters.messages import LoadAdapter
from inference.text import name_and_version

CONFIG_FILE = "adapter_config.json"
FILES = (CONFIG_FILE, "adapter_model.safetensors")  # of an adapter as PEFT saves it
_ALLOWED = f"a folder with an adapter as PEFT saves it: {' and '.join(FILES)}"


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
    found: dict[str, str] = {}
    problems: list[Problem] = []
    for name, adapter in rolled_out(config.pool, models).items():
        at: Loc = ("pool", "adapters", name, "path")
        if adapter.path is None:  # its server has it
            continue
        slips = list(_slips(config.pool, adapter, Path(adapter.path)))
        problems += [problem_at(at, slip, allowed=allowed) for slip, allowed in slips]
        if slips:
            continue
        try:
            found[name] = content_hash(Path(adapter.path))
        except AdapterError as error:
            problems.append(problem_at(at, str(error), allowed=_ALLOWED))
            continue
        was = recorded.get(name, found[name])
        if was != found[name]:
            message = f"adapter {name} has other content than when the run began ({found[name][:12]}, was {was[:12]})"
            problems.append(problem_at(at, message, allowed=f"a folder with what {name} was; a version never changes"))
    if problems:
        raise ConfigError(tuple(problems))
    return found


def loads_of(plan: Mapping[str, Any]) -> list[LoadAdapter]:
    """What has engines load the versions of a run, from what its pool is told."""
    adapters, content = plan["pool"]["adapters"], plan["content"]
    return [
        LoadAdapter(
            base=adapters[name]["model"],
            name=adapter,
            version=number,
            path=adapters[name]["path"],
            sha256=content[name],
        )
        for name in sorted(content)
        for adapter, number in [name_and_version(name)]
    ]


def slots_of(plan: Mapping[str, Any]) -> dict[str, int]:
    """How many versions engines of each model hold: as many as the smallest of its tiers."""
    slots: dict[str, int] = {}
    for tier in plan["pool"]["tiers"].values():
        slots[tier["model"]] = min(tier["adapter_slots"], slots.get(tier["model"], tier["adapter_slots"]))
    return slots


def _slips(pool: PoolSection, adapter: AdapterSection, folder: Path) -> Iterator[tuple[str, str]]:
    """What is wrong with the files of an adapter, each with what is allowed."""
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        yield f"{folder} is no folder with an adapter: {missing[0]} is missing", _ALLOWED
        return
    rank = _rank(folder / CONFIG_FILE)
    if rank is None:
        yield f"{folder / CONFIG_FILE} is no configuration of a LoRA adapter", "a LoRA adapter, with its rank as r"
        return
    for name, tier in pool.tiers.items():
        if tier.model == adapter.model and rank > tier.max_lora_rank:
            most = f"an adapter of rank {tier.max_lora_rank}, or pool.tiers.{name}.max_lora_rank of at least {rank}"
            yield f"{folder} has rank {rank}, and tier {name} takes {tier.max_lora_rank} at most", most


def _rank(path: Path) -> int | None:
    """The rank that PEFT wrote down; the largest where layers have their own."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(told, dict) or told.get("peft_type") != "LORA":
        return None
    ranks = [told.get("r"), *(told.get("rank_pattern") or {}).values()]
    return max(ranks) if all(type(each) is int and each > 0 for each in ranks) else None
