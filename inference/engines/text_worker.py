"""The loop that serves a text engine to a pool: take what comes, step while something is under way, send replies.

Requests that come late join those under way. What was under way when the engine is lost is asked again by the pool,
under the same ticket and seed. One thread does it all, so a sign of life says that the engine itself moves: one that
hangs is silent.
"""

from __future__ import annotations

import os
import sys
import time

import zmq

from brokers.wire.packing import packer, unpack
from brokers.wire.registry import WireError
from inference.adapters.messages import AdapterRefused, LoadAdapter, ManagesAdapters, UnloadAdapter
from inference.engines.worker import REPLY_BATCH_BYTES, SIGN_OF_LIFE_MS, connect
from inference.messages import Failed
from inference.pool.adapting import adapter_registry
from inference.pool.frames import (
    Cancel,
    ChangeAdapter,
    Drain,
    FrameError,
    GivenUp,
    Work,
    pack_adapter_done,
    pack_bye,
    pack_parts,
    pack_ready,
    pack_replies,
    unpack_from_pool,
)
from inference.pool.state import Serves
from inference.text import (
    EngineLostError,
    Finished,
    GenerateText,
    ServedText,
    StreamsText,
    TextCounters,
    TextEngine,
    TextGenerated,
    adapter_name,
    text_registry,
)
from inference.waking import StopSignal

SLOTS_FOR_ONE_AHEAD = 8  # an eighth more requests than slots: a slot that is free has its next request at hand
STEP_S = 0.002  # the longest that a request which comes while others are under way waits to be seen


def serve_text(served: ServedText, endpoint: str, name: str, stop: StopSignal, *, slots: int | None = None) -> None:
    """Answer what the pool at `endpoint` asks until `stop` is set or the pool has it drained; then say goodbye.

    The engine is started for the first request, or at once where `served` says so. `slots` are those of the engine
    unless others are given.

    Raises:
        EngineLostError: The engine cannot be started, cannot go on, or was given up. The pool knows.
    """
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    pool = connect(context, endpoint, name)
    host = _Host(served, pool, slots or served.slots)
    try:
        host.run(stop)
    except zmq.Again:  # nobody has read anything for a very long time
        print(f"{name}: the pool at {endpoint} does not read any more", file=sys.stderr)
    finally:
        host.close()
        pool.close()
        context.term()


