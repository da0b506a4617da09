"""One decision asked of a model: the question, at most one repair, and then an answer or a typed failure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from actors.policy.prompting.answers import MalformedAnswer, parse
from actors.policy.prompting.legality import illegal
from actors.policy.prompting.memory import Memory
from actors.policy.prompting.prompts import Prompts
from brokers.wire.registry import Message
from inference.text import ChatMessage, Finish


@dataclass(frozen=True, slots=True)
class Settled:
    """The model gave an answer that is possible in the observed state."""

    answer: Message
    is_repaired: bool


@dataclass(frozen=True, slots=True)
class NoDecision:
    """The model gave none, also when told what was wrong."""

    cause: Literal["malformed", "illegal", "cut_off"]
    reason: str

    @property
    def text(self) -> str:
        """Cause and reason in one line, as `DecisionFailed` tells it."""
        return f"{self.cause} answer: {self.reason}"


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What to ask now. `take` the text that comes back: it settles the matter, or says what to ask next, once."""

    observation: Any
    messages: tuple[ChatMessage, ...]
    is_repair: bool = False

    def take(self, prompts: Prompts, text: str, finish: Finish = "stop") -> Settled | NoDecision | Dialogue:
        """Go on with what the model wrote. A repair is never followed by another one."""
        found = parse(self.observation, text)
        failure: NoDecision
        if not isinstance(found, MalformedAnswer):
            wrong = illegal(self.observation, found)
            if not wrong:
                return Settled(found, self.is_repair)
            failure = NoDecision("illegal", wrong)
        elif finish == "length":
            failure = NoDecision("cut_off", "the answer was cut off because it was too long")
        else:
            failure = NoDecision("malformed", found.reason)
        if self.is_repair:
            return failure
        return Dialogue(self.observation, prompts.repair_messages(self.messages, text, failure.reason), is_repair=True)

    def refuse(self, prompts: Prompts, problem: str) -> NoDecision | Dialogue:
        """Go on where an engine found the answer malformed and did not keep it."""
        if self.is_repair:
            return NoDecision("malformed", problem)
        return Dialogue(self.observation, prompts.asked_again(self.messages, problem), is_repair=True)


def begin(prompts: Prompts, observation: Any, memory: Memory | None = None) -> Dialogue:
    """Ask for a decision. Raises ValueError for what is no observation."""
    return Dialogue(observation, prompts.messages(observation, memory))
