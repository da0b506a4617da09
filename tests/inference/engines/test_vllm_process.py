"""vLLM in a process of its own behind a pool: adapters, streams, and an engine that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
import zmq

from brokers.wire.packing import packer, unpack
from inference.adapters.messages import AdapterLoaded, AdapterUnloaded
from inference.engines.vllm.serving import build
from inference.pool.plan import PlacementPlan, PlannedEngine
from inference.pool.running import EnginePool
from inference.pool.state import Serves
from inference.text import GenerateText, TextGenerated, TextWritten, Wanted, text_registry
from tests.inference.conformance.benches import LONG, asked
from tests.support.chat_server import MODEL
from tests.support.vllm_engines import load_of, plan_of, unload_of

DEADLINE_S = 90.0  # a busy machine takes long to load vLLM
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


def test_nothing_of_vllm_is_loaded_before_an_engine_starts() -> None:
    probe = (
        "import sys; from inference.engines.vllm.serving import build; "
        "served = build({'model': 'x', 'served_name': 'x'}); engine = served.make(); engine.close(); "
        "print([name for name in ('torch', 'vllm', 'transformers', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"modle": "x"}, "modle: Extra inputs"),
        ({"slots": 0}, "slots: Input should be greater than 0"),
        ({"slots": 64, "batch_tokens": 32}, "must hold one token of each slot"),
        ({"devices": ["a", "b"]}, "tensor_parallel is 1, and there are 2 devices"),
        ({"cores": [1, 1]}, "named twice"),
        ({"memory_share": 1.5}, "memory_share: Input should be less than or equal to 1"),
        ({"adapter_slots": 0, "adapters": [{"name": "a", "version": 1, "path": "p", "sha256": "0" * 64}]}, "need"),
        ({"adapters": [{"name": "a", "version": 1, "path": "p", "sha256": "0"}]}, "adapters.0.sha256"),
        ({"adapters_kept": 1}, "must hold adapters and adapter_slots"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_with_its_key(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        build(plan_of(**changes))


def test_a_plan_says_what_its_host_needs_to_know() -> None:
    served = build(plan_of(slots=7))

    assert (served.slots, served.models) == (7, (MODEL,))
