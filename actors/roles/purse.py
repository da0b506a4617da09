"""What one asker of models has spent, and may still spend."""

from __future__ import annotations

from dataclasses import dataclass, field

from inference.ledger.budgets import Budget, Spent
from inference.ledger.prices import NO_PRICES, PriceList

TREASURER = "treasurer"  # address of whoever keeps the budgets, where the run has some


@dataclass(slots=True)
class Purse:
    """Local to whoever asks, so its limit holds at once; what others spent is told by the treasurer, a while later."""

    budget: Budget = field(default_factory=Budget)
    prices: PriceList = NO_PRICES
    reports: bool = False  # to the treasurer
    spent: Spent = field(default_factory=Spent)
    is_stopped: bool = False  # a budget that is shared with others is spent

    @property
    def is_exhausted(self) -> bool:
        """Whether no model may be asked any more."""
        return self.is_stopped or self.spent.exhausts(self.budget)

    def pay(self, tokens: int, price_millionths: int) -> None:
        """Take an answer out of it."""
        self.spent = self.spent.plus(tokens, price_millionths)
