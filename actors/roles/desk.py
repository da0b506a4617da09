"""What a person works with: the context, the state, the team, and the way to a decision."""

from __future__ import annotations

from typing import Any

from actors.policy.decisions import StoryView
from actors.policy.thinking import thinking_us
from actors.roles.cautious import cautious_choice
from actors.roles.judging import BEHAVIOURAL, Judge, NoJudgement, Question
from actors.roles.person_state import PersonState
from actors.scrum.messages import DecisionFailed, DecisionTaken
from actors.services.asking import ask_person, insist
from actors.services.team_setting import TeamSetting, agent_address
from brokers.node.context import Context
from brokers.wire.registry import Message

LINK_MARGIN_US = 1_000_000  # no decision is quicker than the slowest link


class Desk:
    """One incarnation of a person at work; duties share it."""

    def __init__(self, context: Context, state: PersonState, team: TeamSetting, *, judge: Judge = BEHAVIOURAL) -> None:
        self.context, self.state, self.team = context, state, team
        self._judge = judge

    @property
    def sprint(self) -> int:
        """The sprint of this moment."""
        return self.team.calendar.sprint_of(self.context.now_us)

    @property
    def day(self) -> int:
        """The day of the sprint."""
        return self.team.calendar.day_of(self.context.now_us)

    async def decide(self, observation: Any, stream: str, entity: str) -> Any:
        """Ask the policy for a judgement. The key names the sprint, so that no draw is used twice."""
        entity = f"{entity}/s{self.sprint}"
        key = (stream, entity, self.state.turn(stream, entity))
        self.state.last_decision = f"{stream}/{entity}/{key[2]}"
        duration_us = max(LINK_MARGIN_US, thinking_us(observation, self.team.calibration))
        question = Question(
            context=self.context,
            agent=self.state.agent,
            keeper=self.state,
            team=self.team.team,
            key=key,
            observation=observation,
            duration_us=duration_us,
            purse=self.state.purse,
        )
        found = await self._judge.judge(question)
        if isinstance(found, NoJudgement):
            return self._be_cautious(observation, found.reason)
        taken = DecisionTaken(
            team=self.team.team,
            agent=self.state.agent,
            decision=observation.KIND,
            duration_us=found.duration_us,
            prompt_tokens=found.prompt_tokens,
            completion_tokens=found.completion_tokens,
        )
        self.context.publish(taken)
        return found.answer

    async def ask_colleague(self, address: str, message: Message) -> Any:
        """Ask a person; None if nobody answers because they refused, crashed or are gone."""
        return await ask_person(self.context, address, message)

    async def insist(self, address: str, message: Message) -> Any:
        """Ask a service; one that crashed is asked again. Raises RefusedError when a rule says no."""
        return await insist(self.context, address, message)

    def address(self, agent: str) -> str:
        """Where a colleague is found."""
        return agent_address(agent)

    def knowledge(self, story: StoryView) -> int:
        """How well this person knows the module of a story."""
        return self.state.mind.knowledge_permille(story.module)

    def _be_cautious(self, observation: Any, reason: str) -> Any:
        name, answer = cautious_choice(observation)
        failed = DecisionFailed(
            team=self.team.team,
            agent=self.state.agent,
            decision=observation.KIND,
            reason=reason,
            cautious_choice=name,
        )
        self.context.publish(failed)
        return answer
