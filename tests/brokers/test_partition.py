"""Actors in virtual time: asks, refusals, deadlines, restarts in place, limits."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from brokers.node.actor import Actor
from brokers.node.awaiting import Pending
from brokers.node.errors import (
    AskTimeoutError,
    EffectFailedError,
    LinkDelayError,
    MailboxOverflowError,
    RefusedError,
    RestartLimitError,
)
from brokers.node.messages import ActorRestarted, DeadLettered, EffectFailed
from brokers.node.partition import Partition, Supervision
from tests.support.world import MILLISECOND, SECOND, VirtualWorld, registry_of

DELAY_US = 50 * MILLISECOND
BACKOFF_US = SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Do:
    """Do what the test has written down under this name."""

    KIND: ClassVar[str] = "test.do/1"
    what: str
    n: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """Something was noted, and when."""

    KIND: ClassVar[str] = "test.noted/1"
    by: str
    what: str
    at_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unregistered:
    """Nobody registers this one."""

    KIND: ClassVar[str] = "test.unregistered/1"


REGISTRY = registry_of(sys.modules[__name__])
REGISTRY._by_kind.pop(Unregistered.KIND)


class FullError(Exception):
    """A rule of the tests."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"only {limit} fit")
        self.limit = limit


Deed = Callable[[Any, Do], Any]


class Doer(Actor):
    """Does what its deeds say; notes what it has no deed for."""

    refusals = (FullError,)

    def __init__(self, deeds: dict[str, Deed]) -> None:
        super().__init__()
        self.deeds = deeds
        self.memory: list[str] = []

    def on_start(self) -> None:
        if "start" in self.deeds:
            self.deeds["start"](self, Do(what="start"))

    def on_receive(self, message: Any) -> Any:
        if isinstance(message, Do) and message.what in self.deeds:
            return self.deeds[message.what](self, message)
        self.note(message.what if isinstance(message, Do) else message.KIND)
        return None

    def note(self, what: str) -> None:
        self.memory.append(what)
        self.context.publish(Noted(by=self.context.name, what=what, at_us=self.context.now_us))


class Oracle:
    """An engine that says back what it was asked, or fails."""

    def answer(self, request: Do, seed: int) -> Any:
        return EffectFailed(reason="no engine") if request.what == "fail" else Do(what=request.what, n=seed)


@pytest.fixture
def world() -> VirtualWorld:
    return VirtualWorld(REGISTRY, engine=Oracle(), link_delay_us=DELAY_US)


@pytest.fixture(autouse=True)
def _nothing_unraisable(recwarn: pytest.WarningsRecorder) -> Iterator[None]:
    """Coroutines end while the test runs, not at some later collection of garbage."""
    yield
    gc.collect()
    assert [str(warning.message) for warning in recwarn if "coroutine" in str(warning.message)] == []


def start(world: VirtualWorld, name: str, **deeds: Deed) -> None:
    world.start(name, lambda: Doer(deeds))


def noted(world: VirtualWorld, by: str | None = None) -> list[str]:
    return [event.what for event in world.events(Noted) if by is None or event.by == by]


def times(world: VirtualWorld, what: str) -> list[int]:
    return [event.at_us for event in world.events(Noted) if event.what == what]


def crash(actor: Any, message: Do) -> None:
    raise RuntimeError("a bug")


# --- tell, ask, refuse -----------------------------------------------------------------------------------------------


def test_a_told_message_takes_one_link_delay_and_what_was_added_to_it(world: VirtualWorld) -> None:
    def tell_twice(actor: Any, message: Do) -> None:
        actor.context.tell("b", Do(what="soon"))
        actor.context.tell("b", Do(what="later"), delay_us=SECOND)

    start(world, "a", go=tell_twice)
    start(world, "b")
    world.tell("a", Do(what="go"), at=SECOND)
    world.run_until_quiet()

    assert times(world, "soon") == [SECOND + DELAY_US]
    assert times(world, "later") == [2 * SECOND + DELAY_US]


def test_an_ask_is_answered_two_link_delays_later(world: VirtualWorld) -> None:
    async def ask(actor: Any, message: Do) -> None:
        answer = await actor.context.ask("b", Do(what="double", n=21))
        actor.note(f"{answer.n} after {actor.context.now_us - SECOND}")

    start(world, "a", go=ask)
    start(world, "b", double=lambda actor, message: Do(what="doubled", n=2 * message.n))
    world.tell("a", Do(what="go"), at=SECOND)
    world.run_until_quiet()

    assert noted(world) == [f"42 after {2 * DELAY_US}"]


