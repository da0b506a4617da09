"""What the development lead does besides developing: split stories, decide blockers and escalations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actors.policy.decisions import DecideEscalation, DecideHelp, EscalationChoice, PlanStory
from actors.roles.duty import Duty, Handler
from actors.scrum.messages import DecisionRecorded, Escalated
from actors.services.ceremony_messages import BlockerDecided, DecideBlocker, SplitStory, StorySplit, TellKnowledge
from actors.services.pairing_messages import Escalate, EscalationDecided, TaskReported

SCOPE_TIER = 3


class Arbitration(Duty):
    """Judging an escalation without publishing it: what the product owner contributes at tier 3."""

    def handlers(self) -> Mapping[type[Any], Handler]:
        """Escalations."""
        return {Escalate: self._advise}

    async def judge(self, question: Escalate) -> EscalationChoice:
        """Choose one of the options."""
        observation = DecideEscalation(
            person=self.state.person,
            story=question.story,
            tier=question.tier,
            issue=question.issue,
            options=question.options,
            knowledge_permille=self.desk.knowledge(question.story),
        )
        choice: EscalationChoice = await self.desk.decide(observation, "escalations", question.entity)
        return choice

    async def _advise(self, question: Escalate) -> EscalationDecided:
        choice = await self.judge(question)
        return EscalationDecided(option=choice.option, consequence=choice.consequence)


class Leading(Arbitration):
    """The development lead's duties."""

    def handlers(self) -> Mapping[type[Any], Handler]:
        """Planning, blockers, escalations."""
        return {
            SplitStory: self._split,
            TaskReported: self._remember,
            DecideBlocker: self._decide_blocker,
            Escalate: self._decide,
        }

    async def _split(self, order: SplitStory) -> StorySplit:
        observation = PlanStory(
            person=self.state.person, story=order.story, points=order.points, lessons=self.state.mind.lessons
        )
        choice = await self.desk.decide(observation, "plans", order.story.story_id)
        pace = self.state.mind.planned_pace_permille
        return StorySplit(tasks=choice.tasks, approach=choice.approach, pace_permille=pace)

    def _remember(self, news: TaskReported) -> None:
        """What a task took goes into the next plans."""
        self.state.mind.saw_task_finish(sized_minutes=news.sized_minutes, spent_minutes=news.spent_minutes)

    async def _decide_blocker(self, order: DecideBlocker) -> BlockerDecided:
        """Hear who knows the module, then decide who helps."""
        asked = [
            (agent, self.context.ask(self.desk.address(agent), TellKnowledge(module=order.module)))
            for agent in order.candidates
            if agent != self.state.agent
        ]
        known = {agent: (await answer).permille for agent, answer in asked}
        if self.state.agent in order.candidates:
            known[self.state.agent] = self.state.mind.knowledge_permille(order.module)
        observation = DecideHelp(
            person=self.state.person,
            story_id=order.story_id,
            module=order.module,
            blocker=order.blocker,
            candidates=tuple(known),
            candidate_knowledge=tuple(known.values()),
        )
        choice = await self.desk.decide(observation, "help", f"{order.story_id}/d{self.desk.day}")
        return BlockerDecided(helper=choice.helper, text=choice.text)

    async def _decide(self, question: Escalate) -> EscalationDecided:
        """Tier 2 is the lead's; on scope the product owner has the last word."""
        choice, decided_by = await self.judge(question), self.state.agent
        option, consequence = choice.option, choice.consequence
        if question.tier >= SCOPE_TIER:
            advice = await self.desk.ask_colleague(self.team.product_owner, question)
            decided_by = f"{self.state.agent}, {self.team.roster.product_owner.agent}"
            if advice is not None:
                option, consequence = advice.option, advice.consequence
        self._publish(question, question.options[option], decided_by)
        if choice.record:
            self._record(question, question.options[option], consequence, decided_by)
        return EscalationDecided(option=option, consequence=consequence)

    def _publish(self, question: Escalate, decision: str, decided_by: str) -> None:
        self.context.publish(
            Escalated(
                team=self.team.team,
                sprint=self.desk.sprint,
                session_id=question.session_id,
                story_id=question.story.story_id,
                tier=question.tier,
                issue=question.issue,
                decided_by=decided_by,
                decision=decision,
            )
        )

    def _record(self, question: Escalate, decision: str, consequence: str, decided_by: str) -> None:
        self.state.decision_records += 1
        story = question.story
        self.context.publish(
            DecisionRecorded(
                team=self.team.team,
                sprint=self.desk.sprint,
                adr=self.state.decision_records,
                title=f"{question.issue.replace('_', ' ').capitalize()} in {story.module}: {story.title}",
                context=question.reason or f"A pair could not agree on {question.issue}.",
                options=question.options,
                decision=decision,
                consequences=consequence,
                decided_by=decided_by,
                story_id=story.story_id,
            )
        )
