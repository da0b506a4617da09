"""Actors in virtual time: tells, asks, refusals, deadlines, and what would come too early."""

from __future__ import annotations

from typing import Any

import pytest

from brokers.node.errors import (
    AskTimeoutError,
    LinkDelayError,
    RefusedError,
)
from brokers.node.messages import DeadLettered
from brokers.node.partition import Partition
from tests.brokers.deeds import (
    DELAY_US,
    REGISTRY,
    Deed,
    Do,
    Doer,
    FullError,
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


def test_an_ask_without_an_answer_in_time_raises_and_the_late_answer_is_forgotten(world: VirtualWorld) -> None:
    start(world, "a", go=_ask_with_deadline)
    start(world, "b", slow=slow)
    world.tell("a", Do(what="go", n=SECOND))
    world.run_until_quiet()

    assert noted(world) == [f"late: b test.do/1 {SECOND}", "done all the same"]
    assert world.events(DeadLettered) == []


def test_an_answer_in_time_leaves_no_trace_of_its_deadline(world: VirtualWorld) -> None:
    start(world, "a", go=_ask_with_deadline)
    start(world, "b", slow=slow)
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
