"""What is booked, and what it adds up to. Pure."""

from __future__ import annotations

from collections.abc import Iterable
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
    price_of: str = ""  # the model whose price holds where `model` has none: the one that was asked; empty: the same
    story: str = ""  # empty: it was about none
    sprint: int = 0  # 0: before the first
    adapter: str = ""  # with its version, `reviewer@3`; empty: the base model
    answers: int = 1
    unmetered: int = 0  # of the answers, those whose tokens nobody told
    prompt_tokens: int = 0
    cached_tokens: int = 0  # of the prompts', as far as told
    cached_untold: int = 0  # of the answers, those of which nobody told how much was cached
    completion_tokens: int = 0
    engine_us: int = 0  # wall-clock time of engines, as far as measured
    untimed: int = 0  # of the answers, those whose time was not measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Entries added up."""

    answers: int = 0
    unmetered: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0  # as far as told
    cached_untold: int = 0  # answers of which nobody told
    completion_tokens: int = 0
    engine_us: int = 0  # as far as measured
    untimed: int = 0  # answers whose time was not measured
    price_millionths: int | None = 0  # None: one of the models has no price
    price_reason: str = ""  # why there is none

    @property
    def tokens(self) -> int:
        """Of prompts and answers together."""
        return self.prompt_tokens + self.completion_tokens

    def plus(self, other: Totals) -> Totals:
        """Both together; there is a price only where both have one."""
        reason = self.price_reason or other.price_reason
        return Totals(
            answers=self.answers + other.answers,
            unmetered=self.unmetered + other.unmetered,
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            cached_untold=self.cached_untold + other.cached_untold,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            engine_us=self.engine_us + other.engine_us,
            untimed=self.untimed + other.untimed,
            price_millionths=None if reason else (self.price_millionths or 0) + (other.price_millionths or 0),
            price_reason=reason,
        )


class Ledger:
    """Everything that was booked, under one list of prices. Keeps one sum for each combination of dimensions."""

    def __init__(self, prices: PriceList = NO_PRICES) -> None:
        self.prices = prices
        self._totals: dict[tuple[str | int, ...], Totals] = {}

    def book(self, entry: Entry) -> None:
        """Add an entry; what it costs is rounded here, once."""
        key = (entry.actor, entry.story, entry.sprint, entry.model, entry.adapter)
        self._totals[key] = self._totals.get(key, Totals()).plus(self._priced(entry))

    @property
    def total(self) -> Totals:
        """Over everything."""
        return _sum(self._totals[key] for key in sorted(self._totals))

    def by(self, *dimensions: Dimension) -> dict[tuple[str | int, ...], Totals]:
        """Totals for each combination that occurs, sorted."""
        places = [DIMENSIONS.index(dimension) for dimension in dimensions]
        groups: dict[tuple[str | int, ...], list[Totals]] = {}
        for key in sorted(self._totals):
            groups.setdefault(tuple(key[place] for place in places), []).append(self._totals[key])
        return {name: _sum(groups[name]) for name in sorted(groups)}

    def _priced(self, entry: Entry) -> Totals:
        model = self.prices.listed(entry.model, entry.price_of)
        cost = self.prices.cost(model, entry.prompt_tokens, entry.cached_tokens, entry.completion_tokens)
        reason = ""
        if cost is None and entry.answers > entry.unmetered:
            reason = f"{model}: {self.prices.reason(model)}"
        return Totals(
            answers=entry.answers,
            unmetered=entry.unmetered,
            prompt_tokens=entry.prompt_tokens,
            cached_tokens=entry.cached_tokens,
            cached_untold=entry.cached_untold,
            completion_tokens=entry.completion_tokens,
            engine_us=entry.engine_us,
            untimed=entry.untimed,
            price_millionths=None if reason else cost or 0,
            price_reason=reason,
        )


def _sum(totals: Iterable[Totals]) -> Totals:
    whole = Totals()
    for each in totals:
        whole = whole.plus(each)
    return whole
