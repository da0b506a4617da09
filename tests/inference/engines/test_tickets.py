"""How long requests took: measured by one clock for every engine, from taking them on to their answer."""

from __future__ import annotations

from dataclasses import replace

from inference.engines.tickets import Tickets
from inference.messages import Failed
from inference.text import Finish, TextCounters, TextGenerated


class Clock:
    """Moved by the test."""

    def __init__(self) -> None:
        self.us = 5_000

    def now_us(self) -> int:
        return self.us


def opened(clock: Clock) -> Tickets:
    tickets = Tickets("test", clock.now_us)
    tickets.open()
    return tickets


def text(finish: Finish = "stop") -> TextGenerated:
    return TextGenerated(
        text="x",
        finish=finish,
        model="tiny",
        adapter="",
        adapter_version=0,
        prompt_tokens=3,
        cached_tokens=None,
        completion_tokens=1,
    )


def times(tickets: Tickets) -> dict[str, int | None]:
    return {
        ticket: reply.engine_us if isinstance(reply, TextGenerated) else None for ticket, reply in tickets.hand_out()
    }


def test_a_reply_tells_how_long_it_took_with_all_that_it_waited_inside() -> None:
    clock = Clock()
    tickets = opened(clock)
    tickets.take("a")
    clock.us += 100
    tickets.take("b")
    clock.us += 20
    tickets.answer("a", text())
    clock.us += 3
    tickets.answer("b", text("cancelled"))
    clock.us += 1_000_000  # nobody looked

    assert times(tickets) == {"a": 120, "b": 23}
    assert (tickets.counters.engine_us, tickets.counters.unanswered_us) == (143, 0)


def test_an_engine_that_knows_better_says_since_when_an_answer_is_there() -> None:
    clock = Clock()
    tickets = opened(clock)
    tickets.take("a")
    clock.us += 1_000
    tickets.answer("a", text(), at_us=5_400)

    assert times(tickets) == {"a": 400}


def test_a_time_that_an_answer_had_before_counts_for_nothing() -> None:
    clock = Clock()
    tickets = opened(clock)
    tickets.take("a")
    clock.us += 7
    tickets.answer("a", replace(text(), engine_us=99))  # as a recording has it

    assert times(tickets) == {"a": 7}


def test_a_failure_carries_no_time_and_its_engine_counts_it_apart() -> None:
    clock = Clock()
    tickets = opened(clock)
    tickets.take("a")
    clock.us += 60
    tickets.answer("a", Failed(reason="schema_not_honoured", detail="no JSON"))

    assert times(tickets) == {"a": None}
    assert tickets.counters == TextCounters(failed=1, unanswered_us=60)


def test_a_ticket_that_is_used_again_is_timed_anew() -> None:
    clock = Clock()
    tickets = opened(clock)
    for took_us in (10, 4):
        tickets.take("a")
        clock.us += took_us
        tickets.answer("a", text())
        assert times(tickets) == {"a": took_us}
    assert tickets.counters.engine_us == 14
