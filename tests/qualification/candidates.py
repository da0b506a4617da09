"""Who is qualified: a text engine of any kind, or one of the baselines that play without a model.

QualificationError
+-- NotAskedError    this candidate cannot do this part: it writes no free text
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Protocol

from actors.policy.calibration import shipped_calibration
from actors.policy.decisions import Decide, Decided
from actors.policy.engine import BehaviouralEngine
from actors.policy.prompting.answers import text_of
from actors.policy.prompting.narrowing import schema_of
from inference.messages import Failed
from inference.text import ChatMessage, GenerateText, ServedText, TextEngine, TextGenerated
from training.house.random_play import Dealer, play

STEP_S = 0.2
Progress = Callable[[int, int], None]  # answered, all


class QualificationError(Exception):
    """Base class of what keeps a qualification from being held."""


class NotAskedError(QualificationError):
    """Raised by a candidate that writes no free text."""


@dataclass(frozen=True, slots=True)
class Written:
    """What came back for one request, and the wall seconds from asking to the whole answer."""

    reply: TextGenerated | Failed
    took_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A text that is wanted."""

    messages: tuple[ChatMessage, ...]
    schema: str = ""
    max_tokens: int
    seed: int
    decide: Decide | None = None  # the decision behind it, for who does not read


class Candidate(Protocol):
    """Answers; the same question with the same seed has the same answer."""

    def write(self, asks: Sequence[Ask], *, at_once: int | None = None) -> list[Written]:
        """One answer for each ask, in their order. Raises NotAskedError, EngineLostError."""
        ...

    def close(self) -> None: ...


class ModelCandidate:
    """A model behind a text engine."""

    def __init__(self, served: ServedText, *, model: str, temperature_permille: int, progress: Progress) -> None:
        """Make and start the engine. Raises EngineLostError."""
        self._model, self._temperature, self._progress = model, temperature_permille, progress
        self._engine: TextEngine = served.make()
        self._asked = 0
        try:
            self._engine.start()
        except BaseException:
            self._engine.close()
            raise

    def write(self, asks: Sequence[Ask], *, at_once: int | None = None) -> list[Written]:
        limit, began = at_once or self._engine.slots, dict[str, float]()
        found: dict[str, Written] = {}
        first, self._asked = self._asked, self._asked + len(asks)
        tickets = [f"q{first + number}" for number in range(len(asks))]
        waiting = list(zip(tickets, asks, strict=True))[::-1]
        while len(found) < len(asks):
            while waiting and self._engine.under_way < limit:
                ticket, ask = waiting.pop()
                began[ticket] = monotonic()
                self._engine.submit(ticket, self._request(ask), ask.seed)
            for ticket, reply in self._engine.step(STEP_S):
                found[ticket] = Written(reply, monotonic() - began[ticket])
            self._progress(len(found), len(asks))
        return [found[ticket] for ticket in tickets]

    def close(self) -> None:
        self._engine.close()

    def _request(self, ask: Ask) -> GenerateText:
        return GenerateText(
            model=self._model,
            adapter="",
            adapter_version=0,
            messages=ask.messages,
            schema=ask.schema,
            max_tokens=ask.max_tokens,
            temperature_permille=self._temperature,
            priority="batch",
        )


class _Baseline:
    """Plays without reading; knows decisions only."""

    name = ""

    def write(self, asks: Sequence[Ask], *, at_once: int | None = None) -> list[Written]:
        return [self._written(ask) for ask in asks]

    def close(self) -> None:
        """Nothing to let go of."""

    def text(self, decide: Decide, seed: int) -> str:
        """The answer as a model would write it."""
        raise NotImplementedError

    def _written(self, ask: Ask) -> Written:
        if ask.decide is None:
            raise NotAskedError(f"{self.name} play decides, and writes no other text")
        began_s = monotonic()
        text = self.text(ask.decide, ask.seed)
        reply = TextGenerated(
            text=text,
            finish="stop",
            model=self.name,
            adapter="",
            adapter_version=0,
            prompt_tokens=0,
            cached_tokens=None,
            completion_tokens=0,
        )
        return Written(reply, monotonic() - began_s)


class BehaviouralCandidate(_Baseline):
    """The calibrated policy: what a model is compared with."""

    name = "behavioural"

    def __init__(self, seed: int) -> None:
        self._engine = BehaviouralEngine(seed, shipped_calibration())

    def text(self, decide: Decide, seed: int) -> str:
        decided: Any = self._engine.answer(decide, seed)
        assert isinstance(decided, Decided)
        return text_of(decided.answer)


class RandomCandidate(_Baseline):
    """Random play: anything that the schema of the observed state allows."""

    name = "random"

    def text(self, decide: Decide, seed: int) -> str:
        return play(schema_of(decide.observation), Dealer(seed, "qualification"))
