"""How much may be spent, and whether it is. Pure; what is known to be spent counts, nothing is guessed."""

from __future__ import annotations

from dataclasses import dataclass

from inference.ledger.errors import UnpricedError
from inference.ledger.prices import PriceList


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The most that may be spent; None: as much as it takes."""

    tokens: int | None = None  # of prompts and answers together
    price_millionths: int | None = None  # of the currency of the price list

    @property
    def is_limited(self) -> bool:
        """Whether there is anything to hold."""
        return self.tokens is not None or self.price_millionths is not None

    def require_prices(self, prices: PriceList, models: list[str]) -> None:
        """Raises UnpricedError where money is limited and one of the models has no price."""
        if self.price_millionths is None:
            return
        for model in models:
            if prices.reason(model):
                raise UnpricedError(model, prices.reason(model))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What went out of a budget."""

    tokens: int = 0
    price_millionths: int = 0

    def plus(self, tokens: int, price_millionths: int) -> Spent:
        """After one more answer."""
        return Spent(tokens=self.tokens + tokens, price_millionths=self.price_millionths + price_millionths)

    def exhausts(self, budget: Budget) -> bool:
        """Whether nothing is left, so that nothing more is asked. An answer that is under way may go beyond."""
        return (budget.tokens is not None and self.tokens >= budget.tokens) or (
            budget.price_millionths is not None and self.price_millionths >= budget.price_millionths
        )
