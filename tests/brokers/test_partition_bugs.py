"""What an actor must not do fails visibly, and what a whole node must not do stops the run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from brokers.node.awaiting import Pending
from brokers.node.errors import (
    MailboxOverflowError,
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
    Oracle,
    Unregistered,
    crash,
    noted,
    start,
)
from tests.support.world import SECOND, VirtualWorld

pytestmark = pytest.mark.usefixtures("no_stray_coroutines")


@pytest.fixture
def world() -> VirtualWorld:
    return VirtualWorld(REGISTRY, engine=Oracle(), link_delay_us=DELAY_US)


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
