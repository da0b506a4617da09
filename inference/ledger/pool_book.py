"""The books of one pool: what was asked, what came back, and what each incarnation of each engine told of itself.

Kept by whoever drives the pool. It holds a few numbers for each request under way, and sums for the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from inference.ledger.reconciling import LostRequest, Reconciliation, add_counters, reconcile, sum_of_answers
from inference.messages import Failed
from inference.pool.state import LostWork, PoolState
from inference.text import GenerateText, TextCounters, TextGenerated


class _Lost(NamedTuple):
    ticket: str
    engine: str
    incarnation: str
    max_tokens: int


class PoolBook:
    """To be told of everything that goes into a pool and of everything that it hands out."""

    def __init__(self, *, context_tokens: int | None = None) -> None:
        """`context_tokens`: of the largest model, a bound for prompts that nobody ever counted; None: not known."""
        self._context_tokens = context_tokens
        self._asked: dict[str, int] = {}  # the most tokens that the answer may have, of tickets without an answer
        self._booked = TextCounters()
        self._counters: dict[tuple[str, str], TextCounters] = {}
        self._lost: list[_Lost] = []
        self._prompts: dict[str, int | None] = {}  # of tickets that were lost: their tokens, once somebody counted them
        self._own: Mapping[str, int] = {}  # what the pool counts, its own answers among it

    def asked(self, ticket: str, request: GenerateText) -> None:
        """A request goes to the pool."""
        self._asked[ticket] = request.max_tokens

    def answered(self, ticket: str, reply: TextGenerated | Failed) -> None:
        """A reply came, in time or late."""
        self._booked = add_counters((self._booked, sum_of_answers((reply,))))
        self._asked.pop(ticket, None)
        if isinstance(reply, TextGenerated) and reply.prompt_tokens and ticket in self._prompts:
            self._prompts[ticket] = reply.prompt_tokens

    def lost(self, ended: Iterable[LostWork]) -> None:
        """Incarnations ended. To be told before replies that came meanwhile: what was lost may be answered already."""
        for work in ended:
            if work.counters is not None:
                self._counters[work.engine, work.incarnation] = work.counters
            for ticket in work.tickets:
                self._lost.append(_Lost(ticket, work.engine, work.incarnation, self._asked[ticket]))
                self._prompts.setdefault(ticket, None)

    def observe(self, state: PoolState) -> None:
        """How the pool stands."""
        self._own = state.counts
        for view in state.engines:
            if view.counters is not None and view.incarnation:
                self._counters[view.name, view.incarnation] = view.counters

    def reconciliation(self) -> Reconciliation:
        """Everything so far; exact once nothing is under way and `observe` saw the engines' last words."""
        lost = [
            LostRequest(
                ticket=each.ticket,
                engine=each.engine,
                incarnation=each.incarnation,
                prompt_tokens_at_most=self._prompts[each.ticket] or self._context_tokens,
                completion_tokens_at_most=each.max_tokens,
            )
            for each in self._lost
        ]
        own = TextCounters(cancelled=self._own.get("unsent", 0), failed=self._own.get("refused", 0))
        booked = replace(
            self._booked,
            cancelled=self._booked.cancelled - own.cancelled,  # what the pool answers itself is no engine's work
            failed=self._booked.failed - own.failed,
        )
        return replace(reconcile((), self._counters, lost), booked=booked)
