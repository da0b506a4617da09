"""Who is in a team, who leads it, and who should own a piece of work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from actors.scrum.errors import IncompleteTeamError, UnknownMemberError
from actors.scrum.messages import Member

SENIORITIES = ("junior", "mid", "senior")


def seniority_rank(member: Member) -> int:
    """Return 0 for a junior, 1 for a mid and 2 for a senior. Raises ValueError for anything else."""
    if member.seniority not in SENIORITIES:
        raise ValueError(f"{member.agent} is {member.seniority!r}, not one of {', '.join(SENIORITIES)}")
    return SENIORITIES.index(member.seniority)


def match_rank(member: Member, specialization: str) -> int:
    """Return how near a member's skills are to a specialisation: 0 primary, 1 auxiliary, 2 neither."""
    if member.specialization == specialization:
        return 0
    return 1 if specialization in member.auxiliaries else 2


class Roster:
    """The members of one team, in the order of the configuration. Never changes."""

    def __init__(self, team: str, members: Sequence[Member]) -> None:
        """Raises IncompleteTeamError without a developer or a product owner; ValueError for an id or seniority."""
        self.team, self.members = team, tuple(members)
        self._by_id = {member.agent: member for member in self.members}
        if len(self._by_id) != len(self.members):
            raise ValueError(f"{team} has two members with one id")
        for member in self.members:
            seniority_rank(member)
        self.developers = self._with_role("developer")
        self.testers = self._with_role("tester")
        if not self.developers:
            raise IncompleteTeamError(team, "developer")
        if not self._with_role("product_owner"):
            raise IncompleteTeamError(team, "product owner")
        self.product_owner = self._with_role("product_owner")[0]
        self.engineers = tuple(member for member in self.members if member != self.product_owner)
        self.lead = _first_leader(self.developers, "dev_lead")
        self.qa_lead = _first_leader(self.testers, "qa_lead") if self.testers else None

    def member(self, agent: str) -> Member:
        """Return the member of that id. Raises UnknownMemberError."""
        if agent not in self._by_id:
            raise UnknownMemberError(agent)
        return self._by_id[agent]

    def _with_role(self, role: str) -> tuple[Member, ...]:
        return tuple(member for member in self.members if role in member.roles)


def owner_for(specialization: str, developers: Sequence[Member], load: Mapping[str, int]) -> Member:
    """Choose who should own a piece of work.

    The best match of specialisation (primary, then auxiliary), then who has the least to do, then the most senior,
    then the smallest id.

    Args:
        specialization: What the work needs.
        developers: Who may own it; at least one.
        load: Points or tasks by agent id; whoever is missing has none.
    Raises:
        ValueError: There is no developer.
    """
    if not developers:
        raise ValueError("nobody is there to own the work")
    return min(
        developers,
        key=lambda member: (
            match_rank(member, specialization),
            load.get(member.agent, 0),
            -seniority_rank(member),
            member.agent,
        ),
    )


def _first_leader(members: Sequence[Member], title: str) -> Member:
    """Return who leads these members: a leader whose id ends with the title, else a leader; then by seniority."""

    def rank(numbered: tuple[int, Member]) -> tuple[bool, bool, int, int]:
        position, member = numbered
        leads = "leader" in member.roles
        is_titled = leads and (member.agent == title or member.agent.endswith(f"_{title}"))
        return not is_titled, not leads, -seniority_rank(member), position

    return min(enumerate(members), key=rank)[1]
