"""The loop that serves a text engine to a pool: take what comes, step while something is under way, send replies.

Requests that come late join those under way. What was under way when the engine is lost is asked again by the pool,
under the same ticket and seed.
"""

from __future__ import annotations

import os
import sys
import time

import zmq

from brokers.wire.packing import packer, unpack
from brokers.wire.registry import WireError
from inference.engines.stopping import StopSignal
from inference.engines.worker import REPLY_BATCH_BYTES, SIGN_OF_LIFE_MS, connect
from inference.messages import Failed
from inference.pool.frames import FrameError, Work, pack_bye, pack_ready, pack_replies, unpack_work
from inference.text import Finished, GenerateText, ServedText, TextEngine, TextGenerated, text_registry

STEP_S = 0.005  # the longest that a request which comes while others are under way waits to be seen


def serve_text(served: ServedText, endpoint: str, name: str, stop: StopSignal, *, slots: int | None = None) -> None:
    """Answer what the pool at `endpoint` asks until `stop` is set; then say goodbye.

    The engine is made and started for the first request. `slots` are those of the engine unless others are given.

    Raises:
        EngineLostError: The engine cannot be started, or cannot go on. The pool was told.
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
        self._registry, self._pack = text_registry(), packer()
        self._engine: TextEngine | None = None
        self._announced_s = 0.0

    def run(self, stop: StopSignal) -> None:
        """Raises EngineLostError, and zmq.Again where the pool does not read."""
        poller = zmq.Poller()
        poller.register(self._pool, zmq.POLLIN)
        poller.register(stop.fileno(), zmq.POLLIN)
        try:
            while not stop.is_set():
                self._announce()
                ready = dict(poller.poll(0 if self._is_busy else SIGN_OF_LIFE_MS))
                if self._pool in ready:
                    self._take()
                if self._engine is not None and self._is_busy:
                    self._reply([self._packed(done) for done in self._engine.step(STEP_S)])
        finally:
            self._pool.send(pack_bye(self._incarnation), zmq.NOBLOCK)

    def close(self) -> None:
        """Let go of the engine."""
        if self._engine is not None:
            self._engine.close()

    @property
    def _is_busy(self) -> bool:
        return self._engine is not None and self._engine.under_way > 0

    def _announce(self) -> None:
        """Once a second, also while a long answer is under way."""
        now_s = time.monotonic()
        if now_s - self._announced_s >= SIGN_OF_LIFE_MS / 1000:
            self._pool.send(pack_ready(self._incarnation, self._slots), zmq.NOBLOCK)
            self._announced_s = now_s

    def _take(self) -> None:
        try:
            work = unpack_work(self._pool.recv())
        except FrameError as error:
            print(f"dropped a frame: {error}", file=sys.stderr)
            return
        for part in work:
            self._submit(part)

    def _submit(self, part: Work) -> None:
        try:
            request = self._registry.from_body(unpack(part.request))
        except WireError as error:
            self._refuse(part.ticket, Failed(reason="malformed_request", detail=str(error)))
            return
        if not isinstance(request, GenerateText):
            self._refuse(part.ticket, Failed(reason="unanswerable_request", detail=f"{request.KIND} asks for no text"))
            return
        if self._engine is None:
            self._engine = self._started()
        self._engine.submit(part.ticket, request, part.seed)

    def _started(self) -> TextEngine:
        engine = self._served.make()
        try:
            engine.start()
        except BaseException:
            engine.close()
            raise
        return engine

    def _refuse(self, ticket: str, failed: Failed) -> None:
        self._reply([(ticket, self._pack(self._registry.to_body(failed)))])

    def _packed(self, done: Finished) -> tuple[str, bytes]:
        reply: TextGenerated | Failed = done.reply
        return done.ticket, self._pack(self._registry.to_body(reply))

    def _reply(self, replies: list[tuple[str, bytes]]) -> None:
        """In one frame, or in more where they are large."""
        batch: list[tuple[str, bytes]] = []
        size = 0
        for reply in replies:
            batch.append(reply)
            size += len(reply[1])
            if size > REPLY_BATCH_BYTES:
                self._pool.send(pack_replies(self._incarnation, batch))
                batch, size = [], 0
        if batch:
            self._pool.send(pack_replies(self._incarnation, batch))
