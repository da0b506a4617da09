"""A pool of engines behind the door, driven by one thread: its messages become the door's events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Protocol

import zmq

from brokers.wire.packing import packer, unpack
from config.door_section import DoorSection
from inference.adapters.messages import AdapterRefused, LoadAdapter, UnloadAdapter
from inference.http.backend import (
    AdapterAction,
    BackendState,
    EngineState,
    Event,
    Expired,
    ServedModel,
    TurnedAway,
    Unavailable,
)
from inference.http.driving import Done
from inference.http.errors import BackendLostError, RefusedError, model_unavailable
from inference.messages import Expired as ExpiredReply
from inference.messages import Failed
from inference.messages import TurnedAway as TurnedAwayReply
from inference.pool.adapting import AdapterChange
from inference.pool.errors import PoolError
from inference.pool.state import EngineView, PoolState
from inference.text import (
    GenerateText,
    TextCounters,
    TextEngineError,
    TextGenerated,
    TextWritten,
    name_and_version,
    text_registry,
)
from inference.waking import Waker

Configured = Mapping[ServedModel, LoadAdapter | None]  # versions; None: their server has them
NO_ADAPTERS: Configured = {}
ADAPTER_S = 120.0  # wall seconds that engines have to load or unload a version


class Pool(Protocol):
    """What the door needs of a pool; `EnginePool` and `PoolDispatcher` have it."""

    @property
    def sockets(self) -> tuple[Any, ...]: ...

    @property
    def wait_s(self) -> float | None: ...

    def submit(self, ticket: str, request: bytes, seed: int, *, deadline_s: float | None = None) -> None: ...

    def cancel(self, ticket: str) -> bool: ...

    def drain(self) -> list[tuple[str, bytes]]: ...

    def drain_parts(self) -> list[tuple[str, bytes]]: ...

    def drain_late(self) -> list[tuple[str, bytes]]: ...

    def state(self) -> PoolState: ...

    def load_adapter(self, wanted: LoadAdapter) -> None: ...

    def unload_adapter(self, wanted: UnloadAdapter) -> None: ...

    def drain_adapter_changes(self) -> list[AdapterChange]: ...

    def close(self) -> None: ...


@dataclass(slots=True)
class _Change:
    """A change of adapters that engines still have to answer."""

    action: AdapterAction
    served: ServedModel
    sha256: str
    was_known: bool
    awaited: set[tuple[str, str]]  # engines with their incarnations
    done: Done
    until_s: float
    refused: list[AdapterRefused] = field(default_factory=list)


class PoolDriver:
    """Makes a pool in the thread that drives it. Models that are served stay known while their engines restart."""

    def __init__(
        self,
        make: Callable[[], Pool],
        models: Sequence[str],
        *,
        adapters: Configured = NO_ADAPTERS,
        retry_s: float = DoorSection().retry_s,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Prepare to drive a pool; `open` makes it.

        Args:
            make: Makes the pool, and starts it.
            models: The base models of its plan.
            adapters: Versions that are served from the beginning.
            retry_s: Wall seconds after which it tries engines again that were given up.
            say: Is told in a line when a model is given up, and when it is back.
        """
        self._make, self._bases, self._retry_s, self._say = make, tuple(models), retry_s, say
        self._given_up: tuple[str, ...] = ()
        self._pool: Pool | None = None
        self._waker = Waker()
        self._registry, self._pack = text_registry(), packer()
        self._changes: list[_Change] = []
        self._known: dict[ServedModel, None] = {}  # versions of adapters
        self._sha256: dict[ServedModel, str] = {}  # content of those that were loaded through the door
        self._adapters, self._configured = adapters, dict[ServedModel, LoadAdapter | None]()

    def open(self) -> None:
        try:
            self._pool = self._make()
        except (PoolError, OSError, zmq.ZMQError) as error:
            raise BackendLostError(f"the pool cannot be started: {error}") from error
        self._wear(self._adapters)

    def serve(self, models: Sequence[str], adapters: Configured, retry_s: float) -> None:
        """The pool has another plan, with these models and versions; in the thread that drives it."""
        self._bases, self._retry_s = tuple(models), retry_s
        self._wear(adapters)
        self._known = {each: None for each in self._known if each.model in models}

    def submit(self, ticket: str, request: GenerateText, seed: int, deadline_s: float) -> None:
        self._open_pool.submit(ticket, self._pack(self._registry.to_body(request)), seed, deadline_s=deadline_s)

    def cancel(self, ticket: str) -> None:
        self._open_pool.cancel(ticket)

    def events(self, timeout_s: float) -> list[tuple[str, Event]]:
        pool = self._open_pool
        self._wait(pool, timeout_s)
        try:
            replies = pool.drain()
        except (PoolError, TextEngineError) as error:
            raise BackendLostError(str(error)) from error
        pool.drain_late()  # nobody waits for them here; their tokens are in the engines' counters
        parts = pool.drain_parts()
        self._end_changes(pool)
        self._tell_given_up(pool.state().given_up)
        return [*((ticket, self._event(body)) for ticket, body in (*parts, *replies))]

    def adapter(self, action: AdapterAction, served: ServedModel, path: str, sha256: str, done: Done) -> None:
        pool = self._open_pool
        if served.model in pool.state().given_up:
            done(model_unavailable(served.model, self._retry_s))
            return
        coming = {each.served: each.sha256 for each in self._changes if each.action == "load"}
        if action == "load" and (self._sha256 | coming).get(served, sha256) != sha256:  # before any engine hears of it
            message = f"{served.name} is loaded with another content"
            done(RefusedError(409, message, type="conflict_error", code="version_taken"))
            return
        awaited = {(each.name, each.incarnation) for each in pool.state().engines if _has(each, served.model)}
        base, name, version = served.model, served.adapter, served.version
        if action == "load":
            pool.load_adapter(LoadAdapter(base=base, name=name, version=version, path=path, sha256=sha256))
        else:
            pool.unload_adapter(UnloadAdapter(base=base, name=name, version=version))
        self._changes.append(
            _Change(action, served, sha256, served in self._known, awaited, done, monotonic() + ADAPTER_S)
        )
        self._end_changes(pool)

    def state(self) -> BackendState:
        if self._pool is None:
            return BackendState(engines=(), served=tuple(map(ServedModel, self._bases)), open_tickets=0)
        state = self._pool.state()
        self._learn(state.engines)
        engines = tuple(
            EngineState(
                name=each.name,
                incarnation=each.incarnation,
                slots=each.slots,
                under_way=each.under_way,
                counters=each.counters or TextCounters(),
                models=(each.models or self._bases) if each.status == "ready" else (),
            )
            for each in state.engines
            if each.status in ("ready", "draining")
        )
        served = (*map(ServedModel, self._bases), *self._known)
        return BackendState(engines=engines, served=served, open_tickets=0, given_up=state.given_up)

    def wake(self) -> None:
        self._waker.set()

    def close(self) -> None:
        if self._pool is not None:
            self._pool.close()
        for change in self._changes:
            change.done(RefusedError(503, "the door is closing", type="server_error"))
        self._waker.close()

    @property
    def _open_pool(self) -> Pool:
        assert self._pool is not None, "`open` comes first"
        return self._pool

    def _wear(self, adapters: Configured) -> None:
        """Have engines load and unload what makes the difference to these versions."""
        for served, load in list(self._configured.items()):
            if served not in adapters:
                self._leave(served, load)
        for served, load in adapters.items():
            sha256 = self._sha256.get(served)
            if load is not None and sha256 not in (None, load.sha256):
                self._say(f"{served.name} stays as it was loaded; a version never changes its content")
                continue
            if load is not None and served not in self._configured:
                self._open_pool.load_adapter(load)
                self._sha256[served] = load.sha256
            self._configured[served] = load
            self._known[served] = None

    def _leave(self, served: ServedModel, load: LoadAdapter | None) -> None:
        del self._configured[served]
        self._known.pop(served, None)
        self._sha256.pop(served, None)
        if load is not None:
            self._open_pool.unload_adapter(UnloadAdapter(base=load.base, name=load.name, version=load.version))

    def _wait(self, pool: Pool, timeout_s: float) -> None:
        wait_s = timeout_s if pool.wait_s is None else min(timeout_s, pool.wait_s)
        poller = zmq.Poller()
        for each in (*pool.sockets, self._waker.fileno()):
            poller.register(each, zmq.POLLIN)
        poller.poll(int(1000 * wait_s) + 1)
        self._waker.clear()

    def _event(self, body: bytes) -> Event:
        match self._registry.from_body(unpack(body)):
            case TextWritten() | TextGenerated() | Failed() as event:
                return event
            case ExpiredReply():
                return Expired()
            case TurnedAwayReply(model=model):
                return TurnedAway(model, self._retry_s)
            case other:
                return Unavailable(f"an engine answered with {other.KIND}")

    def _tell_given_up(self, given_up: tuple[str, ...]) -> None:
        for model in sorted({*given_up} - {*self._given_up}):
            self._say(f"{model} is unavailable: its engines keep failing; tried again every {self._retry_s:g} s")
        for model in sorted({*self._given_up} - {*given_up}):
            self._say(f"{model} takes requests again" if model in self._bases else f"{model} is served no more")
        self._given_up = given_up

    def _learn(self, views: Sequence[EngineView]) -> None:
        """Versions that are loaded; one that a restarting engine will have again stays known."""
        seen = {
            ServedModel(base, *name_and_version(each)): None
            for view in views
            for base in (view.models or self._bases[:1])[:1]
            if base in self._bases
            for each in view.adapters or ()
        }
        if all(each.status == "ready" for each in views) and views:
            self._known = seen | dict.fromkeys(self._configured)
        else:
            self._known |= seen

    def _end_changes(self, pool: Pool) -> None:
        for engine, incarnation, outcome in pool.drain_adapter_changes():
            if isinstance(outcome, AdapterRefused):
                self._note_refused(engine, outcome)
            for change in self._changes:
                about = (change.served.model, change.served.adapter, change.served.version)
                if about == (outcome.base, outcome.name, outcome.version):
                    change.awaited.discard((engine, incarnation))
                    change.refused += [outcome] if isinstance(outcome, AdapterRefused) else []
        if not self._changes:
            return
        there = {(each.name, each.incarnation) for each in pool.state().engines}
        for change in list(self._changes):
            change.awaited &= there  # the successor of one that is gone is told when it comes
            if not change.awaited or monotonic() > change.until_s:
                self._changes.remove(change)
                self._settle(change)

    def _note_refused(self, engine: str, outcome: AdapterRefused) -> None:
        """A version of the configuration that an engine does not load is served no more."""
        served = ServedModel(outcome.base, outcome.name, outcome.version)
        load = self._configured.get(served)
        if load is not None:
            self._say(f"{served.name} is not served: {engine} does not load it, {outcome.detail}")
            self._leave(served, load)

    def _settle(self, change: _Change) -> None:
        if change.awaited:
            message = f"engines did not {change.action} it within {ADAPTER_S:g} s"
            change.done(RefusedError(504, message, type="timeout_error", code="deadline_exceeded"))
        elif change.refused:
            first, served = change.refused[0], change.served
            if change.action == "load" and not change.was_known:  # not half of it: nor by engines that come later
                self._open_pool.unload_adapter(
                    UnloadAdapter(base=served.model, name=served.adapter, version=served.version)
                )
            change.done(RefusedError(409, first.detail, type="conflict_error", code=first.reason))
        else:
            if change.action == "load":
                self._known[change.served], self._sha256[change.served] = None, change.sha256
            else:
                self._known.pop(change.served, None)
                self._sha256.pop(change.served, None)
                self._configured.pop(change.served, None)
            change.done(None)


def _has(view: EngineView, model: str) -> bool:
    return view.status == "ready" and (view.models is None or model in view.models)
