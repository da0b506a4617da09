"""Who gets what, and when: models, urgency, the reserve, what is at hand, cancelling and being too late."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.pool.core import DuplicateTicketError, PoolCore
from inference.pool.instructions import (
    Completed,
    Expired,
    Instruction,
    Late,
    Overdue,
    Refused,
    Reset,
    Send,
    Stop,
    Unsent,
)
from inference.pool.state import Aim, PoolLimits, Serves
from inference.text import PRIORITIES, Priority, TextCounters

LARGE, SMALL = Serves(("large",)), Serves(("small",))


def pool(*, reserve: int = 0, patience: int = 100, lease_s: float | None = None) -> PoolCore:
    return PoolCore(PoolLimits(reserve=reserve, patience=patience, lease_s=lease_s, start_s=100.0))


def ask(core: PoolCore, *tickets: str, model: str = "small", **aim: Any) -> list[str]:
    """Submit; which engines got something."""
    found: list[Instruction] = []
    for ticket in tickets:
        found += core.submit(ticket, b"body", 1, now_s=0.0, aim=Aim(model, **aim))
    return [each.engine for each in found if isinstance(each, Send)]


def sent(instructions: list[Instruction] | None) -> list[str]:
    return [each.ticket for each in instructions or () if isinstance(each, Send)]


# -- models ------------------------------------------------------------------------------------------------------------


def test_a_request_goes_to_an_engine_that_serves_its_model_however_busy_that_is() -> None:
    core = pool()
    core.engine_ready("a", "1", 8, serves=LARGE)
    core.engine_ready("b", "1", 2, serves=SMALL)

    assert ask(core, "t0", "t1", "t2") == ["b", "b"]
    assert core.queued == 1


def test_requests_that_wait_for_one_model_hold_up_no_other() -> None:
    core = pool()
    core.engine_ready("a", "1", 1, serves=LARGE)
    core.engine_ready("b", "1", 1, serves=SMALL)
    ask(core, "t0", "t1", "t2")

    assert ask(core, "t3", model="large") == ["a"]


def test_an_engine_that_does_not_say_what_it_serves_is_asked_where_nobody_else_serves_it() -> None:
    core = pool()
    core.engine_ready("a-quiet", "1", 4)
    core.engine_ready("b", "1", 4, serves=SMALL)

    assert ask(core, "t0", "t1") == ["b", "b"]
    assert ask(core, "t2", model="other") == ["a-quiet"]


def test_a_model_that_no_engine_of_the_pool_serves_is_refused_and_one_whose_engine_is_away_is_awaited() -> None:
    core = pool()
    core.expect({"a": LARGE})

    assert core.submit("t0", b"", 1, now_s=0, aim=Aim("small")) == [Refused("t0", "small")]
    assert core.submit("t1", b"", 1, now_s=0, aim=Aim("large")) == []
    assert sent(core.engine_ready("a", "1", 1, serves=LARGE)) == ["t1"]
    core.engine_lost("a")
    assert core.submit("t2", b"", 1, now_s=0, aim=Aim("large")) == []


def test_what_waits_for_a_model_is_refused_when_its_engine_is_taken_out_of_the_plan() -> None:
    core = pool()
    core.expect({"a": LARGE, "b": SMALL})
    ask(core, "t0", model="large")
    ask(core, "t1")

    assert core.expect({"b": SMALL}) == [Refused("t0", "large")]
    assert core.queued == 1


def test_without_a_plan_anybody_may_still_come() -> None:
    core = pool()
    core.engine_ready("a", "1", 1, serves=LARGE)

    assert ask(core, "t0", model="never heard of") == []
    assert core.queued == 1


# -- the best engine ---------------------------------------------------------------------------------------------------


def test_of_equally_loaded_engines_the_one_with_the_adapter_at_hand_is_next_then_the_one_with_the_prefix() -> None:
    core = pool()
    core.engine_ready("a", "1", 4, serves=SMALL)
    core.engine_ready("b", "1", 4, serves=SMALL)
    ask(core, "t0")
    assert ask(core, "t1", adapter="x@1", prefix=b"p") == ["b"]
    for engine, ticket in (("a", "t0"), ("b", "t1")):
        core.reply(engine, "1", ticket, b"")

    assert ask(core, "t2", adapter="x@1") == ["b"], "b had the adapter"
    core.reply("b", "1", "t2", b"")
    assert ask(core, "t3", prefix=b"p") == ["b"], "b had the prefix"
    assert ask(core, "t4", prefix=b"p") == ["a"], "load counts before what is at hand"


def test_a_version_of_an_adapter_goes_only_to_engines_that_have_it_and_waits_for_them() -> None:
    core = pool()
    core.engine_ready("a", "1", 1, serves=Serves(("small",), ("x@1",)))
    core.engine_ready("b", "1", 4, serves=Serves(("small",), ()))

    assert ask(core, "t0", "t1", adapter="x@1") == ["a"]
    assert ask(core, "t2", adapter="y@1") == ["b"], "nobody has it: whoever is free refuses it in its own words"


def test_a_version_that_only_an_engine_which_is_away_has_is_waited_for() -> None:
    core = pool()
    with_adapter = Serves(("small",), ("x@1",))
    core.expect({"a": with_adapter, "b": Serves(("small",), ())})
    core.engine_ready("b", "1", 4, serves=Serves(("small",), ()))

    assert ask(core, "t0", adapter="x@1") == []
    assert sent(core.engine_ready("a", "1", 1, serves=with_adapter)) == ["t0"]


def test_what_an_engine_takes_ahead_comes_after_the_slots_of_all_and_is_no_part_of_the_reserve() -> None:
    core = pool(reserve=1)
    core.engine_ready("a", "1", 2, serves=SMALL, ahead=1)
    core.engine_ready("b", "1", 2, serves=SMALL)

    assert ask(core, *(f"b{n}" for n in range(9)), priority="batch") == ["a", "b", "a"]
    assert ask(core, "a0", "a1", "a2") == ["b", "a"], "the last slot first, then what is taken ahead"


# -- urgency -----------------------------------------------------------------------------------------------------------


def test_agents_go_before_trainers_and_they_before_batches() -> None:
    core = pool()
    ask(core, "b", priority="batch")
    ask(core, "t", priority="trainer")
    ask(core, "a", priority="agent")

    assert sent(core.engine_ready("e", "1", 3, serves=SMALL)) == ["a", "t", "b"]


def test_a_burst_of_agents_always_finds_the_reserve_free() -> None:
    core = pool(reserve=3)
    for name in ("a", "b"):
        core.engine_ready(name, "1", 4, serves=SMALL)

    assert len(ask(core, *(f"b{n}" for n in range(20)), priority="batch")) == 5
    assert len(ask(core, "t0", "t1", priority="trainer")) == 0
    assert len(ask(core, *(f"a{n}" for n in range(4)))) == 3


def test_each_model_has_its_own_reserve_also_on_an_engine_that_serves_two() -> None:
    core = pool(reserve=1)
    core.engine_ready("both", "1", 2, serves=Serves(("large", "small")))
    core.engine_ready("small", "1", 4, serves=SMALL)

    batch = ask(core, *(f"b{n}" for n in range(9)), priority="batch")
    assert batch.count("both") == 1, "the last slot for the large model is kept, though the small one has others"
    assert ask(core, "a", model="large") == ["both"]


def test_a_pool_no_larger_than_its_reserve_still_answers_batches() -> None:
    core = pool(reserve=8)
    core.engine_ready("e", "1", 1, serves=SMALL)

    assert ask(core, "b", priority="batch") == ["e"]


def test_a_batch_is_not_passed_over_for_ever() -> None:
    core = pool(patience=5)
    core.engine_ready("e", "1", 2, serves=SMALL)
    ask(core, "a0", "a1")
    ask(core, "b0", "b1", priority="batch")
    ask(core, *(f"a{n}" for n in range(2, 30)))
    order, at_work = ["a0", "a1"], ["a0", "a1"]
    while at_work:
        new = sent(core.reply("e", "1", at_work.pop(0), b""))
        order += new
        at_work += new

    assert order.index("b0") == 7, "after five that came in between"
    assert order.index("b1") == 13


def test_patience_never_takes_the_reserve() -> None:
    core = pool(reserve=2, patience=1)
    core.engine_ready("e", "1", 3, serves=SMALL)
    ask(core, "b0", "b1", priority="batch")

    assert ask(core, "a0", "a1") == ["e", "e"]
    core.submit("a2", b"", 1, now_s=0, aim=Aim("small"))
    assert sent(core.reply("e", "1", "a0", b"")) == ["a2"], "a batch holds a slot, the other two are kept for agents"


def test_what_a_lost_engine_had_keeps_its_urgency() -> None:
    core = pool()
    core.engine_ready("e", "1", 3, serves=SMALL)
    ask(core, "b0", priority="batch")
    ask(core, "a0", "a1")
    ask(core, "a2")
    core.engine_lost("e")

    assert sent(core.engine_ready("e", "2", 9, serves=SMALL)) == ["a0", "a1", "a2", "b0"]


# -- cancelling --------------------------------------------------------------------------------------------------------


def test_a_request_that_waits_is_cancelled_at_once_and_one_under_way_is_stopped_by_its_engine() -> None:
    core = pool()
    core.engine_ready("e", "1", 1, serves=SMALL)
    ask(core, "t0", "t1")

    assert core.cancel("t1") == [Unsent("t1", b"body")]
    assert core.cancel("t0") == [Stop("e", "t0")]
    assert core.cancel("t0") == [], "it was told already"
    assert core.reply("e", "1", "t0", b"partly") == [Completed("t0", b"partly")]
    assert core.cancel("t0") is None


def test_a_cancelled_request_is_not_asked_again_when_its_engine_is_lost() -> None:
    core = pool()
    core.engine_ready("e", "1", 1, serves=SMALL)
    ask(core, "t0")
    core.cancel("t0")

    assert core.engine_lost("e") == [Unsent("t0", b"body")]
    assert not core.is_open("t0")


# -- too late ----------------------------------------------------------------------------------------------------------


def test_a_deadline_ends_a_request_that_waits() -> None:
    core = pool()
    core.submit("t0", b"", 1, now_s=10.0, deadline_s=12.0)
    assert core.next_deadline_s() == 12.0

    assert core.tick(now_s=11.9) == []
    assert core.tick(now_s=12.5) == [Expired("t0", 2.5, was_sent=False)]
    assert core.engine_ready("e", "1", 1) == []


def test_a_deadline_ends_a_request_under_way_and_its_slot_is_free_when_the_engine_says_so() -> None:
    core = pool()
    core.engine_ready("e", "1", 1)
    core.submit("t0", b"", 1, now_s=0.0, deadline_s=1.0)
    core.submit("t1", b"", 1, now_s=0.0)

    assert core.tick(now_s=1.0) == [Expired("t0", 1.0, was_sent=True), Stop("e", "t0")]
    with pytest.raises(DuplicateTicketError):  # the engine still knows it
        core.submit("t0", b"", 1, now_s=1.0)
    assert core.reply("e", "1", "t0", b"partly") == [Late("t0", b"partly"), Send("e", "t1", 1, b"")]
    assert core.submit("t0", b"", 1, now_s=2.0) == []


def test_a_deadline_of_an_earlier_request_ends_no_later_one_of_the_same_ticket() -> None:
    core = pool()
    core.engine_ready("e", "1", 1)
    core.submit("t0", b"", 1, now_s=0.0, deadline_s=5.0)
    core.reply("e", "1", "t0", b"")
    core.submit("t0", b"", 1, now_s=1.0, deadline_s=50.0)

    assert core.tick(now_s=6.0) == []
    assert core.is_open("t0")


# -- engines -----------------------------------------------------------------------------------------------------------


def test_an_engine_that_hangs_loses_its_lease_and_is_told_so_when_it_wakes_up() -> None:
    core = pool(lease_s=3.0)
    core.engine_ready("e", "1", 1, serves=SMALL, now_s=0.0)
    ask(core, "t0")
    core.engine_ready("e", "1", 1, serves=SMALL, now_s=2.0)

    assert core.tick(now_s=5.0) == []
    assert core.tick(now_s=5.1) == [Overdue("e", "1")]
    assert core.queued == 1
    assert core.engine_ready("e", "1", 1, serves=SMALL, now_s=6.0) == [Reset("e")], "it would answer twice"
    assert sent(core.engine_ready("e", "2", 1, serves=SMALL, now_s=7.0)) == ["t0"]


def test_an_engine_that_loads_its_model_has_more_time_and_gets_nothing_yet() -> None:
    core = pool(lease_s=3.0)
    core.engine_ready("e", "1", 1, serves=SMALL, is_starting=True, now_s=0.0)

    assert ask(core, "t0") == []
    assert core.tick(now_s=60.0) == []
    assert sent(core.engine_ready("e", "1", 1, serves=SMALL, now_s=61.0)) == ["t0"]


def test_replies_are_signs_of_life() -> None:
    core = pool(lease_s=3.0)
    core.engine_ready("e", "1", 1, now_s=0.0)
    core.heard("e", None, now_s=2.0)

    assert core.tick(now_s=4.0) == []


def test_an_engine_that_drains_finishes_and_gets_nothing_new() -> None:
    core = pool()
    core.engine_ready("e", "1", 2, serves=SMALL)
    ask(core, "t0")

    assert core.engine_drains("e")
    assert ask(core, "t1") == []
    assert core.reply("e", "1", "t0", b"A") == [Completed("t0", b"A")]
    assert core.state().engines[0].status == "draining"
    assert not core.engine_drains("nobody")


def test_what_died_with_an_incarnation_is_booked_once_with_its_last_counters() -> None:
    core = pool()
    core.engine_ready("e", "1", 2, serves=SMALL)
    ask(core, "t0", "t1")
    core.heard("e", TextCounters(completed=5, completion_tokens=70), now_s=0.0)
    core.engine_lost("e")
    core.engine_ready("e", "2", 2, serves=SMALL)
    core.engine_lost("e", was_orderly=True)

    first, second = core.lost()
    assert (first.engine, first.incarnation, first.tickets, first.was_orderly) == ("e", "1", ("t0", "t1"), False)
    assert first.counters == TextCounters(completed=5, completion_tokens=70)
    assert (second.incarnation, second.counters, second.was_orderly) == ("2", None, True)
    assert core.lost() == []


def test_the_state_names_engines_that_are_away_and_what_waits() -> None:
    core = pool()
    core.expect({"a": LARGE, "b": SMALL})
    core.engine_ready("b", "1", 1, serves=SMALL)
    ask(core, "t0", "t1")
    ask(core, "t2", priority="batch")

    state = core.state()
    assert [(each.name, each.status, each.under_way) for each in state.engines] == [("a", "away", 0), ("b", "ready", 1)]
    assert dict(state.queued) == {"agent": 1, "trainer": 0, "batch": 1}
    assert state.free_slots == 0
    assert state.to_json()["engines"][0]["models"] == ["large"]


# -- whatever happens --------------------------------------------------------------------------------------------------

EVENTS = st.lists(
    st.tuples(
        st.sampled_from(("submit", "submit", "ready", "lost", "reply", "cancel", "wait", "drain", "silent")),
        st.integers(0, 60),
    ),
    max_size=120,
)


@given(EVENTS, st.integers(0, 3))
def test_each_request_has_exactly_one_end_and_no_engine_more_than_its_slots(
    events: list[tuple[str, int]], reserve: int
) -> None:
    world = World(reserve)
    for event, choice in events:
        world.take(event, choice)

    world.finish()
    assert sorted(world.ends) == sorted(world.submitted)


class World:
    """Two models on three engines, one of them serving both; urgencies, deadlines and deaths as they come."""

    def __init__(self, reserve: int) -> None:
        self.core = pool(reserve=reserve, patience=4, lease_s=50.0)
        self.now_s = 0.0
        self.lives = dict.fromkeys(SERVED, 0)
        self.inboxes: dict[str, list[str]] = {name: [] for name in SERVED}
        self.submitted: list[str] = []
        self.ends: list[str] = []

    def take(self, event: str, choice: int) -> None:
        engine = list(SERVED)[choice % 3]
        match event:
            case "submit":
                ticket = f"t{len(self.submitted)}"
                self.submitted.append(ticket)
                aim = Aim(("large", "small")[choice % 2], priority=PRIORITIES[choice % 3])
                deadline_s = self.now_s + choice if choice % 4 == 0 else None
                self.note(self.core.submit(ticket, b"", choice, now_s=self.now_s, aim=aim, deadline_s=deadline_s))
            case "ready":
                self.ready(engine)
            case "lost":
                self.die(engine)
                self.note(self.core.engine_lost(engine))
            case "reply" if self.inboxes[engine]:
                ticket = self.inboxes[engine].pop(choice % len(self.inboxes[engine]))
                self.note(self.core.reply(engine, str(self.lives[engine]), ticket, b""))
            case "cancel" if self.submitted:
                self.note(self.core.cancel(self.submitted[choice % len(self.submitted)]) or [])
            case "wait":
                self.now_s += choice
                self.note(self.core.tick(now_s=self.now_s))
            case "drain":
                self.core.engine_drains(engine)
            case "silent":
                self.now_s += 51.0
                self.note(self.core.tick(now_s=self.now_s))

    def ready(self, engine: str) -> None:
        serves = SERVED[engine]
        self.note(self.core.engine_ready(engine, str(self.lives[engine]), 3, serves=serves, now_s=self.now_s))

    def die(self, engine: str) -> None:
        self.lives[engine] += 1
        self.inboxes[engine] = []

    def note(self, instructions: list[Instruction]) -> None:
        for each in instructions:
            match each:
                case Send(engine, ticket):
                    self.inboxes[engine].append(ticket)
                    assert len(self.inboxes[engine]) <= 3
                case Completed(ticket) | Unsent(ticket) | Refused(ticket) | Expired(ticket):
                    self.ends.append(ticket)
                case Overdue(engine):
                    self.die(engine)
                case _:
                    assert isinstance(each, Stop | Late | Reset)

    def finish(self) -> None:
        """One engine for both models stays up and answers."""
        for engine in SERVED:
            self.take("lost", list(SERVED).index(engine))
        self.ready("both")
        while self.inboxes["both"]:
            self.note(self.core.reply("both", str(self.lives["both"]), self.inboxes["both"].pop(0), b""))
        assert self.core.queued == 0


SERVED = {"both": Serves(("large", "small")), "large": LARGE, "small": SMALL}


@given(st.lists(st.sampled_from(PRIORITIES), min_size=1, max_size=60), st.integers(0, 6), st.integers(2, 8))
def test_batches_leave_the_reserve_free_whatever_comes_in_which_order(
    priorities: list[Priority], reserve: int, slots: int
) -> None:
    core = pool(reserve=reserve, patience=3)
    core.engine_ready("e", "1", slots, serves=SMALL)
    for n, priority in enumerate(priorities):
        free = slots - core.engines["e"]
        found = core.submit(f"t{n}", b"", 1, now_s=0, aim=Aim("small", priority=priority))
        urgent = [each for each in sent(found) if priorities[int(each[1:])] == "agent"]
        left = free - len(sent(found))
        assert len(sent(found)) == len(urgent) or left >= min(reserve, slots - 1)
