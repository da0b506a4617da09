"""Totals, prices and budgets."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.ledger.budgets import Budget, Spent
from inference.ledger.entries import DIMENSIONS, Entry, Ledger
from inference.ledger.errors import UnpricedError
from inference.ledger.prices import NOT_LISTED, Price, PriceList

PRICES = PriceList(
    currency="EUR",
    models={
        "large": Price(input_millionths=2_500_000, cached_millionths=1_250_000, output_millionths=10_000_000),
        "small": Price(input_millionths=150_000, output_millionths=600_000),
    },
    unpriced={"house": "it runs on our own machine"},
)
TOKENS = st.integers(0, 100_000)
ENTRIES = st.builds(
    lambda entry, cached: replace(
        entry, cached_tokens=min(cached or 0, entry.prompt_tokens), cached_untold=1 if cached is None else 0
    ),
    st.builds(
        Entry,
        actor=st.sampled_from(["ada", "bob"]),
        model=st.sampled_from(["large", "small"]),
        story=st.sampled_from(["", "S-1", "S-2"]),
        sprint=st.integers(0, 3),
        adapter=st.sampled_from(["", "reviewer@1", "reviewer@2"]),
        prompt_tokens=TOKENS,
        completion_tokens=TOKENS,
        engine_us=st.integers(0, 10**6),
        untimed=st.integers(0, 1),
    ),
    st.none() | TOKENS,
)


def ledger_of(entries: list[Entry], prices: PriceList = PRICES) -> Ledger:
    ledger = Ledger(prices)
    for entry in entries:
        ledger.book(entry)
    return ledger


def test_a_million_tokens_cost_what_the_list_says() -> None:
    entry = Entry(
        actor="ada", model="large", prompt_tokens=1_000_000, cached_tokens=400_000, completion_tokens=1_000_000
    )

    assert ledger_of([entry]).total.price_millionths == 600_000 * 5 // 2 + 400_000 * 5 // 4 + 10_000_000


def test_without_a_price_of_their_own_cached_tokens_cost_what_all_do() -> None:
    price = PRICES.models["small"]

    assert price.of(1_000, 900, 0) == price.of(1_000, 0, 0) == 150


@pytest.mark.parametrize(("tokens", "millionths"), [(0, 0), (3, 0), (4, 1), (9, 1), (10, 2)])
def test_an_answer_costs_whole_millionths_rounded_half_up(tokens: int, millionths: int) -> None:
    assert Price(input_millionths=150_000, output_millionths=0).of(tokens, 0, 0) == millionths


@given(st.lists(ENTRIES, max_size=30), st.lists(st.sampled_from(DIMENSIONS), max_size=5, unique=True))
def test_parts_add_up_to_the_whole_whatever_they_are_grouped_by(entries: list[Entry], by: list[str]) -> None:
    ledger = ledger_of(entries)
    parts = ledger.by(*by)  # type: ignore[arg-type]

    for name in (
        "answers",
        "prompt_tokens",
        "cached_tokens",
        "cached_untold",
        "completion_tokens",
        "engine_us",
        "untimed",
    ):
        assert sum(getattr(part, name) for part in parts.values()) == getattr(ledger.total, name)
    assert sum(part.price_millionths or 0 for part in parts.values()) == ledger.total.price_millionths
    assert ledger_of(entries[::-1]).by(*by) == parts  # type: ignore[arg-type]


@given(st.lists(ENTRIES, max_size=30))
def test_rounding_costs_at_most_half_a_millionth_an_answer(entries: list[Entry]) -> None:
    exact = Fraction(0)
    for each in entries:
        price, cached = PRICES.models[each.model], each.cached_tokens
        of_cached = price.input_millionths if price.cached_millionths is None else price.cached_millionths
        exact += Fraction((each.prompt_tokens - cached) * price.input_millionths, 10**6)
        exact += Fraction(cached * of_cached + each.completion_tokens * price.output_millionths, 10**6)

    assert abs((ledger_of(entries).total.price_millionths or 0) - exact) <= Fraction(len(entries), 2)


def test_a_model_without_a_price_leaves_no_total_and_says_why() -> None:
    def of(model: str) -> Entry:
        return Entry(actor="ada", model=model, prompt_tokens=5)

    mixed = ledger_of([of("small"), of("house")])

    assert mixed.total.price_millionths is None
    assert mixed.total.price_reason == "house: it runs on our own machine"
    assert mixed.by("model")["small",].price_millionths == 1
    assert ledger_of([of("other")]).total.price_reason == f"other: {NOT_LISTED}"


def test_an_answer_without_tokens_is_counted_and_costs_nothing_known() -> None:
    total = ledger_of([Entry(actor="ada", model="house", answers=1, unmetered=1)]).total

    assert (total.answers, total.unmetered, total.tokens, total.price_millionths) == (1, 1, 0, 0)


# -- budgets -----------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 50)), max_size=40), st.integers(0, 300))
def test_a_budget_is_overrun_by_no_more_than_the_last_answer(costs: list[tuple[int, int]], limit: int) -> None:
    budget, spent, last = Budget(tokens=limit), Spent(), 0
    for tokens, price in costs:
        if spent.exhausts(budget):
            break
        spent, last = spent.plus(tokens, price), tokens

    assert spent.tokens < limit + last or spent.tokens == 0


def test_money_and_tokens_both_end_a_budget() -> None:
    budget = Budget(tokens=100, price_millionths=10)

    assert not Spent(tokens=99, price_millionths=9).exhausts(budget)
    assert Spent(tokens=100).exhausts(budget)
    assert Spent(price_millionths=10).exhausts(budget)
    assert not Spent(tokens=10**9).exhausts(Budget())
    assert Spent().exhausts(Budget(tokens=0))


def test_money_cannot_be_limited_where_a_model_has_no_price() -> None:
    Budget(tokens=5).require_prices(PRICES, ["house"])
    Budget(price_millionths=5).require_prices(PRICES, ["small"])

    with pytest.raises(UnpricedError, match="house has no price: it runs on our own machine"):
        Budget(price_millionths=5).require_prices(PRICES, ["small", "house"])
