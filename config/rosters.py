"""Who is in which team: the configuration's agents and teams as rosters, copies included."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from config.team_sections import AgentSection, Seniority, TeamSection, WipLimitsSection

ONLY_TEAM = "team-1"  # the id of the team when the configuration names none
PRODUCT_OWNER = "product_owner"


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamMember:
    """One agent as a member of a team."""

    id: str
    name: str
    seniority: Seniority
    roles: tuple[str, ...]  # parts of the archetype; `product_owner` is added where it was derived
    primary_specialization: str
    auxiliary_specializations: tuple[str, ...] = ()
    temperature: float | None = None
    model: str = ""
    max_tokens: int | None = None

    @property
    def is_developer(self) -> bool:
        """Whether this member writes code."""
        return "developer" in self.roles

    @property
    def is_tester(self) -> bool:
        """Whether this member tests."""
        return "tester" in self.roles

    @property
    def may_drive(self) -> bool:
        """Whether this member may sit at the keyboard: everybody but whoever decides what is built."""
        return not self.is_product_owner

    @property
    def is_leader(self) -> bool:
        """Whether this member leads others; the product owner decides what is built, not how."""
        return "leader" in self.roles and not self.is_product_owner

    @property
    def is_product_owner(self) -> bool:
        """Whether this member owns the product."""
        return PRODUCT_OWNER in self.roles


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamRoster:
    """One team: its members in the order of `models.agents`, and its limits."""

    id: str
    name: str
    members: tuple[TeamMember, ...]
    wip_in_progress: int  # stories
    wip_review: int  # stories

    @property
    def developers(self) -> tuple[TeamMember, ...]:
        """Members who write code."""
        return tuple(member for member in self.members if member.is_developer)

    @property
    def testers(self) -> tuple[TeamMember, ...]:
        """Members who test."""
        return tuple(member for member in self.members if member.is_tester)

    @property
    def product_owner(self) -> TeamMember | None:
        """The first member who owns the product; a checked configuration has exactly one."""
        return next((member for member in self.members if member.is_product_owner), None)

    @property
    def lead(self) -> TeamMember | None:
        """Who leads: whose id ends in `dev_lead`, else a developing leader, any leader, a senior developer, nobody."""
        choices = [member for member in self.members if not member.is_product_owner]
        ranked = (
            [member for member in choices if member.is_leader and member.id.endswith("dev_lead")]
            + [member for member in choices if member.is_leader and member.is_developer]
            + [member for member in choices if member.is_leader]
            + [member for member in choices if member.is_developer and member.seniority == "senior"]
        )
        return next(iter(ranked), None)


def resolve_teams(
    agents: Mapping[str, AgentSection],
    teams: Sequence[TeamSection],
    *,
    coordinators: Collection[str],
    wip_limits: WipLimitsSection,
    replicas: int,
) -> tuple[TeamRoster, ...]:
    """Build the roster of every team, then the copies of all of them.

    The first copy keeps its ids, so what is known about it (draws, files) is the same in a run with and without copies.
    """
    declared = teams or (TeamSection(id=ONLY_TEAM, agents=tuple(id_ for id_ in agents if id_ not in coordinators)),)
    originals = tuple(_roster(team, agents, wip_limits) for team in declared)
    copies = (_copied(roster, number) for number in range(2, replicas + 1) for roster in originals)
    return originals + tuple(copies)


def original_id(member: TeamMember) -> str:
    """The agent of `models.agents` that a member is, or is a copy of."""
    return member.id.rpartition(".")[2]  # ids have no dots, prefixes of copies end in one


def members_of(team: TeamSection, agents: Mapping[str, AgentSection]) -> tuple[str, ...]:
    """The ids of a team's members, in the order of `models.agents`: those it names and those that name it."""
    return tuple(id_ for id_, agent in agents.items() if id_ in team.agents or agent.team_id == team.id)


def _roster(team: TeamSection, agents: Mapping[str, AgentSection], wip_limits: WipLimitsSection) -> TeamRoster:
    members = {id_: agents[id_] for id_ in members_of(team, agents)}
    owner = _derived_owner(members)
    own = team.wip_limits
    return TeamRoster(
        id=team.id,
        name=team.name or team.id,
        members=tuple(_member(id_, agent, owns_product=id_ == owner) for id_, agent in members.items()),
        wip_in_progress=wip_limits.in_progress if own.in_progress is None else own.in_progress,
        wip_review=wip_limits.review if own.review is None else own.review,
    )


def _derived_owner(members: Mapping[str, AgentSection]) -> str | None:
    """Find who owns the product where no archetype says so: an id like `x_po`, else the only one who purely leads."""
    if any(PRODUCT_OWNER in agent.roles for agent in members.values()):
        return None
    named = [id_ for id_ in members if id_ == "po" or id_.endswith("_po")]
    if named:
        return named[0]
    pure_leaders = [id_ for id_, agent in members.items() if agent.roles == ("leader",)]
    return pure_leaders[0] if len(pure_leaders) == 1 else None


def _member(agent_id: str, agent: AgentSection, *, owns_product: bool) -> TeamMember:
    return TeamMember(
        id=agent_id,
        name=agent.name,
        seniority=agent.seniority,
        roles=(*agent.roles, PRODUCT_OWNER) if owns_product else agent.roles,
        primary_specialization=agent.primary,
        auxiliary_specializations=agent.auxiliaries,
        temperature=agent.temperature,
        model=agent.model,
        max_tokens=agent.max_tokens,
    )


def _copied(roster: TeamRoster, number: int) -> TeamRoster:
    prefix = f"t{number:02d}."
    return replace(
        roster,
        id=prefix + roster.id,
        name=f"{roster.name} ({number})",
        members=tuple(replace(member, id=prefix + member.id) for member in roster.members),
    )
