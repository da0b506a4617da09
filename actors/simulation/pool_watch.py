"""What outsiders see of the pool of a run: its plan and its state on request, changes on the stream, gauges.

Engines come and go in wall time; nothing of it is in the log.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from brokers.hub.feed import HubFeed
from brokers.wire.packing import packer
from inference.pool.running import EnginePool
from inference.pool.state import PoolState
from inference.text import PRIORITIES

TOPIC = "live.pool"
LOOK_S = 0.05  # wall seconds between two looks
LOAD_S = 1.0  # wall seconds between two messages that only tell how much is under way, at least


class PoolWatch:
    """Looks at a pool now and then. Owned by the thread that owns the pool."""

    def __init__(self, pool: EnginePool, say: Callable[[dict[str, Any]], None]) -> None:
        """`say` is told the processes of the engines whenever one is new."""
        self._pool, self._say, self._pack = pool, say, packer()
        self._tiers = {planned.name: planned.tier for planned in pool.plan.engines}
        self._told: PoolState | None = None
        self._told_s = 0.0
        self._pids: Mapping[str, int] = {}

    def look(self, hub: HubFeed | None) -> None:
        """Tell what changed since the last look: who is there at once, how much is under way now and then."""
        if (pids := self._pool.pids) != self._pids:
            self._pids = pids
            self._say({"engines": pids})
        state, now_s = self._pool.state(), time.monotonic()
        if state == self._told or hub is None:
            return
        if _members(state) == _members(self._told) and now_s - self._told_s < LOAD_S:
            return
        self._told, self._told_s = state, now_s
        hub.tell_live(TOPIC, self._pack(self._state(state)))

    def answer(self) -> dict[str, Any]:
        """Plan and state, as the query `pool` gives them."""
        return {"plan": self._pool.plan.to_json(), "state": self._state(self._pool.state())}

    def exposition(self) -> bytes:
        """The gauges of this moment in the text format of Prometheus."""
        state, registry = self._pool.state(), CollectorRegistry()
        labels = ("engine", "tier")
        up = Gauge("pool_engine_up", "Whether an engine takes requests.", labels, registry=registry)
        slots = Gauge("pool_engine_slots", "Requests that an engine works on at once.", labels, registry=registry)
        busy = Gauge("pool_engine_under_way", "Requests that an engine is working on.", labels, registry=registry)
        queued = Gauge("pool_queued", "Requests that wait for a free slot.", ["priority"], registry=registry)
        requeued = Gauge("pool_requeued", "Requests asked again after an engine was lost.", registry=registry)
        for engine in state.engines:
            named = (engine.name, self._tiers.get(engine.name, ""))
            up.labels(*named).set(engine.status == "ready")
            slots.labels(*named).set(engine.slots)
            busy.labels(*named).set(engine.under_way)
        for priority in PRIORITIES:
            queued.labels(priority).set(state.queued[priority])
        requeued.set(state.counts.get("requeued", 0))
        return generate_latest(registry)

    def _state(self, state: PoolState) -> dict[str, Any]:
        told = state.to_json()
        for engine in told["engines"]:
            engine["tier"] = self._tiers.get(engine["name"], "")
            engine["pid"] = self._pids.get(engine["name"])
        return told


def _members(state: PoolState | None) -> tuple[object, ...] | None:
    """Who is there and what they serve, without how busy they are."""
    if state is None:
        return None
    return tuple((each.name, each.incarnation, each.status, each.models, each.adapters) for each in state.engines)
