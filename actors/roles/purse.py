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

    def allows(self, tokens: int = 0, price_millionths: int = 0) -> bool:
        """Whether a model may be asked once more, with so much that is to be paid already."""
        return not self.is_stopped and not self.spent.plus(tokens, price_millionths).exhausts(self.budget)

    def pay(self, tokens: int, price_millionths: int) -> None:
        """Take an answer out of it."""
        self.spent = self.spent.plus(tokens, price_millionths)
