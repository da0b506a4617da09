"""Quality assurance: a tester checks a story in Review and judges what the checks found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actors.policy.decisions import JudgeQuality
from actors.roles.duty import Duty, Handler
from actors.scrum.calendar import MINUTE_US
from actors.scrum.messages import StoryReviewed
from actors.services.board_messages import ApproveStory, SendBackStory
from actors.services.merge_messages import Integrate, Integrated
from actors.services.pairing_messages import ReviewStory, StoryChecked
from actors.services.work_messages import AddRework, ChecksRun, RunChecks


class Testing(Duty):
    """Reviewing stories, one at a time, in working time."""

    def handlers(self) -> Mapping[type[Any], Handler]:
        """Stories in Review."""
        return {ReviewStory: self._review, Integrated: self._on_integrated}

    async def _review(self, order: ReviewStory) -> None:
        story, state = order.story, self.state
        tester = state.mind.at_work(story.module, story.specialization)
        checks: ChecksRun = await self.desk.insist(
            self.team.workshop, RunChecks(story_id=story.story_id, tester=tester)
        )
        now_us = self.context.now_us
        done_us = self.team.calendar.add_working_time(now_us, checks.minutes * MINUTE_US)
        await self.context.sleep(max(1, done_us - now_us))
        state.mind.worked(story.module, checks.minutes, navigating=True)
        observation = JudgeQuality(
            person=state.person,
            story=story,
            failing_checks=checks.failing,
            flaky_checks=checks.flaky,
            returned_before=order.returned_before,
        )
        choice = await self.desk.decide(observation, "quality", story.story_id)
        self._publish(order, checks, approved=choice.approve, text=choice.text)
        if choice.approve and self.team.executes:  # the card moves when the merge queue says that it is on main
            self.context.tell(self.team.merge_queue, Integrate(story_id=story.story_id, module=story.module))
        else:
            await self._carry_out(story.story_id, story.module, sent_back_for="" if choice.approve else "qa")

    async def _on_integrated(self, news: Integrated) -> None:
        await self._carry_out(news.story_id, news.module, sent_back_for=news.reason)

    async def _carry_out(self, story_id: str, module: str, *, sent_back_for: str) -> None:
        """Move the card; a story that goes back takes along what is to be done again."""
        tester = self.state.agent
        if not sent_back_for:
            self.state.diary.note("stories_approved", where=module)
            await self.desk.insist(self.team.board, ApproveStory(story_id=story_id, tester=tester))
        else:
            self.state.diary.note("stories_sent_back", where=module)
            rework = AddRework(story_id=story_id, sprint=self.desk.sprint, reason=sent_back_for, criteria=())
            await self.desk.insist(self.team.workshop, rework)
            await self.desk.insist(self.team.board, SendBackStory(story_id=story_id, tester=tester))
        checked = StoryChecked(story_id=story_id, tester=tester, approved=not sent_back_for)
        self.context.tell(self.team.facilitator, checked)

    def _publish(self, order: ReviewStory, checks: ChecksRun, *, approved: bool, text: str) -> None:
        self.context.publish(
            StoryReviewed(
                team=self.team.team,
                sprint=self.desk.sprint,
                story_id=order.story.story_id,
                reviewer=self.state.agent,
                approved=approved,
                findings=(*checks.findings, text),
                review_minutes=checks.minutes,
            )
        )
