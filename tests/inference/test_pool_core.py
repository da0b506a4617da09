from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.pool.core import DuplicateTicketError, PoolCore
from inference.pool.instructions import Completed, Send


def submit(core: PoolCore, *tickets: str, now_s: float = 0.0) -> list[Send]:
    return [
        send
        for n, ticket in enumerate(tickets)
        for send in core.submit(ticket, b"r-" + ticket.encode(), n, now_s=now_s)
    ]


def targets(sends: Iterable[Send | Completed]) -> list[tuple[str, str]]:
    return [(send.engine, send.ticket) for send in sends if isinstance(send, Send)]


def test_requests_wait_until_an_engine_is_ready() -> None:
    core = PoolCore()

    assert submit(core, "a", "b") == []
    assert core.queued == 2
    assert core.engine_ready("e", "1", 8) == [Send("e", "a", 0, b"r-a"), Send("e", "b", 1, b"r-b")]
    assert core.queued == 0


def test_an_engine_gets_no_more_than_its_slots_and_another_request_for_each_reply() -> None:
    core = PoolCore()
    core.engine_ready("e", "1", 2)

    assert targets(submit(core, "a", "b", "c", "d")) == [("e", "a"), ("e", "b")]
    assert core.reply("e", "1", "b", b"B") == [Completed("b", b"B"), Send("e", "c", 2, b"r-c")]
    assert core.queued == 1


def test_the_least_loaded_engine_is_next() -> None:
    core = PoolCore()
    core.engine_ready("large", "1", 4)
    core.engine_ready("small", "1", 2)

    assert targets(submit(core, "a", "b", "c", "d", "e", "f", "g")) == [
        ("large", "a"),
        ("small", "b"),
        ("large", "c"),
        ("large", "d"),
        ("small", "e"),
        ("large", "f"),
    ]


def test_what_a_lost_engine_had_goes_first_with_the_same_seed_and_order() -> None:
    core = PoolCore()
    core.engine_ready("e", "1", 2)
    submit(core, "a", "b", "c")

    assert core.engine_lost("e") == []
    assert core.engine_ready("e", "2", 8) == [
        Send("e", "a", 0, b"r-a"),
        Send("e", "b", 1, b"r-b"),
        Send("e", "c", 2, b"r-c"),
    ]


def test_a_lost_engine_s_work_goes_to_another_at_once() -> None:
    core = PoolCore()
    core.engine_ready("e", "1", 1)
    submit(core, "a")
    core.engine_ready("f", "1", 1)

    assert targets(core.engine_lost("e")) == [("f", "a")]
    assert core.engines == {"f": 1}


def test_a_new_incarnation_under_the_same_name_means_that_the_old_one_is_lost() -> None:
    core = PoolCore()
    core.engine_ready("e", "1", 4)
    submit(core, "a")

    assert targets(core.engine_ready("e", "2", 4)) == [("e", "a")]
    assert core.reply("e", "1", "a", b"late") == []
    assert core.reply("e", "2", "a", b"A") == [Completed("a", b"A")]
    assert core.counts["dropped_dead_incarnation"] == 1


def test_a_sign_of_life_changes_nothing_under_way() -> None:
    core = PoolCore()
    core.engine_ready("e", "1", 1)
    submit(core, "a", "b")

    assert core.engine_ready("e", "1", 1) == []
    assert core.engines == {"e": 1}


def test_a_second_reply_is_dropped_and_counted() -> None:
    core = PoolCore()
    core.engine_ready("e", "1", 1)
    submit(core, "a")
    core.reply("e", "1", "a", b"A")

    assert core.reply("e", "1", "a", b"A") == []
    assert core.reply("nobody", "1", "a", b"A") == []
    assert (core.counts["dropped_not_under_way"], core.counts["dropped_dead_incarnation"]) == (1, 1)


def test_an_open_ticket_is_not_taken_twice_but_an_answered_one_may_come_again() -> None:
    core = PoolCore()
    core.engine_ready("e", "1", 1)
    submit(core, "a")

    with pytest.raises(DuplicateTicketError, match="'a' is still open"):
        submit(core, "a")
    core.reply("e", "1", "a", b"A")
    assert targets(submit(core, "a")) == [("e", "a")]


def test_an_engine_without_slots_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one slot"):
        PoolCore().engine_ready("e", "1", 0)


STEPS = st.lists(
    st.tuples(st.sampled_from(("submit", "ready", "restart", "lost", "reply", "stale", "twice")), st.integers(0, 30)),
    max_size=80,
)


@given(STEPS)
def test_no_request_is_lost_and_none_is_answered_twice(steps: list[tuple[str, int]]) -> None:
    world = World()
    for step, choice in steps:
        world.take(step, choice)

    world.finish()

    assert sorted(world.answered) == sorted(world.submitted)
    assert len(world.answered) == len(set(world.answered))


class World:
    """Engines that come, go and answer in any order. An engine's inbox is what was sent to its present life."""

    def __init__(self) -> None:
        self.core = PoolCore()
        self.lives: dict[str, int] = {}
        self.inboxes: dict[str, list[Send]] = {}
        self.submitted: dict[str, tuple[bytes, int]] = {}
        self.answered: list[str] = []

    def take(self, step: str, choice: int) -> None:
        engine = f"engine-{choice % 3}"
        match step:
            case "submit":
                ticket = f"t{len(self.submitted)}"
                self.submitted[ticket] = (ticket.encode(), choice)
                self.carry_out(self.core.submit(ticket, ticket.encode(), choice, now_s=0))
            case "ready":
                self.lives.setdefault(engine, 0)
                self.inboxes.setdefault(engine, [])
                self.carry_out(self.core.engine_ready(engine, str(self.lives[engine]), 1 + choice % 4))
            case "restart":
                self.lives[engine] = self.lives.get(engine, 0) + 1
                self.inboxes[engine] = []
                self.carry_out(self.core.engine_ready(engine, str(self.lives[engine]), 1 + choice % 4))
            case "lost":
                self.lives[engine] = self.lives.get(engine, 0) + 1
                self.inboxes[engine] = []
                self.carry_out(self.core.engine_lost(engine))
            case "reply" if self.inboxes.get(engine):
                sent = self.inboxes[engine].pop(choice % len(self.inboxes[engine]))
                self.reply(engine, self.lives[engine], sent.ticket)
            case "stale" if self.submitted and self.lives.get(engine):
                self.reply(engine, self.lives[engine] - 1, f"t{choice % len(self.submitted)}")
            case "twice" if self.answered:
                self.reply(engine, self.lives.get(engine, 0), self.answered[-1])

    def reply(self, engine: str, life: int, ticket: str) -> None:
        self.carry_out(self.core.reply(engine, str(life), ticket, ticket.upper().encode()))

    def carry_out(self, instructions: Iterable[Send | Completed]) -> None:
        for instruction in instructions:
            if isinstance(instruction, Completed):
                assert instruction.reply == instruction.ticket.upper().encode()
                self.answered.append(instruction.ticket)
            else:
                assert (instruction.request, instruction.seed) == self.submitted[instruction.ticket]
                self.inboxes[instruction.engine].append(instruction)

    def finish(self) -> None:
        """One engine stays up and answers everything; the others die."""
        for engine in ("engine-1", "engine-2"):
            self.take("lost", int(engine[-1]))
        self.take("restart", 0)
        while self.inboxes["engine-0"]:
            self.take("reply", 0)
        assert self.core.queued == 0
