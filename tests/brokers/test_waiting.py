"""One waiter for many sockets: everything readable is handled, and a glance is cheap."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import zmq

from brokers.clock import waiting
from brokers.clock.waiting import Waiter


class Line:
    """A pair of connected sockets and what was heard at one end."""

    def __init__(self, context: zmq.Context[Any], name: str) -> None:
        self.mouth, self.ear = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
        self.ear.bind(f"inproc://{name}")
        self.mouth.connect(f"inproc://{name}")
        self.heard: list[bytes] = []

    def say(self, word: bytes) -> None:
        self.mouth.send(word)

    def listen(self) -> None:
        while self.ear.poll(0):
            self.heard.append(self.ear.recv())


@pytest.fixture
def context() -> Iterator[zmq.Context[Any]]:
    context: zmq.Context[Any] = zmq.Context()
    yield context
    context.destroy(linger=0)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waiter's wall clock: `now[0]` seconds."""
    clock = [1_000.0]
    monkeypatch.setattr(waiting.time, "monotonic", lambda: clock[0])
    return clock


def listening(context: zmq.Context[Any], *names: str) -> tuple[Waiter, list[Line]]:
    waiter, lines = Waiter(), [Line(context, name) for name in names]
    for line in lines:
        waiter.add(line.ear, line.listen)
    return waiter, lines


def test_everything_readable_is_handled_in_one_wait(context: zmq.Context[Any]) -> None:
    waiter, (a, b, c) = listening(context, "a", "b", "c")
    a.say(b"1")
    a.say(b"2")
    c.say(b"3")
    waiter.wait(10_000)

    assert (a.heard, b.heard, c.heard) == ([b"1", b"2"], [], [b"3"])


def test_a_wait_ends_with_its_timeout_when_nothing_comes(context: zmq.Context[Any]) -> None:
    waiter, (a,) = listening(context, "a")
    waiter.wait(0)
    waiter.wait(1)

    assert a.heard == []


def test_a_wait_without_timeout_lasts_until_something_comes(context: zmq.Context[Any]) -> None:
    waiter, (a,) = listening(context, "a")
    speaker = threading.Thread(target=a.say, args=(b"at last",))
    speaker.start()
    waiter.wait()
    speaker.join()

    assert a.heard == [b"at last"]


def test_a_removed_socket_is_not_handled_any_more(context: zmq.Context[Any]) -> None:
    waiter, (a, b) = listening(context, "a", "b")
    a.say(b"1")
    b.say(b"2")
    waiter.remove(a.ear)
    waiter.wait(10_000)

    assert (a.heard, b.heard) == ([], [b"2"])
    with pytest.raises(KeyError):
        waiter.remove(a.ear)


def test_a_handler_may_remove_another_socket_that_is_readable_too(context: zmq.Context[Any]) -> None:
    waiter, lines = Waiter(), [Line(context, name) for name in ("a", "b")]

    def hear_only(line: Line, other: Line) -> None:
        line.listen()
        waiter.remove(other.ear)

    waiter.add(lines[0].ear, lambda: hear_only(lines[0], lines[1]))
    waiter.add(lines[1].ear, lambda: hear_only(lines[1], lines[0]))
    for line in lines:
        line.say(b"hello")
    waiter.wait(10_000)

    assert sorted(len(line.heard) for line in lines) == [0, 1]


def test_an_error_of_a_handler_reaches_the_one_who_waits(context: zmq.Context[Any]) -> None:
    waiter, line = Waiter(), Line(context, "a")

    def fail() -> None:
        raise ValueError(line.ear.recv().decode())

    waiter.add(line.ear, fail)
    line.say(b"broken")
    with pytest.raises(ValueError, match="broken"):
        waiter.wait(10_000)


def test_a_glance_handles_what_is_there_and_never_waits(context: zmq.Context[Any], now: list[float]) -> None:
    waiter, (a,) = listening(context, "a")
    waiter.glance(0.5)
    assert a.heard == []

    a.say(b"1")
    now[0] += 0.5
    waiter.glance(0.5)
    assert a.heard == [b"1"]


def test_a_second_glance_too_soon_does_not_look(context: zmq.Context[Any], now: list[float]) -> None:
    waiter, (a,) = listening(context, "a")
    waiter.glance(0.5)
    a.say(b"1")
    now[0] += 0.25
    waiter.glance(0.5)
    assert a.heard == []

    now[0] += 0.25
    waiter.glance(0.5)
    assert a.heard == [b"1"]


def test_a_chore_is_done_at_its_intervals_also_while_nothing_comes(context: zmq.Context[Any], now: list[float]) -> None:
    waiter, _ = listening(context, "a")
    done: list[float] = []
    waiter.every(0.5, lambda: done.append(now[0]))
    for step_s in (0.25, 0.25, 0.25, 2.0, 0.0):
        now[0] += step_s
        waiter.wait(0)

    assert done == [1_000.5, 1_002.75]  # what was missed is not made up for


def test_a_wait_without_timeout_ends_with_a_chore(context: zmq.Context[Any]) -> None:
    waiter, (a,) = listening(context, "a")
    waiter.every(0.01, lambda: a.say(b"from the chore"))
    waiter.wait()
    waiter.wait()

    assert a.heard == [b"from the chore"]
