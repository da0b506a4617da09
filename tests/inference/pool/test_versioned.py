"""Requests that name versions find them loaded: swapped as they come, loaded again after a kill, never left out."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from brokers.wire.packing import packer, unpack
from inference.adapters.messages import LoadAdapter
from inference.pool.plan import PlacementPlan, PlannedEngine
from inference.pool.running import EnginePool
from inference.pool.state import PoolLimits, Serves
from inference.pool.versioned import VersionedPool, VersionNotServedError, VersionRefusedError
from inference.text import ChatMessage, GenerateText, text_registry
from tests.inference.pool.engines import BROKEN

DEADLINE_S = 60.0
REGISTRY = text_registry()


def body(text: str, version: int = 0) -> bytes:
    """A request for a version of `x`, or for the model itself."""
    request = GenerateText(
        model="m",
        adapter="x" if version else "",
        adapter_version=version,
        messages=(ChatMessage(role="user", content=text),),
        schema="",
        max_tokens=64,
        temperature_permille=1000,
        priority="agent",
    )
    return packer()(REGISTRY.to_body(request))


def load(version: int, path: str = "files") -> LoadAdapter:
    return LoadAdapter(base="m", name="x", version=version, path=path, sha256=f"{version:064x}")


class Bench:
    """A pool of engines that repeat what they are asked, with the version that answered."""

    def __init__(self, pool: EnginePool, slots: int, *versions: LoadAdapter) -> None:
        self.pool = pool
        self.versioned = VersionedPool(pool, pool, versions, {"m": slots})
        self.replies: dict[str, Any] = {}
        self.most_held = 0

    def answered(self, count: int) -> dict[str, Any]:
        self.until(lambda: len(self.replies) == count)
        return {ticket: (reply.text, reply.adapter_version) for ticket, reply in self.replies.items()}

    def tend(self) -> None:
        ends_s = monotonic() + DEADLINE_S
        while monotonic() < ends_s:
            self.versioned.tend()

    def until(self, holds: Callable[[], bool]) -> None:
        ends_s = monotonic() + DEADLINE_S
        while not holds():
            assert monotonic() < ends_s, f"{sorted(self.replies)} were answered; {self.pool.state()}"
            for ticket, reply in self.versioned.drain():
                assert ticket not in self.replies, "one reply for each request"
                self.replies[ticket] = REGISTRY.from_body(unpack(reply))
            held = [len(each.adapters or ()) for each in self.pool.state().engines]
            self.most_held = max(self.most_held, *held)
            self.versioned.sockets[0].poll(1000 * self.pool.wait_s)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    pools: list[EnginePool] = []

    def start_pool(engines: int, slots: int, *versions: LoadAdapter) -> Bench:
        planned = tuple(
            PlannedEngine(
                name=f"e{number}",
                tier="small",
                builder="tests.inference.pool.engines:build",
                arguments={"models": ["m"]},
                serves=Serves(("m",)),
                slots=4,
                loads_first=False,
            )
            for number in range(engines)
        )
        plan = PlacementPlan(engines=planned, limits=PoolLimits(reserve=0, lease_s=20.0))
        pools.append(EnginePool(plan, tmp_path / "pool", waits_for_work=True))
        pools[-1].start()
        return Bench(pools[-1], slots, *versions)

    yield start_pool
    for pool in pools:
        pool.close()


def test_more_versions_than_fit_are_swapped_and_each_request_gets_its_own(start: Callable[..., Bench]) -> None:
    bench = start(2, 2, *(load(version) for version in (1, 2, 3)))
    for n in range(40):
        bench.versioned.submit(f"t{n}", body(f"q{n}", n % 4), n)

    assert bench.answered(40) == {
        f"t{n}": (f"q{n} {n} {'x' if n % 4 else 'base'}", n % 4) for n in range(40)
    }  # version 0 is the model itself
    assert bench.most_held == 2


def test_engines_that_are_killed_between_swaps_come_back_with_what_is_in_use(start: Callable[..., Bench]) -> None:
    bench = start(2, 1, load(1), load(2))
    for n in range(60):
        bench.versioned.submit(f"t{n}", body(f"q{n}", 1 + n // 3 % 2), n)
        if n % 20 == 10:
            bench.until(lambda: all(each.status == "ready" for each in bench.pool.state().engines))
            os.kill(bench.pool.pids["e1" if n == 30 else "e0"], signal.SIGKILL)
            bench.until(lambda: any(each.status == "away" for each in bench.pool.state().engines))

    assert {version for _, version in bench.answered(60).values()} == {1, 2}
    assert all(f"q{ticket[1:]} " in text for ticket, (text, _) in bench.answered(60).items())
    assert bench.pool.state().counts["lost"] == 3
    bench.until(lambda: all(each.status == "ready" and each.adapters for each in bench.pool.state().engines))


def test_a_version_that_is_refused_is_an_error_and_no_answer(start: Callable[..., Bench]) -> None:
    bench = start(1, 1, load(1), load(2, BROKEN))
    bench.versioned.submit("t0", body("q", 1), 0)
    bench.answered(1)
    bench.versioned.submit("t1", body("q", 2), 0)

    with pytest.raises(VersionRefusedError, match=r"e0 does not load adapter x@2 \(unreadable: it is broken\)"):
        bench.until(lambda: len(bench.replies) == 2)
    assert "t1" not in bench.replies


def test_a_refusal_is_noticed_also_while_nobody_asks_for_replies(start: Callable[..., Bench]) -> None:
    bench = start(1, 1, load(2, BROKEN))
    bench.versioned.submit("t1", body("q", 2), 0)

    with pytest.raises(VersionRefusedError):
        bench.tend()


def test_a_version_that_engines_do_not_have_is_an_error_and_no_answer_either(start: Callable[..., Bench]) -> None:
    bench = start(1, 1, load(1))
    bench.versioned.submit("t0", body("q", 7), 0)  # nobody was told to load it: its engine is to have it

    with pytest.raises(VersionNotServedError, match="adapter x@7 is not there"):
        bench.until(lambda: "t0" in bench.replies)
