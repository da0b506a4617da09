"""Paying for what a model wrote: out of the asker's purse, and known to the treasurer where there are budgets."""

from __future__ import annotations

from typing import Any

from actors.roles.judging import Question
from actors.roles.purse import TREASURER
from actors.scrum.messages import TokensSpent
from actors.services.treasury_messages import Spend

BUDGET_EXHAUSTED = "budget_exhausted"  # why there is no judgement


def may_ask(question: Question, so_far: TokensSpent) -> bool:
    """Whether there is something left after what this decision took so far."""
    return question.purse.allows(*_cost(question, so_far))


def pay(question: Question, spent: TokensSpent) -> None:
    """Publish what was spent, take it out of the purse, and tell the treasurer."""
    question.context.publish(spent)
    tokens, price = _cost(question, spent)
    question.purse.pay(tokens, price)
    if question.purse.reports:
        spend = Spend(team=spent.team, agent=spent.agent, tokens=tokens, price_millionths=price)
        question.context.tell(TREASURER, spend)


def _cost(question: Question, spent: TokensSpent) -> tuple[int, int]:
    """Tokens, and millionths of the currency; 0 where there is no price."""
    prices = question.purse.prices
    model = prices.listed(spent.model, spent.asked_model)
    price = prices.cost(model, spent.prompt_tokens, 0, spent.completion_tokens)
    return spent.prompt_tokens + spent.completion_tokens, price or 0


def story_of(observation: Any) -> str:
    """The story that an observation is about; empty where it is about none."""
    story = getattr(observation, "story", None)
    found = getattr(observation, "story_id", "") if story is None else story.story_id
    return str(found)
