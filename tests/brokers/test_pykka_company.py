"""Pykka's law on `pykka.ThreadingActor` and on our `Actor` alike: proxies, order, other actors, registry, futures.

The intent follows Pykka's own test suite (Apache-2.0).
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from typing import Any

import pykka
import pytest

from brokers.node.actor import Actor
from brokers.node.pool import Pool, PoolFuture
from tests.brokers.scribes import PATIENCE_S, scribe


@pytest.fixture(params=[pykka.ThreadingActor, Actor], ids=["pykka", "pool"])
def base(request: pytest.FixtureRequest, pool: Pool) -> type[Any]:
    base: type[Any] = request.param
    return base


def test_a_proxy_calls_methods_and_reads_and_writes_fields(base: type[Any]) -> None:
    proxy = scribe(base).start().proxy()

    assert proxy.add(2, b=3).get(timeout=PATIENCE_S) == 5
    assert proxy.stock.get(timeout=PATIENCE_S) == 5
    proxy.stock = 7
    assert proxy.stock.get(timeout=PATIENCE_S) == 7
    with pytest.raises(KeyError, match="proxied"):
        proxy.fail().get(timeout=PATIENCE_S)
    with pytest.raises(AttributeError):
        _ = proxy.nonsense


def test_deferred_proxy_calls_keep_their_order_with_tells(base: type[Any]) -> None:
    ref = scribe(base).start()
    proxy = ref.proxy()
    ref.tell("a")
    proxy.on_receive.defer("b")
    ref.tell("c")

    assert proxy.journal.get(timeout=PATIENCE_S) == ["started", "a", "b", "c"]


def test_an_actor_runs_on_another_thread_than_its_user_and_one_message_at_a_time(base: type[Any]) -> None:
    ref = scribe(base).start()
    inside, overlaps = threading.Lock(), []

    def alone(actor: Any) -> None:
        if not inside.acquire(False):
            overlaps.append(actor)
            return
        os.sched_yield()  # let another thread in, if one may
        inside.release()

    tellers = [threading.Thread(target=lambda: [ref.tell(alone) for _ in range(300)]) for _ in range(4)]
    for teller in tellers:
        teller.start()
    for teller in tellers:
        teller.join(PATIENCE_S)

    assert ref.ask("thread", timeout=PATIENCE_S) is not threading.current_thread()
    assert overlaps == []


def test_messages_of_each_of_many_senders_keep_their_order(base: type[Any]) -> None:
    ref = scribe(base).start()

    def tell(sender: int) -> None:
        for number in range(500):
            ref.tell((sender, number))

    tellers = [threading.Thread(target=tell, args=(sender,)) for sender in range(4)]
    for teller in tellers:
        teller.start()
    for teller in tellers:
        teller.join(PATIENCE_S)
    journal = ref.proxy().journal.get(timeout=PATIENCE_S)

    for sender in range(4):
        assert [entry[1] for entry in journal if entry[0] == sender] == list(range(500))


def test_actors_can_ask_each_other_while_they_handle_a_message(base: type[Any]) -> None:
    actor_class = scribe(base)
    first, second = actor_class.start(), actor_class.start()

    assert first.ask(lambda _: second.ask("from first"), timeout=PATIENCE_S) == ("got", "from first")


def test_an_actor_can_start_and_stop_another(base: type[Any]) -> None:
    actor_class = scribe(base)

    def child_life(_: Any) -> tuple[Any, bool]:
        child = actor_class.start()
        return child.ask("hello child"), child.stop()

    assert actor_class.start().ask(child_life, timeout=PATIENCE_S) == (("got", "hello child"), True)


def test_the_registry_knows_living_actors_and_stops_them_all_last_first(base: type[Any]) -> None:
    journal: list[Any] = []

    class Named(scribe(base)):  # type: ignore[misc]
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def on_stop(self) -> None:
            journal.append(self.name)

    refs = [Named.start(name) for name in "abc"]
    assert pykka.ActorRegistry.get_by_class(Named) == refs
    assert pykka.ActorRegistry.get_by_urn(refs[1].actor_urn) is refs[1]

    assert pykka.ActorRegistry.stop_all(timeout=PATIENCE_S) == [True, True, True]
    assert journal == ["c", "b", "a"]
    assert pykka.ActorRegistry.get_all() == []


def test_a_broadcast_reaches_every_actor(base: type[Any]) -> None:
    refs = [scribe(base).start() for _ in range(5)]
    pykka.ActorRegistry.broadcast("all")

    assert [ref.proxy().journal.get(timeout=PATIENCE_S) for ref in refs] == [["started", "all"]] * 5


def test_futures_are_mapped_filtered_joined_and_reduced(base: type[Any]) -> None:
    ref = scribe(base).start()
    numbers = ref.ask(lambda _: [1, 2, 3, 4], block=False)
    word = ref.ask(lambda _: "word", block=False)

    assert numbers.map(len).get(timeout=PATIENCE_S) == 4
    assert numbers.filter(lambda n: n % 2).get(timeout=PATIENCE_S) == [1, 3]
    assert numbers.reduce(lambda a, b: a + b).get(timeout=PATIENCE_S) == 10
    assert numbers.join(word).get(timeout=PATIENCE_S) == [[1, 2, 3, 4], "word"]
    assert pykka.get_all([numbers, word], timeout=PATIENCE_S) == [[1, 2, 3, 4], "word"]


@pytest.fixture(params=[pykka.ThreadingFuture, PoolFuture], ids=["pykka", "pool"])
def future(request: pytest.FixtureRequest) -> Any:
    return request.param()


def fail_with(error: Exception) -> Callable[[Any], None]:
    def settle(future: Any) -> None:
        try:
            raise error
        except type(error):
            future.set_exception()

    return settle


SETTLERS = [
    pytest.param(lambda future: future.set("value"), id="value"),
    pytest.param(fail_with(KeyError("x")), id="exception"),
]


@pytest.mark.parametrize("first", SETTLERS)
@pytest.mark.parametrize(
    "second", [*SETTLERS, pytest.param(lambda future: future.set_get_hook(lambda _: 1), id="hook")]
)
def test_a_future_is_settled_once(future: Any, first: Callable[[Any], None], second: Callable[[Any], None]) -> None:
    first(future)
    with pytest.raises(queue.Full):
        second(future)


@pytest.mark.parametrize("second", SETTLERS)
def test_a_future_with_a_hook_is_not_settled_any_more(future: Any, second: Callable[[Any], None]) -> None:
    future.set_get_hook(lambda timeout: ("hooked", timeout))
    with pytest.raises(queue.Full):
        second(future)
    assert future.get(timeout=3) == ("hooked", 3)
    assert future.get(timeout=4) == ("hooked", 3)  # the hook is asked once


def test_an_exception_without_an_instance_is_made_one(future: Any) -> None:
    future.set_exception((KeyError, None, None))
    with pytest.raises(KeyError):
        future.get(timeout=0)


def test_a_future_is_awaited_like_any_awaitable(future: Any) -> None:
    async def wait() -> Any:
        return await future

    future.set("value")
    coroutine = wait()
    coroutine.send(None)
    with pytest.raises(StopIteration) as ended:
        coroutine.send(None)
    assert ended.value.value == "value"


def test_all_threads_that_wait_for_a_future_get_its_value(future: Any) -> None:
    got: list[Any] = []
    waiters = [threading.Thread(target=lambda: got.append(future.get(timeout=PATIENCE_S))) for _ in range(5)]
    for waiter in waiters:
        waiter.start()
    future.set("value")
    for waiter in waiters:
        waiter.join(PATIENCE_S)

    assert got == ["value"] * 5
