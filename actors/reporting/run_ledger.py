"""`ledger.json`: what a run spent on models, by whom it was for, and which budgets it spent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from actors.reporting.artifact_folder import SCHEMA_VERSION
from actors.reporting.run_info import RunInfo
from actors.scrum.messages import BudgetExhausted, TokensSpent
from inference.ledger.entries import DIMENSIONS, Entry, Ledger, Totals
from inference.text import adapter_name

CACHED_REASON = "follows from the past of engines, not from the seed; logs/ledger_measured.json has it"
_NONE = "none"  # a key for what was about no story, or used no adapter


class RunLedger:
    """Adds up what the log says was spent."""

    def __init__(self, info: RunInfo) -> None:
        self._ledger = Ledger(info.prices)
        self._exhausted: list[dict[str, Any]] = []

    def spent(self, event: TokensSpent, *, sprint: int) -> None:
        """One decision took something of a model."""
        self._ledger.book(entry_of(event, sprint=sprint))

    def exhausted(self, event: BudgetExhausted, *, at: str) -> None:
        """What may be spent is spent."""
        self._exhausted.append({"at": at, **_exhausted(event)})

    def summary(self) -> dict[str, Any]:
        """Totals of the run, for the final report."""
        return {
            "currency": self._ledger.prices.currency,
            **_shown(self._ledger.total),
            "budgets_exhausted": list(self._exhausted),
        }

    def page(self) -> dict[str, Any]:
        """The whole artifact."""
        return {
            "schema_version": SCHEMA_VERSION,
            **tables_of(self._ledger, _shown),
            "budgets_exhausted": list(self._exhausted),
        }


def entry_of(event: TokensSpent, *, sprint: int) -> Entry:
    """What the log knows of a decision: everything but what engines measured."""
    return Entry(
        actor=event.agent,
        story=event.story_id,
        sprint=sprint,
        model=event.model,
        price_of=event.asked_model,
        adapter=adapter_name(event.adapter, event.adapter_version) if event.adapter else "",
        answers=event.answers,
        unmetered=event.unmetered,
        prompt_tokens=event.prompt_tokens,
        cached_untold=event.answers,
        untimed=event.answers,
        completion_tokens=event.completion_tokens,
    )


def tables_of(ledger: Ledger, shown: Callable[[Totals], dict[str, Any]]) -> dict[str, Any]:
    """A ledger in all, by each dimension, and entry by entry."""
    return {
        "currency": ledger.prices.currency,
        "total": shown(ledger.total),
        "by": {
            name: {_key(key[0], name): shown(totals) for key, totals in ledger.by(name).items()} for name in DIMENSIONS
        },
        "entries": [
            dict(zip(DIMENSIONS, key, strict=True)) | shown(totals) for key, totals in ledger.by(*DIMENSIONS).items()
        ],
    }


def notices(exhausted: Sequence[BudgetExhausted]) -> dict[str, Any]:
    """What a board says about budgets; nothing while there is something left in each."""
    return {"notices": [notice(event) for event in exhausted]} if exhausted else {}


def notice(event: BudgetExhausted) -> str:
    """One line for people."""
    whose = f"the budget of {event.agent}" if event.scope == "actor" else "the budget of the run"
    return f"{whose} for models is spent: {event.spent_tokens} tokens; from now on the cautious choice"


def _exhausted(event: BudgetExhausted) -> dict[str, Any]:
    return {
        "scope": event.scope,
        "team": event.team,
        "agent": event.agent,
        "spent_tokens": event.spent_tokens,
        "spent_price": money(event.spent_millionths),
        "budget_tokens": event.budget_tokens,
        "budget_price": None if event.budget_millionths is None else money(event.budget_millionths),
    }


def _shown(totals: Totals) -> dict[str, Any]:
    return {**counted(totals), "cached_tokens": None, "cached_tokens_reason": CACHED_REASON}


def counted(totals: Totals) -> dict[str, Any]:
    """What of a row nobody needs to measure, and its price."""
    return {
        "answers": totals.answers,
        "answers_without_tokens": totals.unmetered,
        "prompt_tokens": totals.prompt_tokens,
        "completion_tokens": totals.completion_tokens,
        "price": None if totals.price_millionths is None else money(totals.price_millionths),
        "price_reason": totals.price_reason or None,
    }


def money(millionths: int) -> str:
    """An amount with its six decimals, as text, so that nothing is rounded on the way."""
    return f"{millionths // 1_000_000}.{millionths % 1_000_000:06d}"


def _key(value: str | int, dimension: str) -> str:
    return f"{value:02d}" if dimension == "sprint" else str(value) or _NONE
