"""One text engine behind the door, driven in the door's own process: for an engine that is a client of servers."""

from __future__ import annotations

import threading

from inference.adapters.messages import (
    AdapterLoaded,
    AdapterRefused,
    AdapterUnloaded,
    LoadAdapter,
    ManagesAdapters,
    UnloadAdapter,
)
from inference.http.backend import AdapterAction, BackendState, EngineState, Event, ServedModel
from inference.http.driving import Done
from inference.http.errors import BackendLostError, RefusedError
from inference.text import EngineLostError, GenerateText, ServedText, StreamsText, TextEngine

STEP_S = 0.005  # the longest that a request which comes while others are under way waits to be seen


class EngineDriver:
    """Drives one engine. An engine that is lost ends the door: a pool is what starts engines again."""

    def __init__(self, served: ServedText, models: tuple[ServedModel, ...]) -> None:
        self._served, self._models = served, models
        self._engine: TextEngine | None = None
        self._woken = threading.Event()

    def open(self) -> None:
        try:
            engine = self._engine = self._served.make()
            engine.start()
        except EngineLostError as error:
            raise BackendLostError(str(error)) from error

    def submit(self, ticket: str, request: GenerateText, seed: int, deadline_s: float) -> None:
        try:
            self._open_engine.submit(ticket, request, seed)
        except EngineLostError as error:
            raise BackendLostError(str(error)) from error

    def cancel(self, ticket: str) -> None:
        self._open_engine.cancel(ticket)

    def events(self, timeout_s: float) -> list[tuple[str, Event]]:
        engine = self._open_engine
        if not engine.under_way:
            self._woken.wait(timeout_s)
            self._woken.clear()
            return []
        try:
            finished = engine.step(STEP_S)
        except EngineLostError as error:
            raise BackendLostError(str(error)) from error
        pieces = engine.written() if isinstance(engine, StreamsText) else []
        return [*((each.ticket, each.written) for each in pieces), *((each.ticket, each.reply) for each in finished)]

    def adapter(self, action: AdapterAction, served: ServedModel, path: str, sha256: str, done: Done) -> None:
        engine = self._open_engine
        if not isinstance(engine, ManagesAdapters):
            message = f"the engine {engine.name} does not {action} adapters while it runs"
            done(RefusedError(400, message, code="unsupported_operation"))
            return
        base, name, version = served.model, served.adapter, served.version
        told: AdapterLoaded | AdapterUnloaded | AdapterRefused
        try:
            if action == "load":
                told = engine.load(LoadAdapter(base=base, name=name, version=version, path=path, sha256=sha256))
            else:
                told = engine.unload(UnloadAdapter(base=base, name=name, version=version))
        except EngineLostError as error:
            raise BackendLostError(str(error)) from error
        done(RefusedError(409, told.detail, code=told.reason) if isinstance(told, AdapterRefused) else None)

    def state(self) -> BackendState:
        engine = self._engine
        states: tuple[EngineState, ...] = ()
        if engine is not None:
            states = (
                EngineState(
                    name=f"{engine.name}-0",
                    incarnation="0",
                    slots=engine.slots,
                    under_way=engine.under_way,
                    counters=engine.counters,
                ),
            )
        return BackendState(engines=states, served=(*self._models, *self._adapters()), open_tickets=0)

    def wake(self) -> None:
        self._woken.set()

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()

    def _adapters(self) -> list[ServedModel]:
        if not isinstance(self._engine, ManagesAdapters):
            return []
        return [ServedModel(each.base, each.name, each.version) for each in self._engine.adapters()]

    @property
    def _open_engine(self) -> TextEngine:
        assert self._engine is not None, "`open` comes first"
        return self._engine
