"""The pool of a run that asks several models: what it is told, whether it can be started, and how it starts.

Only tiers whose model somebody asks are placed, checked and started.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from actors.simulation.run_adapters import content_of, rolled_out
from config.errors import ConfigError, Problem
from config.finding import ProblemAt
from config.pool_section import AdapterSection, PoolSection, TierSection
from config.sections import RunConfig
from config.yaml_tree import Loc
from inference.engines.vllm.checks import vllm_problems
from inference.pool.devices import DeviceError, declared_hosts, this_host
from inference.pool.placement import place
from inference.pool.plan import HERE, PlacementError, PlacementPlan
from inference.pool.running import EnginePool

FOLDER = "pool"  # below the logs of a run: what engines were told and said, and how things stand
_MOVABLE = re.compile(
    r"pool\.(reserve|lease_s|max_restarts|hosts\..+"
    r"|adapters\.[^.]+\.path"
    r"|tiers\.[^.]+\.(endpoint|token_file|path|engines|tensor_parallel|memory_share|cores|slots"
    r"|kv_cache_mib|batch_tokens))"
)


def is_movable(key: str) -> bool:
    """Whether a key of `pool` says where a model is and what it runs on, and not which one it is."""
    return _MOVABLE.fullmatch(key) is not None


def plan_of(config: RunConfig, models: Collection[str], content: Mapping[str, str]) -> dict[str, Any]:
    """What the pool is told, as plain maps: tiers that serve any of these models, adapters and their content."""
    return {"pool": _asked(config, models).model_dump(mode="json"), "content": dict(content)}


def pool_of(plan: Mapping[str, Any], folder: Path) -> EnginePool:
    """The pool of a run, not started. Its engines start with the first request: a run that is only verified needs none.

    Raises:
        PlacementError: What was there when the run began is not there any more.
        DeviceError: The driver of the GPUs does not answer.
    """
    section = PoolSection.model_validate_json(json.dumps(plan["pool"]))
    return EnginePool(_placed(section), folder, waits_for_work=True)


def check(
    config: RunConfig, models: Mapping[str, Loc], problem_at: ProblemAt, *, recorded: Mapping[str, str]
) -> Mapping[str, str]:
    """Whether every engine has a place, every server serves its models, vLLM can run, adapters fit. Starts nothing.

    Args:
        recorded: Content hashes of adapters, by name, that a journal kept.
    Returns:
        Content hashes of the adapters that engines load, by name.
    Raises:
        ConfigError: With everything that is in the way, each with the key to change.
    """
    section = _asked(config, models)
    problems = list(_misplaced(section, problem_at))
    for name, tier in section.tiers.items():
        at: Loc = ("pool", "tiers", name)
        match tier.engine:
            case "openai":
                problems += _server_problems(tier, at, problem_at, adapters=section.adapters)
            case "vllm":
                problems += vllm_problems((*at, "engine"), tier.path, (*at, "path"), problem_at)
            case "modelled":
                message = "modelled engines write filler, which is no decision; they are for measurements of a pool"
                problems.append(problem_at((*at, "engine"), message, allowed="vllm or openai"))
    content: Mapping[str, str] = {}
    try:
        content = content_of(config, models, problem_at, recorded=recorded)
    except ConfigError as error:
        problems += error.problems
    if problems:
        raise ConfigError(tuple(dict.fromkeys(problems)))
    return content


def needs_http(config: RunConfig, models: Collection[str]) -> bool:
    """Whether any tier that is asked is a server."""
    return any(tier.engine == "openai" for tier in _asked(config, models).tiers.values())


def _asked(config: RunConfig, models: Collection[str]) -> PoolSection:
    tiers = {name: tier for name, tier in config.pool.tiers.items() if tier.model in models}
    adapters = rolled_out(config.pool, models)
    return config.pool.model_copy(update={"tiers": tiers, "roles": {}, "adapters": adapters, "rollout": ()})


def _placed(section: PoolSection) -> PlacementPlan:
    return place(section, (this_host(), *declared_hosts(section.hosts)))


def _misplaced(section: PoolSection, problem_at: ProblemAt) -> Iterator[Problem]:
    try:
        plan = _placed(section)
    except PlacementError as error:
        for each in error.problems:
            yield problem_at(("pool", *each.key), each.message, allowed=each.allowed)
        return
    except DeviceError as error:
        yield problem_at(("models", "engine"), str(error))
        return
    for host in dict.fromkeys(engine.host for engine in plan.engines if engine.host != HERE):
        message = f"engines would have to run on {host}, and a run starts engines on its own machine only"
        yield problem_at(("pool", "hosts", host), message, allowed="a tier with engine: openai, and a server there")


def _server_problems(
    tier: TierSection, at: Loc, problem_at: ProblemAt, *, adapters: Mapping[str, AdapterSection]
) -> Iterator[Problem]:
    from inference.engines.openai_http import read_token
    from inference.engines.openai_serving import served_models
    from inference.pool.building import base_url_of
    from inference.text import EngineLostError

    try:
        token = read_token(Path(tier.token_file)) if tier.token_file else ""
    except ValueError as error:
        yield problem_at((*at, "token_file"), str(error), allowed="a file with one word")
        return
    address = base_url_of(tier)
    try:
        served = served_models(address, token)
    except (EngineLostError, ValueError) as error:
        allowed = "a running server with OpenAI's chat completions"
        yield problem_at((*at, "endpoint"), f"cannot be asked, {error}", allowed=allowed)
        return
    there = ", ".join(served) or "nothing"
    for name, adapter in adapters.items():
        if adapter.model == tier.model and name not in served:
            message = f"{name} is not served by {address}, which has the adapters of {tier.model}"
            yield problem_at(("pool", "adapters", name), message, allowed=f"one of what is: {there}")
    if tier.model not in served:
        message = f"{tier.model} is not served by {address}"
        yield problem_at((*at, "model"), message, allowed=f"one of what is: {there}")
