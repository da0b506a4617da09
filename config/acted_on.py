"""Which keys this version acts on. Every other accepted key is checked, kept and reported as not acted on yet."""

from __future__ import annotations

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
    "models.vllm_endpoint",
    "models.token_file",
    "models.engine",
    "models.vllm",
    "models.agents.<id>.model",
    "models.agents.<id>.temperature",
    "models.agents.<id>.max_tokens",
    "models.agents.<id>.runtime",
    "runtimes.local_vllm.max_tokens",
    "runtimes.local_vllm.temperature",
    "prices",
    "budget",
)


def is_acted_on(generic_key: str, *, asks_model: bool = False) -> bool:
    """Whether this version acts on a key, written as the schema names it (`models.agents.<id>.name`)."""
    keys = (*ACTED_ON, *ACTED_ON_WITH_A_MODEL) if asks_model else ACTED_ON
    return any(generic_key == key or generic_key.startswith(f"{key}.") for key in keys)