def test_a_handler_without_a_result_answers_none(world: VirtualWorld) -> None:
    async def nothing(actor: Any, message: Do) -> None:
        await actor.context.sleep(1)

    start(world, "b", go=lambda actor, message: None, wait=nothing)

    assert world.ask("b", Do(what="go")) is None
    assert world.ask("b", Do(what="wait")) is None


def test_several_asks_are_under_way_at_once_and_an_answer_can_be_awaited_twice(world: VirtualWorld) -> None:
    async def ask_all(actor: Any, message: Do) -> Do:
        pending = [actor.context.ask("b", Do(what="double", n=n)) for n in range(5)]
        answers = [await answer for answer in pending]
        assert answers == [await answer for answer in pending]
        return Do(what=str(actor.context.now_us - begun[0]), n=sum(answer.n for answer in answers))

    begun: list[int] = []

    def begin(actor: Any, message: Do) -> Any:
        begun.append(actor.context.now_us)
        return ask_all(actor, message)

    start(world, "a", go=begin)
    start(world, "b", double=lambda actor, message: Do(what="doubled", n=2 * message.n))

    assert world.ask("a", Do(what="go")) == Do(what=str(2 * DELAY_US), n=20)


def test_an_actor_goes_on_with_other_messages_while_it_waits(world: VirtualWorld) -> None:
    async def wait(actor: Any, message: Do) -> None:
        actor.note("before")
        await actor.context.sleep(SECOND)
        actor.note("after")

    start(world, "a", wait=wait)
    world.tell("a", Do(what="wait"), at=SECOND)
    world.tell("a", Do(what="between"), at=SECOND + 1)
    world.run_until_quiet()

    assert noted(world) == ["before", "between", "after"]


def refuse(actor: Any, message: Do) -> None:
    raise FullError(message.n)


async def refuse_later(actor: Any, message: Do) -> None:
    await actor.context.sleep(1)
    raise FullError(message.n)


@pytest.mark.parametrize("deed", [refuse, refuse_later])
def test_a_refused_ask_tells_the_asker_the_rule_and_its_facts_and_the_actor_lives_on(
    world: VirtualWorld, deed: Deed
) -> None:
    start(world, "b", go=deed, remember=lambda actor, message: actor.note("kept"))
    world.tell("b", Do(what="remember"))
    with pytest.raises(RefusedError, match="FullError: only 3 fit") as refused:
        world.ask("b", Do(what="go", n=3))

    assert (refused.value.error, refused.value.facts) == ("FullError", (("limit", "3"),))
    assert world.ask("b", Do(what="recall")) is None
    assert world.events(DeadLettered) == []


@pytest.mark.parametrize("deed", [refuse, refuse_later])
def test_a_rule_that_refuses_a_told_message_is_a_bug(world: VirtualWorld, deed: Deed) -> None:
    start(world, "b", go=deed)
    world.tell("b", Do(what="go", n=3))
    world.run_until_quiet()

    assert [letter.error for letter in world.events(DeadLettered)] == ["FullError: only 3 fit"]
    assert world.partition._cells["b"].incarnation == 1


async def crash_later(actor: Any, message: Do) -> None:
    await actor.context.sleep(1)
    raise RuntimeError("a bug")


@pytest.mark.parametrize("deed", [crash, crash_later])
def test_a_bug_in_an_ask_tells_the_asker_and_restarts_the_actor(world: VirtualWorld, deed: Deed) -> None:
    start(world, "b", go=deed)
    with pytest.raises(RefusedError, match="HandlerError: RuntimeError: a bug"):
        world.ask("b", Do(what="go"))
    world.run_until_quiet()

    (letter,) = world.events(DeadLettered)
    assert (letter.actor, letter.sender, letter.message_kind) == ("b", "outside/0", Do.KIND)
    assert world.partition._cells["b"].incarnation == 1


def test_a_letter_to_nobody_is_a_dead_letter_and_an_ask_of_nobody_is_refused(world: VirtualWorld) -> None:
    start(world, "a", go=lambda actor, message: actor.context.tell("nobody", Do(what="hello")))
    world.tell("a", Do(what="go"))
    with pytest.raises(RefusedError, match="no actor is called nobody") as refused:
        world.ask("nobody", Do(what="hello"))

    assert (refused.value.error, refused.value.facts) == ("UnknownActorError", (("actor", "nobody"),))
    letters = {(letter.actor, letter.sender, letter.message_kind) for letter in world.events(DeadLettered)}
    assert letters == {("nobody", "a", Do.KIND), ("nobody", "outside/1", Do.KIND)}


