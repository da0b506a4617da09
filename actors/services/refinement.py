"""Refinement: the product owner presents stories, the team asks and estimates, until the sprint could be full."""

from __future__ import annotations

from actors.scrum.calendar import MINUTE_US
from actors.scrum.capacity import stretched
from actors.scrum.estimation import Consensus, consensus
from actors.scrum.messages import Estimate, Member, StoryEstimated
from actors.services.ceremony import Ceremony
from actors.services.ceremony_messages import ConsiderStory, EstimateStory, PresentStory, TakeStories
from actors.services.sprint_state import KnownStory
from actors.services.work_messages import RegisterStory

ASKERS = 4  # who may ask about one story
LAST_CALL_US = 5 * MINUTE_US  # no story is begun this short before the end


class Refinement(Ceremony):
    """From the product backlog to estimated stories."""

    async def hold(self, prepared_points: int) -> None:
        """Refine the next stories. `prepared_points` are on the board already."""
        state = self.state
        started_us = self.context.now_us
        ends_us = self.window_end("refinement")
        prepared = prepared_points + sum(state.stories[story_id].points for story_id in state.refined)
        while prepared < stretched(state.capacity) and self.context.now_us < ends_us - LAST_CALL_US:
            known = await self.refine_next()
            if known is None:
                break
            prepared += known.points
        self.held("refinement", started_us)

    async def refine_next(self) -> KnownStory | None:
        """Refine the next story of the product backlog; None if there is none that could be."""
        if self.state.presenting is None and not await self._take_next():
            return None
        return await self._refine_presented()

    async def _take_next(self) -> bool:
        """Ask for the next story. False: there is none that could be refined."""
        offered = await self.insist(self.team.product_owner, TakeStories(count=1, known=self.state.known()))
        self.state.backlog_exhausted = offered.is_exhausted
        self.state.presenting = next(iter(offered.stories), None)
        return self.state.presenting is not None

    async def _refine_presented(self) -> KnownStory:
        """Present, ask, estimate."""
        state = self.state
        assert state.presenting is not None
        story = state.presenting
        known = KnownStory(story=story)
        self.context.tell(self.team.workshop, RegisterStory(story=story))
        await self.insist(self.team.product_owner, PresentStory(story_id=story.story_id))
        for member in self._askers():
            considered = await self.ask(member, ConsiderStory(story=known.view()))
            if considered is not None:
                known.clear(considered.cleared)
        known.points = await self._estimate(known)
        state.stories[story.story_id] = known
        state.refined.append(story.story_id)
        state.presenting = None
        return known

    def _askers(self) -> tuple[Member, ...]:
        """All juniors, and of the others whose turn it is."""
        engineers = self.team.roster.engineers
        juniors = [member for member in engineers if member.seniority == "junior"][:ASKERS]
        others = [member for member in engineers if member.seniority != "junior"]
        count = min(len(others), ASKERS - len(juniors))
        turn = [others[(self.state.rotation + position) % len(others)] for position in range(count)]
        self.state.rotation += count
        return (*juniors, *turn)

    async def _estimate(self, known: KnownStory) -> int:
        """Vote until the votes agree or there was talk enough."""
        votes: tuple[int, ...] = ()
        round_number = 0
        while True:
            round_number += 1
            question = EstimateStory(story=known.view(), round=round_number, votes=votes)
            given = await self.ask_all(self.team.roster.developers, question)
            votes = tuple(answer.points for _, answer in given) or (known.story.sized_points,)
            result = consensus(votes)
            if result.is_settled(round_number):
                break
        estimates = tuple(Estimate(agent=member.agent, points=answer.points) for member, answer in given)
        self._publish(known, estimates, result, round_number)
        return result.points

    def _publish(self, known: KnownStory, estimates: tuple[Estimate, ...], result: Consensus, rounds: int) -> None:
        self.context.publish(
            StoryEstimated(
                team=self.team.team,
                sprint=self.state.sprint,
                story_id=known.story.story_id,
                estimates=estimates,
                points=result.points,
                rounds=rounds,
            )
        )
