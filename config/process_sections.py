"""Sections that say how sprints run: their length, their calendar, their disturbances, their reviews."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from config.section import Probability, Section, ShortText, TimeOfDay, Words, minute_of_day


def _read_quoted_date(value: object) -> object:
    """A date in quotes is text to YAML; it is meant all the same."""
    if isinstance(value, str):
        with suppress(ValueError):
            return date.fromisoformat(value)
    return value


class ExperimentSection(Section):
    """What the run is called and how long a sprint is (`experiment:`)."""

    name: ShortText = ""
    sprint_duration_minutes: Annotated[int, Field(ge=1, le=10_080)] = 60  # wall minutes of a sprint, --paced only
    num_simulated_days: Annotated[int, Field(ge=1, le=30)] = 5  # working days of a sprint
    sprints_per_stakeholder_review: Annotated[int, Field(ge=1, le=1000)] | None = None  # alias of the cadence
    tracing: bool = False


class SimulationSection(Section):
    """Seed, calendar and size of the simulated world (`simulation:`)."""

    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = 1
    start_date: Annotated[
        date,
        BeforeValidator(_read_quoted_date),
        Field(ge=date(2000, 1, 1), le=date(2100, 12, 31)),
        Words("a date from 2000-01-01 to 2100-12-31"),
    ] = date(2026, 1, 5)  # a Monday
    work_start: TimeOfDay = "09:00"
    work_end: TimeOfDay = "17:00"
    link_delay_ms: Annotated[int, Field(ge=1, le=1000)] = 50  # virtual time a message takes; part of the digest
    sprints: Annotated[int, Field(ge=1, le=1000)] = 3
    replicas: Annotated[int, Field(ge=1, le=1000)] = 1  # copies of every team, for runs at scale

    @property
    def work_start_minute(self) -> int:
        """Start of the working day in minutes since midnight."""
        return minute_of_day(self.work_start)

    @property
    def work_end_minute(self) -> int:
        """End of the working day in minutes since midnight."""
        return minute_of_day(self.work_end)

    @property
    def work_minutes(self) -> int:
        """Minutes in one working day."""
        return self.work_end_minute - self.work_start_minute


class WebhookSection(Section):
    """Whom to notify of a stakeholder review (`stakeholder_review.webhook:`)."""

    enabled: bool = False
    url_env: ShortText = "STAKEHOLDER_WEBHOOK_URL"
    url: str = ""


class FeedbackSection(Section):
    """How stakeholders answer (`stakeholder_review.feedback:`)."""

    mode: Literal["file", "callback"] = "file"
    callback_port: Annotated[int, Field(ge=1, le=65535)] = 8081
    poll_interval: Annotated[int, Field(ge=1, le=3600)] = 30  # wall seconds


class StakeholderReviewSection(Section):
    """When stakeholders look at the work and what happens when they stay silent (`stakeholder_review:`)."""

    cadence: Annotated[int, Field(ge=1, le=1000)] = 3  # sprints
    timeout_minutes: Annotated[int, Field(ge=0, le=100_000)] = 60
    timeout_action: Literal["auto_approve", "po_proxy", "block"] = "auto_approve"
    webhook: WebhookSection = WebhookSection()
    feedback: FeedbackSection = FeedbackSection()


class DisturbanceFrequencies(Section):
    """Probability for each kind of disturbance that it strikes in a sprint."""

    dependency_breaks: Probability = 0.166
    production_incident: Probability = 0.125
    flaky_test: Probability = 0.25
    scope_creep: Probability = 0.20
    junior_misunderstanding: Probability = 0.33
    architectural_debt_surfaces: Probability = 0.166
    merge_conflict: Probability = 0.30

    @property
    def permille(self) -> Mapping[str, int]:
        """The same probabilities as whole thousandths, in the order of the fields."""
        return {kind: round(1000 * getattr(self, kind)) for kind in type(self).model_fields}


class BlastRadiusSection(Section):
    """How much harm disturbances may do together (`disturbances.blast_radius_controls:`)."""

    max_velocity_impact: Probability = 0.30
    max_quality_regression: Probability = 0.15


DisturbanceId = Annotated[str, Field(pattern=r"^D-[0-9]{2,4}-[0-9]{2,4}$"), Words("a disturbance id such as D-03-02")]


class DisturbancesSection(Section):
    """What goes wrong, how often, and which single disturbances to leave out (`disturbances:`)."""

    enabled: bool = True
    frequencies: DisturbanceFrequencies = DisturbanceFrequencies()
    blast_radius_controls: BlastRadiusSection = BlastRadiusSection()
    suppress: tuple[DisturbanceId, ...] = ()  # disturbances of another run that this one leaves out


class BacklogSection(Section):
    """What happens when the stories run out (`backlog:`)."""

    refill: Literal["none", "seeded"] = "none"


class MechanismsSection(Section):
    """What people get better by, and whether they ask, can be switched off (`policy.mechanisms:`)."""

    familiarity: bool = True
    knowledge: bool = True
    estimation_learning: bool = True
    asking: bool = True  # False: nobody asks what a story leaves open


class PolicySection(Section):
    """Who decides, and how (`policy:`)."""

    judgement: Literal["behavioural", "model"] = "behavioural"  # by rules, or by a model at models.vllm_endpoint
    model: ShortText | None = None  # one model for everybody's judgements; none means the model of each agent
    memory_chars: Annotated[int, Field(ge=0, le=1_000_000)] = 8_000  # of earlier judgements that a person remembers
    prompts: str | None = None  # folder with prompt templates that take the place of shipped ones
    mechanisms: MechanismsSection = MechanismsSection()
    calibration: str | None = None  # path of a calibration file; none means the shipped one

    @property
    def asks_model(self) -> bool:
        """Whether judgements come from a model."""
        return self.judgement == "model"


class PairingSection(Section):
    """How long a pair discusses before it escalates (`pairing:`)."""

    max_exchanges: Annotated[int, Field(ge=1, le=10)] = 3


class SprintZeroSection(Section):
    """Whether a sprint for infrastructure comes first (`sprint_zero:`)."""

    enabled: bool = True


class SwapPenaltiesSection(Section):
    """What it costs to work outside one's profile (`profile_swapping.penalties:`)."""

    context_switch_slowdown: Annotated[float, Field(ge=1, le=10)] = 1.20
    proficiency_reduction: Probability = 0.70
    knowledge_decay_sprints: Annotated[int, Field(ge=0, le=1000)] = 1


SwapScenario = Literal[
    "critical_production_incident", "specialist_unavailable", "deliberate_cross_training", "team_member_departure"
]


class ProfileSwappingSection(Section):
    """Who may work outside their profile, and when (`profile_swapping:`)."""

    mode: Literal["none", "constrained", "free"] = "constrained"
    allowed_scenarios: tuple[SwapScenario, ...] = (
        "critical_production_incident",
        "specialist_unavailable",
        "deliberate_cross_training",
    )
    penalties: SwapPenaltiesSection = SwapPenaltiesSection()


class SpecialistConsultantsSection(Section):
    """Outside specialists that a team may call in (`specialist_consultants:`)."""

    enabled: bool = False
    max_per_sprint: Annotated[int, Field(ge=0, le=100)] = 3
    velocity_penalty: Annotated[float, Field(ge=0, le=100)] = 2.0  # story points for each consultation
