"""What no section of a pool can see alone: tiers that are not there, and models that no tier serves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from config.finding import Finding
from config.pool_roles import has_lost_tier, model_of
from config.pool_section import TierSection
from config.schema import nearest_name
from config.sections import RunConfig
from config.yaml_tree import Loc, shown

ENGINE: Loc = ("models", "engine")
_OF_VLLM = (  # what other engines have not
    *("dtype", "kv_cache_mib", "batch_tokens", "is_batch_invariant"),
    *("adapter_slots", "max_lora_rank"),  # servers and modelled engines load no adapters
)


def pool_findings(config: RunConfig) -> Iterator[Finding]:
    """Whoever is served is served by a tier that exists; a server has an address, and nothing else has."""
    tiers = config.pool.tiers
    for role, tier in config.pool.roles.items():
        if tier not in tiers:
            at: Loc = ("pool", "roles", role)
            near = nearest_name(tier, tiers)
            allowed = ", ".join(tiers) or "a tier of pool.tiers, which is empty"
            yield Finding(at=at, message=f"there is no tier {tier}", allowed=allowed, nearest=near)
    for name, section in tiers.items():
        at = ("pool", "tiers", name)
        is_server = section.engine == "openai"
        if is_server and not re.match(r"https?://[^\s/]+(/\S*)?$", section.endpoint or ""):
            yield Finding(
                at=(*at, "endpoint"),
                message="is no address, and engine is openai",
                allowed="http://HOST:PORT or https://HOST:PORT",
                concluded_from=((*at, "endpoint"), (*at, "engine")),
            )
        yield from _tier_findings(section, at)


def _tier_findings(section: TierSection, at: Loc) -> Iterator[Finding]:
    """Settings of one tier that do not go together."""
    if section.engine != "openai" and section.endpoint is not None:
        yield Finding(
            at=(*at, "endpoint"),
            message=f"is of no use while engine is {section.engine}",
            allowed="engine: openai, or no endpoint",
            concluded_from=((*at, "endpoint"), (*at, "engine")),
        )
    if section.engine != "vllm":
        for key in (each for each in _OF_VLLM if getattr(section, each) != TierSection.model_fields[each].default):
            yield Finding(
                at=(*at, key),
                message=f"is of no use while engine is {section.engine}",
                allowed=f"engine: vllm, or no {key}",
                concluded_from=((*at, key), (*at, "engine")),
            )
    if section.most_batch_tokens < section.slots:
        yield Finding(
            at=(*at, "batch_tokens"),
            message=f"{section.batch_tokens} tokens in one pass are fewer than slots, which is {section.slots}",
            allowed=f"at least {section.slots}, a token of each slot",
            concluded_from=((*at, "batch_tokens"), (*at, "slots")),
        )
    if section.cores is not None and section.tensor_parallel > 1:
        yield Finding(
            at=(*at, "tensor_parallel"),
            message=f"{section.tensor_parallel} GPUs are of no use while cores is {section.cores}",
            allowed="1, or no cores",
            concluded_from=((*at, "tensor_parallel"), (*at, "cores")),
        )


def unserved_findings(
    config: RunConfig, one_for_all: str | None, setting: Loc, agents: Sequence[str]
) -> Iterator[Finding]:
    """Models that are asked through the pool and that no tier serves, each told once.

    Args:
        one_for_all: The model that everybody asks, named by `setting`; None: each of `agents` asks that of its tier.
    """
    pool = config.pool
    served = list(dict.fromkeys(tier.model for tier in pool.tiers.values()))
    if not served:
        yield Finding(
            at=("pool", "tiers"),
            message="is empty while models.engine is pool",
            allowed="at least one tier, for instance small",
            concluded_from=(("pool", "tiers"), ENGINE),
        )
        return
    allowed = f"a model that a tier of pool.tiers serves: {', '.join(served)}"
    if one_for_all is not None:
        if one_for_all not in served:
            message = f"{shown(one_for_all)} is served by no tier of pool.tiers"
            near = nearest_name(one_for_all, served)
            yield Finding(at=setting, message=message, allowed=allowed, nearest=near, concluded_from=(setting, ENGINE))
        return
    unserved: dict[str, list[str]] = {}
    for agent_id in agents:
        agent = config.models.agents[agent_id]
        model = "" if has_lost_tier(pool, agent_id, agent) else model_of(pool, agent_id, agent)  # that was told
        if model.strip() and model not in served:
            unserved.setdefault(model, []).append(agent_id)
    for model, (first, *others) in unserved.items():
        of_others = f", nor for {len(others)} more who ask for it" if others else ""
        at: Loc = ("models", "agents", first, "model")
        yield Finding(
            at=at,
            message=f"{shown(model)} is served by no tier, and pool.roles names none for {first}{of_others}",
            allowed=allowed,
            nearest=nearest_name(model, served),
            concluded_from=(at, ENGINE),
        )
