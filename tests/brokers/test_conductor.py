"""The same log whatever the nodes, the turns of actors and the arrival of frames."""

from __future__ import annotations

import hashlib
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, make_dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
import zmq
from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.clock import messages as clock_messages
from brokers.clock.conductor import Conductor
from brokers.clock.core import ClockCore, DueEffect, Quiet, WaitForEffect, Window
from brokers.clock.effects import EffectDesk
from brokers.clock.members import NODE, RemoteMember, control
from brokers.clock.messages import PeerAt, Welcome
from brokers.clock.node_loop import NodeLoop
from brokers.journal.journal import Journal
from brokers.links.zmq_links import Inbox, OutLink
from brokers.node.actor import Actor
from brokers.node.letters import LetterCodec
from brokers.node.partition import Partition, Turns, in_order
from brokers.node.rows import Row
from brokers.wire.registry import Registry
from config.streams import draw
from tests.support.world import MILLISECOND, registry_of

DELAY_US = 50 * MILLISECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Ball:
    """Thrown from one player to the next."""

    KIND: ClassVar[str] = "game.ball/1"
    throws: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Thrown:
    """A player threw."""

    KIND: ClassVar[str] = "game.thrown/1"
    by: str
    to: str
    throws: int


class Player(Actor):
    """Throws a ball on after thinking about it, until it was thrown often enough."""

    def __init__(self, players: tuple[str, ...], throws: int) -> None:
        super().__init__()
        self._players, self._throws = players, throws

    def on_start(self) -> None:
        self.context.after(1 + self.context.draw("start", self.context.name, 0).below(3_000_000), Ball(throws=0))

    async def on_receive(self, message: Ball) -> Ball | None:
        if message.throws >= self._throws:
            return None
        to = self._players[self.context.draw("to", self.context.name, message.throws).below(len(self._players))]
        await self.context.effect(message, duration_us=DELAY_US + self.context.now_us % 200_000)
        self.context.publish(Thrown(by=self.context.name, to=to, throws=message.throws))
        if message.throws % 3:
            self.context.tell(to, Ball(throws=message.throws + 1))
        else:
            await self.context.ask(to, Ball(throws=message.throws + 1))
        return message


class Echo:
    """An executor that answers at once, or late and in another order."""

    sockets = ()

    def __init__(self, shuffle: int | None = None) -> None:
        self._waiting: list[tuple[str, bytes]] = []
        self._shuffle, self._drains = shuffle, 0

    def submit(self, ticket: str, request: bytes, seed: int) -> None:
        self._waiting.append((ticket, request))

    def drain(self) -> list[tuple[str, bytes]]:
        self._drains += 1
        if self._shuffle is None:
            done, self._waiting = self._waiting, []
            return done
        if not self._waiting:
            return []
        return [self._waiting.pop(draw(self._shuffle, "reply", "", self._drains).below(len(self._waiting)))]


class Collector:
    """Keeps the log."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def observe(self, first: int, rows: list[Row]) -> None:
        assert first == len(self.rows) + 1
        self.rows.extend(rows)

    def digest(self) -> str:
        return hashlib.sha256(b"".join(row.record for row in self.rows)).hexdigest()


PLAYERS = tuple(f"player/{n}" for n in range(7))
REGISTRY = registry_of(clock_messages, sys.modules[__name__])


def shuffled(seed: int) -> Turns:
    counter = iter(range(10**9))

    def turns(cells: list[Any]) -> Iterable[Any]:
        n = next(counter)
        return sorted(cells, key=lambda cell: draw(seed, "turn", cell.name, n).bits)

    return turns


def partition_of(names: Sequence[str], *, seed: int, throws: int, turns: Turns = in_order) -> Partition:
    partition = Partition(REGISTRY, seed=seed, link_delay_us=DELAY_US, knows=lambda name: name in PLAYERS, turns=turns)
    for order, name in enumerate(PLAYERS):
        if name in names:
            partition.start(name, lambda: Player(PLAYERS, throws), order=order)
    return partition


def loops_of(context: zmq.Context[Any], partitions: dict[str, Partition], endpoints: dict[str, str]) -> list[NodeLoop]:
    """A loop for every node but the clock's own, which is the first."""
    clock = next(iter(endpoints))
    return [
        NodeLoop(
            name,
            number,
            partition,
            LetterCodec(REGISTRY, partition.tie),
            endpoint=endpoints[name],
            clock_endpoint=endpoints[clock],
            context=context,
        )
        for number, (name, partition) in enumerate(partitions.items())
        if number
    ]


def introduce(links: dict[str, OutLink], codec: LetterCodec, endpoints: dict[str, str], homes: dict[str, str]) -> None:
    """Tell every node where every player lives."""
    peers = tuple(
        PeerAt(node=name, endpoint=endpoint, actors=tuple(p for p in PLAYERS if homes[p] == name))
        for name, endpoint in endpoints.items()
    )
    for link in links.values():
        link.send(control(codec, NODE, Welcome(peers=peers)))
        link.flush()


@contextmanager
def on_threads(loops: Sequence[NodeLoop], numbers: Mapping[str, int]) -> Iterator[None]:
    """Each loop on a thread of its own, which has ended when the `with` ends."""
    threads = [threading.Thread(target=loop.run, args=(numbers,)) for loop in loops]
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join(timeout=10)
        assert not thread.is_alive()


