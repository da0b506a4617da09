"""Whole sprints under a harness that shuffles the turns of actors and the arrival of decisions: the same log."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from actors.policy.engine import BehaviouralEngine, build_registry
from actors.simulation.cast import Cast, assemble
from actors.simulation.layout import SERVICES, Layout
from actors.simulation.preparing import prepare
from brokers.clock.conductor import Conductor
from brokers.clock.effects import EffectDesk
from brokers.journal.journal import Journal
from brokers.node.partition import Turns, in_order
from brokers.node.rows import Row
from config.streams import draw
from inference.pool.embedded import EmbeddedPool
from tests.support.runs import MODELLED


class Digest:
    """Hashes the log as it is written."""

    def __init__(self) -> None:
        self._hash, self.rows = hashlib.sha256(), 0

    def observe(self, first: int, rows: list[Row]) -> None:
        self.rows += len(rows)
        for row in rows:
            self._hash.update(row.record)

    def __str__(self) -> str:
        return self._hash.hexdigest()


class LatePool:
    """Hands replies out one at a time, in a shuffled order, whenever it is asked."""

    sockets = ()

    def __init__(self, pool: EmbeddedPool, seed: int) -> None:
        self._pool, self._seed = pool, seed
        self._held: list[tuple[str, bytes]] = []
        self._asked = count()

    def submit(self, ticket: str, request: bytes, seed: int) -> None:
        self._pool.submit(ticket, request, seed)

    def drain(self) -> list[tuple[str, bytes]]:
        self._held.extend(self._pool.drain())
        if not self._held:
            return []
        return [self._held.pop(draw(self._seed, "reply", "", next(self._asked)).below(len(self._held)))]


def shuffled(seed: int) -> Turns:
    window = count()

    def turns(cells: list[Any]) -> Iterable[Any]:
        n = next(window)
        return sorted(cells, key=lambda cell: draw(seed, "turn", cell.name, n).bits)

    return turns


def play(folder: Path, cast: Cast, *, shuffle: int | None = None) -> Digest:
    pool: Any = EmbeddedPool(BehaviouralEngine(cast.seed, cast.calibration), build_registry())
    if shuffle is not None:
        pool = LatePool(pool, shuffle)
    turns = in_order if shuffle is None else shuffled(shuffle)
    partition = cast.partition(Layout(1), SERVICES, turns=turns)
    digest = Digest()
    with Journal.create(folder / "run.sqlite", {}) as journal:
        conductor = Conductor(
            name=SERVICES,
            partition=partition,
            registry=cast.registry,
            codec=cast.codec(partition),
            journal=journal,
            desk=EffectDesk(journal, pool, seed=cast.seed),
            link_delay_us=cast.link_delay_us,
        )
        conductor.run(digest)
    return digest


def cast_of_a_sprint() -> Cast:
    return assemble(prepare(None, None, overrides=[MODELLED], seed=7).inputs, sprints=1)


@pytest.mark.parametrize("shuffle", [1, 2, 3])
def test_a_sprint_has_the_same_log_whatever_the_turns_and_arrivals(tmp_path: Path, shuffle: int) -> None:
    (tmp_path / "usual").mkdir()
    usual = play(tmp_path / "usual", cast_of_a_sprint())
    unusual = play(tmp_path, cast_of_a_sprint(), shuffle=shuffle)

    assert usual.rows > 1_000
    assert str(unusual) == str(usual)
