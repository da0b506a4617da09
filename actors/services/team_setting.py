"""What everybody in a team knows from the start: who is there, when one works, and where to write to."""

from __future__ import annotations

from dataclasses import dataclass

from actors.policy.calibration import Calibration
from actors.scrum.calendar import SprintCalendar
from actors.scrum.pairing import PairRules
from actors.scrum.team import Roster


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamSetting:
    """The fixed circumstances of one team's run."""

    team: str
    roster: Roster
    calendar: SprintCalendar
    calibration: Calibration
    pair_rules: PairRules
    sprints: int
    max_exchanges: int  # rounds of talk at a checkpoint before it is escalated
    wip_in_progress: int
    wip_review: int
    executes: bool = False  # code is written and tested; otherwise work is modelled

    @property
    def merge_queue(self) -> str:
        """Address of the merge queue; nobody lives there where work is modelled."""
        return f"merge_queue/{self.team}"

    @property
    def board(self) -> str:
        """Address of the board keeper."""
        return f"board/{self.team}"

    @property
    def facilitator(self) -> str:
        """Address of the facilitator."""
        return f"facilitator/{self.team}"

    @property
    def workshop(self) -> str:
        """Address of the workshop."""
        return f"workshop/{self.team}"

    @property
    def disturber(self) -> str:
        """Address of the disturbance generator."""
        return f"disturber/{self.team}"

    @property
    def product_owner(self) -> str:
        """Address of the product owner."""
        return agent_address(self.roster.product_owner.agent)

    @property
    def lead(self) -> str:
        """Address of the development lead."""
        return agent_address(self.roster.lead.agent)


def agent_address(agent: str) -> str:
    """The address of a person."""
    return f"agent/{agent}"
