"""Engines of vLLM on GPUs, behind a pool, with a tiny model that is made on the spot."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any

import zmq

from brokers.wire.packing import packer, unpack
from inference.adapters.content import content_hash
from inference.adapters.messages import AdapterLoaded, LoadAdapter
from inference.pool.building import gpu_environment
from inference.pool.plan import PlacementPlan, PlannedEngine
from inference.pool.running import EnginePool
from inference.pool.state import Serves
from inference.text import ChatMessage, GenerateText, TextGenerated, text_registry
from tests.support.tiny_model import Shape, make_adapter, make_tiny_model

DEADLINE_S = 600.0  # kernels are compiled at the first start
SHAPE = Shape(layers=4, hidden=512, heads=8, kv_heads=4, inner=1_024)  # heads of 64, which every GPU kernel has
_REGISTRY = text_registry()


class GpuEngines:
    """Starts pools and drives them; ends them all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pools: list[EnginePool] = []
        self.model = make_tiny_model(folder / "model", SHAPE)

    def __enter__(self) -> GpuEngines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pool in self._pools:
            pool.close()

    def plan(self, devices: tuple[str, ...], **changes: Any) -> dict[str, Any]:
        """The arguments of one engine."""
        return {
            "model": str(self.model),
            "served_name": "tiny",
            "slots": 16,
            "context_tokens": 1_024,
            "max_lora_rank": 16,
            "adapter_slots": 2,
            "devices": list(devices),
            "tensor_parallel": len(devices),
            "memory_share": 0.3,
        } | changes

    def start(self, *plans: dict[str, Any]) -> EnginePool:
        """A pool with an engine for each plan; returns when all of them serve."""
        planned = tuple(
            PlannedEngine(
                name=f"gpu-{number}",
                tier="small",
                builder="inference.engines.vllm.serving:build",
                arguments=plan,
                serves=Serves((plan["served_name"],)),
                devices=tuple(plan["devices"]),
                environment=gpu_environment(tuple(plan["devices"])),
            )
            for number, plan in enumerate(plans)
        )
        pool = EnginePool(PlacementPlan(engines=planned), self._folder / f"pool-{len(self._pools)}")
        self._pools.append(pool)
        pool.start()
        return pool

    def load(self, pool: EnginePool, version: int) -> None:
        """Load a version of `reviewer` into every engine."""
        folder = make_adapter(self._folder / f"adapter-{version}", version, shape=SHAPE)
        wanted = LoadAdapter(
            base="tiny", name="reviewer", version=version, path=str(folder), sha256=content_hash(folder)
        )
        pool.load_adapter(wanted)
        deadline = monotonic() + DEADLINE_S
        done: list[object] = []
        while not done:
            assert monotonic() < deadline
            _wait(pool)
            pool.drain()
            done += [change.outcome for change in pool.drain_adapter_changes()]
        assert all(isinstance(outcome, AdapterLoaded) for outcome in done), done

    def texts(self, pool: EnginePool, requests: list[GenerateText]) -> list[str]:
        """All at once; their texts, in order."""
        replies: dict[str, str] = {}
        for number, request in enumerate(requests):
            pool.submit(f"t{number}", packer()(_REGISTRY.to_body(request)), 7)
        deadline = monotonic() + DEADLINE_S
        while len(replies) < len(requests):
            assert monotonic() < deadline
            _wait(pool)
            for ticket, body in pool.drain():
                reply = _REGISTRY.from_body(unpack(body))
                assert isinstance(reply, TextGenerated), reply
                replies[ticket] = reply.text
        return [replies[f"t{number}"] for number in range(len(requests))]


def asked(text: str, version: int = 0) -> GenerateText:
    """A request for a version of `reviewer`, 0 for the base model."""
    return GenerateText(
        model="tiny",
        adapter="reviewer" if version else "",
        adapter_version=version,
        messages=(ChatMessage(role="user", content=text),),
        schema='{"type": "string", "minLength": 4000}',
        max_tokens=48,
        temperature_permille=1000,
        priority="agent",
    )


def users_of_devices() -> dict[int, set[str]]:
    """UUIDs of the GPUs that each process uses, as the driver says."""
    listed = subprocess.run(
        ["nvidia-smi", "--query-compute-apps=pid,gpu_uuid", "--format=csv,noheader"],
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[int, set[str]] = {}
    for line in listed.stdout.splitlines():
        pid, uuid = line.split(", ")
        found.setdefault(int(pid), set()).add(uuid)
    return found


def family_of(pid: int) -> set[int]:
    """A process with all its descendants."""
    found = {pid}
    for task in os.listdir(f"/proc/{pid}/task"):
        children = Path(f"/proc/{pid}/task/{task}/children").read_text(encoding="ascii").split()
        for child in children:
            found |= family_of(int(child))
    return found


def _wait(pool: EnginePool) -> None:
    poller = zmq.Poller()
    for socket in pool.sockets:
        poller.register(socket, zmq.POLLIN)
    poller.poll(round(1_000 * pool.wait_s))
