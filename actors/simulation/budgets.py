"""Prices and budgets of a run, from its configuration."""

from __future__ import annotations

from actors.roles.purse import Purse
from config.ledger_sections import Money, millionths
from config.sections import RunConfig
from inference.ledger.budgets import Budget
from inference.ledger.prices import Price, PriceList


def price_list(config: RunConfig) -> PriceList:
    """What models cost. Who books no cached tokens, as everybody in a run, pays the full price of each."""
    section = config.prices
    models = {
        name: Price(
            input_millionths=millionths(each.input),
            output_millionths=millionths(each.output),
            cached_millionths=_or_none(each.cached),
        )
        for name, each in section.models.items()
    }
    return PriceList(currency=section.currency, models=models, unpriced=section.unpriced)


def run_budget(config: RunConfig) -> Budget:
    """The most that a run may spend; without limits where no model is asked."""
    if not config.asks_model:
        return Budget()
    return Budget(tokens=config.budget.tokens, price_millionths=_or_none(config.budget.price))


def actor_budget(config: RunConfig) -> Budget:
    """The most that each person may spend, by judgement and by hands together."""
    if not config.asks_model:
        return Budget()
    own = config.budget.per_actor
    return Budget(tokens=own.tokens, price_millionths=_or_none(own.price))


def purse_of_each(config: RunConfig) -> Purse:
    """What each person may spend, full."""
    own = actor_budget(config)
    return Purse(budget=own, prices=price_list(config), reports=own.is_limited or run_budget(config).is_limited)


def _or_none(amount: Money | None) -> int | None:
    return None if amount is None else millionths(amount)
