"""Who judges and who writes code in a run: calibrated rules and hands, or models.

A model is behind an OpenAI-compatible server, in a vLLM that the run starts by itself (`own_engine`), or one of several
in a pool (`model_pool`).

What only models need (templates, HTTP, schemas) is imported where a model is asked: a run without one stays light.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from actors.roles.judging import BEHAVIOURAL, Judge, Listener, OverheardJudge
from actors.roles.wearing import NO_ADAPTERS
from actors.simulation import model_pool, own_engine, run_adapters
from config.errors import ConfigError, Problem
from config.finding import ProblemAt
from config.rosters import TeamMember, original_id
from config.sections import RunConfig
from config.yaml_tree import Loc, dotted

if TYPE_CHECKING:
    from actors.policy.prompting.prompts import Prompts
    from actors.roles.model_judge import ModelUse

TEXT_POOL = "text"
TEXT_ENGINES = {"openai": "inference.engines.openai_serving:build", "vllm": own_engine.BUILDER}  # by models.engine
NEEDED = ("jinja2", "jsonschema")
NEEDED_FOR_SERVERS = ("httpx",)  # besides
NO_FILES: Mapping[str, str] = MappingProxyType({})  # of adapters
JudgeOf = Callable[[TeamMember], Judge]
_PLACE = re.compile(r"(?s)(.+?)(?::(\d+))?: (.*)")


MOVABLE = (  # say where a model is and what it runs on, not which one it is: no log depends on them
    "models.vllm_endpoint",
    "models.token_file",
    "models.vllm.model",
    "models.vllm.slots",
    "models.vllm.kv_cache_mib",
    "models.vllm.cores",
    "models.vllm.devices",
    "models.vllm.memory_share",
)


def behavioural(_: TeamMember) -> Judge:
    """Calibrated rules, whoever it is."""
    return BEHAVIOURAL


def judges(config: RunConfig, prompts: Mapping[str, str]) -> JudgeOf:
    """The judge of each member of a team. Raises PromptError for prompts that cannot be used."""
    if not config.policy.asks_model:
        return behavioural
    from actors.roles.model_judge import ModelJudge

    read = _read(prompts)

    def judge_of(member: TeamMember) -> Judge:
        return ModelJudge(
            read, _use(config, member, model=config.policy.model, memory_chars=config.policy.memory_chars)
        )

    return judge_of


def writers(config: RunConfig, prompts: Mapping[str, str]) -> Callable[[TeamMember], Judge] | None:
    """Who decides on the tool calls of each member that drives; None: calibrated hands write. Raises PromptError."""
    if not config.code_generation.asks_model:
        return None
    from actors.roles.model_judge import ModelJudge

    read, section = _read(prompts), config.code_generation

    def writer_of(member: TeamMember) -> Judge:
        use = _use(config, member, model=config.hands_model, memory_chars=section.memory_chars)
        return ModelJudge(read, use if section.max_tokens is None else replace(use, max_tokens=section.max_tokens))

    return writer_of


def _read(prompts: Mapping[str, str]) -> Prompts:
    from actors.policy.prompting.prompts import Prompts
    from actors.policy.prompting.templates import PromptFile

    return Prompts({name: PromptFile(f"{name}.j2", text) for name, text in prompts.items()})


def _use(config: RunConfig, member: TeamMember, *, model: str | None, memory_chars: int) -> ModelUse:
    from actors.roles.model_judge import ModelUse

    usual = config.runtimes.local_vllm
    temperature = usual.temperature if member.temperature is None else member.temperature
    model = model or config.own_model(member)
    return ModelUse(
        model=model,
        wardrobe=run_adapters.wardrobe_of(config, member, model) if config.models.engine == "pool" else NO_ADAPTERS,
        max_tokens=usual.max_tokens if member.max_tokens is None else member.max_tokens,
        temperature_permille=round(1000 * temperature),
        memory_chars=memory_chars,
    )


def overheard(judge_of: JudgeOf, listener: Listener | None) -> JudgeOf:
    """The same judges, with somebody who listens to all of them; the same where nobody does."""
    return judge_of if listener is None else lambda member: OverheardJudge(judge_of(member), listener)


def server_plan(config: RunConfig, adapters: Mapping[str, str] = NO_FILES) -> dict[str, Any]:
    """What the engine is told. The token of a server stays in its file.

    Args:
        adapters: Content hashes of the versions of adapters that somebody is answered through, by name.
    """
    if config.models.engine == "vllm":
        return own_engine.plan_of(config)
    if config.models.engine == "pool":
        return model_pool.plan_of(config, _wanted(config), adapters)
    return {
        "base_url": config.models.base_url,
        "token_file": config.models.token_file or "",
        "models": sorted(_wanted(config)),
    }


def is_movable(key: str) -> bool:
    """Whether a key says where models are, so that it may change while a run goes on."""
    return key in MOVABLE or model_pool.is_movable(key)


def moved_server(config: RunConfig, wished: RunConfig, adapters: Mapping[str, str] = NO_FILES) -> dict[str, Any] | None:
    """What engines are told where a configuration that differs in movable keys only moves them; None: all stays."""
    if not config.asks_model:
        return None
    plan = server_plan(wished, adapters)
    return None if plan == server_plan(config, adapters) else plan


def check_adapters(
    config: RunConfig, problem_at: ProblemAt, *, recorded: Mapping[str, str] = NO_FILES
) -> Mapping[str, str]:
    """Content hashes of the versions of adapters that engines of this run load, by name.

    Args:
        recorded: Hashes that a journal kept; a version that has other content now is refused.
    Raises:
        ConfigError: Files are missing, are no adapter, do not fit their tier, or changed.
    """
    if not config.asks_model or config.models.engine != "pool":
        return NO_FILES
    return run_adapters.content_of(config, _wanted(config), problem_at, recorded=recorded)


def read_prompts(config: RunConfig, config_path: Path | None, problems: list[Problem]) -> Mapping[str, str]:
    """The text of every prompt by its name. A relative folder is relative to the configuration that names it."""
    needed = (*NEEDED_FOR_SERVERS, *NEEDED) if _asks_servers(config) else NEEDED
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        asked, key = ("model", "policy.judgement") if config.policy.asks_model else ("llm", "code_generation.hands")
        message = f"{asked} needs {', '.join(missing)}, not installed here: pip install -r requirements/llm.txt"
        problems.append(Problem(file="requirements/llm.txt", line=0, key=key, message=message))
        return {}
    from actors.policy.prompting.errors import PromptError
    from actors.policy.prompting.prompts import Prompts, shipped_files
    from actors.policy.prompting.templates import read_folder

    named = config.policy.prompts
    try:
        own = {} if named is None else read_folder((config_path.parent if config_path else Path()) / named)
        files = {**shipped_files(), **own}
        Prompts(files)
    except PromptError as error:
        problems.extend(_located(each) for each in error.problems)
        return {}
    return {name: source.text for name, source in files.items()}


def prompts_of_fork(config: RunConfig, parents: Mapping[str, str]) -> Mapping[str, str]:
    """The prompts of the parent, or those that the fork names where its parent asked no model. Raises ConfigError."""
    if parents or not config.asks_model:
        return parents
    problems: list[Problem] = []
    prompts = read_prompts(config, None, problems)
    if problems:
        raise ConfigError(tuple(problems))
    return prompts


def check_server(
    config: RunConfig, problem_at: ProblemAt, *, recorded: Mapping[str, str] = NO_FILES
) -> Mapping[str, str]:
    """Ask the server once whether it is there and serves every model that will be asked; look for an own engine's.

    Returns:
        What `check_adapters` returns.
    Raises:
        ConfigError: It does not, or its token cannot be read. Names what to change, and what the server serves.
    """
    match config.models.engine if config.asks_model else "":
        case "vllm":
            own_engine.check(config, problem_at)
        case "pool":
            return model_pool.check(config, _wanted(config), problem_at, recorded=recorded)
        case "openai":
            _check_one_server(config, problem_at)
    return NO_FILES


def _check_one_server(config: RunConfig, problem_at: ProblemAt) -> None:
    from inference.engines.openai_http import read_token
    from inference.engines.openai_serving import served_models
    from inference.text import EngineLostError

    token_file: Loc = ("models", "token_file")
    try:
        token = read_token(Path(config.models.token_file)) if config.models.token_file else ""
    except ValueError as error:
        raise ConfigError((problem_at(token_file, str(error), allowed="a file with one word"),)) from None
    endpoint: Loc = ("models", "vllm_endpoint")
    try:
        served = served_models(config.models.base_url, token)
    except (EngineLostError, ValueError) as error:
        allowed = "a running server with OpenAI's chat completions"
        raise ConfigError((problem_at(endpoint, f"cannot be asked, {error}", allowed=allowed),)) from None
    there = ", ".join(served) or "nothing"
    found = [
        problem_at(loc, f"{model} is not served by {config.models.base_url}", allowed=f"one of what is: {there}")
        for model, loc in _wanted(config).items()
        if model not in served
    ]
    if found:
        raise ConfigError(tuple(found))


def recorded_problem(loc: Loc, message: str, *, allowed: str = "") -> Problem:
    """A problem with a setting that a journal kept, or that a fork gave it."""
    return Problem(file="recorded configuration", line=0, key=dotted(loc), message=message, allowed=allowed)


def _asks_servers(config: RunConfig) -> bool:
    if config.models.engine == "pool":
        return model_pool.needs_http(config, _wanted(config))
    return config.models.engine == "openai"


def _wanted(config: RunConfig) -> dict[str, Loc]:
    """Every model that will be asked, with the setting that names it first."""
    policy, code, wanted = config.policy, config.code_generation, dict[str, Loc]()
    if policy.asks_model:
        wanted |= _named(config, policy.model, ("policy", "model"), lambda member: True)
    if code.asks_model:
        setting: Loc = ("policy", "model") if code.model is None else ("code_generation", "model")
        wanted = _named(config, config.hands_model, setting, lambda member: member.may_drive) | wanted
    return wanted


def _named(
    config: RunConfig, one_for_all: str | None, setting: Loc, is_asked: Callable[[TeamMember], bool]
) -> dict[str, Loc]:
    """The models of those who are asked: one for all of them, or each agent's own."""
    if one_for_all is not None:
        return {one_for_all: setting}
    asked = {
        original_id(member): config.own_model(member)
        for team in config.resolved_teams()
        for member in team.members
        if is_asked(member)
    }
    wanted: dict[str, Loc] = {}
    for agent_id in config.models.agents:
        if agent_id in asked:
            wanted.setdefault(asked[agent_id], ("models", "agents", agent_id, "model"))
    return wanted


def _located(problem: str) -> Problem:
    """A problem of a prompt, which says `file:line: what is wrong`."""
    match = _PLACE.fullmatch(problem)
    assert match is not None, "every problem of a prompt names its file"
    file, line, message = match.groups()
    return Problem(file=file, line=int(line or 0), key="policy.prompts", message=message)
