"""Who judges in a run: everybody by calibrated rules, or everybody by a model.

The model is behind an OpenAI-compatible server, or in a vLLM that the run starts by itself (`own_engine`).

What only models need (templates, HTTP, schemas) is imported where a model is asked: a run without one stays light.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from actors.roles.judging import BEHAVIOURAL, Judge, Listener, OverheardJudge
from actors.simulation import own_engine
from config.errors import ConfigError, Problem
from config.loader import override_config
from config.rosters import TeamMember
from config.sections import RunConfig
from config.yaml_tree import Loc, dotted

TEXT_POOL = "text"
TEXT_ENGINES = {"openai": "inference.engines.openai_serving:build", "vllm": own_engine.BUILDER}  # by models.engine
NEEDED = ("jinja2", "jsonschema")
NEEDED_FOR_SERVERS = ("httpx",)  # besides
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


class ProblemAt(Protocol):
    """Makes a problem of what is wrong with the value at a path."""

    def __call__(self, loc: Loc, message: str, *, allowed: str = "") -> Problem: ...


def behavioural(_: TeamMember) -> Judge:
    """Calibrated rules, whoever it is."""
    return BEHAVIOURAL


def judges(config: RunConfig, prompts: Mapping[str, str]) -> JudgeOf:
    """The judge of each member of a team. Raises PromptError for prompts that cannot be used."""
    if not config.policy.asks_model:
        return behavioural
    from actors.policy.prompting.prompts import Prompts
    from actors.policy.prompting.templates import PromptFile
    from actors.roles.model_judge import ModelJudge, ModelUse

    read = Prompts({name: PromptFile(f"{name}.j2", text) for name, text in prompts.items()})
    usual = config.runtimes.local_vllm

    def judge_of(member: TeamMember) -> Judge:
        temperature = usual.temperature if member.temperature is None else member.temperature
        use = ModelUse(
            model=config.policy.model or member.model,
            max_tokens=usual.max_tokens if member.max_tokens is None else member.max_tokens,
            temperature_permille=round(1000 * temperature),
            memory_chars=config.policy.memory_chars,
        )
        return ModelJudge(read, use)

    return judge_of


def overheard(judge_of: JudgeOf, listener: Listener | None) -> JudgeOf:
    """The same judges, with somebody who listens to all of them; the same where nobody does."""
    return judge_of if listener is None else lambda member: OverheardJudge(judge_of(member), listener)


def server_plan(config: RunConfig) -> dict[str, Any]:
    """What the engine is told. The token of a server stays in its file."""
    if config.models.engine == "vllm":
        return own_engine.plan_of(config)
    return {
        "base_url": config.models.base_url,
        "token_file": config.models.token_file or "",
        "models": sorted(_wanted(config)),
    }


def moved_server(config: RunConfig, settings: Sequence[str]) -> dict[str, Any] | None:
    """What the engine is told where settings say that the server is elsewhere now; None where they do not."""
    moves = [setting for setting in settings if setting.partition("=")[0].strip() in MOVABLE]
    return server_plan(override_config(config, moves)) if moves and config.policy.asks_model else None


def read_prompts(config: RunConfig, config_path: Path | None, problems: list[Problem]) -> Mapping[str, str]:
    """The text of every prompt by its name. A relative folder is relative to the configuration that names it."""
    needed = NEEDED if config.models.engine == "vllm" else (*NEEDED_FOR_SERVERS, *NEEDED)
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        message = f"model needs {', '.join(missing)}, not installed here: pip install -r requirements/llm.txt"
        problems.append(Problem(file="requirements/llm.txt", line=0, key="policy.judgement", message=message))
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
    if parents or not config.policy.asks_model:
        return parents
    problems: list[Problem] = []
    prompts = read_prompts(config, None, problems)
    if problems:
        raise ConfigError(tuple(problems))
    return prompts


def check_server(config: RunConfig, problem_at: ProblemAt) -> None:
    """Ask the server once whether it is there and serves every model that will be asked; look for an own engine's.

    Raises:
        ConfigError: It does not, or its token cannot be read. Names what to change, and what the server serves.
    """
    if not config.policy.asks_model:
        return
    if config.models.engine == "vllm":
        own_engine.check(config, problem_at)
        return
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


def _wanted(config: RunConfig) -> dict[str, Loc]:
    """Every model that will be asked, with the setting that names it first."""
    if config.policy.model is not None:
        return {config.policy.model: ("policy", "model")}
    members = {member.model for team in config.resolved_teams() for member in team.members}
    wanted: dict[str, Loc] = {}
    for agent_id, agent in config.models.agents.items():
        if agent.model in members:
            wanted.setdefault(agent.model, ("models", "agents", agent_id, "model"))
    return wanted


def _located(problem: str) -> Problem:
    """A problem of a prompt, which says `file:line: what is wrong`."""
    match = _PLACE.fullmatch(problem)
    assert match is not None, "every problem of a prompt names its file"
    file, line, message = match.groups()
    return Problem(file=file, line=int(line or 0), key="policy.prompts", message=message)
