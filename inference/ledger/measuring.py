"""What answers took by wall time and by caches, joined to the decisions that paid for them. Pure.

Who asked, about what and for how much follows from a run's seed; it is booked from its log. What engines measured
follows from nothing but what happened, and is in the replies only. Numbers of effects, which both know, join the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from inference.ledger.entries import Entry, Ledger
from inference.ledger.errors import MismatchError
from inference.ledger.prices import NO_PRICES, PriceList
from inference.messages import Failed
from inference.text import TextGenerated, adapter_name

EffectId = tuple[str, int]  # the actor that asked, and the how-manieth effect of its


class MeasuredLedger:
    """Takes payments, each with the answers that it was for; what nobody paid for is told apart."""

    def __init__(self, answers: Mapping[EffectId, TextGenerated | Failed], prices: PriceList = NO_PRICES) -> None:
        self.ledger = Ledger(prices)
        self._answers = answers
        self._unpaid = dict.fromkeys(answers)

    def pay(self, entry: Entry, effects: Iterable[EffectId]) -> None:
        """Book a decision with what its answers took.

        Args:
            entry: What is known without its answers; nothing of it is measured.
            effects: Where its answers are.
        Raises:
            MismatchError: An answer is missing, was paid for before, or has other tokens.
        """
        answers = [self._paid(each) for each in effects]
        texts = [each for each in answers if isinstance(each, TextGenerated)]
        tokens = sum(each.prompt_tokens for each in texts), sum(each.completion_tokens for each in texts)
        if tokens != (entry.prompt_tokens, entry.completion_tokens) or len(answers) != entry.answers:
            was = f"{entry.answers} answers with {entry.prompt_tokens} and {entry.completion_tokens} tokens"
            raise MismatchError(
                entry.actor, f"{was} are paid for, {len(answers)} with {tokens[0]} and {tokens[1]} came"
            )
        told = [each.cached_tokens for each in texts if each.cached_tokens is not None]
        timed = [each.engine_us for each in texts if each.engine_us is not None]
        self.ledger.book(
            replace(
                entry,
                cached_tokens=sum(told),
                cached_untold=len(answers) - len(told),
                engine_us=sum(timed),
                untimed=len(answers) - len(timed),
            )
        )

    def unpaid(self) -> Ledger:
        """Texts that no decision paid for so far, by the actor that asked; they belong to no story and no sprint."""
        found = Ledger(self.ledger.prices)
        for actor, number in self._unpaid:
            answer = self._answers[actor, number]
            if isinstance(answer, TextGenerated):
                found.book(_entry(actor, answer))
        return found

    def _paid(self, effect: EffectId) -> TextGenerated | Failed:
        if effect not in self._unpaid:
            problem = "was paid for before" if effect in self._answers else "has no answer"
            raise MismatchError(effect[0], f"effect {effect[1]} {problem}")
        del self._unpaid[effect]
        return self._answers[effect]


def _entry(actor: str, answer: TextGenerated) -> Entry:
    return Entry(
        actor=actor,
        model=answer.model,
        adapter=adapter_name(answer.adapter, answer.adapter_version) if answer.adapter else "",
        prompt_tokens=answer.prompt_tokens,
        cached_tokens=answer.cached_tokens or 0,
        cached_untold=int(answer.cached_tokens is None),
        completion_tokens=answer.completion_tokens,
        engine_us=answer.engine_us or 0,
        untimed=int(answer.engine_us is None),
    )