def test_letters_to_another_node_leave_by_the_window(world: VirtualWorld) -> None:
    partition = Partition(REGISTRY, seed=1, link_delay_us=DELAY_US, knows=lambda name: name == "far")
    partition.start("a", lambda: Doer({"start": lambda actor, _: actor.context.tell("far", Do(what="hello"))}), order=0)
    result = partition.run_window(DELAY_US)

    assert [(letter.dst, letter.time_us, letter.src) for letter in result.outgoing] == [("far", DELAY_US, "a")]


# --- deadlines -------------------------------------------------------------------------------------------------------


async def _ask_with_deadline(actor: Any, message: Do) -> None:
    try:
        answer = await actor.context.ask("b", Do(what="slow"), timeout_us=message.n)
        actor.note(f"answered {answer.what}")
    except AskTimeoutError as error:
        actor.note(f"late: {error.to} {error.kind} {error.timeout_us}")


async def _slow(actor: Any, message: Do) -> Do:
    await actor.context.sleep(SECOND)
    actor.note("done all the same")
    return Do(what="slowly")


def test_an_ask_without_an_answer_in_time_raises_and_the_late_answer_is_forgotten(world: VirtualWorld) -> None:
    start(world, "a", go=_ask_with_deadline)
    start(world, "b", slow=_slow)
    world.tell("a", Do(what="go", n=SECOND))
    world.run_until_quiet()

    assert noted(world) == [f"late: b test.do/1 {SECOND}", "done all the same"]
    assert world.events(DeadLettered) == []


def test_an_answer_in_time_leaves_no_trace_of_its_deadline(world: VirtualWorld) -> None:
    start(world, "a", go=_ask_with_deadline)
    start(world, "b", slow=_slow)
    world.tell("a", Do(what="go", n=2 * SECOND))
    world.run_until_quiet()

    assert noted(world) == ["done all the same", "answered slowly"]
    assert not [row for row in world.rows if row.kind == "node.deadline/1"]


# --- what is too early -----------------------------------------------------------------------------------------------


def _effect_too_early(actor: Any, message: Do) -> None:
    actor.context.effect(Do(what="x"), duration_us=DELAY_US - 1)


@pytest.mark.parametrize(
    ("deed", "sentence"),
    [
        (lambda actor, _: actor.context.after(0, Do(what="x")), "timer test.do/1: 0 us is less than the 1 us it takes"),
        (lambda actor, _: actor.context.sleep(0), "sleep: 0 us is less than the 1 us it takes"),
        (
            lambda actor, _: actor.context.tell("a", Do(what="x"), delay_us=-1),
            "tell test.do/1: -1 us is less than the 0",
        ),
        (lambda actor, _: actor.context.ask("a", Do(what="x"), timeout_us=0), "deadline of test.do/1: 0 us is less"),
        (_effect_too_early, f"effect test.do/1: {DELAY_US - 1} us is less than the {DELAY_US} us it takes"),
    ],
    ids=["timer", "sleep", "tell", "deadline", "effect"],
)
def test_what_would_come_too_early_raises_at_its_sender(world: VirtualWorld, deed: Deed, sentence: str) -> None:
    raised: list[str] = []

    def try_it(actor: Any, message: Do) -> None:
        with pytest.raises(LinkDelayError) as error:
            deed(actor, message)
        raised.append(str(error.value))

    start(world, "a", go=try_it)
    world.tell("a", Do(what="go"))
    world.run_until_quiet()

    assert raised[0].startswith(sentence)
    assert len(world.rows) == 2  # the start and the message: nothing was sent


def test_the_shortest_timer_effect_and_deadline_are_taken(world: VirtualWorld) -> None:
    async def shortest(actor: Any, message: Do) -> None:
        actor.context.after(1, Do(what="timer"))
        reply = await actor.context.effect(Do(what="x"), duration_us=DELAY_US)
        actor.note(f"effect {reply.what}")
        with pytest.raises(AskTimeoutError):
            await actor.context.ask("a", Do(what="own"), timeout_us=1)
        actor.note("deadline")

    start(world, "a", go=shortest)
    world.tell("a", Do(what="go"), at=SECOND)
    world.run_until_quiet()

    assert times(world, "timer") == [SECOND + 1]
    assert times(world, "effect x") == [SECOND + DELAY_US]
    assert times(world, "deadline") == [SECOND + DELAY_US + 1]


# --- restart in place ------------------------------------------------------------------------------------------------


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
    start(world, "b", slow=_slow)
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
    start(world, "b", slow=_slow, crash=crash)
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


# --- bugs that must be visible ---------------------------------------------------------------------------------------


