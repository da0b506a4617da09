"""What one person has spent on models, and may still spend."""

from __future__ import annotations

from dataclasses import dataclass, field

from inference.ledger.budgets import Budget, Spent
from inference.ledger.prices import NO_PRICES, PriceList

TREASURER = "treasurer"  # address of whoever keeps the budget of the run, where it has one


@dataclass(slots=True)
class Purse:
    """Local to its person, so its limit holds at once; that of the run is told by the treasurer, a link delay later."""

    budget: Budget = field(default_factory=Budget)
    prices: PriceList = NO_PRICES
    reports: bool = False  # to the treasurer
    spent: Spent = field(default_factory=Spent)
    is_stopped: bool = False  # the run's budget is spent

    @property
    def is_exhausted(self) -> bool:
        """Whether no model may be asked any more."""
        return self.is_stopped or self.spent.exhausts(self.budget)

    def pay(self, tokens: int, price_millionths: int) -> bool:
        """Take an answer out of it. True: this was the one that exhausted the person's own budget."""
        before = self.spent.exhausts(self.budget)
        self.spent = self.spent.plus(tokens, price_millionths)
        return self.spent.exhausts(self.budget) and not before
