"""Who judges: what is asked for a decision, and the one that asks the behavioural policy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from actors.policy.decisions import Decide, Decided
from actors.policy.prompting.memory import Memory
from actors.roles.purse import Purse
from brokers.node.context import Context
from brokers.node.errors import EffectFailedError
from brokers.wire.registry import Message
from inference.messages import Failed


class Remembers(Protocol):
    """Keeps what a model is shown again of earlier decisions; it survives a restart of the actor that asks."""

    memory: Memory | None  # None: nothing yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A decision that is wanted, and whose it is."""

    context: Context
    agent: str
    keeper: Remembers
    team: str
    key: tuple[str, str, int]  # stream, entity, n: names the draw
    observation: Any
    duration_us: int  # virtual time that it takes to answer once
    purse: Purse = field(default_factory=Purse)  # what a model's answer is paid from


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """An answer of the kind that was asked for."""

    answer: Message
    duration_us: int
    prompt_tokens: int | None  # None: whoever judged has no tokens, or does not tell
    completion_tokens: int | None


@dataclass(frozen=True, slots=True)
class NoJudgement:
    """There is no valid answer."""

    reason: str


class Judge(Protocol):
    """Answers questions; shared by the incarnations of whoever asks, keeps no state of its own."""

    async def judge(self, question: Question) -> Judgement | NoJudgement:
        """Take the time that it takes. Raises nothing that has to do with the answer."""
        ...


Listener = Callable[[Question, Judgement | NoJudgement], None]


class BehaviouralJudge:
    """Asks the behavioural engine."""

    async def judge(self, question: Question) -> Judgement | NoJudgement:
        observation = question.observation
        request = Decide(agent=question.agent, key=question.key, observation=observation)
        try:
            reply = await question.context.effect(request, duration_us=question.duration_us)
        except EffectFailedError as failed:
            return NoJudgement(failed.reason)
        if isinstance(reply, Failed):
            return NoJudgement(f"{reply.reason}: {reply.detail}")
        if not isinstance(reply, Decided) or not isinstance(reply.answer, observation.ANSWER):
            return NoJudgement(f"an answer of another kind: {reply.KIND}")
        return Judgement(
            answer=reply.answer,
            duration_us=question.duration_us,
            prompt_tokens=reply.prompt_tokens,
            completion_tokens=reply.completion_tokens,
        )


class OverheardJudge:
    """Judges as another judge does, and lets a listener hear question and judgement: for looks into a replay."""

    def __init__(self, judge: Judge, listener: Listener) -> None:
        self._judge, self._listener = judge, listener

    async def judge(self, question: Question) -> Judgement | NoJudgement:
        found = await self._judge.judge(question)
        self._listener(question, found)
        return found


BEHAVIOURAL: Judge = BehaviouralJudge()