class Foreign:
    """An awaitable that is not of virtual time."""

    def __await__(self) -> Iterator[Any]:
        yield "something else"


async def _await_foreign(actor: Any, message: Do) -> None:
    await Foreign()


async def _await_asyncio(actor: Any, message: Do) -> None:
    await asyncio.sleep(0)


@pytest.mark.parametrize("deed", [_await_foreign, _await_asyncio])
def test_awaiting_what_is_not_of_the_context_fails_visibly(world: VirtualWorld, deed: Deed) -> None:
    start(world, "a", go=deed)
    with pytest.raises(RefusedError, match="an actor may only await what its context gives"):
        world.ask("a", Do(what="go"))

    assert world.partition._cells["a"].incarnation == 1


def test_two_coroutines_that_await_one_answer_crash_their_actor_and_not_the_run(world: VirtualWorld) -> None:
    shared: list[Pending] = []

    async def share(actor: Any, message: Do) -> None:
        if not shared:
            shared.append(actor.context.sleep(SECOND))
        await shared[0]

    start(world, "a", go=share)
    for _ in range(2):
        world.tell("a", Do(what="go"))
    world.run_until_quiet()

    assert [letter.error for letter in world.events(DeadLettered)] == ["RuntimeError: two coroutines await one answer"]


@pytest.mark.parametrize("what", ["plain text", Unregistered(), 5], ids=["str", "unregistered", "int"])
@pytest.mark.parametrize("way", ["tell", "ask", "after", "effect", "publish", "answer"])
def test_what_is_no_message_crashes_the_actor_that_says_it(world: VirtualWorld, way: str, what: Any) -> None:
    deeds: dict[str, Deed] = {
        "tell": lambda actor, _: actor.context.tell("b", what),
        "ask": lambda actor, _: actor.context.ask("b", what, timeout_us=SECOND) and None,
        "after": lambda actor, _: actor.context.after(1, what),
        "effect": lambda actor, _: actor.context.effect(what, duration_us=SECOND) and None,
        "publish": lambda actor, _: actor.context.publish(what),
        "answer": lambda actor, _: what,
    }
    start(world, "a", go=deeds[way])
    start(world, "b")
    with pytest.raises(RefusedError, match="unknown message kind"):
        world.ask("a", Do(what="go"))
    world.run_until_quiet()

    assert world.partition._cells["a"].incarnation == 1
    assert noted(world, "b") == []
    assert world.effects == []


def test_pykka_refs_do_not_lead_into_virtual_time(world: VirtualWorld) -> None:
    start(world, "a", go=lambda actor, _: actor.actor_ref.tell(Do(what="past the clock")))
    with pytest.raises(RefusedError, match="a lives in virtual time"):
        world.ask("a", Do(what="go"))


def test_an_error_text_knows_no_memory_address(world: VirtualWorld) -> None:
    def fail(actor: Any, message: Do) -> None:
        raise RuntimeError(f"{object()!r} is broken")

    start(world, "a", go=fail)
    world.tell("a", Do(what="go"))
    world.run_until_quiet()

    assert [letter.error for letter in world.events(DeadLettered)] == ["RuntimeError: <object object at 0x…> is broken"]


def test_too_many_waiting_messages_stop_the_run_and_the_largest_mailbox_is_named() -> None:
    partition = Partition(REGISTRY, seed=1, link_delay_us=DELAY_US, mailbox_guard=100)

    def flood(actor: Any, message: Do) -> None:
        for n in range(60):
            actor.context.tell("drowning", Do(what="more", n=n))
            actor.context.tell("wet", Do(what="more", n=n)) if n % 2 else None
        actor.context.after(1, Do(what="flood"))

    partition.start("source", lambda: Doer({"start": flood, "flood": flood}), order=0)
    for order, name in enumerate(["wet", "drowning"], 1):
        partition.start(name, lambda: Doer({}), order=order)
    with pytest.raises(
        MailboxOverflowError, match=r"101 messages wait \(limit 100\); the largest mailbox is drowning"
    ) as full:
        partition.run_window(DELAY_US)

    assert (full.value.waiting, full.value.limit, full.value.largest) == (101, 100, "drowning")
    assert full.value.depth > 60


def test_the_count_of_waiting_messages_returns_to_nothing(world: VirtualWorld) -> None:
    start(world, "a", crash=crash)
    world.tell("a", Do(what="crash"), at=1)
    for n in range(10):
        world.tell("a", Do(what="x"), at=n)
    world.run_until_quiet()

    assert world.partition.waiting == 0
    assert world.partition.next_time() is None
