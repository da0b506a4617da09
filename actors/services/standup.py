"""The stand-up: whoever owns a story in progress reports, and the lead decides what to do about blockers."""

from __future__ import annotations

from actors.scrum.cards import CardView
from actors.scrum.messages import Member, StandupHeld
from actors.services.ceremony import Ceremony
from actors.services.ceremony_messages import BlockerDecided, DecideBlocker, ReportStatus, StatusReported


class Standup(Ceremony):
    """Fifteen minutes at the start of the day."""

    async def hold(self) -> None:
        """Hear everybody who has a story in progress, one after the other."""
        started_us = self.context.now_us
        self.state.helpers.clear()
        cards = [card for card in (await self.view_board()).cards if card.column == "in_progress"]
        for card in cards:
            await self._hear(card, cards)
        self.held("standup", started_us)

    async def _hear(self, card: CardView, in_progress: list[CardView]) -> None:
        owner = self.team.roster.member(card.owner)
        days_left = self.team.calendar.days_per_sprint - self.state.day + 1
        report: StatusReported | None = await self.ask(owner, ReportStatus(story_id=card.story_id, days_left=days_left))
        if report is None:
            return
        decided = await self._decide(card, report, in_progress) if report.blocker else None
        self.context.publish(
            StandupHeld(
                team=self.team.team,
                sprint=self.state.sprint,
                day=self.state.day,
                agent=card.owner,
                story_id=card.story_id,
                progress_permille=report.progress_permille,
                blocker=report.blocker,
                decision="" if decided is None else decided.text,
                decided_by="" if decided is None else self.team.roster.lead.agent,
            )
        )

    async def _decide(
        self, card: CardView, report: StatusReported, in_progress: list[CardView]
    ) -> BlockerDecided | None:
        """Ask the lead. A helper sits with the owner today, whoever's turn it would be."""
        owners = {one.owner for one in in_progress}
        taken = owners.union(self.state.helpers.values(), self.state.reviewing.values())
        free = [member for member in self.team.roster.developers if member.agent not in taken]
        question = DecideBlocker(
            story_id=card.story_id,
            module=card.module,
            blocker=report.blocker,
            candidates=tuple(member.agent for member in free),
        )
        decided: BlockerDecided | None = await self.ask(self.team.roster.lead, question)
        if decided is not None and decided.helper and _is_one_of(decided.helper, free):
            self.state.helpers[card.story_id] = decided.helper
        return decided


def _is_one_of(agent: str, members: list[Member]) -> bool:
    return any(member.agent == agent for member in members)
