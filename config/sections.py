"""The whole configuration of a run: every section under its name in `config.yaml`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from config.door_section import DoorSection
from config.ledger_sections import BudgetSection, PricesSection
from config.pool_roles import model_of
from config.pool_section import PoolSection
from config.process_sections import (
    BacklogSection,
    DisturbancesSection,
    ExperimentSection,
    PairingSection,
    PolicySection,
    ProfileSwappingSection,
    SimulationSection,
    SpecialistConsultantsSection,
    SprintZeroSection,
    StakeholderReviewSection,
)
from config.rosters import TeamMember, TeamRoster, original_id, resolve_teams
from config.section import Section
from config.team_sections import CoordinationSection, ModelsSection, TeamDefaultsSection, TeamSection
from config.tool_sections import (
    CodeGenerationSection,
    DatabaseSection,
    DomainResearchSection,
    MessagingSection,
    MonitoringSection,
    RemoteGitSection,
    RuntimesSection,
)


class RunConfig(Section):
    """Everything a run is told before it starts.

    `load_config` also checks what no section can see alone; a `RunConfig` built by hand has not had those checks.
    """

    experiment: ExperimentSection = ExperimentSection()
    simulation: SimulationSection = SimulationSection()
    team: TeamDefaultsSection = TeamDefaultsSection()
    models: ModelsSection = ModelsSection()
    teams: Annotated[tuple[TeamSection, ...], Field(max_length=99)] = ()
    coordination: CoordinationSection = CoordinationSection()
    backlog: BacklogSection = BacklogSection()
    policy: PolicySection = PolicySection()
    pool: PoolSection = PoolSection()
    door: DoorSection = DoorSection()
    prices: PricesSection = PricesSection()
    budget: BudgetSection = BudgetSection()
    pairing: PairingSection = PairingSection()
    disturbances: DisturbancesSection = DisturbancesSection()
    stakeholder_review: StakeholderReviewSection = StakeholderReviewSection()
    sprint_zero: SprintZeroSection = SprintZeroSection()
    profile_swapping: ProfileSwappingSection = ProfileSwappingSection()
    specialist_consultants: SpecialistConsultantsSection = SpecialistConsultantsSection()
    code_generation: CodeGenerationSection = CodeGenerationSection()
    runtimes: RuntimesSection = RuntimesSection()
    remote_git: RemoteGitSection = RemoteGitSection()
    messaging: MessagingSection = MessagingSection()
    database: DatabaseSection = DatabaseSection()
    monitoring: MonitoringSection = MonitoringSection()
    domain_research: DomainResearchSection = DomainResearchSection()

    @property
    def asks_model(self) -> bool:
        """Whether any decision comes from a model: judgements, tool calls of whoever writes code, or both."""
        return self.policy.asks_model or self.code_generation.asks_model

    @property
    def hands_model(self) -> str | None:
        """The one model that writes everybody's code; None: the model of whoever drives."""
        return self.code_generation.model if self.code_generation.model is not None else self.policy.model

    def own_model(self, member: TeamMember) -> str:
        """The model of a member where there is not one for all: that of its tier, else its own."""
        if self.models.engine != "pool":
            return member.model
        agent_id = original_id(member)
        return model_of(self.pool, agent_id, self.models.agents[agent_id])

    @property
    def stakeholder_cadence(self) -> int:
        """Sprints between two stakeholder reviews, by whichever of its two names it was given."""
        return self.experiment.sprints_per_stakeholder_review or self.stakeholder_review.cadence

    def resolved_teams(self) -> tuple[TeamRoster, ...]:
        """The teams that take part, copies included; one team, `team-1`, where `teams` names none."""
        return resolve_teams(
            self.models.agents,
            self.teams,
            coordinators=self.coordination.coordinators,
            wip_limits=self.team.wip_limits,
            replicas=self.simulation.replicas,
        )
