"""Pykka's own behaviour holds for our actors on a pool; what a pool adds is tested below it.

The first part runs on `pykka.ThreadingActor` and on our `Actor` and expects the same of both. Its intent follows
Pykka's own test suite (Apache-2.0): actor, future, proxy, ref and registry.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

import pykka
import pytest

from brokers.node.actor import Actor, hosting
from brokers.node.errors import AskCycleError
from brokers.node.pool import TURN, Pool, PoolFuture

PATIENCE_S = 20.0  # a safety net, never the thing waited for


class Gate(threading.Event):
    """An event whose waiters fail instead of hanging."""

    def pass_through(self) -> None:
        assert self.wait(PATIENCE_S), "nobody opened the gate"


@pytest.fixture
def lost() -> list[tuple[str, Any]]:
    """Dead letters of the pool: (actor, message)."""
    return []


@pytest.fixture
def pool(lost: list[tuple[str, Any]]) -> Iterator[Pool]:
    pool = Pool(2, dead_letter=lambda actor, message: lost.append((actor, message)))
    token = hosting.set(pool)
    yield pool
    pykka.ActorRegistry.stop_all(timeout=PATIENCE_S)
    hosting.reset(token)
    pool.close()


@pytest.fixture(params=[pykka.ThreadingActor, Actor], ids=["pykka", "pool"])
def base(request: pytest.FixtureRequest, pool: Pool) -> type[Any]:
    base: type[Any] = request.param
    return base


def scribe(base: type[Any]) -> type[Any]:
    """An actor class that writes down what happens to it."""

    class Scribe(base):  # type: ignore[misc]
        use_daemon_thread = True
        stock = 5

        def __init__(self, journal: list[Any] | None = None) -> None:
            super().__init__()
            self.journal: list[Any] = [] if journal is None else journal
            self.stopped_gate = Gate()
            self.failed_gate = Gate()

        def on_start(self) -> None:
            self.journal.append("started")

        def on_stop(self) -> None:
            self.journal.append("stopped")
            self.stopped_gate.set()

        def on_failure(
            self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
        ) -> None:
            self.journal.append(("failed", str(error)))
            self.failed_gate.set()

        def on_receive(self, message: Any) -> Any:
            match message:
                case Gate():
                    message.pass_through()
                case BaseException():
                    raise message
                case "thread":
                    return threading.current_thread()
                case "stop yourself":
                    self.stop()
                case _ if callable(message):
                    return message(self)
                case _:
                    self.journal.append(message)
                    return ("got", message)
            return None

        def add(self, a: int, b: int = 0) -> int:
            return a + b

        def fail(self) -> None:
            raise KeyError("proxied")

    return Scribe


# --- what Pykka promises ---------------------------------------------------------------------------------------------


def test_messages_of_one_sender_are_handled_in_the_order_they_were_told(base: type[Any]) -> None:
    ref = scribe(base).start()
    for number in range(500):
        ref.tell(number)

    assert ref.proxy().journal.get(timeout=PATIENCE_S) == ["started", *range(500)]


def test_an_ask_returns_what_the_handler_returns(base: type[Any]) -> None:
    ref = scribe(base).start()

    assert ref.ask("hello", timeout=PATIENCE_S) == ("got", "hello")
    assert ref.ask("again", block=False).get(timeout=PATIENCE_S) == ("got", "again")
    assert ref.ask(lambda actor: None, timeout=PATIENCE_S) is None


def test_an_answer_can_be_read_more_than_once(base: type[Any]) -> None:
    future = scribe(base).start().ask("hello", block=False)

    assert future.get(timeout=PATIENCE_S) == future.get(timeout=PATIENCE_S) == ("got", "hello")


def test_an_exception_in_an_ask_goes_to_the_asker_and_the_actor_lives_on(base: type[Any]) -> None:
    ref = scribe(base).start()
    for _ in range(2):
        with pytest.raises(ValueError, match="no") as raised:
            ref.ask(ValueError("no"), timeout=PATIENCE_S)
        assert "on_receive" in [entry.name for entry in raised.traceback]

    assert ref.is_alive()
    assert ref.proxy().journal.get(timeout=PATIENCE_S) == ["started"]


def test_an_exception_can_be_read_more_than_once(base: type[Any]) -> None:
    future = scribe(base).start().ask(ValueError("no"), block=False)
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            future.get(timeout=PATIENCE_S)


def test_an_exception_in_a_tell_stops_the_actor_and_calls_on_failure_but_not_on_stop(base: type[Any]) -> None:
    journal: list[Any] = []
    ref = scribe(base).start(journal)
    failed = ref.proxy().failed_gate.get(timeout=PATIENCE_S)
    ref.tell(ValueError("broken"))
    failed.pass_through()

    assert journal == ["started", ("failed", "broken")]
    assert not ref.is_alive()
    assert pykka.ActorRegistry.get_by_urn(ref.actor_urn) is None
    with pytest.raises(pykka.ActorDeadError):
        ref.tell("too late")
    with pytest.raises(pykka.ActorDeadError):
        ref.ask("too late", timeout=PATIENCE_S)


def test_an_exception_in_on_failure_still_stops_the_actor_and_nothing_else(base: type[Any]) -> None:
    gate = Gate()

    class Hopeless(scribe(base)):  # type: ignore[misc]
        def on_failure(self, *_: Any) -> None:
            gate.set()
            raise RuntimeError("it gets worse")

    others = [scribe(base).start() for _ in range(8)]
    for _ in range(8):  # more often than a pool has threads to lose
        gate.clear()
        Hopeless.start().tell(ValueError("broken"))
        gate.pass_through()

    assert [other.ask("alive?", timeout=PATIENCE_S) for other in others] == [("got", "alive?")] * 8


def test_an_exception_in_on_start_stops_the_actor(base: type[Any]) -> None:
    class StillBorn(scribe(base)):  # type: ignore[misc]
        def on_start(self) -> None:
            raise ValueError("no life")

    ref = StillBorn.start()

    assert ref.actor_stopped.wait(PATIENCE_S)
    assert pykka.ActorRegistry.get_all() == []
    with pytest.raises(pykka.ActorDeadError):
        ref.ask("hello", timeout=PATIENCE_S)


def test_an_exception_in_on_stop_still_stops_the_actor(base: type[Any]) -> None:
    class Reluctant(scribe(base)):  # type: ignore[misc]
        def on_stop(self) -> None:
            raise ValueError("never")

    ref = Reluctant.start()

    assert ref.stop(timeout=PATIENCE_S) is True
    assert not ref.is_alive()


@pytest.mark.parametrize("asked", [False, True], ids=["told", "asked"])
def test_an_exit_in_a_handler_stops_all_actors(base: type[Any], asked: bool) -> None:
    first, second = (scribe(base).start() for _ in range(2))
    if asked:
        first.ask(SystemExit("enough"), block=False)
    else:
        first.tell(SystemExit("enough"))

    assert first.actor_stopped.wait(PATIENCE_S)
    assert second.actor_stopped.wait(PATIENCE_S)


def test_stop_handles_what_was_told_before_it_and_then_calls_on_stop(base: type[Any]) -> None:
    journal: list[Any] = []
    ref = scribe(base).start(journal)
    for number in range(200):
        ref.tell(number)

    assert ref.stop(timeout=PATIENCE_S) is True
    assert journal == ["started", *range(200), "stopped"]
    assert ref.stop(timeout=PATIENCE_S) is False


def test_an_actor_can_stop_itself(base: type[Any]) -> None:
    ref = scribe(base).start()
    stopped = ref.proxy().stopped_gate.get(timeout=PATIENCE_S)
    ref.tell("stop yourself")
    stopped.pass_through()

    assert not ref.is_alive()


def test_stopping_twice_at_once_is_no_error(base: type[Any]) -> None:
    ref, gate = scribe(base).start(), Gate()
    ref.tell(gate)
    stops = [ref.stop(block=False) for _ in range(3)]
    gate.set()

    assert [stop.get(timeout=PATIENCE_S) for stop in stops] == [True, True, True]


def test_questions_left_in_the_mailbox_of_a_stopped_actor_get_actor_dead_error(base: type[Any]) -> None:
    ref, gate = scribe(base).start(), Gate()
    ref.tell(gate)
    ref.stop(block=False)
    left = [ref.ask(number, block=False) for number in range(5)]
    gate.set()

    for answer in left:
        with pytest.raises(pykka.ActorDeadError, match="stopped before handling the message"):
            answer.get(timeout=PATIENCE_S)


def test_questions_left_in_the_mailbox_of_a_failed_actor_get_actor_dead_error(base: type[Any]) -> None:
    ref, gate = scribe(base).start(), Gate()
    ref.tell(gate)
    ref.tell(ValueError("broken"))
    left = ref.ask("still there?", block=False)
    gate.set()

    with pytest.raises(pykka.ActorDeadError):
        left.get(timeout=PATIENCE_S)


def test_an_ask_times_out_and_is_answered_later(base: type[Any]) -> None:
    ref, gate = scribe(base).start(), Gate()
    ref.tell(gate)
    answer = ref.ask("slow", block=False)
    for timeout in (0, 0.01):
        with pytest.raises(pykka.Timeout, match=f"{timeout} seconds"):
            answer.get(timeout=timeout)
    gate.set()

    assert answer.get(timeout=PATIENCE_S) == ("got", "slow")


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
        time.sleep(0)  # let another thread in, if one may
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


# --- futures ---------------------------------------------------------------------------------------------------------


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


def test_futures_are_mapped_filtered_joined_and_reduced(base: type[Any]) -> None:
    ref = scribe(base).start()
    numbers = ref.ask(lambda _: [1, 2, 3, 4], block=False)
    word = ref.ask(lambda _: "word", block=False)

    assert numbers.map(len).get(timeout=PATIENCE_S) == 4
    assert numbers.filter(lambda n: n % 2).get(timeout=PATIENCE_S) == [1, 3]
    assert numbers.reduce(lambda a, b: a + b).get(timeout=PATIENCE_S) == 10
    assert numbers.join(word).get(timeout=PATIENCE_S) == [[1, 2, 3, 4], "word"]
    assert pykka.get_all([numbers, word], timeout=PATIENCE_S) == [[1, 2, 3, 4], "word"]


# --- what a pool adds ------------------------------------------------------------------------------------------------


def test_blocking_asks_inside_actors_do_not_starve_the_pool(pool: Pool) -> None:
    """A chain of asks far longer than the pool has threads."""
    actor_class = scribe(Actor)
    refs = [actor_class.start() for _ in range(60)]

    def ask_next(index: int) -> Any:
        if index == len(refs):
            return ["end"]
        return refs[index].ask(lambda _: [index, *ask_next(index + 1)])

    assert refs[0].ask(lambda _: ask_next(1), timeout=PATIENCE_S) == [*range(1, 60), "end"]


def test_threads_that_stood_in_for_blocked_ones_go_again(pool: Pool) -> None:
    actor_class = scribe(Actor)
    blocked, gate = [actor_class.start() for _ in range(20)], Gate()
    held = actor_class.start()
    held.tell(gate)
    answers = [ref.ask(lambda _: held.ask("now"), block=False) for ref in blocked]
    assert actor_class.start().ask("is there a thread for me?", timeout=PATIENCE_S)
    most = pool.threads
    gate.set()
    pykka.get_all(answers, timeout=PATIENCE_S)
    for _ in range(2 * most):  # surplus threads end when they have had a turn
        assert actor_class.start().ask("hello", timeout=PATIENCE_S)

    assert most > 10
    assert pool.threads <= 3  # one may still be on its way out


@pytest.mark.parametrize("length", [1, 2, 3])
def test_asks_in_a_circle_raise_instead_of_waiting_for_ever(pool: Pool, length: int) -> None:
    actor_class = scribe(Actor)
    refs = [actor_class.start() for _ in range(length)]
    asked: list[int] = []

    def ask_next(index: int) -> Any:
        asked.append(index)
        following = (index + 1) % length
        return refs[following].ask(lambda _: ask_next(following))

    with pytest.raises(AskCycleError, match="Scribe -> Scribe") as raised:
        refs[0].ask(lambda _: ask_next(0), timeout=PATIENCE_S)

    assert raised.value.cycle == ("Scribe",) * (length + 1)
    assert [ref.ask("alive?", timeout=PATIENCE_S) for ref in refs] == [("got", "alive?")] * length
    assert asked == list(range(length))  # the question that closed the circle was taken back


def test_an_actor_may_ask_back_once_the_first_question_is_answered(pool: Pool) -> None:
    """The asker may not have noticed its answer yet: that is no circle."""
    actor_class = scribe(Actor)
    for _ in range(50):
        a, b, reached, gate = actor_class.start(), actor_class.start(), Gate(), Gate()

        def answer_late(_: Any, reached: Gate = reached, gate: Gate = gate) -> str:
            reached.set()
            gate.pass_through()
            return "answered"

        question = a.ask(lambda _, b=b, late=answer_late: b.ask(late), block=False)
        reached.pass_through()
        back = b.ask(lambda _, a=a: a.ask("back"), block=False)  # waits behind the question
        gate.set()
        assert back.get(timeout=PATIENCE_S) == ("got", "back")
        assert question.get(timeout=PATIENCE_S) == "answered"


def test_tells_left_behind_become_dead_letters(pool: Pool, lost: list[tuple[str, Any]]) -> None:
    ref, gate = scribe(Actor).start(), Gate()
    ref.tell(gate)
    ref.stop(block=False)
    ref.tell("left 1")
    asked = ref.ask("an asker is told by its future", block=False)
    again = ref.stop(block=False)
    ref.tell("left 2")
    gate.set()
    again.get(timeout=PATIENCE_S)
    with pytest.raises(pykka.ActorDeadError):
        asked.get(timeout=PATIENCE_S)
    proof_of_burial = ref.actor_stopped.wait(PATIENCE_S)

    assert proof_of_burial
    wait_until(lambda: len(lost) == 2)
    assert lost == [("Scribe", "left 1"), ("Scribe", "left 2")]


def test_a_message_that_kills_its_actor_is_a_dead_letter_with_those_behind_it(
    pool: Pool, lost: list[tuple[str, Any]]
) -> None:
    ref, gate, bomb = scribe(Actor).start(), Gate(), ValueError("boom")
    ref.tell(gate)
    ref.tell(bomb)
    ref.tell("behind")
    gate.set()
    wait_until(lambda: len(lost) == 2)

    assert lost == [("Scribe", bomb), ("Scribe", "behind")]


def test_a_stop_that_comes_too_late_is_no_dead_letter(pool: Pool, lost: list[tuple[str, Any]]) -> None:
    ref, gate = scribe(Actor).start(), Gate()
    ref.tell(gate)
    ref.tell("stop yourself")
    ref.tell("stop yourself")  # handled before the first stop is
    gate.set()
    assert ref.actor_stopped.wait(PATIENCE_S)
    with pytest.raises(pykka.ActorDeadError):
        ref.ask("gone", timeout=PATIENCE_S)

    assert lost == []


def test_nothing_told_is_lost_while_actors_stop(pool: Pool, lost: list[tuple[str, Any]]) -> None:
    """Each message is handled, or a dead letter, or refused to its teller, however tell and stop race."""
    for _ in range(50):
        journal: list[Any] = []
        ref = scribe(Actor).start(journal)
        lost.clear()
        refused: list[int] = []

        def tell_all(ref: Any = ref, refused: list[int] = refused) -> None:
            for number in range(200):
                try:
                    ref.tell(number)
                except pykka.ActorDeadError:
                    refused.append(number)

        teller = threading.Thread(target=tell_all)
        teller.start()
        ref.stop(timeout=PATIENCE_S)
        teller.join(PATIENCE_S)
        wait_until(lambda: len(_numbers(journal)) + len(lost) + len(refused) == 200)  # noqa: B023
        assert sorted([*_numbers(journal), *(message for _, message in lost), *refused]) == list(range(200))


def test_a_broken_dead_letter_handler_does_not_break_the_pool(caplog: pytest.LogCaptureFixture) -> None:
    pool = Pool(1, dead_letter=lambda actor, message: 1 / 0)
    token = hosting.set(pool)
    try:
        ref, other = scribe(Actor).start(), scribe(Actor).start()
        ref.tell(ValueError("broken"))
        assert other.ask("alive?", timeout=PATIENCE_S) == ("got", "alive?")
        assert "dead letter" in caplog.text
        other.stop(timeout=PATIENCE_S)
    finally:
        hosting.reset(token)
        pool.close()


def test_a_busy_mailbox_lets_the_others_have_their_turn() -> None:
    pool, order = Pool(1), list[str]()
    token = hosting.set(pool)
    try:
        busy, other, gate = scribe(Actor).start(), scribe(Actor).start(), Gate()
        busy.tell(gate)
        for _ in range(3 * TURN):
            busy.tell(lambda _: order.append("busy"))
        other.tell(lambda _: order.append("other"))
        gate.set()
        for ref in (busy, other):
            ref.stop(timeout=PATIENCE_S)
    finally:
        hosting.reset(token)
        pool.close()

    assert order.count("busy") == 3 * TURN
    assert order.index("other") < 2 * TURN


def test_ten_thousand_actors_start_answer_and_stop(pool: Pool) -> None:
    before = threading.active_count()

    class Idle(Actor):
        def on_receive(self, message: int) -> int:
            return message + 1

    refs = [Idle.start() for _ in range(10_000)]
    answers = [ref.ask(number, block=False) for number, ref in enumerate(refs)]

    assert [answer.get(timeout=PATIENCE_S) for answer in answers] == list(range(1, 10_001))
    assert threading.active_count() <= before + 2
    stops = [ref.stop(block=False) for ref in refs]
    assert all(stop.get(timeout=PATIENCE_S) for stop in stops)


def test_a_closed_pool_ends_its_threads() -> None:
    pool = Pool(3)
    names = set(threading.enumerate())
    pool.close()
    wait_until(lambda: pool.threads == 0)

    assert len(names - set(threading.enumerate())) >= 3


def test_an_actor_outside_any_node_lives_on_the_shared_pool() -> None:
    ref = scribe(Actor).start()

    assert ref.ask("thread", timeout=PATIENCE_S).name.startswith("actors-")
    assert ref.stop(timeout=PATIENCE_S)


def wait_until(condition: Callable[[], bool]) -> None:
    """Yield to other threads until something has come about."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s, "it never came about"
        time.sleep(0.001)


def _numbers(journal: list[Any]) -> list[int]:
    return [entry for entry in list(journal) if isinstance(entry, int)]
