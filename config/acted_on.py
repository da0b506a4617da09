"""Which keys this version acts on. Every other accepted key is checked, kept and reported as not acted on yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# A section stands for all of its keys.
ACTED_ON: Final = (
    "experiment.name",
    "experiment.num_simulated_days",
    "experiment.sprint_duration_minutes",  # by --paced only
    "simulation",
    "team.max_engineers",  # checked before a run starts
    "team.max_total_team_size",  # checked before a run starts
    "team.wip_limits",
    "team.tester_pairing",
    "disturbances.enabled",
    "disturbances.frequencies",
    "disturbances.suppress",
    "disturbances.blast_radius_controls.max_velocity_impact",
    "models.agents.<id>.name",
    "models.agents.<id>.seniority",
    "models.agents.<id>.primary_specialization",
    "models.agents.<id>.auxiliary_specializations",
    "models.agents.<id>.specializations",
    "models.agents.<id>.role_archetype",
    "models.agents.<id>.team_id",
    "teams[].id",
    "teams[].name",
    "teams[].agents",
    "teams[].wip_limits",
    "coordination.coordinators",  # decides who is in no team
    "code_generation.mode",
    "code_generation.hands",
    "code_generation.model",
    "code_generation.max_tokens",
    "code_generation.memory_chars",
    "code_generation.sandbox",
    "code_generation.max_complexity",
    "code_generation.workers",
    "code_generation.coverage.enabled",
    "code_generation.coverage.min_line_coverage",
    "code_generation.coverage.min_branch_coverage",
    "monitoring.prometheus_port",
    "backlog",
    "policy",
    "pairing",
)

ACTED_ON_WITH_A_MODEL: Final = (  # with `policy.judgement: model` or `code_generation.hands: llm` only
    "models.engine",
    "models.agents.<id>.model",
    "models.agents.<id>.temperature",
    "models.agents.<id>.max_tokens",
    "models.agents.<id>.runtime",
    "runtimes.local_vllm.max_tokens",
    "runtimes.local_vllm.temperature",
    "prices",
    "budget",
)


ACTED_ON_BY_ENGINE: Final[Mapping[str, tuple[str, ...]]] = {  # with a model, and this value of `models.engine`, only
    "openai": ("models.vllm_endpoint", "models.token_file"),
    "vllm": ("models.vllm",),
    "pool": ("pool",),
}


def is_acted_on(generic_key: str, *, asks_model: bool = False, engine: str | None = None) -> bool:
    """Whether this version acts on a key, written as the schema names it (`models.agents.<id>.name`).

    Args:
        asks_model: Whether any decision comes from a model.
        engine: `models.engine`; None: whichever it is.
    """
    keys: tuple[str, ...] = ACTED_ON
    if asks_model:
        engines = tuple(ACTED_ON_BY_ENGINE) if engine is None else (engine,)
        keys = (*ACTED_ON, *ACTED_ON_WITH_A_MODEL, *(key for each in engines for key in ACTED_ON_BY_ENGINE[each]))
    return any(generic_key == key or generic_key.startswith(f"{key}.") for key in keys)
