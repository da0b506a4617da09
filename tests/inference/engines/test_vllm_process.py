"""vLLM in a process of its own behind a pool: adapters, streams, and an engine that is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import pytest
import zmq

from brokers.wire.packing import packer, unpack
from inference.adapters.messages import AdapterLoaded, AdapterUnloaded
from inference.pool.plan import PlacementPlan, PlannedEngine
from inference.pool.running import EnginePool
from inference.pool.state import Serves
from inference.text import GenerateText, TextGenerated, TextWritten, Wanted, text_registry
from tests.inference.conformance.benches import LONG, asked
from tests.support.chat_server import MODEL
from tests.support.vllm_engines import load_of, plan_of, unload_of

pytestmark = pytest.mark.timeout(300)  # a busy machine takes long to load vLLM, and it is loaded twice
DEADLINE_S = 120.0
REGISTRY = text_registry()


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[EnginePool]:
    core = min(os.sched_getaffinity(0))
    engine = PlannedEngine(
        name="tiny-0",
        tier="small",
        builder="inference.engines.vllm.serving:build",
        arguments=plan_of(cores=[core]),
        serves=Serves((MODEL,)),
    )
    with EnginePool(PlacementPlan(engines=(engine,)), tmp_path / "pool") as pool:
        yield pool


class Driver:
    """Drives a pool, and notes what comes out."""

    def __init__(self, pool: EnginePool) -> None:
        self.pool = pool
        self.replies: dict[str, object] = {}
        self.parts: dict[str, str] = {}
        self.changes: list[object] = []

    def submit(self, ticket: str, request: GenerateText, seed: int = 7) -> None:
        self.pool.submit(ticket, packer()(REGISTRY.to_body(request)), seed)

    def until(self, is_done: Callable[[], bool]) -> None:
        poller = zmq.Poller()
        for socket in self.pool.sockets:
            poller.register(socket, zmq.POLLIN)
        deadline = monotonic() + DEADLINE_S
        while not is_done():
            assert monotonic() < deadline, (self.replies, self.changes, self.pool.state())
            poller.poll(round(1_000 * self.pool.wait_s))
            for ticket, body in self.pool.drain():
                assert ticket not in self.replies
                self.replies[ticket] = REGISTRY.from_body(unpack(body))
            for ticket, body in self.pool.drain_parts():
                part = REGISTRY.from_body(unpack(body))
                assert isinstance(part, TextWritten)
                self.parts[ticket] = self.parts.get(ticket, "")[: part.start] + part.text
            self.changes += [change.outcome for change in self.pool.drain_adapter_changes()]

    def texts(self, *tickets: str) -> list[str]:
        self.until(lambda: all(ticket in self.replies for ticket in tickets))
        found = [self.replies[ticket] for ticket in tickets]
        assert all(isinstance(reply, TextGenerated) for reply in found), found
        return [reply.text for reply in found if isinstance(reply, TextGenerated)]


def test_a_killed_engine_comes_back_with_its_adapters_and_gives_the_same_answers(pool: EnginePool) -> None:
    driver = Driver(pool)
    pool.load_adapter(load_of("reviewer", 1))
    driver.until(lambda: bool(driver.changes))
    assert isinstance(driver.changes[0], AdapterLoaded)
    requests = {
        f"{name}-{number}": asked(
            f"question {number}", adapter=name, adapter_version=int(bool(name)), wanted=Wanted(stream=not number)
        )
        for name in ("", "reviewer")
        for number in range(4)
    }
    for ticket, request in requests.items():
        driver.submit(ticket, request)
    before = driver.texts(*requests)
    assert driver.parts == {ticket: text for ticket, text in zip(requests, before, strict=True) if ticket[-1] == "0"}

    driver.submit("slow", asked(schema=LONG, max_tokens=2_000, wanted=Wanted(stream=True)))
    driver.until(lambda: "slow" in driver.parts)
    for ticket, request in requests.items():
        driver.submit(f"again {ticket}", request)
    driver.pool.cancel("slow")
    os.kill(pool.pids["tiny-0"], signal.SIGKILL)
    after = driver.texts(*(f"again {ticket}" for ticket in requests))

    assert after == before
    pool.unload_adapter(unload_of("reviewer", 1))
    driver.until(lambda: isinstance(driver.changes[-1], AdapterUnloaded))
