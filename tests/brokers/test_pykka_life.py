"""Pykka's law on `pykka.ThreadingActor` and on our `Actor` alike: tell, ask, failure, stop.

The intent follows Pykka's own test suite (Apache-2.0).
"""

from __future__ import annotations

from typing import Any

import pykka
import pytest

from brokers.node.actor import Actor
from brokers.node.pool import Pool
from tests.brokers.scribes import PATIENCE_S, Gate, scribe


@pytest.fixture(params=[pykka.ThreadingActor, Actor], ids=["pykka", "pool"])
def base(request: pytest.FixtureRequest, pool: Pool) -> type[Any]:
    base: type[Any] = request.param
    return base


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
