"""The same swaps through a pool of two engine processes, some of which are killed while they work."""

from __future__ import annotations

import os
import signal
from itertools import count
from pathlib import Path
from time import perf_counter

import zmq

from benchmarks.adapter_loads import MODEL, NAME, QUESTIONS, REPLIES_BETWEEN, SLOTS, Tally, plan_of, request_of
from brokers.wire.packing import packer, unpack
from inference.adapters.messages import AdapterRefused, UnloadAdapter
from inference.adapters.store import PublishedAdapter
from inference.messages import Expired, Failed
from inference.pool.plan import PlacementPlan, PlannedEngine
from inference.pool.running import EnginePool
from inference.pool.state import Serves
from inference.text import TextGenerated, text_registry

ENGINES = 2
KILLS = 3
PATIENCE_S = 120.0


def swap_in_a_pool(model: Path, published: list[PublishedAdapter], folder: Path) -> Tally:
    """Swap one version after another while both engines are full. Raises TimeoutError when nothing moves any more."""
    cores = sorted(os.sched_getaffinity(0))
    engines = tuple(
        PlannedEngine(
            name=f"vllm-{number}",
            tier="small",
            builder="inference.engines.vllm.serving:build",
            arguments=plan_of(model, adapters_kept=16, cores=[cores[number % len(cores)]]),
            serves=Serves((MODEL,)),
        )
        for number in range(ENGINES)
    )
    with EnginePool(PlacementPlan(engines=engines), folder) as pool:
        return _Swapping(pool, published).run()


class _Swapping:
    """One measurement: keeps the engines full, swaps after every few replies, kills now and then."""

    def __init__(self, pool: EnginePool, published: list[PublishedAdapter]) -> None:
        self._pool, self._current, self._waiting = pool, published[0], published[1:]
        self._registry, self._pack = text_registry(), packer()
        self._tally, self._numbers = Tally(), count()
        self._kill_at = [len(published) * (number + 1) // (KILLS + 1) for number in range(KILLS)]
        self._swap_began_s: float | None = None  # of the swap that is under way
        self._done_at_swap = 0

    def run(self) -> Tally:
        tally = self._tally
        self._pool.load_adapter(self._current.load())
        self._until_loaded_everywhere(self._current)
        began = moved = perf_counter()
        while self._waiting or len(tally.replies) + tally.failed < len(tally.sent):
            self._fill()
            if self._step():
                moved = perf_counter()
            if perf_counter() - moved > PATIENCE_S:
                raise TimeoutError(f"{len(tally.sent) - len(tally.replies)} requests stay without an answer")
            self._swap()
        tally.seconds = perf_counter() - began
        tally.repeated = self._pool.state().counts.get("requeued", 0)
        return tally

    def _fill(self) -> None:
        while self._waiting and len(self._tally.sent) - len(self._tally.replies) < ENGINES * SLOTS:
            number = next(self._numbers)
            version = self._current.version if number % 3 else 0
            ticket = str(number)
            self._tally.sent[ticket] = (version, number % len(QUESTIONS))
            request = self._pack(self._registry.to_body(request_of(*self._tally.sent[ticket])))
            self._pool.submit(ticket, request, number)

    def _step(self) -> bool:
        """Wait a little, and note what came. Whether anything came."""
        poller = zmq.Poller()
        for socket in self._pool.sockets:
            poller.register(socket, zmq.POLLIN)
        poller.poll(round(self._pool.wait_s * 1_000))
        replies = self._pool.drain()
        for ticket, body in replies:
            reply = self._registry.from_body(unpack(body))
            assert isinstance(reply, TextGenerated | Failed | Expired)
            self._tally.note(ticket, reply)
        return bool(replies)

    def _swap(self) -> None:
        """Begin a swap where it is time for one; end the one that every engine has heard of."""
        if self._swap_began_s is None:
            if not self._waiting or len(self._tally.replies) < self._done_at_swap + REPLIES_BETWEEN:
                return
            self._done_at_swap, self._swap_began_s = len(self._tally.replies), perf_counter()
            self._pool.load_adapter(self._waiting[0].load())
        elif self._is_loaded_everywhere(self._waiting[0]):
            self._tally.swap_ms.append((perf_counter() - self._swap_began_s) * 1_000)
            self._pool.unload_adapter(UnloadAdapter(base=MODEL, name=NAME, version=self._current.version))
            self._current, self._swap_began_s = self._waiting.pop(0), None
            if self._kill_at and len(self._tally.swap_ms) >= self._kill_at[0]:
                self._kill_at.pop(0)
                os.kill(self._pool.pids[f"vllm-{len(self._kill_at) % ENGINES}"], signal.SIGKILL)

    def _until_loaded_everywhere(self, version: PublishedAdapter) -> None:
        began_s = perf_counter()
        while self._ready < ENGINES or not self._is_loaded_everywhere(version):
            self._step()
            if perf_counter() - began_s > PATIENCE_S:
                raise TimeoutError("the engines do not start")

    @property
    def _ready(self) -> int:
        return sum(each.status == "ready" for each in self._pool.state().engines)

    def _is_loaded_everywhere(self, version: PublishedAdapter) -> bool:
        """Whether each engine that is there has it. Raises RuntimeError where one refused a change."""
        for change in self._pool.drain_adapter_changes():
            if isinstance(change.outcome, AdapterRefused):
                raise RuntimeError(f"{change.engine}: {change.outcome.reason}: {change.outcome.detail}")
        name = f"{NAME}@{version.version}"
        there = [each for each in self._pool.state().engines if each.status == "ready"]
        return bool(there) and all(name in (each.adapters or ()) for each in there)
