"""Keeps the budgets of a run: one actor, so that what is spent has one order, wherever the others live."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import assert_never

from actors.scrum.messages import BudgetExhausted
from actors.services.treasury_messages import Spend, StopAsking
from brokers.node.actor import Actor
from inference.ledger.budgets import Budget, Spent


@dataclass(slots=True, kw_only=True)
class Treasury:
    """What survives a restart of the treasurer."""

    budget: Budget  # of the run
    per_actor: Budget
    spent: Spent = field(default_factory=Spent)
    spent_by: dict[str, Spent] = field(default_factory=dict)  # by agent

    @property
    def is_limited(self) -> bool:
        """Whether there is anything to keep."""
        return self.budget.is_limited or self.per_actor.is_limited


class Treasurer(Actor):
    """Adds up what everybody spends. When it is too much, tells whom it concerns to stop, and says so in the log, once.

    The stop comes a link delay after the answer that was one too many; what is under way then is still paid.
    """

    def __init__(self, treasury: Treasury, places: Mapping[str, tuple[str, ...]]) -> None:
        """`places`: by agent, the addresses of those who ask models for it."""
        super().__init__()
        self._treasury, self._places = treasury, places

    def on_receive(self, message: Spend) -> None:
        match message:
            case Spend():
                self._spend_of_run(message)
                self._spend_of_actor(message)
            case _:
                assert_never(message)

    def _spend_of_run(self, spend: Spend) -> None:
        treasury = self._treasury
        before = treasury.spent.exhausts(treasury.budget)
        treasury.spent = treasury.spent.plus(spend.tokens, spend.price_millionths)
        if treasury.spent.exhausts(treasury.budget) and not before:
            self._publish("", "", treasury.spent, treasury.budget)
            for address in dict.fromkeys(each for places in self._places.values() for each in places):
                self.context.tell(address, StopAsking(agent=""))

    def _spend_of_actor(self, spend: Spend) -> None:
        treasury = self._treasury
        spent = treasury.spent_by.get(spend.agent, Spent())
        before = spent.exhausts(treasury.per_actor)
        treasury.spent_by[spend.agent] = spent = spent.plus(spend.tokens, spend.price_millionths)
        if spent.exhausts(treasury.per_actor) and not before:
            self._publish(spend.team, spend.agent, spent, treasury.per_actor)
            for address in self._places[spend.agent]:
                self.context.tell(address, StopAsking(agent=spend.agent))

    def _publish(self, team: str, agent: str, spent: Spent, budget: Budget) -> None:
        self.context.publish(
            BudgetExhausted(
                team=team,
                agent=agent,
                scope="actor" if agent else "run",
                spent_tokens=spent.tokens,
                spent_millionths=spent.price_millionths,
                budget_tokens=budget.tokens,
                budget_millionths=budget.price_millionths,
            )
        )
