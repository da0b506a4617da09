"""Requests go to whoever takes care of their kind, and the clock wakes up for a reply from any of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import msgpack
import pytest
import zmq
from hypothesis import example, given
from hypothesis import strategies as st

from brokers.clock.conductor import Conductor
from brokers.clock.effects import EffectDesk
from brokers.clock.routing import RoutedExecutor
from brokers.journal.journal import Journal
from brokers.node.actor import Actor
from brokers.node.letters import LetterCodec
from brokers.node.partition import Partition
from brokers.node.rows import Row
from brokers.wire.packing import kind_of, packer
from brokers.wire.registry import Registry, WireError
from tests.brokers.test_packing import VALUES
from tests.support.world import MILLISECOND, registry_of

DELAY_US = 50 * MILLISECOND
KINDS = st.text(min_size=1, max_size=60)

# -- kinds ------------------------------------------------------------------------------------------------------------


@given(KINDS, st.dictionaries(st.text().filter(lambda key: key != "kind"), VALUES, max_size=5))
def test_the_kind_of_a_message_is_read_without_the_rest_of_it(kind: str, rest: dict[str, Any]) -> None:
    packed = packer()({"kind": kind, **rest})

    assert kind_of(packed) == kind
    assert kind_of(packed[: len(packer()({"kind": kind}))]) == kind, "what comes after it may even be missing"


@given(st.binary(max_size=300) | VALUES.map(msgpack.packb))
@example(b"")
@example(b"\xc1")
@example(b"\x80")  # a map without anything
@example(b"\x81\xa4kind")  # a kind that is cut off
@example(b"\x81\xa4kind\x07")  # a kind that is a number
@example(b"\x81\xa4kind\xd6\xff\x00\x00\x00\x00")  # a kind that is a timestamp
@example(b"\x81\xa4kind\xa1\xff")  # not UTF-8
@example(b"\x81\xa4kind" + b"\x91" * 240)  # lists in lists in lists
@example(b"\xdf\xff\xff\xff\xff\xa4kind\xdb\x7f\xff\xff\xff")  # two gigabytes that are not there
def test_junk_has_no_kind_or_one_that_stands_in_it(junk: bytes) -> None:
    try:
        kind = kind_of(junk)
    except WireError:
        return
    assert kind.encode() in junk
    assert junk.find(b"kind") < 16


def test_a_kind_that_does_not_come_first_is_none() -> None:
    with pytest.raises(WireError, match="does not begin with its kind"):
        kind_of(packer()({"text": "a", "kind": "work.run_tests/1"}))


# -- routes -----------------------------------------------------------------------------------------------------------


class Listed:
    """An executor that keeps what it is given and replies with its own name."""

    def __init__(self, name: bytes, *sockets: Any) -> None:
        self.name, self.sockets = name, sockets
        self.asked: list[tuple[str, bytes, int]] = []
        self._done: list[tuple[str, bytes]] = []

    def submit(self, ticket: str, request: bytes, seed: int) -> None:
        self.asked.append((ticket, request, seed))
        self._done.append((ticket, self.name))

    def drain(self) -> list[tuple[str, bytes]]:
        done, self._done = self._done, []
        return done


def request(kind: str) -> bytes:
    return packer()({"kind": kind, "text": "…"})


def test_a_request_goes_to_whoever_is_named_for_the_first_part_of_its_kind_and_else_to_the_other() -> None:
    work, others = Listed(b"work"), Listed(b"others")
    routed = RoutedExecutor({"work": work}, otherwise=others)
    for n, kind in enumerate(("work.run_tests/1", "workshop.open/1", "decide.pull/1", "work", "test.work.x/1")):
        routed.submit(f"t{n}", request(kind), n)

    assert [ticket for ticket, _, _ in work.asked] == ["t0", "t3"]
    assert [ticket for ticket, _, _ in others.asked] == ["t1", "t2", "t4"]
    assert work.asked[0] == ("t0", request("work.run_tests/1"), 0), "as it came"
    assert dict(routed.drain()) == {"t0": b"work", "t1": b"others", "t2": b"others", "t3": b"work", "t4": b"others"}
    assert routed.drain() == []


def test_an_executor_that_serves_several_routes_is_drained_and_watched_once() -> None:
    both, others = Listed(b"both", "a socket"), Listed(b"others", "another", "third")
    routed = RoutedExecutor({"work": both, "tool": both, "decide": others}, otherwise=others)
    routed.submit("t0", request("tool.read/1"), 0)

    assert sorted(routed.sockets) == ["a socket", "another", "third"]
    assert routed.drain() == [("t0", b"both")]


def test_a_route_for_a_whole_kind_comes_before_one_for_its_first_part() -> None:
    text, rest, others = Listed(b"text"), Listed(b"rest"), Listed(b"others")
    routed = RoutedExecutor({"inference.text/1": text, "inference": rest}, otherwise=others)
    for n, kind in enumerate(("inference.text/1", "inference.text/2", "work.x/1")):
        routed.submit(f"t{n}", request(kind), n)

    assert dict(routed.drain()) == {"t0": b"text", "t1": b"rest", "t2": b"others"}


def test_what_is_no_message_reaches_nobody() -> None:
    work, others = Listed(b"work"), Listed(b"others")
    with pytest.raises(WireError):
        RoutedExecutor({"work": work}, otherwise=others).submit("t0", b"\xc1", 0)

    assert (work.asked, others.asked) == ([], [])


# -- the clock between several of them --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide:
    """For the one executor."""

    KIND: ClassVar[str] = "decide.it/1"
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """For the other."""

    KIND: ClassVar[str] = "work.build_it/1"
    n: int


class Builder(Actor):
    """Decides and builds in turns; the next only when the one before is there."""

    def __init__(self, rounds: int) -> None:
        super().__init__()
        self._rounds = rounds

    def on_start(self) -> None:
        self.context.spawn(self._work())

    async def _work(self) -> None:
        for n in range(self._rounds):
            decided = await self.context.effect(Decide(n=n), duration_us=DELAY_US)
            built = await self.context.effect(Build(n=decided.n), duration_us=DELAY_US)
            self.context.publish(built)


class Elsewhere:
    """An executor on a thread of its own, which says through a socket that replies are there."""

    def __init__(self, context: zmq.Context[Any], name: str) -> None:
        self._mouth, self._ear = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
        self._ear.bind(f"inproc://{name}")
        self._mouth.connect(f"inproc://{name}")
        self.sockets = (self._ear,)
        self.replies = 0

    def submit(self, ticket: str, request: bytes, seed: int) -> None:
        thread = threading.Thread(target=self._mouth.send_multipart, args=([ticket.encode(), request],))
        thread.start()
        thread.join()

    def drain(self) -> list[tuple[str, bytes]]:
        found: list[tuple[str, bytes]] = []
        while self._ear.poll(0):
            ticket, reply = self._ear.recv_multipart()
            found.append((ticket.decode(), reply))
        self.replies += len(found)
        return found


class Published:
    def __init__(self) -> None:
        self.found: list[Any] = []

    def observe(self, first: int, rows: list[Row]) -> None:
        self.found += [row.message for row in rows if isinstance(row.message, Build)]


@pytest.fixture
def context() -> Iterator[zmq.Context[Any]]:
    context: zmq.Context[Any] = zmq.Context()
    yield context
    context.destroy(linger=0)


@pytest.mark.parametrize("is_embedded", [False, True])
def test_a_reply_from_any_of_several_executors_wakes_the_clock(
    tmp_path: Path, context: zmq.Context[Any], is_embedded: bool
) -> None:
    registry: Registry = registry_of()
    registry.register(Decide, Build)
    partition = Partition(registry, seed=1, link_delay_us=DELAY_US)
    partition.start("builder", lambda: Builder(20), order=0)
    work = Elsewhere(context, "work")
    decisions: Any = Echo() if is_embedded else Elsewhere(context, "decisions")
    published = Published()
    with Journal.create(tmp_path / "run.sqlite", {}) as journal:
        Conductor(
            name="here",
            partition=partition,
            registry=registry,
            codec=LetterCodec(registry, partition.tie),
            journal=journal,
            desk=EffectDesk(journal, RoutedExecutor({"work": work}, otherwise=decisions), seed=1),
            link_delay_us=DELAY_US,
        ).run(published)

    assert published.found == [Build(n=n) for n in range(20)]
    assert (work.replies, decisions.replies) == (20, 20)


class Echo:
    """An executor that has every reply at once, and no socket."""

    sockets = ()

    def __init__(self) -> None:
        self.replies, self._done = 0, list[tuple[str, bytes]]()

    def submit(self, ticket: str, request: bytes, seed: int) -> None:
        self.replies += 1
        self._done.append((ticket, request))

    def drain(self) -> list[tuple[str, bytes]]:
        done, self._done = self._done, []
        return done
