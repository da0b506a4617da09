"""What a pool adds to Pykka: few threads, no starving, no deadlock, no message that vanishes."""

from __future__ import annotations

import threading
from typing import Any

import pykka
import pytest

from brokers.node.actor import Actor, hosting
from brokers.node.errors import AskCycleError
from brokers.node.pool import TURN, Pool
from tests.brokers.scribes import PATIENCE_S, Gate, scribe, wait_until


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
    assert asked[:length] == list(range(length))
    if length == 1:  # in longer circles any of them may be the last to wait
        assert asked == [0]  # the question that closed the circle was taken back


def test_a_circle_that_closes_while_the_question_is_being_handled_raises_too(pool: Pool) -> None:
    actor_class = scribe(Actor)
    a, b, reached = actor_class.start(), actor_class.start(), Gate()

    def ask_back(_: Any) -> Any:
        answer = a.ask("back", block=False)
        reached.set()
        return answer.get()

    def wait_for_b(_: Any) -> Any:
        question = b.ask(ask_back, block=False)
        reached.pass_through()
        wait_until(lambda: len(pool._waits_for) == 1)  # b waits for a
        return question.get()

    with pytest.raises(AskCycleError):
        a.ask(wait_for_b, timeout=PATIENCE_S)

    assert b.ask("alive?", timeout=PATIENCE_S) == ("got", "alive?")
    assert a.proxy().journal.get(timeout=PATIENCE_S) == ["started", "back"]


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


def _numbers(journal: list[Any]) -> list[int]:
    return [entry for entry in list(journal) if isinstance(entry, int)]
