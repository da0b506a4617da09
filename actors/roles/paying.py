"""Paying for what a model wrote: out of the person's purse, and known to the treasurer where the run has a budget."""

from __future__ import annotations

from typing import Any

from actors.roles.judging import Question
from actors.roles.purse import TREASURER
from actors.scrum.messages import BudgetExhausted, TokensSpent
from actors.services.treasury_messages import Spend

BUDGET_EXHAUSTED = "budget_exhausted"  # why there is no judgement


def pay(question: Question, spent: TokensSpent) -> None:
    """Publish what was spent, and take it out of the purse; whose own budget it was that ended, is published, too."""
    purse = question.purse
    question.context.publish(spent)
    tokens = spent.prompt_tokens + spent.completion_tokens
    price = purse.prices.cost(spent.model, spent.prompt_tokens, spent.cached_tokens or 0, spent.completion_tokens) or 0
    if purse.reports:
        question.context.tell(TREASURER, Spend(agent=spent.agent, tokens=tokens, price_millionths=price))
    if purse.pay(tokens, price):
        question.context.publish(
            BudgetExhausted(
                team=spent.team,
                agent=spent.agent,
                scope="actor",
                spent_tokens=purse.spent.tokens,
                spent_millionths=purse.spent.price_millionths,
                budget_tokens=purse.budget.tokens,
                budget_millionths=purse.budget.price_millionths,
            )
        )


def story_of(observation: Any) -> str:
    """The story that an observation is about; empty where it is about none."""
    story = getattr(observation, "story", None)
    found = getattr(observation, "story_id", "") if story is None else story.story_id
    return str(found)
