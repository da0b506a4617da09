"""Technical planning, without the product owner: tasks, owners, and what is committed."""

from __future__ import annotations

from actors.policy.arithmetic import scaled
from actors.policy.decisions import TaskChoice
from actors.scrum.cards import CardView
from actors.scrum.messages import Column, PlannedTask
from actors.scrum.pairing import PairDraw, form_pairs
from actors.scrum.tasks import shared_minutes, task_id
from actors.scrum.team import owner_for
from actors.services.board_messages import AddCard, PromoteStory
from actors.services.ceremony import Ceremony
from actors.services.ceremony_messages import SplitStory, StorySplit
from actors.services.disturbance_messages import SprintOpened
from actors.services.sprint_state import KnownStory
from actors.services.work_messages import RegisterPlan
from actors.work.effort import estimated_minutes
from brokers.node.errors import RefusedError

ON_ITS_WAY = ("ready", "in_progress", "review")


def carried_points(cards: tuple[CardView, ...]) -> int:
    """Points that the team has begun or committed and not finished."""
    return sum(card.points for card in cards if card.column in ON_ITS_WAY)


class SprintPlanning(Ceremony):
    """From estimated stories to cards in Ready, up to the capacity; what is beyond it waits in Backlog."""

    async def hold(self) -> None:
        """Commit what fits: carried stories, then stretch stories of earlier sprints, then the new ones."""
        state, started_us = self.state, self.context.now_us
        cards = (await self.view_board()).cards
        state.committed_points = carried_points(cards)
        for card in cards:
            if card.column == "backlog" and self._fits(card.points):
                await self._promote(card)
        await self.plan_refined()
        self.context.tell(
            self.team.disturber, SprintOpened(sprint=state.sprint, committed_points=state.committed_points)
        )
        self.held("planning", started_us)

    async def plan_unplanned(self) -> None:
        """Turn what was refined in the middle of the sprint into cards; it was not committed in planning."""
        committed = self.state.committed_points
        await self.plan_refined()
        self.state.committed_points = committed

    async def plan_refined(self) -> None:
        """Turn what was refined into cards."""
        state = self.state
        while state.refined:
            await self._plan(state.stories[state.refined[0]])
            state.refined.pop(0)

    def _fits(self, points: int) -> bool:
        committed = self.state.committed_points
        return committed == 0 or committed + points <= self.state.capacity

    async def _promote(self, card: CardView) -> None:
        await self.insist(self.team.board, PromoteStory(story_id=card.story_id, by=self.team.roster.lead.agent))
        self.state.committed_points += card.points

    async def _plan(self, known: KnownStory) -> None:
        """Split one story, find its owner, put its card on the board."""
        column: Column = "ready" if self._fits(known.points) else "backlog"
        split = await self.ask(self.team.roster.lead, SplitStory(story=known.view(), points=known.points))
        sized = self._sized(known, split)
        tasks = self._number(known, split, sized)
        owner = self._owner(known)
        self.context.tell(self.team.workshop, RegisterPlan(story_id=known.story.story_id, tasks=tasks, sized=sized))
        order = AddCard(
            story=known.story,
            points=known.points,
            owner=owner,
            navigator=self._first_navigator(owner),
            tasks=tasks,
            column=column,
            sprint=self.state.sprint,
            expedite=False,
        )
        try:
            await self.insist(self.team.board, order)
        except RefusedError as refused:  # planned just before this facilitator crashed
            if refused.error != "DuplicateStoryError":
                raise
        if column == "ready":
            self.state.committed_points += known.points

    def _sized(self, known: KnownStory, split: StorySplit | None) -> tuple[int, ...]:
        """Minutes of each task at standard pace, as its share of the story's points gives them."""
        shares = [1000] if split is None else [choice.share_permille for choice in split.tasks]
        minutes = estimated_minutes(self.team.calibration, points=known.points)
        return tuple(max(1, share) for share in shared_minutes(minutes, shares))

    def _number(self, known: KnownStory, split: StorySplit | None, sized: tuple[int, ...]) -> tuple[PlannedTask, ...]:
        """Give the lead's tasks numbers, and minutes at the pace that the lead expects; nobody split it: one task."""
        story = known.story
        choices = split.tasks if split is not None else (_whole(story.title, story.specialization),)
        pace = split.pace_permille if split is not None else 1000
        first = self.state.tasks_planned + 1
        ids = [task_id(self.state.sprint, first + position) for position in range(len(choices))]
        self.state.tasks_planned += len(choices)
        return tuple(
            PlannedTask(
                task_id=ids[position],
                title=choice.title,
                estimated_minutes=max(1, scaled(sized[position], pace)),
                depends_on=tuple(ids[needed] for needed in choice.depends_on if needed < position),
                specialization=choice.specialization,
            )
            for position, choice in enumerate(choices)
        )

    def _owner(self, known: KnownStory) -> str:
        """The best match among the developers with the least to do; the lead, who navigates, owns last."""
        roster = self.team.roster
        developers = [member for member in roster.developers if member != roster.lead] or list(roster.developers)
        owner = owner_for(known.story.specialization, developers, self.state.load).agent
        self.state.load[owner] = self.state.load.get(owner, 0) + known.points
        return owner

    def _first_navigator(self, owner: str) -> str:
        others = [member.agent for member in self.team.roster.developers if member.agent != owner]
        draw = self.context.draw("first_pairs", f"{self.team.team}/{owner}", self.state.tasks_planned)
        pairs = form_pairs(
            [owner],
            others,
            roster=self.team.roster,
            counts=self.state.counts,
            draws=[PairDraw(tester_permille=999, pick=draw.below(1000), seat=draw.below(2))],
            rules=self.team.pair_rules,
        )
        return pairs[0].partner if pairs else ""


def _whole(title: str, specialization: str) -> TaskChoice:
    return TaskChoice(title=title, share_permille=1000, depends_on=(), specialization=specialization)
