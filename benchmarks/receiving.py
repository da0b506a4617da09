"""The other process of a link measurement: receives, hands every message on, and says when so many were handled.

`python -m benchmarks.receiving CASE INBOX REPORTS PARENT_PID`; it ends with its parent. Each number that arrives in the
first field of the first message of a round would distort the measurement, so rounds have a fixed size: COUNT.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import msgpack
import pykka
import zmq

from benchmarks import loads
from brokers.links.zmq_links import Inbox
from brokers.node.actor import Actor, hosting
from brokers.node.letters import LetterCodec, tie_breaker
from brokers.node.pool import Pool
from brokers.processes import die_with_parent

HWM = 20_000  # of the raw sockets: generous, so that they never wait for a slot


class Counter(Actor):
    """Handles every message and reports after each `count`."""

    def __init__(self, count: int, report: Callable[[], None]) -> None:
        super().__init__()
        self._count, self._report, self._seen = count, report, 0

    def on_receive(self, message: Any) -> None:
        """Count it."""
        self._seen += 1
        if self._seen == self._count:
            self._seen = 0
            self._report()


def receive_raw(context: zmq.Context[Any], endpoint: str, count: int, report: Callable[[], None]) -> None:
    """Raw pyzmq: one msgpack map to a frame, unpacked and counted where it is received."""
    pull = context.socket(zmq.PULL)
    pull.rcvhwm = HWM
    pull.bind(endpoint)
    report()
    receive, unpack = pull.recv, msgpack.unpackb
    while True:
        for _ in range(count):
            unpack(receive())
        report()


def receive_letters(
    context: zmq.Context[Any],
    endpoint: str,
    report: Callable[[], None],
    *,
    actor: pykka.ActorRef[Counter],
    open_letter: Callable[[list[Any]], Any],
) -> None:
    """Our links: frames of letters, each letter's body told to an actor on a pool."""
    inbox = Inbox(context, endpoint)
    report()
    tell = actor.tell
    while True:
        frame = inbox.receive()
        assert frame is not None
        for parts in frame[1]:
            tell(open_letter(parts))


def main(case: str, endpoint: str, reports: str, count: str, parent: str) -> None:
    """Serve until the parent ends us."""
    die_with_parent(int(parent))
    context: zmq.Context[Any] = zmq.Context()
    push = context.socket(zmq.PUSH)
    push.connect(reports)

    def report() -> None:
        push.send(b"")

    if case == "raw":
        receive_raw(context, endpoint, int(count), report)
    hosting.set(Pool(1))
    counter = Counter.start(int(count), report)
    codec = LetterCodec(loads.registry(), tie_breaker(1))
    openers: dict[str, Callable[[list[Any]], Any]] = {
        "plain": lambda parts: parts[7],
        "typed": lambda parts: codec.from_list(parts).body,
    }
    receive_letters(context, endpoint, report, actor=counter, open_letter=openers[case])


if __name__ == "__main__":
    main(*sys.argv[1:])
