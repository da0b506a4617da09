"""What is booked, and what it adds up to. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from inference.ledger.prices import NO_PRICES, PriceList

Dimension = Literal["actor", "story", "sprint", "model", "adapter"]
DIMENSIONS: tuple[Dimension, ...] = ("actor", "story", "sprint", "model", "adapter")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One answer of a model, or several for the same purpose added up."""

    actor: str
    model: str
    story: str = ""  # empty: it was about none
    sprint: int = 0  # 0: before the first
    adapter: str = ""  # with its version, `reviewer@3`; empty: the base model
    answers: int = 1
    unmetered: int = 0  # of the answers, those whose tokens nobody told
    prompt_tokens: int = 0
    cached_tokens: int | None = None  # of the prompts'; None: the engine does not tell
    completion_tokens: int = 0
    engine_us: int | None = None  # wall-clock time of the engine, where it was measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Entries added up."""

    answers: int = 0
    unmetered: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0  # as far as told
    cached_untold: int = 0  # answers of engines that do not tell
    completion_tokens: int = 0
    engine_us: int = 0  # as far as measured
    untimed: int = 0  # answers whose time was not measured
    price_millionths: int | None = 0  # None: one of the models has no price
    price_reason: str = ""  # why there is none

    @property
    def tokens(self) -> int:
        """Of prompts and answers together."""
        return self.prompt_tokens + self.completion_tokens

    def plus(self, entry: Entry, prices: PriceList) -> Totals:
        """One more entry."""
        cost = prices.cost(entry.model, entry.prompt_tokens, entry.cached_tokens or 0, entry.completion_tokens)
        reason = self.price_reason
        if cost is None and entry.answers > entry.unmetered and not reason:
            reason = f"{entry.model}: {prices.reason(entry.model)}"
        return Totals(
            answers=self.answers + entry.answers,
            unmetered=self.unmetered + entry.unmetered,
            prompt_tokens=self.prompt_tokens + entry.prompt_tokens,
            cached_tokens=self.cached_tokens + (entry.cached_tokens or 0),
            cached_untold=self.cached_untold + (entry.answers if entry.cached_tokens is None else 0),
            completion_tokens=self.completion_tokens + entry.completion_tokens,
            engine_us=self.engine_us + (entry.engine_us or 0),
            untimed=self.untimed + (entry.answers if entry.engine_us is None else 0),
            price_millionths=None if reason else (self.price_millionths or 0) + (cost or 0),
            price_reason=reason,
        )


class Ledger:
    """Everything that was booked, under one list of prices."""

    def __init__(self, prices: PriceList = NO_PRICES) -> None:
        self.prices = prices
        self._entries: list[Entry] = []

    def book(self, entry: Entry) -> None:
        """Add an entry."""
        self._entries.append(entry)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def total(self) -> Totals:
        """Over everything."""
        return self._sum(self._entries)

    def by(self, *dimensions: Dimension) -> dict[tuple[str | int, ...], Totals]:
        """Totals for each combination that occurs, sorted."""
        keys = [_KEYS[dimension] for dimension in dimensions]
        groups: dict[tuple[str | int, ...], list[Entry]] = {}
        for entry in self._entries:
            groups.setdefault(tuple(key(entry) for key in keys), []).append(entry)
        return {name: self._sum(groups[name]) for name in sorted(groups)}

    def _sum(self, entries: Iterable[Entry]) -> Totals:
        total = Totals()
        for entry in entries:
            total = total.plus(entry, self.prices)
        return total


_KEYS: dict[Dimension, Callable[[Entry], str | int]] = {
    "actor": lambda entry: entry.actor,
    "story": lambda entry: entry.story,
    "sprint": lambda entry: entry.sprint,
    "model": lambda entry: entry.model,
    "adapter": lambda entry: entry.adapter,
}
