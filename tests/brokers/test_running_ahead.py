"""Islands run ahead while others wait for an effect: the same log, sooner; and nobody may cross to another island."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.clock.conductor import Conductor
from brokers.clock.effects import EffectDesk
from brokers.clock.waiting import Waiter
from brokers.journal.journal import Journal
from brokers.node import messages as node_messages
from brokers.node.actor import Actor
from brokers.node.errors import IslandCrossedError
from brokers.node.letters import Letter, LetterCodec
from brokers.node.messages import Done
from brokers.node.partition import Partition
from brokers.node.rows import Row
from brokers.wire.packing import packer
from brokers.wire.registry import Registry

DELAY_US = 50
TEAMS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Think:
    """What an effect asks."""

    KIND: ClassVar[str] = "test.think/1"
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Goes to the colleague, and comes back."""

    KIND: ClassVar[str] = "test.said/1"
    left: int


class Thinker(Actor):
    """Thinks, tells its colleague, who thinks in turn, so many times."""

    def __init__(self, name: str, colleague: str, times: int, thought_us: int) -> None:
        super().__init__()
        self._name, self._colleague, self._times, self._thought_us = name, colleague, times, thought_us

    def on_start(self) -> None:
        if self._name.endswith("a"):
            self.context.spawn(self._go_on(self._times))

    async def on_receive(self, message: Said) -> None:
        if message.left:
            await self._go_on(message.left)

    async def _go_on(self, left: int) -> None:
        await self.context.effect(Think(number=left), duration_us=self._thought_us)
        self.context.tell(self._colleague, Said(left=left - 1))


class Engine:
    """Answers a ticket after so many ticks, whenever it is asked; a tick passes only when the clock waits."""

    sockets = ("engine",)

    def __init__(self, takes: Sequence[int]) -> None:
        self.ticks = 0
        self._takes = takes
        self._ready: dict[str, int] = {}
        self._pack = packer()

    def submit(self, ticket: str, request: bytes, seed: int) -> None:
        self._ready[ticket] = self.ticks + self._takes[crc32(ticket.encode()) % len(self._takes)]

    def drain(self) -> list[tuple[str, bytes]]:
        done = [ticket for ticket, at in self._ready.items() if at <= self.ticks]
        for ticket in done:
            del self._ready[ticket]
        return [(ticket, self._pack({"kind": Done.KIND})) for ticket in done]


class Ticking(Waiter):
    def __init__(self, engine: Engine, *, dies_at: int | None = None) -> None:
        super().__init__()
        self._engine, self._dies_at, self._take = engine, dies_at, list[Any]()

    def add(self, socket: Any, handle: Any) -> None:
        self._take.append(handle)

    def wait(self, timeout_ms: int | None = None) -> None:
        if timeout_ms is None:
            self._engine.ticks += 1
        if self._engine.ticks == self._dies_at:
            raise KeyboardInterrupt
        for take in self._take:
            take()

    def glance(self, every_s: float) -> bool:
        self.wait(0)
        return True


class Log:
    def __init__(self) -> None:
        self.rows: list[Row] = []

    def observe(self, first: int, rows: list[Row]) -> None:
        self.rows += rows


def names(team: int) -> tuple[str, str]:
    return f"t{team}/a", f"t{team}/b"


def conductor_of(
    journal: Journal, engine: Engine, *, ahead: bool, times: int = 6, waiter: Waiter | None = None, astray: bool = False
) -> Conductor:
    registry = Registry()
    registry.register_module(node_messages)
    registry.register(Think, Said)
    partition = Partition(registry, seed=1, link_delay_us=DELAY_US)
    islands = [names(team) for team in range(TEAMS)]
    for team, (first, second) in enumerate(islands):
        other = islands[(team + 1) % TEAMS][1] if astray else second
        thought_us = 1_000 + 170 * team
        partition.start(first, partial(Thinker, first, other, times, thought_us), order=2 * team)
        partition.start(second, partial(Thinker, second, first, times, thought_us), order=2 * team + 1)
    return Conductor(
        name="only",
        partition=partition,
        registry=registry,
        codec=LetterCodec(registry, partition.tie),
        journal=journal,
        desk=EffectDesk(journal, engine, seed=1),
        link_delay_us=DELAY_US,
        waiter=waiter or Ticking(engine),
        islands=islands if ahead else (),
    )


