"""What models cost, and how much may be spent on them (`prices:`, `budget:`)."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, Field, PositiveInt

from config.section import NonEmptyText, Section, Words

_DECIMALS = 6


def _in_millionths(value: float) -> float:
    if round(value, _DECIMALS) != value:
        raise ValueError("more than six decimals")
    return value


Money = Annotated[
    float,
    Field(ge=0, le=1_000_000_000),
    AfterValidator(_in_millionths),
    Words("an amount from 0 with at most six decimals"),
]


def millionths(amount: float) -> int:
    """An amount of money as a whole number of millionths."""
    return int(Decimal(repr(amount)).scaleb(_DECIMALS).to_integral_value())


class PriceSection(Section):
    """Of one model, for a million tokens (`prices.models.<name>:`)."""

    input: Money  # of prompts; budgets and results count it for cached ones too
    output: Money  # of answers
    cached: Money | None = None  # of prompts a prefix cache had, in what was measured; none means what all of them cost


class PricesSection(Section):
    """What models cost; adapters cost what their base model costs (`prices:`)."""

    currency: NonEmptyText = "USD"
    models: dict[NonEmptyText, PriceSection] = Field(default_factory=dict)
    unpriced: dict[NonEmptyText, NonEmptyText] = Field(default_factory=dict)  # models that have no price, and why


class ActorBudgetSection(Section):
    """The most that each person may spend (`budget.per_actor:`)."""

    tokens: PositiveInt | None = None  # of prompts and answers together; none means as many as it takes
    price: Money | None = None


class BudgetSection(Section):
    """The most that a run may spend on models; when it is spent, nobody asks one any more (`budget:`)."""

    tokens: PositiveInt | None = None  # of prompts and answers together; none means as many as it takes
    price: Money | None = None  # in the currency of prices
    per_actor: ActorBudgetSection = ActorBudgetSection()
