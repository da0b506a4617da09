"""Where each engine of a pool runs and what it gets: values that are decided before a process starts.

PlacementError   the wishes do not fit on the devices; it names every key that is to blame
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from inference.pool.state import PoolLimits, Serves

USUAL_LIMITS = PoolLimits(reserve=4, lease_s=30.0)
HERE = "localhost"  # the host that a command runs on


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One device, as its driver describes it."""

    uuid: str  # or its number, where nobody has looked; unique on its host
    index: int  # in the order of the PCI bus
    name: str
    memory_mib: int
    free_permille: int = 1000  # of its memory, before the pool takes any
    group: int = 0  # devices of one group talk to each other faster than to others (same board, same switch)


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One machine with what of it a pool may use."""

    name: str
    gpus: tuple[Gpu, ...] = ()
    cores: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedEngine:
    """One engine process: what it serves, where, and how it is started."""

    name: str
    tier: str
    builder: str  # of its engine, as package.module:function
    arguments: Mapping[str, Any]  # of the builder
    serves: Serves
    host: str = HERE
    slots: int | None = None  # requests at once; None: as many as the engine says
    devices: tuple[str, ...] = ()  # UUIDs of GPUs
    memory_permille: int = 0  # of each device
    cores: tuple[int, ...] = ()  # of the processor; empty: any
    environment: Mapping[str, str] = field(default_factory=dict)  # is set before the process starts
    loads_first: bool = True  # it takes requests once its model is loaded

    def to_json(self) -> dict[str, Any]:
        """As plain maps and lists."""
        return {
            "name": self.name,
            "tier": self.tier,
            "host": self.host,
            "models": None if self.serves.models is None else list(self.serves.models),
            "slots": self.slots,
            "devices": list(self.devices),
            "memory_share": self.memory_permille / 1000,
            "cores": list(self.cores),
            "environment": dict(self.environment),
            "builder": self.builder,
            "arguments": dict(self.arguments),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacementPlan:
    """All engines of a pool, and the rules of their dispatch."""

    engines: tuple[PlannedEngine, ...]
    hosts: tuple[Host, ...] = ()
    limits: PoolLimits = USUAL_LIMITS
    max_restarts: int = 20  # of one engine, in a row

    def to_json(self) -> dict[str, Any]:
        """As plain maps and lists."""
        return {
            "engines": [each.to_json() for each in self.engines],
            "hosts": [
                {
                    "name": host.name,
                    "cores": list(host.cores),
                    "gpus": [
                        {"uuid": gpu.uuid, "index": gpu.index, "name": gpu.name, "memory_mib": gpu.memory_mib}
                        for gpu in host.gpus
                    ],
                }
                for host in self.hosts
            ],
            "reserve": self.limits.reserve,
            "lease_s": self.limits.lease_s,
            "max_restarts": self.max_restarts,
        }


@dataclass(frozen=True, slots=True)
class PlacementProblem:
    """A key that asks for what is not there."""

    key: tuple[str, ...]  # below `pool`
    message: str
    allowed: str


class PlacementError(ValueError):
    """Raised when a pool cannot be placed; holds one problem for each key that is to blame."""

    def __init__(self, problems: tuple[PlacementProblem, ...]) -> None:
        lines = (f"pool.{'.'.join(each.key)}: {each.message} (allowed: {each.allowed})" for each in problems)
        super().__init__("\n".join(lines))
        self.problems = problems
