"""What people make of a disturbance: the person hit judges its symptoms, and the response changes what it costs."""

from __future__ import annotations

from actors.scrum.cards import CardView
from actors.scrum.messages import DisturbanceKind
from actors.scrum.team import Roster
from actors.services.asking import ask_person, insist
from actors.services.disturbance_messages import Suffered, TriageCall, Triaged
from actors.services.disturbance_plan import Disturbance
from actors.services.team_setting import TeamSetting, agent_address
from actors.services.work_messages import Interrupt, Respond
from actors.work import effort
from brokers.node.context import Context
from brokers.node.errors import RefusedError
from config.streams import Draw

LEADS_SHARE = 3  # escalated, one part in so many becomes the lead's


class DisturbanceResponse:
    """One disturbance in the hands of the team."""

    def __init__(self, context: Context, team: TeamSetting, disturbance: Disturbance, cards: list[CardView]) -> None:
        self._context, self._team = context, team
        self._disturbance, self._cards = disturbance, cards

    async def hold(self, target: CardView, costs: dict[str, int], symptom: Draw) -> None:
        """Ask the person hit what to do about it, and let that change the cost of every story."""
        disturbance, team = self._disturbance, self._team
        call = TriageCall(
            disturbance_id=disturbance.id,
            sprint=disturbance.sprint,
            hazard=disturbance.kind,
            story_id=target.story_id,
            module=target.module,
            symptom_permille=effort.symptom_permille(team.calibration, symptom, severity=disturbance.severity),
            visible_stories=1,
        )
        person = self._person_hit(disturbance.kind, target)
        triaged: Triaged | None = await ask_person(self._context, agent_address(person), call)
        if triaged is None:
            return
        for story_id, minutes in costs.items():
            if minutes > 0:
                after = await self._after(minutes, triaged)
                response = Respond(
                    disturbance_id=disturbance.id, story_id=story_id, response=triaged.response, minutes=after
                )
                await insist(self._context, team.workshop, response)

    async def _after(self, minutes: int, triaged: Triaged) -> int:
        """Lessons make it cheaper, putting it off dearer; escalated, part of it becomes the lead's."""
        calibration = self._team.calibration
        remains = effort.lesson_permille(calibration, strength=triaged.lessons)
        minutes = max(1, minutes * remains // 1000)
        if triaged.response == "defer":
            return effort.deferred_minutes(calibration, minutes)
        if triaged.response == "escalate" and minutes >= LEADS_SHARE:
            share = minutes // LEADS_SHARE
            return minutes - share if await self._burden_lead(share) else minutes
        return minutes

    async def _burden_lead(self, minutes: int) -> bool:
        """The lead's own story waits while the lead helps. False: the lead has no other story."""
        lead, disturbance = self._team.roster.lead.agent, self._disturbance
        hit = disturbance.waits_for
        for card in self._cards:
            if lead not in (card.owner, card.navigator) or card.story_id in hit or card.column != "in_progress":
                continue
            interrupt = Interrupt(
                disturbance_id=disturbance.id, hazard=disturbance.kind, story_id=card.story_id, minutes=minutes
            )
            try:
                await insist(self._context, self._team.workshop, interrupt)
            except RefusedError:  # no work is left on it
                continue
            disturbance.waits_for.append(card.story_id)
            self._context.tell(self._team.lead, Suffered(hazard=disturbance.kind, minutes=minutes))
            return True
        return False

    def _person_hit(self, kind: DisturbanceKind, target: CardView) -> str:
        roster = self._team.roster
        return responsible_for(kind, roster) or target.owner or roster.lead.agent


def responsible_for(kind: str, roster: Roster) -> str:
    """Who judges and handles every disturbance of a kind; empty where it is the owner of the story hit."""
    if kind == "production_incident":
        return roster.lead.agent
    if kind == "flaky_test" and roster.qa_lead is not None:
        return roster.qa_lead.agent
    return roster.product_owner.agent if kind == "scope_creep" else ""
