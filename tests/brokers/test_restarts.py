"""A crashed actor is restarted in place: what survives, what is cancelled, who is told."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from brokers.node.errors import (
    EffectFailedError,
    RefusedError,
    RestartLimitError,
)
from brokers.node.messages import ActorRestarted, DeadLettered
from brokers.node.partition import Supervision
from tests.brokers.deeds import (
    BACKOFF_US,
    DELAY_US,
    REGISTRY,
    Do,
    Doer,
    Noted,
    Oracle,
    crash,
    noted,
    slow,
    start,
    times,
)
from tests.support.world import SECOND, VirtualWorld

pytestmark = pytest.mark.usefixtures("no_stray_coroutines")


@pytest.fixture
def world() -> VirtualWorld:
    return VirtualWorld(REGISTRY, engine=Oracle(), link_delay_us=DELAY_US)


def test_a_crashed_actor_begins_anew_while_its_context_goes_on(world: VirtualWorld) -> None:
    seen: list[tuple[int, int, int]] = []

    def look(actor: Any, message: Do) -> None:
        seen.append((actor.context.incarnation, len(actor.memory), actor.context._seq))
        actor.note("looked")

    start(world, "a", start=look, look=look, crash=crash)
    world.tell("a", Do(what="look"), at=1)
    world.tell("a", Do(what="crash"), at=2)
    world.run_until_quiet()

    assert [incarnation for incarnation, _, _ in seen] == [0, 0, 1]
    assert [remembered for _, remembered, _ in seen] == [0, 1, 0]
    assert seen[0][2] < seen[1][2] < seen[2][2]
    assert times(world, "looked")[2] == 2 + BACKOFF_US
    ids = [(row.src, row.seq) for row in world.rows]
    assert len(set(ids)) == len(ids)


def test_the_backoff_doubles_up_to_its_cap(world: VirtualWorld) -> None:
    rules = Supervision(backoff_us=10, backoff_cap_us=35, max_restarts=5)
    world = VirtualWorld(REGISTRY, link_delay_us=DELAY_US, supervision=rules)
    starts: list[int] = []

    def struggle(actor: Any, message: Do) -> None:
        starts.append(actor.context.now_us)
        if len(starts) < 6:
            raise RuntimeError("not yet")

    start(world, "a", start=struggle)
    world.run_until_quiet()

    assert starts == [0, 10, 30, 65, 100, 135]


def test_an_actor_that_crashes_too_often_stops_the_run(world: VirtualWorld) -> None:
    start(world, "a", crash=crash)
    for n in range(6):
        world.tell("a", Do(what="crash"), at=n * 100 * SECOND)
    with pytest.raises(RestartLimitError, match="a crashed 6 times, last with RuntimeError: a bug"):
        world.run_until_quiet()


def test_crashes_long_ago_do_not_count(world: VirtualWorld) -> None:
    world = VirtualWorld(
        REGISTRY, link_delay_us=DELAY_US, supervision=Supervision(max_restarts=1, within_us=10 * SECOND)
    )
    start(world, "a", crash=crash)
    for n in range(8):
        world.tell("a", Do(what="crash"), at=(n + 1) * 11 * SECOND)
    world.run_until_quiet()

    assert world.partition._cells["a"].incarnation == 8


def test_messages_during_the_backoff_are_handled_after_it_in_their_order(world: VirtualWorld) -> None:
    start(world, "a", crash=crash)
    start(world, "b", go=lambda actor, message: actor.context.tell("a", Do(what=f"b{message.n}")))
    start(world, "c", go=lambda actor, message: actor.context.tell("a", Do(what=f"c{message.n}")))
    world.tell("a", Do(what="crash"), at=SECOND)
    expected = []
    for n in range(12):
        who = "bc"[n % 2]
        world.tell(who, Do(what="go", n=n), at=SECOND + n * 1_000)
        expected.append(f"{who}{n}")
    world.tell("b", Do(what="go", n=99), at=SECOND + BACKOFF_US - DELAY_US)  # comes just when those before it do
    world.run_until_quiet()

    assert noted(world, "a") == [*expected, "b99"]
    assert set(times(world, "b0") + times(world, "c11")) == {SECOND + BACKOFF_US}


def test_messages_during_two_backoffs_keep_their_order(world: VirtualWorld) -> None:
    start(world, "a", crash=crash)
    for n in range(10):
        start(world, f"s{n}", go=lambda actor, message: actor.context.tell("a", Do(what=message.what, n=message.n)))
        what = "crash" if n == 3 else f"m{n}"
        start(world, f"t{n}", go=lambda actor, message, what=what: actor.context.tell("a", Do(what=what)))
        world.tell(f"t{n}", Do(what="go"), at=SECOND + n)
    world.tell("a", Do(what="crash"), at=SECOND)
    world.run_until_quiet()

    assert noted(world, "a") == ["m0", "m1", "m2", "m4", "m5", "m6", "m7", "m8", "m9"]


def test_timers_sleeps_and_asks_of_a_dead_incarnation_are_cancelled(world: VirtualWorld) -> None:
    async def live(actor: Any, message: Do) -> None:
        actor.context.after(10 * SECOND, Do(what="timer rang"))
        pending = actor.context.ask("b", Do(what="slow"))
        await actor.context.sleep(1)
        await pending
        actor.note("lived on")

    start(world, "a", live=live, crash=crash)
    start(world, "b", slow=slow)
    world.tell("a", Do(what="live"), at=SECOND)
    world.tell("a", Do(what="crash"), at=SECOND + 5)
    world.run_until_quiet()

    assert noted(world, "a") == []
    assert noted(world, "b") == ["done all the same"]


def test_timers_of_the_new_incarnation_ring(world: VirtualWorld) -> None:
    def begin(actor: Any, message: Do) -> None:
        actor.context.after(5 * SECOND, Do(what=f"rang in {actor.context.incarnation}"))

    start(world, "a", start=begin, crash=crash)
    world.tell("a", Do(what="crash"), at=SECOND)
    world.run_until_quiet()

    assert noted(world) == ["rang in 1"]
    assert times(world, "rang in 1") == [2 * SECOND + 5 * SECOND]


def test_those_who_asked_a_dead_incarnation_are_told(world: VirtualWorld) -> None:
    async def ask(actor: Any, message: Do) -> None:
        with pytest.raises(RefusedError, match="ActorRestartedError: b was restarted"):
            await actor.context.ask("b", Do(what="slow"))
        actor.note(f"told at {actor.context.now_us}")

    start(world, "a", go=ask)
    start(world, "c", go=ask)
    start(world, "b", slow=slow, crash=crash)
    for asker in ("a", "c"):
        world.tell(asker, Do(what="go"), at=SECOND)
    world.tell("b", Do(what="crash"), at=SECOND + 2 * DELAY_US)
    world.run_until_quiet()

    assert noted(world) == [f"told at {SECOND + 3 * DELAY_US}"] * 2


def test_watchers_are_told_once_of_each_restart(world: VirtualWorld) -> None:
    def watch(actor: Any, message: Do) -> None:
        actor.context.watch("b")

    heard: list[tuple[ActorRestarted, int]] = []

    class Watcher(Doer):
        def on_receive(self, message: Any) -> Any:
            if isinstance(message, ActorRestarted):
                heard.append((message, self.context.now_us))
                return None
            return super().on_receive(message)

    world.start("w", lambda: Watcher({"start": watch, "again": watch}))
    start(world, "b", crash=crash)
    world.tell("w", Do(what="again"))
    world.tell("b", Do(what="crash"), at=10 * SECOND)
    world.tell("b", Do(what="crash"), at=20 * SECOND)
    world.run_until_quiet()

    assert [(note.actor, note.incarnation) for note, _ in heard] == [("b", 1), ("b", 2)]
    assert heard[0][1] == 10 * SECOND + BACKOFF_US + DELAY_US


def test_an_effect_of_a_dead_incarnation_is_dropped_and_the_count_goes_on(world: VirtualWorld) -> None:
    async def ask_oracle(actor: Any, message: Do) -> None:
        reply = await actor.context.effect(Do(what="wise"), duration_us=5 * SECOND)
        actor.note(f"{reply.what} {reply.n}")

    start(world, "a", go=ask_oracle, crash=crash)
    world.tell("a", Do(what="go"), at=SECOND)
    world.tell("a", Do(what="crash"), at=2 * SECOND)
    world.tell("a", Do(what="go"), at=4 * SECOND)
    world.run_until_quiet()

    assert noted(world) == ["wise 1"]
    assert times(world, "wise 1") == [9 * SECOND]
    assert len(world.effects) == 2


def test_a_failed_effect_raises_where_it_is_awaited(world: VirtualWorld) -> None:
    async def ask_oracle(actor: Any, message: Do) -> None:
        with pytest.raises(EffectFailedError, match="no engine"):
            await actor.context.effect(Do(what="fail"), duration_us=SECOND)
        actor.note("failed visibly")

    start(world, "a", go=ask_oracle)
    world.tell("a", Do(what="go"))
    world.run_until_quiet()

    assert noted(world) == ["failed visibly"]


def test_what_a_dead_incarnation_cleans_up_happens_at_its_crash_and_not_at_some_other_time(world: VirtualWorld) -> None:
    async def tidy(actor: Any, message: Do) -> None:
        try:
            await actor.context.sleep(100 * SECOND)
        finally:
            actor.note(f"cleaned up {message.n}")

    start(world, "a", tidy=tidy, crash=crash)
    for n in range(3):
        world.tell("a", Do(what="tidy", n=n), at=SECOND + n)
    world.tell("a", Do(what="crash"), at=2 * SECOND)
    gc.disable()  # the moment must not depend on the collector
    try:
        world.run_until_quiet()
    finally:
        gc.enable()

    assert noted(world) == ["cleaned up 0", "cleaned up 1", "cleaned up 2"]
    assert {event.at_us for event in world.events(Noted)} == {2 * SECOND}


def test_a_clean_up_that_fails_or_waits_is_a_dead_letter_too(world: VirtualWorld) -> None:
    async def stubborn(actor: Any, message: Do) -> None:
        try:
            await actor.context.sleep(100 * SECOND)
        finally:
            if message.n:
                raise ValueError("clean-up failed")
            await actor.context.sleep(1)

    start(world, "a", stubborn=stubborn, crash=crash)
    for n in range(2):
        world.tell("a", Do(what="stubborn", n=n), at=SECOND + n)
    world.tell("a", Do(what="crash"), at=2 * SECOND)
    world.run_until_quiet()

    errors = [letter.error for letter in world.events(DeadLettered)]
    assert errors[0] == "RuntimeError: a bug"
    assert sorted(errors[1:]) == ["RuntimeError: coroutine ignored GeneratorExit", "ValueError: clean-up failed"]
    assert world.partition._cells["a"].incarnation == 1


async def _fail_at_once(actor: Any) -> None:
    raise RuntimeError("spawned in vain")


def test_work_that_fails_as_it_is_spawned_restarts_its_actor_once(world: VirtualWorld) -> None:
    async def spawn_and_wait(actor: Any, message: Do) -> None:
        actor.context.spawn(_fail_at_once(actor))
        await actor.context.sleep(SECOND)
        actor.note("a dead man walks")

    start(world, "a", go=spawn_and_wait)
    world.tell("a", Do(what="go"), at=SECOND)
    world.run_until_quiet()

    assert noted(world) == []
    assert world.partition._cells["a"].incarnation == 1
    assert [letter.error for letter in world.events(DeadLettered)] == ["RuntimeError: spawned in vain"]


def test_a_handler_that_fails_after_its_spawned_work_failed_is_one_crash(world: VirtualWorld) -> None:
    def spawn_and_crash(actor: Any, message: Do) -> None:
        actor.context.spawn(_fail_at_once(actor))
        raise ValueError("me too")

    start(world, "a", go=spawn_and_crash)
    world.tell("a", Do(what="go"), at=SECOND)
    world.run_until_quiet()
    starts = [row for row in world.rows if row.kind == "node.restart/1"]

    assert world.partition._cells["a"].incarnation == 1
    assert len(starts) == 1


def test_spawned_work_runs_beside_the_handler(world: VirtualWorld) -> None:
    async def work(actor: Any) -> None:
        actor.note("spawned")
        await actor.context.sleep(SECOND)
        actor.note("worked")

    def spawn(actor: Any, message: Do) -> None:
        actor.context.spawn(work(actor))
        actor.note("went on")

    start(world, "a", go=spawn)
    world.tell("a", Do(what="go"))
    world.run_until_quiet()

    assert noted(world) == ["spawned", "went on", "worked"]
