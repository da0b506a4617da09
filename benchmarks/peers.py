"""Other actor systems doing the same work: one-way messages to an actor in another process until all are handled.

They are measured when they are installed (requirements/bench.txt), each in its own way of telling: xoscar's `tell`,
Ray's `remote` without waiting for results.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from benchmarks.support import rate


class Peer(Protocol):
    """A running actor system with one actor in another process."""

    def tell(self, message: Any, count: int) -> float:
        """Messages per wall second, all handled."""
        ...


def is_installed(name: str) -> bool:
    """Whether a peer can be imported."""
    return importlib.util.find_spec(name) is not None


@contextmanager
def xoscar_peer() -> Iterator[Peer]:
    """xoscar: a main pool and one sub-pool, which is a second process."""
    import xoscar  # type: ignore[import-not-found,unused-ignore]

    from benchmarks.xoscar_actor import Counting

    loop = asyncio.new_event_loop()
    pool = loop.run_until_complete(xoscar.create_actor_pool("127.0.0.1", n_process=1))
    strategy = xoscar.allocate_strategy.ProcessIndex(1)
    actor = loop.run_until_complete(
        xoscar.create_actor(Counting, address=pool.external_address, uid="counting", allocate_strategy=strategy)
    )

    class XoscarPeer:
        def tell(self, message: Any, count: int) -> float:
            return rate(lambda number: loop.run_until_complete(self._tell(message, number)), count)

        async def _tell(self, message: Any, count: int) -> None:
            before = await actor.seen()
            for _ in range(count):
                await actor.hear.tell(message)
            while await actor.seen() < before + count:
                await asyncio.sleep(0.001)

    try:
        yield XoscarPeer()
    finally:
        loop.run_until_complete(pool.stop())
        loop.close()


@contextmanager
def ray_peer() -> Iterator[Peer]:
    """Ray: a local cluster without dashboard, one actor."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray  # type: ignore[import-not-found,unused-ignore]

    ray.init(
        address="local",
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="ERROR",
        object_store_memory=200 << 20,
    )

    class Counting:
        def hear(self, message: Any) -> None:
            """Count it; Ray keeps the order, so the last answer means that all were handled."""

    actor = ray.remote(Counting).remote()
    ray.get([actor.hear.remote({}) for _ in range(100)])

    class RayPeer:
        def tell(self, message: Any, count: int) -> float:
            return rate(lambda number: ray.get([actor.hear.remote(message) for _ in range(number)][-1]), count)

    try:
        yield RayPeer()
    finally:
        ray.shutdown()


PEERS = {"xoscar": xoscar_peer, "ray": ray_peer}
