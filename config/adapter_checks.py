"""What is wrong with versions of adapters and their rollout, as far as the configuration alone shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from config.finding import Finding
from config.pool_roles import has_lost_tier, has_role
from config.pool_section import AdapterSection, PoolSection, TierSection
from config.schema import nearest_name
from config.sections import RunConfig
from config.team_sections import AgentSection
from config.yaml_tree import Loc, shown

ADAPTERS: Loc = ("pool", "adapters")
ROLLOUT: Loc = ("pool", "rollout")
ENGINE: Loc = ("models", "engine")
ModelsOf = Callable[[str], tuple[str, ...]]


def adapter_findings(config: RunConfig, *, models_of: ModelsOf) -> Iterator[Finding]:
    """Versions can be loaded by who serves their model; a rollout names versions and people that there are.

    Args:
        models_of: The models that an agent asks, for judgements and for code.
    """
    found: dict[Loc, Finding] = {}  # a tier that cannot load any is told once
    for name, adapter in config.pool.adapters.items():
        for finding in _adapter(config.pool, name, adapter):
            found.setdefault(finding.at, finding)
    yield from found.values()
    for index, entry in enumerate(config.pool.rollout):
        at: Loc = (*ROLLOUT, index)
        if entry.adapter is not None and entry.adapter not in config.pool.adapters:
            yield Finding(
                at=(*at, "adapter"),
                message=f"there is no adapter {entry.adapter}",
                allowed=", ".join(config.pool.adapters) or "a version of pool.adapters, which is empty",
                nearest=nearest_name(entry.adapter, config.pool.adapters),
                concluded_from=((*at, "adapter"), ADAPTERS),
            )
        yield from _roles(config, index, models_of)
    if config.pool.rollout and config.asks_model and config.models.engine != "pool":
        yield Finding(
            at=ROLLOUT,
            message=f"nobody is answered through adapters while models.engine is {config.models.engine}",
            allowed="models.engine: pool, or no rollout",
            concluded_from=(ROLLOUT, ENGINE),
        )


def _adapter(pool: PoolSection, name: str, adapter: AdapterSection) -> Iterator[Finding]:
    at: Loc = (*ADAPTERS, name)
    tiers = {tier: section for tier, section in pool.tiers.items() if section.model == adapter.model}
    if not tiers:
        served = list(dict.fromkeys(section.model for section in pool.tiers.values()))
        yield Finding(
            at=(*at, "model"),
            message=f"{shown(adapter.model)} is served by no tier of pool.tiers",
            allowed=f"a model that is: {', '.join(served) or 'none, pool.tiers is empty'}",
            nearest=nearest_name(adapter.model, served),
            concluded_from=((*at, "model"), ("pool", "tiers")),
        )
        return
    yield from _tiers_that_cannot(at, name, tiers)
    kinds = {section.engine for section in tiers.values()}
    if kinds == {"openai"} and adapter.path is not None:
        yield Finding(
            at=(*at, "path"),
            message=f"is of no use while tier {next(iter(tiers))} is a server, which has {name} already",
            allowed=f"no path, and a server that serves {name} as a model",
            concluded_from=((*at, "path"), ("pool", "tiers")),
        )
    if kinds == {"vllm"} and not (adapter.path or "").strip():
        yield Finding(
            at=(*at, "path"),
            message="is missing",
            allowed="a folder with an adapter as PEFT saves it",
            concluded_from=(at, ("pool", "tiers")),
        )


def _tiers_that_cannot(at: Loc, name: str, tiers: Mapping[str, TierSection]) -> Iterator[Finding]:
    used: tuple[Loc, ...] = (at, ("pool", "tiers"))
    kinds = {section.engine for section in tiers.values()}
    if {"vllm", "openai"} <= kinds:
        yield Finding(
            at=(*at, "model"),
            message=f"is served by engines of vllm and by servers ({', '.join(tiers)}), which get {name} in other ways",
            allowed="tiers of one kind",
            concluded_from=used,
        )
    for tier, section in tiers.items():
        place: Loc = ("pool", "tiers", tier)
        if section.engine == "modelled":
            yield Finding(
                at=(*place, "engine"),
                message=f"modelled engines load no adapters, and {name} adapts their model",
                allowed="vllm or openai",
                concluded_from=(place, at),
            )
        if section.engine == "vllm" and not section.adapter_slots:
            yield Finding(
                at=(*place, "adapter_slots"),
                message=f"is 0, and {name} adapts the model of this tier",
                allowed="at least 1",
                concluded_from=(place, at),
            )


def _roles(config: RunConfig, index: int, models_of: ModelsOf) -> Iterator[Finding]:
    entry, agents = config.pool.rollout[index], config.models.agents
    adapter = config.pool.adapters.get(entry.adapter or "")
    used: tuple[Loc, ...] = ((*ROLLOUT, index), ("models", "agents"))
    for place, role in enumerate(entry.roles):
        at: Loc = (*ROLLOUT, index, "roles", place)
        holders = [one for one, agent in agents.items() if has_role(role, one, agent)]
        if not holders:
            known = _role_names(agents)
            yield Finding(
                at=at,
                message=f"nobody is {role}",
                allowed="somebody's agent id or the end of it, role_archetype, seniority, or both of these",
                nearest=nearest_name(role, known),
                concluded_from=used,
            )
        elif adapter is not None and _nobody_asks(config, adapter.model, holders, models_of):
            yield Finding(
                at=at,
                message=f"nobody who is {role} asks {adapter.model}, which {entry.adapter} adapts",
                allowed="a role of those who ask it, or an adapter of another model",
                concluded_from=(*used, ADAPTERS, ("pool", "roles")),
            )
    if not entry.roles and adapter is not None and _nobody_asks(config, adapter.model, list(agents), models_of):
        yield Finding(
            at=(*ROLLOUT, index, "adapter"),
            message=f"nobody asks {adapter.model}, which {entry.adapter} adapts",
            allowed="an adapter of a model that somebody asks",
            concluded_from=(*used, ADAPTERS, ("pool", "roles")),
        )


def _nobody_asks(config: RunConfig, model: str, agents: list[str], models_of: ModelsOf) -> bool:
    """Whether a model that is served is asked by none of these.

    Nothing is said where no pool is asked at all, or one of them is given a tier that is not there.
    """
    if any(has_lost_tier(config.pool, each, config.models.agents[each]) for each in agents):
        return False
    is_served = any(tier.model == model for tier in config.pool.tiers.values())
    asks_pool = config.asks_model and config.models.engine == "pool"
    return asks_pool and is_served and not any(model in models_of(each) for each in agents)


def _role_names(agents: Mapping[str, AgentSection]) -> list[str]:
    names = [(one, f"{agent.seniority}_{agent.role_archetype}", agent.role_archetype) for one, agent in agents.items()]
    return list(dict.fromkeys((*(each for some in names for each in some), "junior", "mid", "senior")))
