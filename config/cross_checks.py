"""What no section can see alone: options that contradict each other, agents and teams that do not fit."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from config.adapter_checks import adapter_findings
from config.finding import Finding
from config.pool_checks import pool_findings, unserved_findings
from config.pool_roles import has_lost_tier, model_of
from config.rosters import ONLY_TEAM, TeamRoster, members_of
from config.schema import nearest_name
from config.section import minute_of_day
from config.sections import RunConfig
from config.team_sections import ROLE_PARTS, AgentSection
from config.yaml_tree import Loc, dotted, shown

AGENTS: Loc = ("models", "agents")
TEAMS: Loc = ("teams",)
COORDINATORS: Loc = ("coordination", "coordinators")
SHORT_ROLES = ("dev_lead", "qa_lead", "po")  # how the peer's files name roles, whoever holds them


def findings(config: RunConfig, *, chosen: Callable[[Loc], bool]) -> Iterator[Finding]:
    """Yield every contradiction. `chosen` tells whether the user, not the default profile, set a path."""
    yield from _time_and_reviews(config, chosen)
    yield from _agents(config)
    yield from _protected_roles(config)
    yield from _declared_teams(config)
    yield from _coordination(config)
    yield from _hands(config)
    yield from _models_asked(config)
    yield from pool_findings(config)
    yield from adapter_findings(config, models_of=lambda agent_id: _models_of(config, agent_id))
    yield from _budget(config)
    if config.models.agents:
        for index, roster in enumerate(_original_rosters(config)):
            yield from _roster(config, roster, ("teams", index) if config.teams else AGENTS)


def _time_and_reviews(config: RunConfig, chosen: Callable[[Loc], bool]) -> Iterator[Finding]:
    start, end = ("simulation", "work_start"), ("simulation", "work_end")
    if minute_of_day(config.simulation.work_end) <= minute_of_day(config.simulation.work_start):
        yield Finding(
            at=end,
            message=f"{config.simulation.work_end} is not allowed",
            allowed=f"a time of day after simulation.work_start, {config.simulation.work_start}",
            concluded_from=(start, end),
        )
    alias, cadence = ("experiment", "sprints_per_stakeholder_review"), ("stakeholder_review", "cadence")
    given = config.experiment.sprints_per_stakeholder_review
    if given not in (None, config.stakeholder_review.cadence) and chosen(cadence):
        yield Finding(
            at=alias,
            message=f"{given} contradicts stakeholder_review.cadence, which is {config.stakeholder_review.cadence}",
            allowed="one of the two, or the same number",
            concluded_from=(alias, cadence),
        )
    webhook: Loc = ("stakeholder_review", "webhook")
    silent = not config.stakeholder_review.webhook.url.strip() and not chosen((*webhook, "url_env"))
    if config.stakeholder_review.webhook.enabled and silent:
        yield Finding(
            at=(*webhook, "url"),
            message="is missing while stakeholder_review.webhook.enabled is true",
            allowed="a URL, or the name of a variable in url_env",
            concluded_from=((*webhook, "url"), (*webhook, "enabled")),
        )


def _agents(config: RunConfig) -> Iterator[Finding]:
    if not config.models.agents:
        yield Finding(at=AGENTS, message="names no agent", allowed="at least one agent", concluded_from=(AGENTS,))
    for agent_id, agent in config.models.agents.items():
        at: Loc = (*AGENTS, agent_id)
        for key, message, allowed in _specialization_slips(agent):
            yield Finding(at=(*at, key), message=message, allowed=allowed, concluded_from=(at,))
        if agent.runtime == "anthropic" and not config.runtimes.anthropic.enabled:
            yield Finding(
                at=(*at, "runtime"),
                message="anthropic is switched off",
                allowed="another runtime, or runtimes.anthropic.enabled: true",
                concluded_from=(at, ("runtimes", "anthropic")),
            )


def _specialization_slips(agent: AgentSection) -> Iterator[tuple[str, str, str]]:
    primary, older = agent.primary_specialization, agent.specializations
    if not agent.primary:
        yield "primary_specialization", "is missing", "a lower-case name such as test_automation"
    elif primary and older and primary not in older:
        yield "specializations", f"does not contain the primary specialization {primary}", "one of the two keys"
    most = 1 if agent.seniority == "junior" else 2
    if len(agent.auxiliaries) > most:
        key = "auxiliary_specializations" if agent.auxiliary_specializations else "specializations"
        yield (
            key,
            f"gives {len(agent.auxiliaries)} auxiliary specializations",
            f"at most {most} for a {agent.seniority}",
        )


def _protected_roles(config: RunConfig) -> Iterator[Finding]:
    agents = config.models.agents
    known = {*SHORT_ROLES, *ROLE_PARTS, *agents}
    for index, role in enumerate(config.team.turnover.protect_roles):
        at: Loc = ("team", "turnover", "protect_roles", index)
        if role not in known and not any(agent_id.endswith(f"_{role}") for agent_id in agents):
            yield Finding(
                at=at,
                message=f"{role} is no agent and no role",
                allowed="an agent id, the end of one, or a role",
                nearest=nearest_name(role, sorted(known)),
                concluded_from=(at[:-1], AGENTS),
            )


def _declared_teams(config: RunConfig) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    used = (AGENTS, TEAMS, COORDINATORS)
    for index, team in enumerate(config.teams):
        if team.id in {earlier.id for earlier in config.teams[:index]}:
            yield Finding(at=("teams", index, "id"), message=f"{team.id} names two teams", concluded_from=(TEAMS,))
        for place, agent_id in enumerate(team.agents):
            at: Loc = ("teams", index, "agents", place)
            home = config.models.agents[agent_id].team_id if agent_id in config.models.agents else None
            if agent_id not in config.models.agents:
                near = nearest_name(agent_id, config.models.agents)
                yield Finding(at=at, message=f"there is no agent {agent_id}", nearest=near, concluded_from=used)
            elif agent_id in seen:
                message = f"{agent_id} is already in team {seen[agent_id]}"
                yield Finding(at=at, message=message, allowed="one team for each agent", concluded_from=used)
            elif home not in (None, team.id):
                message = f"{agent_id} is already in team {home} by its team_id"
                yield Finding(at=at, message=message, allowed="one team for each agent", concluded_from=used)
            seen.setdefault(agent_id, team.id)
    yield from _homes(config)


def _homes(config: RunConfig) -> Iterator[Finding]:
    """Check the other direction: the team that each agent names, or fails to be named by."""
    team_ids = [team.id for team in config.teams] or [ONLY_TEAM]
    named = {agent_id for team in config.teams for agent_id in members_of(team, config.models.agents)}
    used = (AGENTS, TEAMS, COORDINATORS)
    for agent_id, agent in config.models.agents.items():
        at: Loc = (*AGENTS, agent_id)
        if agent.team_id is not None and agent.team_id not in team_ids:
            yield Finding(
                at=(*at, "team_id"),
                message=f"there is no team {agent.team_id}",
                allowed=f"one of {', '.join(team_ids)}",
                nearest=nearest_name(agent.team_id, team_ids),
                concluded_from=used,
            )
        elif config.teams and agent_id not in named and agent_id not in config.coordination.coordinators:
            yield Finding(
                at=at,
                message="is in no team",
                allowed="one of the teams, or coordination.coordinators",
                concluded_from=used,
            )


def _coordination(config: RunConfig) -> Iterator[Finding]:
    agents, used = config.models.agents, (AGENTS, TEAMS, COORDINATORS)
    named = {agent_id for team in config.teams for agent_id in members_of(team, agents)}
    named |= {agent_id for agent_id, agent in agents.items() if agent.team_id is not None}
    counted = Counter(config.coordination.coordinators)
    for index, agent_id in enumerate(config.coordination.coordinators):
        at: Loc = (*COORDINATORS, index)
        if agent_id not in agents:
            near = nearest_name(agent_id, agents)
            yield Finding(at=at, message=f"there is no agent {agent_id}", nearest=near, concluded_from=used)
        elif agent_id in named:
            yield Finding(at=at, message=f"{agent_id} coordinates and is in a team", concluded_from=used)
        if counted[agent_id] > 1 and agent_id in config.coordination.coordinators[:index]:
            yield Finding(at=at, message=f"{agent_id} is given twice", concluded_from=used)
    if config.coordination.enabled and len(config.teams) < 2:
        yield Finding(
            at=("coordination", "enabled"),
            message=f"coordination needs at least 2 teams, there is {len(config.teams) or 1}",
            allowed="false, or more teams",
            concluded_from=(TEAMS, ("coordination", "enabled")),
        )
    budget = config.coordination.overhead_budget
    weights = budget.coordination_step_weight + budget.distribution_step_weight + budget.checkin_step_weight
    if round(weights, 3) > 1:
        at = ("coordination", "overhead_budget")
        yield Finding(at=at, message="the three step weights exceed 1 together", concluded_from=(at,))


def _hands(config: RunConfig) -> Iterator[Finding]:
    hands, mode = ("code_generation", "hands"), ("code_generation", "mode")
    if config.code_generation.asks_model and config.code_generation.mode != "executed":
        yield Finding(
            at=hands,
            message=f"llm writes no code while code_generation.mode is {config.code_generation.mode}",
            allowed="behavioural, or code_generation.mode: executed",
            concluded_from=(hands, mode),
        )


def _original_rosters(config: RunConfig) -> tuple[TeamRoster, ...]:
    return config.resolved_teams()[: len(config.teams) or 1]


def _roster(config: RunConfig, roster: TeamRoster, at: Loc) -> Iterator[Finding]:
    used = (AGENTS, TEAMS, COORDINATORS)
    for message, allowed in _roster_slips(roster):
        yield Finding(at=at, message=f"team {roster.id} {message}", allowed=allowed, concluded_from=used)
    size, engineers = len(roster.members), len(roster.developers)
    for key, number, what in (
        ("max_total_team_size", size, "members"),
        ("max_engineers", engineers, "developers"),
    ):
        limit = getattr(config.team, key)
        if number > limit:
            yield Finding(
                at=at,
                message=f"team {roster.id} has {number} {what}",
                allowed=f"at most team.{key}, {limit}",
                concluded_from=(*used, ("team", key)),
            )


def _roster_slips(roster: TeamRoster) -> Iterator[tuple[str, str]]:
    owners = [member.id for member in roster.members if member.is_product_owner]
    if not roster.members:
        yield "has no members", "at least a developer, a product owner and someone who can lead"
        return
    if not roster.developers:
        yield "has no developer", "an agent whose role_archetype contains developer"
    if not owners:
        yield (
            "has no product owner",
            "an agent with product_owner in its role_archetype, an id that ends in _po, or a single pure leader",
        )
    if len(owners) > 1:
        yield f"has {len(owners)} product owners, {', '.join(owners)}", "one"
    if roster.lead is None:
        yield "has nobody who can lead", "another agent with leader in its role_archetype, or a senior developer"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asking:
    """Why a model is asked, of whom, and which one where it is the same for all of them."""

    because: str
    setting: Loc
    model: str | None
    model_at: Loc
    agents: tuple[str, ...]


def _askings(config: RunConfig) -> Iterator[_Asking]:
    policy, code = config.policy, config.code_generation
    if policy.asks_model:
        yield _Asking(
            because="policy.judgement is model",
            setting=("policy", "judgement"),
            model=policy.model,
            model_at=("policy", "model"),
            agents=tuple(config.models.agents),
        )
    if code.asks_model:
        yield _Asking(
            because="code_generation.hands is llm",
            setting=("code_generation", "hands"),
            model=config.hands_model,
            model_at=("policy", "model") if code.model is None else ("code_generation", "model"),
            agents=_drivers(config) if config.models.agents else (),
        )


def _drivers(config: RunConfig) -> tuple[str, ...]:
    return tuple(one.id for team in _original_rosters(config) for one in team.members if one.may_drive)


def _models_of(config: RunConfig, agent_id: str) -> tuple[str, ...]:
    """The models that an agent asks through the pool, for judgements and for code."""
    own = model_of(config.pool, agent_id, config.models.agents[agent_id])
    return tuple(asking.model or own for asking in _askings(config) if agent_id in asking.agents)


def _models_asked(config: RunConfig) -> Iterator[Finding]:
    """Whoever is to be asked must be there to be asked; each thing that is missing is told once."""
    found: dict[Loc, Finding] = {}
    for asking in _askings(config):
        for finding in (*_server_slips(config, asking), *_asked_slips(config, asking)):
            found.setdefault(finding.at, finding)
    yield from found.values()


def _server_slips(config: RunConfig, asking: _Asking) -> Iterator[Finding]:
    match config.models.engine:
        case "vllm":
            yield from _own_vllm(config, asking)
        case "openai":
            yield from _model_server(config, asking)
        case "pool":
            yield from unserved_findings(config, asking.model, asking.model_at, asking.agents)
    if asking.model is not None and not asking.model.strip():
        yield Finding(at=asking.model_at, message="is empty", allowed="the name of a model, or null")


def _asked_slips(config: RunConfig, asking: _Asking) -> Iterator[Finding]:
    for agent_id in asking.agents:
        agent, at = config.models.agents[agent_id], (*AGENTS, agent_id)
        if agent.runtime == "anthropic":
            yield Finding(
                at=(*at, "runtime"),
                message=f"anthropic is not asked by this version, and {asking.because}",
                allowed="local_vllm",
                concluded_from=(at, asking.setting),
            )
        is_pooled = config.models.engine == "pool"
        own = model_of(config.pool, agent_id, agent) if is_pooled else agent.model
        is_told = is_pooled and has_lost_tier(config.pool, agent_id, agent)  # a missing tier is, where it is named
        if asking.model is None and not own.strip() and not is_told:
            yield Finding(
                at=(*at, "model"),
                message=f"is missing while {asking.because}",
                allowed=f"the name of a model, or one for everybody in {'.'.join(map(str, asking.model_at))}",
                concluded_from=(at, asking.setting, ("models", "engine"), ("pool", "roles")),
            )


def _budget(config: RunConfig) -> Iterator[Finding]:
    """Money can only be limited where every model that is asked has a price."""
    if not config.asks_model:
        return
    wishes: tuple[tuple[Loc, float | None], ...] = (
        (("budget", "price"), config.budget.price),
        (("budget", "per_actor", "price"), config.budget.per_actor.price),
    )
    for at, amount in wishes:
        for model in _asked_models(config) if amount is not None else ():
            if model not in config.prices.models:
                yield Finding(
                    at=at,
                    message=f"money is limited, and {shown(model)} has no price",
                    allowed=f"a price in prices.models, or a limit of tokens instead ({dotted((*at[:-1], 'tokens'))})",
                    concluded_from=(at, ("prices", "models")),
                )


def _asked_models(config: RunConfig) -> list[str]:
    """Every model that judges or writes, sorted."""
    members = [member for team in config.resolved_teams() for member in team.members]
    judges = members if config.policy.asks_model else []
    drivers = [member for member in members if member.may_drive] if config.code_generation.asks_model else []
    judging = {config.policy.model or config.own_model(member) for member in judges}
    return sorted(judging | {config.hands_model or config.own_model(member) for member in drivers})


def _model_server(config: RunConfig, asking: _Asking) -> Iterator[Finding]:
    endpoint: Loc = ("models", "vllm_endpoint")
    if not re.match(r"https?://[^\s/]+(/\S*)?$", config.models.vllm_endpoint):
        yield Finding(
            at=endpoint,
            message=f"{shown(config.models.vllm_endpoint)} is not allowed while {asking.because}",
            allowed="http://HOST:PORT or https://HOST:PORT",
            concluded_from=(endpoint, asking.setting),
        )


def _own_vllm(config: RunConfig, asking: _Asking) -> Iterator[Finding]:
    """A run's own engine serves one model, so it has one place and one name."""
    engine: Loc = ("models", "engine")
    folder: Loc = ("models", "vllm", "model")
    if not config.models.vllm.model.strip():
        yield Finding(
            at=folder,
            message="is missing while models.engine is vllm",
            allowed="a folder with a model; `make house-model` makes one",
            concluded_from=(folder, engine),
        )
    if config.policy.model is None:
        yield Finding(
            at=("policy", "model"),
            message="is missing while models.engine is vllm, which serves one model for everybody",
            allowed="a name for it",
            concluded_from=(("policy", "model"), engine),
        )
    elif asking.model is not None and asking.model != config.policy.model:
        yield Finding(
            at=asking.model_at,
            message=f"{shown(asking.model)} is another one than policy.model, and models.engine vllm serves one model",
            allowed=f"{config.policy.model}, or models.engine openai",
            concluded_from=(asking.model_at, engine),
        )
