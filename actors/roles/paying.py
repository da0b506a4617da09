"""Paying for what a model wrote: out of the asker's purse, and known to the treasurer where there are budgets."""

from __future__ import annotations

from typing import Any

from actors.roles.judging import Question
from actors.roles.purse import TREASURER
from actors.scrum.messages import TokensSpent
from actors.services.treasury_messages import Spend

BUDGET_EXHAUSTED = "budget_exhausted"  # why there is no judgement


def pay(question: Question, spent: TokensSpent) -> None:
    """Publish what was spent, take it out of the purse, and tell the treasurer."""
    purse = question.purse
    question.context.publish(spent)
    tokens = spent.prompt_tokens + spent.completion_tokens
    model = purse.prices.listed(spent.model, spent.asked_model)
    price = purse.prices.cost(model, spent.prompt_tokens, spent.cached_tokens or 0, spent.completion_tokens) or 0
    purse.pay(tokens, price)
    if purse.reports:
        spend = Spend(team=spent.team, agent=spent.agent, tokens=tokens, price_millionths=price)
        question.context.tell(TREASURER, spend)


def story_of(observation: Any) -> str:
    """The story that an observation is about; empty where it is about none."""
    story = getattr(observation, "story", None)
    found = getattr(observation, "story_id", "") if story is None else story.story_id
    return str(found)