class _Host:
    """One incarnation: its name comes from process and clock, tells two lives apart and enters no log."""

    def __init__(self, served: ServedText, pool: zmq.Socket[bytes], slots: int) -> None:
        self._served, self._pool, self._slots = served, pool, slots
        self._incarnation = f"{os.getpid()}-{time.monotonic_ns()}"
        self._registry, self._adapters, self._pack = text_registry(), adapter_registry(), packer()
        self._engine: TextEngine | None = None
        self._is_draining = False
        self._announced_s: float | None = None

    def run(self, stop: StopSignal) -> None:
        """Raises EngineLostError, and zmq.Again where the pool does not read."""
        poller = zmq.Poller()
        poller.register(self._pool, zmq.POLLIN)
        poller.register(stop.fileno(), zmq.POLLIN)
        try:
            if self._served.loads_first:
                self._started()
            while not stop.is_set() and (self._is_busy or not self._is_draining):
                self._announce_in_time()
                ready = dict(poller.poll(0 if self._is_busy else SIGN_OF_LIFE_MS))
                if self._pool in ready:
                    self._take_all()
                if self._engine is not None and self._is_busy:
                    self._step(self._engine)
        finally:
            self._pool.send(pack_bye(self._incarnation), zmq.NOBLOCK)

    def close(self) -> None:
        """Let go of the engine."""
        if self._engine is not None:
            self._engine.close()

    @property
    def _is_busy(self) -> bool:
        return self._engine is not None and self._engine.under_way > 0

    def _step(self, engine: TextEngine) -> None:
        finished = engine.step(STEP_S)
        if isinstance(engine, StreamsText):
            written = engine.written()
            if written:
                parts = [(each.ticket, self._pack(self._registry.to_body(each.written))) for each in written]
                self._pool.send(pack_parts(self._incarnation, parts))
        self._reply([self._packed(done) for done in finished], engine.counters)

    # -- signs of life -------------------------------------------------------------------------------------------------

    def _announce_in_time(self) -> None:
        """Once a second, also while a long answer is under way."""
        now_s = time.monotonic()
        if self._announced_s is None or now_s - self._announced_s >= SIGN_OF_LIFE_MS / 1000:
            self._announce()

    def _announce(self, *, is_starting: bool = False) -> None:
        counters = None if self._engine is None else self._engine.counters
        frame = pack_ready(
            self._incarnation,
            self._slots,
            self._serves(),
            counters,
            is_starting=is_starting,
            ahead=self._slots // SLOTS_FOR_ONE_AHEAD,
        )
        self._pool.send(frame, zmq.NOBLOCK)
        self._announced_s = time.monotonic()

    def _serves(self) -> Serves:
        if not isinstance(self._engine, ManagesAdapters):
            return Serves(self._served.models)
        loaded = tuple(adapter_name(each.name, each.version) for each in self._engine.adapters())
        return Serves(self._served.models, loaded)

    # -- what the pool says --------------------------------------------------------------------------------------------

    def _take_all(self) -> None:
        """Every frame that is there, so that a cancellation does not wait for steps."""
        while self._pool.poll(0):
            try:
                frame = unpack_from_pool(self._pool.recv())
            except FrameError as error:
                print(f"dropped a frame: {error}", file=sys.stderr)
                continue
            match frame:
                case list():
                    for part in frame:
                        self._submit(part)
                case Cancel(tickets):
                    self._cancel(tickets)
                case ChangeAdapter(number, body):
                    self._change(number, body)
                case Drain():
                    self._is_draining = True
                case GivenUp():
                    raise EngineLostError("the pool gave this engine up: it was silent for too long")

    def _submit(self, part: Work) -> None:
        try:
            request = self._registry.from_body(unpack(part.request))
        except WireError as error:
            self._refuse(part.ticket, Failed(reason="malformed_request", detail=str(error)))
            return
        if not isinstance(request, GenerateText):
            self._refuse(part.ticket, Failed(reason="unanswerable_request", detail=f"{request.KIND} asks for no text"))
            return
        self._started().submit(part.ticket, request, part.seed)

    def _cancel(self, tickets: list[str]) -> None:
        for ticket in tickets:
            if self._engine is not None:
                self._engine.cancel(ticket)  # what it does not know any more was answered already

    def _change(self, number: int, body: bytes) -> None:
        try:
            task = self._adapters.from_body(unpack(body))
        except WireError as error:
            print(f"dropped a change of adapters: {error}", file=sys.stderr)
            return
        if not isinstance(task, LoadAdapter | UnloadAdapter):
            print(f"dropped a change of adapters: {task.KIND} is none", file=sys.stderr)
            return
        engine = self._started()
        if not isinstance(engine, ManagesAdapters):
            outcome: object = AdapterRefused(
                base=task.base,
                name=task.name,
                version=task.version,
                reason="no_adapters",
                detail=f"{engine.name} loads no adapters",
            )
        else:
            outcome = engine.load(task) if isinstance(task, LoadAdapter) else engine.unload(task)
        self._pool.send(pack_adapter_done(self._incarnation, number, self._pack(self._adapters.to_body(outcome))))

    def _started(self) -> TextEngine:
        """The engine, started where it is not yet; the pool is told that this takes a while."""
        if self._engine is None:
            self._announce(is_starting=True)
            engine = self._served.make()
            try:
                engine.start()
            except BaseException:
                engine.close()
                raise
            self._engine = engine
            self._announce()
        return self._engine

    # -- replies -------------------------------------------------------------------------------------------------------

    def _refuse(self, ticket: str, failed: Failed) -> None:
        self._reply([(ticket, self._pack(self._registry.to_body(failed)))], None)

    def _packed(self, done: Finished) -> tuple[str, bytes]:
        reply: TextGenerated | Failed = done.reply
        return done.ticket, self._pack(self._registry.to_body(reply))

    def _reply(self, replies: list[tuple[str, bytes]], counters: TextCounters | None) -> None:
        """In one frame, or in more where they are large; the counters go with the last, when all are told."""
        batch: list[tuple[str, bytes]] = []
        size = 0
        for reply in replies:
            if size > REPLY_BATCH_BYTES:
                self._pool.send(pack_replies(self._incarnation, batch))
                batch, size = [], 0
            batch.append(reply)
            size += len(reply[1])
        if batch:
            self._pool.send(pack_replies(self._incarnation, batch, counters))