def play(
    folder: Path,
    *,
    nodes: int = 1,
    seed: int = 7,
    throws: int = 12,
    turns: Callable[[], Turns] = lambda: in_order,
    executor: Callable[[], Echo] = Echo,
) -> Collector:
    """One game over `nodes` nodes, each other node on a thread of its own with real sockets."""
    folder.mkdir(parents=True, exist_ok=True)
    context: zmq.Context[Any] = zmq.Context()
    names = [f"node-{number}" for number in range(nodes)]
    homes = {player: names[index % nodes] for index, player in enumerate(PLAYERS)}
    endpoints = {name: f"ipc://{folder}/{name}.sock" for name in names}
    partitions = {
        name: partition_of([p for p in PLAYERS if homes[p] == name], seed=seed, throws=throws, turns=turns())
        for name in names
    }
    codec = LetterCodec(REGISTRY, partitions[names[0]].tie)
    inbox = Inbox(context, endpoints[names[0]])
    loops = loops_of(context, partitions, endpoints)
    with on_threads(loops, {name: number for number, name in enumerate(names)}):
        links = {name: OutLink(context, endpoints[name], 0) for name in names[1:]}
        introduce(links, codec, endpoints, homes)
        collector = Collector()
        remotes = {name: RemoteMember(link, codec, names[0]) for name, link in links.items()}
        with Journal.create(folder / "run.sqlite", {}) as journal:
            conductor = Conductor(
                name=names[0],
                partition=partitions[names[0]],
                registry=REGISTRY,
                codec=codec,
                journal=journal,
                desk=EffectDesk(journal, executor(), seed=seed),
                link_delay_us=DELAY_US,
                remotes=remotes,
                where={p: n for p, n in homes.items() if n != names[0]},
            )
            conductor.listen(inbox)
            conductor.meet(len(loops))
            conductor.run(collector)
            conductor.dismiss()
    inbox.close()
    for link in links.values():
        link.close()
    context.term()
    return collector


def test_a_game_has_events_and_ends(tmp_path: Path) -> None:
    log = play(tmp_path)

    assert sum(row.kind == Thrown.KIND for row in log.rows) == len(PLAYERS) * 12
    assert log.rows == sorted(log.rows, key=lambda row: row.time_us)


def test_another_seed_is_another_game(tmp_path: Path) -> None:
    assert play(tmp_path / "a", seed=7).digest() != play(tmp_path / "b", seed=8).digest()


@pytest.mark.parametrize("nodes", [2, 3, 4])
def test_the_log_is_the_same_over_any_number_of_nodes(tmp_path: Path, nodes: int) -> None:
    assert play(tmp_path / "one").digest() == play(tmp_path / "more", nodes=nodes).digest()


@pytest.mark.parametrize("shuffle", range(6))
def test_the_log_is_the_same_in_whatever_order_turns_are_taken_and_replies_come(tmp_path: Path, shuffle: int) -> None:
    usual = play(tmp_path / "usual")
    unusual = play(
        tmp_path / "unusual",
        nodes=1 + shuffle % 3,
        turns=lambda: shuffled(shuffle),
        executor=lambda: Echo(shuffle),
    )

    assert unusual.digest() == usual.digest()


def test_every_event_leads_back_to_the_start_of_an_actor(tmp_path: Path) -> None:
    rows = play(tmp_path).rows
    by_id = {f"{row.src}:{row.seq}": row for row in rows}
    for row in rows:
        while row.cause:
            row = by_id[row.cause]
        assert row.src == "run"


@given(st.lists(st.tuples(st.integers(0, 500), st.booleans()), min_size=1, max_size=30))
@settings(max_examples=200)
def test_the_clock_grants_every_effect_once_and_never_before_its_reply(effects: list[tuple[int, bool]]) -> None:
    core = ClockCore(["a"], link_delay_us=50)
    for number, (due, _) in enumerate(effects):
        core.effect_issued(DueEffect(due, "x", number, "a"))
    known = {number for number, (_, early) in enumerate(effects) if early}
    for number in known:
        core.effect_replied("x", number, b"")
    granted: list[int] = []
    last_end = 0
    while not isinstance(decision := core.next_window(), Quiet):
        if isinstance(decision, WaitForEffect):
            assert decision.effect.number not in known
            known.add(decision.effect.number)
            core.effect_replied("x", decision.effect.number, b"")
            continue
        assert isinstance(decision, Window)
        assert last_end <= decision.start_us < decision.end_us <= decision.start_us + 50
        last_end = decision.end_us
        assert all(effect.number in known and effect.due_us < decision.end_us for effect, _ in decision.effects)
        granted.extend(effect.number for effect, _ in decision.effects)
    assert sorted(granted) == list(range(len(effects)))


def test_a_registry_refuses_a_kind_twice() -> None:
    registry = Registry()
    registry.register(Ball)
    with pytest.raises(ValueError, match=r"game\.ball/1"):
        registry.register(make_dataclass("Other", [], namespace={"KIND": "game.ball/1"}, frozen=True))


def test_a_registry_refuses_a_field_that_would_overwrite_the_kind() -> None:
    clash = make_dataclass("Clash", ["kind"], namespace={"KIND": "game.clash/1"}, frozen=True)
    with pytest.raises(ValueError, match="cannot be called kind"):
        Registry().register(clash)
