"""A pool whose requests find the version of an adapter that they name: it is loaded before they are sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from brokers.wire.packing import unpack
from inference.adapters.messages import AdapterRefused, LoadAdapter, UnloadAdapter
from inference.messages import Failed
from inference.pool.aiming import aim_of
from inference.pool.errors import VersionNotServedError, VersionRefusedError
from inference.pool.fitting_room import FittingRoom, Load, Pass, Step, Unload
from inference.pool.running import EnginePool
from inference.pool.state import Aim
from inference.text import adapter_name, text_registry


class Carrier(Protocol):
    """Carries requests to a pool and replies back: the pool, or whoever keeps books of it."""

    def submit(self, ticket: str, request: bytes, seed: int) -> None:
        """Take a request on."""
        ...

    def drain(self) -> list[tuple[str, bytes]]:
        """The replies that are there now."""
        ...


class _Kept(NamedTuple):
    aim: Aim
    request: bytes
    seed: int


class VersionedPool:
    """Loads and unloads versions of adapters as requests name them. Owned by the thread that owns the pool.

    Requests for the model itself pass, and those for versions that it was not told of: a server has them. Told of none,
    it only passes on.
    """

    def __init__(
        self, pool: EnginePool, carrier: Carrier, versions: Iterable[LoadAdapter], slots: Mapping[str, int]
    ) -> None:
        """`slots`: how many versions engines hold at once, by model."""
        self._pool, self._carrier = pool, carrier
        self._versions = {(each.base, adapter_name(each.name, each.version)): each for each in versions}
        self._rooms = {model: FittingRoom(slots[model]) for model, _ in self._versions}
        self._kept: dict[str, _Kept] = {}  # requests for versions, until they are answered
        self._registry = text_registry()

    @property
    def sockets(self) -> tuple[Any, ...]:
        """Readable when `drain` may have something."""
        return self._pool.sockets

    def submit(self, ticket: str, request: bytes, seed: int) -> None:
        """Take a request on; it waits here while engines have no room for its version."""
        aim = aim_of(request)
        if aim.adapter:
            self._kept[ticket] = _Kept(aim, request, seed)
        if (aim.model, aim.adapter) in self._versions:
            self._carry_out(self._rooms[aim.model].ask(ticket, aim.adapter), aim.model)
        else:
            self._carrier.submit(ticket, request, seed)

    def drain(self) -> list[tuple[str, bytes]]:
        """The replies that are there now. Raises PoolError when some will never come."""
        replies = self._carrier.drain()
        self._require_loaded()  # before a reply that only says that a version is not there
        for ticket, reply in replies:
            kept = self._kept.pop(ticket, None)
            if kept is None:
                continue
            self._require_served(kept.aim, reply)
            if kept.aim.model in self._rooms:
                self._carry_out(self._rooms[kept.aim.model].answered(ticket), kept.aim.model)
        return replies

    def tend(self) -> None:
        """Look after the engines. Raises PoolError."""
        self._pool.tend()
        self._require_loaded()

    def _require_loaded(self) -> None:
        for engine, _, outcome in self._pool.drain_adapter_changes():
            if isinstance(outcome, AdapterRefused) and outcome.reason != "unknown_version":  # which is gone already
                raise VersionRefusedError(engine, outcome)

    def _require_served(self, aim: Aim, reply: bytes) -> None:
        match self._registry.from_body(unpack(reply)):
            case Failed(reason="unknown_adapter", detail=detail):
                raise VersionNotServedError(aim.adapter, detail)

    def _carry_out(self, steps: Iterable[Step], model: str) -> None:
        for step in steps:
            match step:
                case Load(version):
                    self._pool.load_adapter(self._versions[model, version])
                case Unload(version):
                    gone = self._versions[model, version]
                    self._pool.unload_adapter(UnloadAdapter(base=model, name=gone.name, version=gone.version))
                case Pass(ticket):
                    kept = self._kept[ticket]
                    self._carrier.submit(ticket, kept.request, kept.seed)
