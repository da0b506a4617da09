"""Sprint review, retrospective and meta-learning."""

from __future__ import annotations

from actors.scrum.cards import CardView
from actors.services.board_messages import ReopenStory
from actors.services.ceremony import Ceremony
from actors.services.ceremony_messages import JudgeStory, Reflect, StoryVerdict, TakeLessons
from actors.services.merge_messages import WatchMain
from actors.services.sprint_state import KnownStory
from actors.services.work_messages import AddRework


class SprintReview(Ceremony):
    """The product owner checks what is done."""

    async def hold(self) -> None:
        """Judge every done story, also one that quality assurance approves while the review is on."""
        started_us = self.context.now_us
        if self.team.executes:
            await self.insist(self.team.workshop, WatchMain(sprint=self.state.sprint))
        await self._judge_done()
        await self.sleep_until(self.window_end("review"))
        await self._judge_done()
        self.held("review", started_us)

    async def _judge_done(self) -> None:
        for card in (await self.view_board()).cards:
            known = self.state.stories.get(card.story_id)
            if card.column == "done" and known is not None:
                await self._judge(card, known)

    async def _judge(self, card: CardView, known: KnownStory) -> None:
        pulled_us = card.pulled_at_us or 0
        cycle_us = self.team.calendar.working_time_between(pulled_us, max(pulled_us, known.done_us))
        product_owner = self.team.roster.product_owner
        judged: StoryVerdict | None = await self.ask(product_owner, JudgeStory(story=known.view(), cycle_us=cycle_us))
        if judged is None:  # the product owner crashed over it: once more, from the first criterion
            judged = await self.ask(product_owner, JudgeStory(story=known.view(), cycle_us=cycle_us))
        if judged is None:
            return
        if judged.verdict == "rejected":
            await self._reopen(card.story_id, judged.rejected_criteria)
            return
        self.state.accepted[card.story_id] = None
        self.state.accepted_now.append((card.story_id, card.points))
        del self.state.stories[card.story_id]

    async def _reopen(self, story_id: str, criteria: tuple[int, ...]) -> None:
        rework = AddRework(story_id=story_id, sprint=self.state.sprint, reason="review", criteria=criteria)
        await self.insist(self.team.workshop, rework)
        by = self.team.roster.product_owner.agent
        await self.insist(self.team.board, ReopenStory(story_id=story_id, by=by))


class Retrospective(Ceremony):
    """Keep, Drop, Puzzle: everybody writes, nobody is asked twice."""

    async def hold(self) -> None:
        """Collect the notes of all members."""
        started_us = self.context.now_us
        answers = await self.ask_all(self.team.roster.members, Reflect(sprint=self.state.sprint))
        self.state.notes[:] = [note for _, reflected in answers for note in reflected.notes]
        await self.sleep_until(self.window_end("retrospective"))
        self.held("retrospective", started_us)


class MetaLearning(Ceremony):
    """What was written down becomes what people do differently."""

    async def hold(self) -> None:
        """Everybody takes the lessons, and looks back on what they know."""
        started_us = self.context.now_us
        accepted = tuple(story_id for story_id, _ in self.state.accepted_now)
        lessons = TakeLessons(sprint=self.state.sprint, accepted=accepted, notes=tuple(self.state.notes))
        await self.ask_all(self.team.roster.members, lessons)
        await self.sleep_until(self.window_end("meta_learning"))
        self.held("meta_learning", started_us)
