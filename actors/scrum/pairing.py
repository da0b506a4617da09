"""Who pairs with whom today, and which of the two drives.

The owner keeps a story; navigators rotate. Whoever paired least often with the owner comes first, people without work
of their own before those who have some, and the lead before others where that leaves a choice. In the pair a tester
takes the configured seat, else the lead navigates, else the more senior one; a drawn number settles ties.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from actors.scrum.messages import Member
from actors.scrum.team import Roster, seniority_rank


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two people on one story for one day."""

    owner: str  # whose story it is; either the driver or the navigator
    driver: str
    navigator: str

    @property
    def partner(self) -> str:
        """Whoever of the two is not the owner."""
        return self.driver if self.owner == self.navigator else self.navigator


@dataclass(frozen=True, slots=True, kw_only=True)
class PairDraw:
    """The chance that goes into one formation, drawn by the caller."""

    tester_permille: int  # 0 to 999; below the configured share the pair should include a tester
    pick: int  # any integer from 0; settles who of the equally suited navigates
    seat: int  # any integer from 0; settles who drives of two with equal seniority


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRules:
    """What the configuration says about pairing."""

    tester_permille: int = 200  # share of formations that include a tester
    tester_seat: Literal["navigator", "driver"] = "navigator"
    testers_fill_in: bool = False  # a tester also joins where no developer is left


class PairCounts:
    """On how many days two people worked together. Survives its actor's restart."""

    def __init__(self) -> None:
        self._days: dict[tuple[str, str], int] = {}
        self._last_day: dict[tuple[str, str], int] = {}

    def count(self, one: str, other: str) -> int:
        """Return the number of days the two paired."""
        return self._days.get(_both(one, other), 0)

    def record(self, one: str, other: str, *, day: int) -> None:
        """Note that two people pair on a day (counted from the run's begin); once a day is enough.

        Raises:
            ValueError: They are the same person, or the day lies before the last one noted for them.
        """
        both = _both(one, other)
        if one == other or day < self._last_day.get(both, day):
            raise ValueError(f"{one} and {other} cannot pair on day {day}")
        if self._last_day.get(both) != day:
            self._last_day[both] = day
            self._days[both] = self._days.get(both, 0) + 1

    def as_rows(self) -> tuple[tuple[str, str, int], ...]:
        """Return all pairs with their number of days, sorted by names."""
        return tuple((one, other, days) for (one, other), days in sorted(self._days.items()))


def form_pairs(
    owners: Sequence[str],
    candidates: Sequence[str],
    *,
    roster: Roster,
    counts: PairCounts,
    draws: Sequence[PairDraw],
    rules: PairRules | None = None,
) -> tuple[Pair, ...]:
    """Find a partner for each owner, in the given order; nobody is in two pairs.

    Args:
        owners: Who has a story to work on, most urgent first. An owner who was chosen to help a more urgent one
            gets no pair, nor does one for whom nobody is left.
        candidates: Who is free to help, developers and testers; owners may be among them.
        roster: The team, which knows everybody's seniority.
        counts: Who paired with whom before; not changed here.
        draws: One for each owner.
        rules: Shares and seats; the defaults if left out.
    Raises:
        ValueError: An owner is named twice, or there are fewer draws than owners.
        UnknownMemberError: Somebody is not in the team.
    """
    rules = rules or PairRules()
    if len(set(owners)) != len(owners) or len(draws) < len(owners):
        raise ValueError(f"{len(owners)} owners need as many names and draws")
    members = {agent: roster.member(agent) for agent in (*owners, *candidates)}
    taken: dict[str, None] = {}
    pairs: list[Pair] = []
    for owner, draw in zip(owners, draws, strict=False):
        if owner in taken:
            continue
        free = {agent: members[agent] for agent in candidates if agent != owner and agent not in taken}
        eligible = _eligible(free, wants_tester=draw.tester_permille < rules.tester_permille, rules=rules)
        if not eligible:
            continue
        partner = _least_paired(owner, eligible, owners, roster.lead.agent, counts, draw.pick)
        taken.update({owner: None, partner: None})
        pairs.append(seat_pair(owner, partner, roster=roster, seat=draw.seat, rules=rules))
    return tuple(pairs)


def seat_pair(owner: str, partner: str, *, roster: Roster, seat: int, rules: PairRules) -> Pair:
    """Decide who of two drives; `seat` settles it between equals. Raises UnknownMemberError."""
    driver, navigator = owner, partner
    if _must_swap(roster.member(owner), roster.member(partner), roster.lead.agent, seat, rules):
        driver, navigator = partner, owner
    return Pair(owner=owner, driver=driver, navigator=navigator)


def _must_swap(owner: Member, partner: Member, lead: str, seat: int, rules: PairRules) -> bool:
    """Whether the owner navigates and the partner drives."""
    if _is_tester(owner) != _is_tester(partner):
        navigates = owner if _is_tester(owner) == (rules.tester_seat == "navigator") else partner
        return navigates is owner
    if lead in (owner.agent, partner.agent):
        return owner.agent == lead
    if seniority_rank(owner) != seniority_rank(partner):
        return seniority_rank(owner) > seniority_rank(partner)
    return seat % 2 == 1


def _eligible(free: Mapping[str, Member], *, wants_tester: bool, rules: PairRules) -> tuple[str, ...]:
    """Return testers where one is wanted and there, else developers, else whoever may fill in."""
    testers = tuple(agent for agent, member in free.items() if _is_tester(member))
    developers = tuple(agent for agent, member in free.items() if not _is_tester(member))
    if testers and (wants_tester or (rules.testers_fill_in and not developers)):
        return testers
    return developers


def _least_paired(
    owner: str, eligible: Sequence[str], owners: Collection[str], lead: str, counts: PairCounts, pick: int
) -> str:
    def rank(agent: str) -> tuple[bool, int, bool]:
        return agent in owners, counts.count(owner, agent), agent != lead

    best = min(rank(agent) for agent in eligible)
    equals = sorted(dict.fromkeys(agent for agent in eligible if rank(agent) == best))
    return equals[pick % len(equals)]


def _is_tester(member: Member) -> bool:
    return "tester" in member.roles and "developer" not in member.roles


def _both(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one <= other else (other, one)
