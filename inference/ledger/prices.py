"""What models cost. Money is whole millionths of a currency; what one request costs is rounded once, half up.

So every total is the exact sum of its requests, in whatever order and grouping they are added.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

_MILLION = 1_000_000
NOT_LISTED = "its price is not in the configuration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Of one model, in millionths of the currency for a million tokens."""

    input_millionths: int  # of prompts
    output_millionths: int  # of answers
    cached_millionths: int | None = None  # of prompts, as far as a prefix cache had them; None: like the others

    def of(self, prompt_tokens: int, cached_tokens: int, completion_tokens: int) -> int:
        """Millionths of the currency. `cached_tokens` are among `prompt_tokens`."""
        cached = self.input_millionths if self.cached_millionths is None else self.cached_millionths
        exact = (
            (prompt_tokens - cached_tokens) * self.input_millionths
            + cached_tokens * cached
            + completion_tokens * self.output_millionths
        )
        return (exact + _MILLION // 2) // _MILLION


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceList:
    """Prices by model; adapters cost what their base costs."""

    currency: str = ""
    models: Mapping[str, Price] = field(default_factory=dict)
    unpriced: Mapping[str, str] = field(default_factory=dict)  # models that have none, each with the reason

    def listed(self, answered: str, asked: str) -> str:
        """Under which name a model has its price: a server may answer under another one than it was asked by."""
        return asked if asked and answered not in self.models else answered

    def reason(self, model: str) -> str:
        """Why a model has no price; empty if it has one."""
        if model in self.models:
            return ""
        return self.unpriced.get(model, NOT_LISTED)

    def cost(self, model: str, prompt_tokens: int, cached_tokens: int, completion_tokens: int) -> int | None:
        """Millionths of the currency; None where the model has no price."""
        price = self.models.get(model)
        return None if price is None else price.of(prompt_tokens, cached_tokens, completion_tokens)


NO_PRICES = PriceList()
