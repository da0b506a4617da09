"""Keeps the budget of a run: one actor, so that what is spent has one order, wherever the others live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import assert_never

from actors.scrum.messages import BudgetExhausted
from actors.services.treasury_messages import Spend, StopAsking
from brokers.node.actor import Actor
from inference.ledger.budgets import Budget, Spent


@dataclass(slots=True)
class Treasury:
    """What survives a restart of the treasurer."""

    budget: Budget
    spent: Spent = field(default_factory=Spent)
    is_exhausted: bool = False


class Treasurer(Actor):
    """Adds up what everybody spends; once it is too much, tells everybody to stop, and says so in the log."""

    def __init__(self, treasury: Treasury, people: Sequence[str]) -> None:
        """`people`: addresses of everybody who may ask a model."""
        super().__init__()
        self._treasury, self._people = treasury, tuple(people)

    def on_receive(self, message: Spend) -> None:
        match message:
            case Spend(tokens=tokens, price_millionths=price_millionths):
                self._spend(tokens, price_millionths)
            case _:
                assert_never(message)

    def _spend(self, tokens: int, price_millionths: int) -> None:
        treasury = self._treasury
        treasury.spent = treasury.spent.plus(tokens, price_millionths)
        if treasury.is_exhausted or not treasury.spent.exhausts(treasury.budget):
            return
        treasury.is_exhausted = True
        self.context.publish(
            BudgetExhausted(
                team="",
                agent="",
                scope="run",
                spent_tokens=treasury.spent.tokens,
                spent_millionths=treasury.spent.price_millionths,
                budget_tokens=treasury.budget.tokens,
                budget_millionths=treasury.budget.price_millionths,
            )
        )
        for person in self._people:
            self.context.tell(person, StopAsking())
