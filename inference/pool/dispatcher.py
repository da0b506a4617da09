"""The shell of a pool: one ROUTER socket to which engines connect, around a `PoolCore`."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from time import monotonic
from typing import Any

import zmq

from inference.pool.core import Completed, PoolCore, Send
from inference.pool.frames import (
    HIGH_WATER_MARK,
    MAX_FRAME_BYTES,
    Bye,
    FrameError,
    Ready,
    Replies,
    Work,
    pack_work,
    unpack_from_engine,
)

MAX_REQUEST_BYTES = MAX_FRAME_BYTES // 2
BATCH_BYTES = MAX_FRAME_BYTES // 4  # a frame is closed when its requests reach this size


class PoolDispatcher:
    """Carries out what the core decides. Owned and used by one thread.

    `submit` only queues; `flush` and `drain` send, so that requests that are made together travel in one frame.
    Whoever waits on `socket` calls `drain` (or `flush`) first.
    """

    def __init__(self, context: zmq.Context[Any], endpoint: str, core: PoolCore | None = None) -> None:
        """Bind. Raises zmq.ZMQError if the endpoint cannot be bound."""
        self.core = core or PoolCore()
        self._outbox: dict[str, list[Work]] = {}  # by engine, in the order of sending
        self._socket = context.socket(zmq.ROUTER)
        self._socket.linger = 0
        self._socket.router_mandatory = True
        self._socket.setsockopt(zmq.ROUTER_HANDOVER, 1)  # a restarted engine takes its name over
        self._socket.maxmsgsize = MAX_FRAME_BYTES
        self._socket.sndhwm = self._socket.rcvhwm = HIGH_WATER_MARK
        try:
            self._socket.bind(endpoint)
        except zmq.ZMQError:
            self._socket.close()
            raise

    @property
    def socket(self) -> Any:
        """Readable when `drain` may have something."""
        return self._socket

    @property
    def sockets(self) -> tuple[Any, ...]:
        """The socket, for whoever waits on several."""
        return (self._socket,)

    @property
    def endpoint(self) -> str:
        """Where engines connect; the real port where port 0 was asked for."""
        bound: str = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)
        return bound.rstrip("\0")

    def submit(self, ticket: str, request: bytes, seed: int) -> None:
        """Take a request on.

        Raises:
            DuplicateTicketError: The ticket is still open.
            ValueError: The request is larger than a frame may be; no engine would ever get it.
        """
        if len(request) > MAX_REQUEST_BYTES:
            raise ValueError(f"a request of {len(request)} bytes is over the limit of {MAX_REQUEST_BYTES}")
        self._carry_out(self.core.submit(ticket, request, seed, now_s=monotonic()))

    def engine_lost(self, engine: str) -> None:
        """To be called by whoever saw an engine's process end; what it had under way is asked again."""
        self._outbox.pop(engine, None)
        self._carry_out(self.core.engine_lost(engine))
        self.flush()

    def flush(self) -> None:
        """Send what waits, one frame for each engine. Never blocks; what does not go out now goes out later."""
        unreachable: list[str] = []
        for engine in list(self._outbox):
            if not self._send_all(engine):
                unreachable.append(engine)
        for engine in unreachable:
            self.core.counts["unreachable"] += 1
            self.engine_lost(engine)

    def drain(self) -> list[tuple[str, bytes]]:
        """The replies that are there now, as `Completed`. Never blocks."""
        self.flush()
        completed: list[tuple[str, bytes]] = []
        while (parts := self._receive()) is not None:
            completed.extend(self._handle(parts))
        self.flush()
        return completed

    def close(self) -> None:
        """Close the socket; requests that are open stay unanswered."""
        self._socket.close()

    def _receive(self) -> list[bytes] | None:
        if not self._socket.get(zmq.EVENTS) & zmq.POLLIN:  # asking is quicker than failing
            return None
        parts: list[bytes] = self._socket.recv_multipart()
        return parts

    def _handle(self, parts: list[bytes]) -> list[Completed]:
        try:
            engine, data = parts
            name, frame = engine.decode("utf-8"), unpack_from_engine(data)
        except (FrameError, ValueError):  # a wrong number of parts and a name that is no text are ValueErrors
            self.core.counts["malformed_frames"] += 1
            return []
        match frame:
            case Ready(incarnation, slots):
                if not self.core.is_current(name, incarnation):
                    self._outbox.pop(name, None)  # was meant for the incarnation before
                return self._carry_out(self.core.engine_ready(name, incarnation, slots))
            case Replies(incarnation, replies):
                return [
                    done
                    for ticket, body in replies
                    for done in self._carry_out(self.core.reply(name, incarnation, ticket, body))
                ]
            case Bye(incarnation):
                if self.core.is_current(name, incarnation):
                    self._outbox.pop(name, None)
                    return self._carry_out(self.core.engine_lost(name))
                return []

    def _carry_out(self, instructions: Iterable[Send | Completed]) -> list[Completed]:
        completed: list[Completed] = []
        for instruction in instructions:
            match instruction:
                case Send(engine, ticket, seed, request):
                    self._outbox.setdefault(engine, []).append(Work(ticket, seed, request))
                case Completed():
                    completed.append(instruction)
        return completed

    def _send_all(self, engine: str) -> bool:
        """Send what waits for one engine. False if the engine is not there any more."""
        waiting = self._outbox.pop(engine)
        for start, end in _batches(waiting):
            try:
                self._socket.send_multipart([engine.encode(), pack_work(waiting[start:end])], zmq.NOBLOCK)
            except zmq.Again:  # its pipe is full: keep the rest for the next flush
                self._outbox[engine] = waiting[start:]
                return True
            except zmq.ZMQError as error:
                if error.errno != errno.EHOSTUNREACH:
                    raise
                return False
        return True


def _batches(work: list[Work]) -> Iterable[tuple[int, int]]:
    """Where to cut the work so that no frame grows beyond what may be received."""
    start = size = 0
    for position, part in enumerate(work):
        if position > start and size + len(part.request) > BATCH_BYTES:
            yield start, position
            start, size = position, 0
        size += len(part.request)
    if start < len(work):
        yield start, len(work)
