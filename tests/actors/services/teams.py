"""One small team for tests of services."""

from __future__ import annotations

from actors.policy.calibration import shipped_calibration
from actors.scrum.calendar import SprintCalendar
from actors.scrum.messages import Member
from actors.scrum.pairing import PairRules
from actors.scrum.team import Roster
from actors.services.team_setting import TeamSetting

TEAM = "red"


def member(agent: str, *roles: str, seniority: str = "senior") -> Member:
    return Member(
        agent=agent,
        name=agent.title(),
        seniority=seniority,
        specialization="backend",
        auxiliaries=(),
        roles=roles,
    )


def executing_team() -> TeamSetting:
    """The red team: four people who write code."""
    members = (
        member("ada", "developer", "leader"),
        member("bob", "developer", seniority="junior"),
        member("tess", "tester", "leader"),
        member("paul_po", "product_owner"),
    )
    return TeamSetting(
        team=TEAM,
        roster=Roster(TEAM, members),
        calendar=SprintCalendar(days_per_sprint=5),
        calibration=shipped_calibration(),
        pair_rules=PairRules(),
        sprints=1,
        max_exchanges=3,
        wip_in_progress=4,
        wip_review=2,
        executes=True,
    )