def play(path: Path, takes: Sequence[int], *, ahead: bool) -> tuple[str, int, list[Row]]:
    engine, log = Engine(takes), Log()
    with Journal.create(path, {}) as journal:
        conductor_of(journal, engine, ahead=ahead).run(log)
        return journal.digest(), engine.ticks, log.rows


@settings(max_examples=30, deadline=None)
@given(takes=st.lists(st.integers(0, 40), min_size=1, max_size=12))
def test_running_ahead_changes_nothing_in_the_log_and_never_takes_longer(
    tmp_path_factory: pytest.TempPathFactory, takes: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("runs")
    waiting, ahead = play(folder / "a.sqlite", takes, ahead=False), play(folder / "b.sqlite", takes, ahead=True)

    assert ahead[0] == waiting[0]
    assert ahead[1] <= waiting[1]
    assert [row.record for row in ahead[2]] == [row.record for row in waiting[2]]


def test_islands_that_wait_at_different_times_do_not_wait_for_each_other(tmp_path: Path) -> None:
    takes = [40, 1, 1, 1, 1]
    _, waiting_ticks, _ = play(tmp_path / "a.sqlite", takes, ahead=False)
    _, ahead_ticks, _ = play(tmp_path / "b.sqlite", takes, ahead=True)

    assert ahead_ticks < 0.7 * waiting_ticks


@pytest.mark.parametrize("dies_at", [1, 9, 17, 30])
def test_a_run_that_is_cut_off_while_islands_are_ahead_goes_on_to_the_same_log(tmp_path: Path, dies_at: int) -> None:
    takes = [7, 1, 19, 2]
    whole, ticks, _ = play(tmp_path / "whole.sqlite", takes, ahead=True)
    assert dies_at < ticks
    engine = Engine(takes)
    journal = Journal.create(tmp_path / "cut.sqlite", {})
    with pytest.raises(KeyboardInterrupt):
        conductor_of(journal, engine, ahead=True, waiter=Ticking(engine, dies_at=dies_at)).run(Log())
    journal.abandon()

    with Journal.open(tmp_path / "cut.sqlite") as journal:
        conductor_of(journal, Engine(takes), ahead=True).run(Log())
        assert journal.digest() == whole


def test_a_command_is_taken_at_the_time_of_the_island_that_it_is_for(tmp_path: Path) -> None:
    engine, log = Engine([30, 1, 1]), Log()  # the first team thinks long, so the others are ahead
    sent: list[int] = []

    class Asking(Ticking):
        def wait(self, timeout_ms: int | None = None) -> None:
            ahead_us = conductor.now_of("t2/b")
            if not sent and ahead_us > conductor.now_us + 1_000:
                sent.append(ahead_us)
                conductor.post_from_outside(Letter(ahead_us, 0, "outside", 1, "t2/b", "", 0, 0, Said(left=0)))
            super().wait(timeout_ms)

    with Journal.create(tmp_path / "run.sqlite", {}) as journal:
        conductor = conductor_of(journal, engine, ahead=True, waiter=Asking(engine))
        conductor.run(log)

    times = [row.time_us for row in log.rows]
    assert times == sorted(times)
    assert [row.time_us for row in log.rows if row.src == "outside"] == sent != []


def test_who_writes_to_another_island_stops_the_run_with_both_names(tmp_path: Path) -> None:
    engine = Engine([1])
    with (
        Journal.create(tmp_path / "run.sqlite", {}) as journal,
        pytest.raises(IslandCrossedError, match=r"t\d/a sent test.said/1 to t\d/b, who is on another island"),
    ):
        conductor_of(journal, engine, ahead=True, astray=True).run(Log())


def test_every_actor_has_one_island(tmp_path: Path) -> None:
    partition = Partition(Registry(), seed=1, link_delay_us=DELAY_US)
    for order, name in enumerate(("a", "b")):
        partition.start(name, Actor, order=order)

    for wrong in ([("a",)], [("a", "b"), ("b",)], [("a", "b", "c")]):
        with pytest.raises(ValueError, match="exactly one island"):
            partition.separate(wrong)
