"""A model judges: every decision is a conversation, at most one repair, and then an answer or a typed failure.

The judge keeps nothing: what was decided before is remembered by whoever asks, so that a restarted actor remembers it,
too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from actors.policy.prompting.dialogue import Dialogue, NoDecision, Settled, begin
from actors.policy.prompting.memory import Memory
from actors.policy.prompting.narrowing import schema_of
from actors.policy.prompting.prompts import Prompts
from actors.policy.prompting.schemas import schema_text
from actors.roles.judging import Judgement, NoJudgement, Question
from actors.roles.paying import BUDGET_EXHAUSTED, may_ask, pay, story_of
from actors.roles.wearing import NO_ADAPTERS, Version, Wardrobe
from actors.scrum.messages import ModelAsked, TokensSpent
from brokers.node.errors import EffectFailedError
from brokers.wire.registry import Message
from inference.messages import Failed
from inference.text import GenerateText, TextGenerated

Outcome = Literal["settled", "repaired", "malformed", "illegal", "cut_off", "refused"]
_DETAIL_CHARS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelUse:
    """Which model one person's decisions come from, and how it is asked."""

    model: str
    max_tokens: int  # of one answer
    temperature_permille: int
    memory_chars: int  # budget of what it is shown again; 0: nothing
    wardrobe: Wardrobe = NO_ADAPTERS  # through which versions of adapters


@dataclass(slots=True)
class _Account:
    """What the attempts of one decision took.

    Its effects say where the journal has what engines measured: none of that is known here, and a seed has one log.
    """

    wears: Version  # what every attempt names
    was_asked: bool = False
    effects: tuple[int, ...] = ()  # of the attempts that were answered
    unmetered: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    model: str = ""  # that really answered; empty where none did
    answered: Version | None = None  # likewise

    def add(self, effect: int, reply: Message) -> None:
        self.effects += (effect,)
        if not isinstance(reply, TextGenerated):
            self.unmetered += 1
            return
        self.model, self.answered = reply.model, Version(reply.adapter, reply.adapter_version)
        self.prompt_tokens += reply.prompt_tokens
        self.completion_tokens += reply.completion_tokens

    @property
    def attempts(self) -> int:
        """That were answered."""
        return len(self.effects)

    @property
    def version(self) -> Version:
        """That really answered; the one that was asked where none did."""
        return self.wears if self.answered is None else self.answered

    @property
    def is_metered(self) -> bool:
        return self.unmetered < self.attempts


class ModelJudge:
    """Asks a model by effects, one for each attempt; each takes the time of the decision."""

    def __init__(self, prompts: Prompts, use: ModelUse) -> None:
        self._prompts, self._use = prompts, use

    async def judge(self, question: Question) -> Judgement | NoJudgement:
        account = _Account(self._use.wardrobe.at(question.context.now_us))
        found = await self._talk(question, account)
        outcome: Outcome = "refused"
        match found:
            case Settled(is_repaired=is_repaired):
                outcome = "repaired" if is_repaired else "settled"
            case NoDecision(cause=cause):
                outcome = cause
        if account.was_asked:
            self._tell(question, account, outcome)
        if not isinstance(found, Settled):
            return found if isinstance(found, NoJudgement) else NoJudgement(found.text)
        self._remember(question, found.answer)
        return Judgement(
            answer=found.answer,
            duration_us=question.duration_us * account.attempts,
            prompt_tokens=account.prompt_tokens if account.is_metered else None,
            completion_tokens=account.completion_tokens if account.is_metered else None,
        )

    def _tell(self, question: Question, account: _Account, outcome: Outcome) -> None:
        """Say what was asked and what it took, and pay for it."""
        question.context.publish(
            ModelAsked(
                team=question.team,
                agent=question.agent,
                decision=question.observation.KIND,
                model=account.model or self._use.model,
                adapter=account.version.adapter,
                adapter_version=account.version.number,
                outcome=outcome,
                attempts=account.attempts,
                prompt_tokens=account.prompt_tokens,
                completion_tokens=account.completion_tokens,
                unmetered=account.unmetered,
            )
        )
        if account.attempts:
            pay(question, self._spent(question, account))

    def _spent(self, question: Question, account: _Account) -> TokensSpent:
        return TokensSpent(
            team=question.team,
            agent=question.agent,
            story_id=story_of(question.observation),
            asked_model=self._use.model,
            model=account.model or self._use.model,
            adapter=account.version.adapter,
            adapter_version=account.version.number,
            answers=account.attempts,
            effects=account.effects,
            unmetered=account.unmetered,
            prompt_tokens=account.prompt_tokens,
            completion_tokens=account.completion_tokens,
        )

    async def _talk(self, question: Question, account: _Account) -> Settled | NoDecision | NoJudgement:
        observation = question.observation
        dialogue: Settled | NoDecision | Dialogue = begin(self._prompts, observation, self._memory_of(question))
        schema = schema_text(schema_of(observation))
        while isinstance(dialogue, Dialogue):
            if not may_ask(question, self._spent(question, account)):
                return NoJudgement(BUDGET_EXHAUSTED)
            account.was_asked = True
            effect = question.context.effects_issued
            try:
                request = self._request(dialogue, schema, account.wears)
                reply = await question.context.effect(request, duration_us=question.duration_us)
            except EffectFailedError as failed:
                return NoJudgement(failed.reason)
            account.add(effect, reply)
            match reply:
                case TextGenerated(text=text, finish=finish):
                    dialogue = dialogue.take(self._prompts, text, finish)
                case Failed(reason="schema_not_honoured", detail=detail):
                    dialogue = dialogue.refuse(self._prompts, detail[:_DETAIL_CHARS])
                case Failed(reason=reason, detail=detail):
                    return NoJudgement(f"{reason}: {detail[:_DETAIL_CHARS]}")
                case _:
                    return NoJudgement(f"an answer of another kind: {reply.KIND}")
        return dialogue

    def _request(self, dialogue: Dialogue, schema: str, wears: Version) -> GenerateText:
        return GenerateText(
            model=self._use.model,
            adapter=wears.adapter,
            adapter_version=wears.number,
            messages=dialogue.messages,
            schema=schema,
            max_tokens=self._use.max_tokens,
            temperature_permille=self._use.temperature_permille,
            priority="agent",
        )

    def _memory_of(self, question: Question) -> Memory:
        return question.keeper.memory or Memory(budget_chars=self._use.memory_chars)

    def _remember(self, question: Question, answer: Message) -> None:
        """Read again: other decisions of whoever asks may have ended meanwhile."""
        memory = self._memory_of(question)
        question.keeper.memory = self._prompts.remembered(memory, question.observation, answer)
