"""What answers took, joined to the decisions that paid for them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.ledger.entries import Entry, Totals
from inference.ledger.errors import MismatchError
from inference.ledger.measuring import MeasuredLedger
from inference.ledger.prices import Price, PriceList
from inference.messages import Failed
from inference.text import TextGenerated

PRICES = PriceList(
    models={"tiny": Price(input_millionths=2_000_000, cached_millionths=500_000, output_millionths=8_000_000)}
)
NOTHING = Failed(reason="schema_not_honoured", detail="no JSON")


def text(prompt: int = 100, written: int = 10, **changes: Any) -> TextGenerated:
    fields: dict[str, Any] = {
        "text": "x",
        "finish": "stop",
        "model": "tiny",
        "adapter": "",
        "adapter_version": 0,
        "prompt_tokens": prompt,
        "cached_tokens": 0,
        "completion_tokens": written,
        "engine_us": 1_000,
    }
    return TextGenerated(**(fields | changes))


def paid(answers: int = 1, prompt: int = 100, written: int = 10, **changes: Any) -> Entry:
    fields: dict[str, Any] = {
        "actor": "ada",
        "model": "tiny",
        "story": "S-1",
        "sprint": 2,
        "answers": answers,
        "prompt_tokens": prompt,
        "completion_tokens": written,
    }
    return Entry(**(fields | changes))


def test_a_decision_has_what_its_answers_took_under_its_own_story_and_sprint() -> None:
    answers = {("agent/ada", 3): text(cached_tokens=60), ("agent/ada", 4): text(50, 5, engine_us=7, cached_tokens=8)}
    measured = MeasuredLedger(answers, PRICES)
    measured.pay(paid(2, 150, 15), [("agent/ada", 3), ("agent/ada", 4)])

    (totals,) = measured.ledger.by("actor", "story", "sprint").values()
    assert list(measured.ledger.by("actor", "story", "sprint")) == [("ada", "S-1", 2)]
    assert (totals.engine_us, totals.untimed, totals.cached_tokens, totals.cached_untold) == (1_007, 0, 68, 0)
    assert measured.unpaid().total == Totals()


def test_cached_tokens_cost_what_they_cost_here() -> None:
    measured = MeasuredLedger({("a", 0): text(cached_tokens=60)}, PRICES)
    measured.pay(paid(), [("a", 0)])

    assert measured.ledger.total.price_millionths == 40 * 2 + 30 + 10 * 8


def test_an_answer_that_came_to_nothing_has_no_time_and_tells_of_no_cache() -> None:
    measured = MeasuredLedger({("a", 0): NOTHING, ("a", 1): text(cached_tokens=None)})
    measured.pay(paid(2, unmetered=1), [("a", 0), ("a", 1)])

    total = measured.ledger.total
    assert (total.answers, total.unmetered, total.untimed, total.cached_untold) == (2, 1, 1, 2)
    assert total.engine_us == 1_000


def test_what_nobody_paid_for_is_told_apart() -> None:
    answers = {("agent/ada", 0): text(), ("agent/bob", 5): text(7, 3, engine_us=9), ("agent/bob", 6): NOTHING}
    measured = MeasuredLedger(answers)
    measured.pay(paid(), [("agent/ada", 0)])

    unpaid = measured.unpaid()
    assert list(unpaid.by("actor", "story", "sprint")) == [("agent/bob", "", 0)]
    assert (unpaid.total.answers, unpaid.total.prompt_tokens, unpaid.total.engine_us) == (1, 7, 9)
    assert measured.ledger.total.engine_us == 1_000


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 99), st.integers(0, 9), st.integers(0, 10**7)), max_size=30)
)
def test_paid_and_unpaid_together_are_all_that_engines_did(
    told: list[tuple[int, int, int, int]],
) -> None:
    answers = {
        (f"agent/{number % 3}", number): text(prompt, 1, cached_tokens=min(cached, prompt), engine_us=took_us)
        for number, (_, prompt, cached, took_us) in enumerate(told)
    }
    measured = MeasuredLedger(answers)
    for place, (actor, number) in enumerate(answers):
        if told[place][0]:
            measured.pay(paid(1, told[place][1], 1), [(actor, number)])

    both = measured.ledger.total.plus(measured.unpaid().total)
    assert both.engine_us == sum(answer.engine_us or 0 for answer in answers.values())
    assert both.cached_tokens == sum(answer.cached_tokens or 0 for answer in answers.values())
    assert both.answers == len(answers)


@pytest.mark.parametrize(
    ("entry", "effects", "said"),
    [
        (paid(), [("a", 9)], "effect 9 has no answer"),
        (paid(2, 200, 20), [("a", 0), ("a", 0)], "effect 0 was paid for before"),
        (paid(1, 101, 10), [("a", 0)], "ada: 1 answers with 101 and 10 tokens are paid for, 1 with 100 and 10 came"),
        (paid(2), [("a", 0)], "2 answers"),
    ],
)
def test_payments_that_do_not_belong_to_the_answers_are_refused(
    entry: Entry, effects: list[tuple[str, int]], said: str
) -> None:
    with pytest.raises(MismatchError, match=said):
        MeasuredLedger({("a", 0): text()}).pay(entry, effects)
