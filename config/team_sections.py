"""Sections that say who works together: agents, teams, their limits and their coordination."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from config.section import Identifier, NonEmptyText, Percentage, Probability, Section, ShortText, Topic, Words

TeamType = Literal["", "stream_aligned", "platform", "enabling", "complicated_subsystem"]
Seniority = Literal["junior", "mid", "senior"]
ROLE_PARTS = ("developer", "tester", "leader", "product_owner", "staff_engineer", "enablement_lead")


def _roles_are_known(archetype: str) -> str:
    parts = archetype.split("+")
    if len(set(parts)) != len(parts) or not set(parts) <= set(ROLE_PARTS):
        raise ValueError("unknown role archetype")
    return archetype


RoleArchetype = Annotated[
    str,
    AfterValidator(_roles_are_known),
    Words(f"one or several of {', '.join(ROLE_PARTS)}, joined by +"),
]
WipLimit = Annotated[int, Field(ge=1, le=100)]


class WipLimitsSection(Section):
    """How many stories a column of the board may hold (`team.wip_limits:`)."""

    in_progress: WipLimit = 4
    review: WipLimit = 2


class OwnWipLimitsSection(Section):
    """Limits of one team; what is left out is taken from `team.wip_limits` (`teams[].wip_limits:`)."""

    in_progress: WipLimit | None = None
    review: WipLimit | None = None


class TurnoverSection(Section):
    """Who leaves, how often, and how they are replaced (`team.turnover:`)."""

    enabled: bool = False
    starts_after_sprint: Annotated[int, Field(ge=0, le=1000)] = 10
    probability_per_sprint: Probability = 0.05
    backfill_enabled: bool = True
    backfill_delay_sprints: Annotated[int, Field(ge=0, le=1000)] = 1
    protect_roles: tuple[Identifier, ...] = ("dev_lead", "qa_lead", "po")
    max_departures_per_sprint: Annotated[int, Field(ge=0, le=24)] = 1


class OnboardingSection(Section):
    """How a new hire ramps up (`team.onboarding:`)."""

    duration_sprints: Annotated[int, Field(ge=0, le=1000)] = 2
    max_story_points_first_sprint: Annotated[int, Field(ge=0, le=13)] = 3
    velocity_penalty_first_sprint: Probability = 0.5


class TesterPairingSection(Section):
    """How often testers pair with developers (`team.tester_pairing:`)."""

    enabled: bool = True
    frequency: Probability = 0.20  # share of pairs that include a tester
    role: Literal["navigator", "driver"] = "navigator"


class QualityGatesSection(Section):
    """What finished work must measure (`team.quality_gates:`)."""

    min_test_coverage_lines: Percentage = 85
    min_test_coverage_branches: Percentage = 80
    max_cyclomatic_complexity: Annotated[int, Field(ge=1, le=1000)] = 10


class TeamDefaultsSection(Section):
    """What holds for every team (`team:`)."""

    config_dir: str = "team_config"
    team_type: TeamType = ""
    max_engineers: Annotated[int, Field(ge=1, le=24)] = 10  # members of a team that develop
    max_total_team_size: Annotated[int, Field(ge=1, le=24)] = 13
    turnover: TurnoverSection = TurnoverSection()
    onboarding: OnboardingSection = OnboardingSection()
    tester_pairing: TesterPairingSection = TesterPairingSection()
    wip_limits: WipLimitsSection = WipLimitsSection()
    quality_gates: QualityGatesSection = QualityGatesSection()
    definition_of_done: tuple[NonEmptyText, ...] = (
        "All acceptance criteria are met",
        "At least 85 % of the lines are covered by tests",
        "All tests pass",
        "The pair has reviewed the code",
        "The story runs on staging",
        "The product owner accepts the story",
    )


class DemographicsSection(Section):
    """What a prompt says about the person behind an agent (`models.agents.<id>.demographics:`)."""

    pronouns: ShortText = ""
    cultural_background: ShortText = ""


class AgentSection(Section):
    """One agent (`models.agents.<id>:`)."""

    name: NonEmptyText
    individual: ShortText = ""  # the persona file
    seniority: Seniority
    primary_specialization: Topic | None = None  # needed unless the older `specializations` is given
    auxiliary_specializations: tuple[Topic, ...] = ()
    specializations: tuple[Topic, ...] = ()  # older form: the first is the primary one
    role_archetype: RoleArchetype
    demographics: DemographicsSection = DemographicsSection()
    runtime: Identifier = "local_vllm"
    tools: tuple[Topic, ...] = ()
    model: ShortText = ""
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    team_type: TeamType = ""
    team_id: Identifier | None = None  # joins that team, as if its `agents` named this agent

    @property
    def roles(self) -> tuple[str, ...]:
        """The parts of the archetype, in the order they were written."""
        return tuple(self.role_archetype.split("+"))

    @property
    def primary(self) -> str:
        """The main specialisation, in either way of writing it; "" where none is given."""
        return self.primary_specialization or next(iter(self.specializations), "")

    @property
    def auxiliaries(self) -> tuple[str, ...]:
        """The other specialisations, in either way of writing them, without the primary one."""
        listed = dict.fromkeys(self.auxiliary_specializations + self.specializations)
        return tuple(topic for topic in listed if topic != self.primary)


class OwnVllmSection(Section):
    """The engine that a run starts by itself (`models.vllm:`), asked with `models.engine: vllm` only."""

    model: str = ""  # folder of the model, as transformers saves it; relative to where the command runs
    slots: Annotated[int, Field(ge=1, le=1024)] = 32  # requests that are worked on at once
    context_tokens: Annotated[int, Field(ge=2, le=10_000_000)] = 4_096  # of prompt and answer together
    kv_cache_mib: Annotated[int, Field(ge=1, le=10_000_000)] | None = None  # none: what vLLM takes by itself
    cores: tuple[Annotated[int, Field(ge=0, le=4095)], ...] = ()  # of the processor; none: one thread, anywhere
    devices: tuple[Annotated[int, Field(ge=0, le=1023)], ...] = ()  # GPUs that share the model; none: the first
    memory_share: Annotated[float, Field(gt=0, le=1)] = 0.9  # of each GPU


class ModelsSection(Section):
    """The agents, and the server, engine or pool that judges for them (`models:`)."""

    # a server at vllm_endpoint, a vLLM that the run starts by itself, or the tiers of `pool`, each with its own model
    engine: Literal["openai", "vllm", "pool"] = "openai"
    vllm_endpoint: str = "http://vllm-gh200-module-1:8000"  # any server with OpenAI's chat completions
    token_file: str | None = None  # path of a file that holds the server's bearer token and nothing else
    vllm: OwnVllmSection = OwnVllmSection()
    agents: dict[Identifier, AgentSection] = Field(default_factory=dict)

    @property
    def base_url(self) -> str:
        """The endpoint up to and with the version of its interface."""
        address = self.vllm_endpoint.rstrip("/")
        return address if address.endswith("/v1") else f"{address}/v1"


class TeamSection(Section):
    """One of several teams (`teams[]:`)."""

    id: Identifier
    name: ShortText = ""
    team_type: TeamType = ""
    agents: tuple[Identifier, ...] = ()
    backlog: str = ""  # deprecated: stories are shared out from one backlog
    wip_limits: OwnWipLimitsSection = OwnWipLimitsSection()


class OverheadBudgetSection(Section):
    """How much time coordination may cost (`coordination.overhead_budget:`)."""

    overhead_budget_pct: Probability = 0.20
    iteration_zero_share: Probability = 0.40
    coordination_step_weight: Probability = 0.50
    distribution_step_weight: Probability = 0.30
    checkin_step_weight: Probability = 0.20
    min_step_timeout_seconds: Annotated[int, Field(ge=0, le=3600)] = 10


class CoordinationSection(Section):
    """How several teams are coordinated (`coordination:`)."""

    enabled: bool = False
    full_loop_cadence: Annotated[int, Field(ge=1, le=1000)] = 1
    mid_sprint_checkin: bool = True
    max_borrows_per_sprint: Annotated[int, Field(ge=0, le=100)] = 2
    borrow_duration_sprints: Annotated[int, Field(ge=1, le=1000)] = 1
    dependency_tracking: bool = True
    portfolio_triage: bool = True
    coordinators: tuple[Identifier, ...] = ()  # the first evaluates, the second plans
    overhead_budget: OverheadBudgetSection = OverheadBudgetSection()
