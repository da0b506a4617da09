"""The shell of a pool: one ROUTER socket to which engines connect, around a `PoolCore`.

Replies that an asker gets are those of engines, and three that the pool gives itself: `Failed` (unknown_model) where no
engine of the pool ever serves a model, `Expired` where a deadline passed, and `TextGenerated` with finish `cancelled`
and no tokens for a request that was cancelled before an engine had it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from time import monotonic
from typing import Any, NamedTuple

import zmq

from brokers.wire.packing import packer
from inference.adapters.messages import LoadAdapter, UnloadAdapter
from inference.engines.unserved import unknown_model
from inference.messages import Expired as ExpiredReply
from inference.pool.adapting import AdapterChange, Adapting
from inference.pool.aiming import aim_of, text_request
from inference.pool.core import PoolCore
from inference.pool.frames import (
    HIGH_WATER_MARK,
    MAX_FRAME_BYTES,
    AdapterDone,
    Bye,
    Cancel,
    ChangeAdapter,
    Drain,
    FrameError,
    FromEngine,
    GivenUp,
    Parts,
    Ready,
    Replies,
    Work,
    unpack_from_engine,
)
from inference.pool.instructions import (
    Completed,
    Expired,
    Instruction,
    Late,
    Overdue,
    Refused,
    Reset,
    Send,
    Stop,
    Unsent,
)
from inference.pool.outbox import Outbox
from inference.pool.state import LostWork, PoolState, Serves
from inference.text import text_registry, unwritten

MAX_REQUEST_BYTES = MAX_FRAME_BYTES // 2


class Part(NamedTuple):
    """More of an answer that is still being written: a packed TextWritten."""

    ticket: str
    part: bytes


class PoolDispatcher:
    """Carries out what the core decides. Owned and used by one thread.

    `submit` only queues; `flush` and `drain` send, so that requests that are made together travel in one frame.
    Whoever waits on `socket` calls `drain` (or `flush`) first, and waits no longer than `wait_s`.
    """

    def __init__(self, context: zmq.Context[Any], endpoint: str, core: PoolCore | None = None) -> None:
        """Bind. Raises zmq.ZMQError if the endpoint cannot be bound."""
        self.core = core or PoolCore()
        self._adapting = Adapting(self.core)
        self._done: list[tuple[str, bytes]] = []
        self._parts: list[tuple[str, bytes]] = []
        self._late: list[tuple[str, bytes]] = []
        self._overdue: list[tuple[str, str]] = []
        self._registry, self._pack = text_registry(), packer()
        self._socket = context.socket(zmq.ROUTER)
        self._outbox = Outbox(self._socket)
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

    @property
    def wait_s(self) -> float | None:
        """How long to wait for the socket before `drain` has something to do anyway; None: for ever."""
        at_s = self.core.next_deadline_s()
        waits = [] if at_s is None else [max(0.0, at_s - monotonic())]
        if self.core.limits.lease_s is not None:
            waits.append(self.core.limits.lease_s / 4)
        return min(waits, default=None)

    # -- requests ------------------------------------------------------------------------------------------------------

    def submit(self, ticket: str, request: bytes, seed: int, *, deadline_s: float | None = None) -> None:
        """Take a request on.

        Args:
            deadline_s: Wall seconds from now after which the reply is `Expired`; None, as in every simulation: never.
        Raises:
            DuplicateTicketError: The ticket is still open.
            ValueError: The request is larger than a frame may be; no engine would ever get it.
        """
        if len(request) > MAX_REQUEST_BYTES:
            raise ValueError(f"a request of {len(request)} bytes is over the limit of {MAX_REQUEST_BYTES}")
        now_s = monotonic()
        until_s = None if deadline_s is None else now_s + deadline_s
        self._carry_out(self.core.submit(ticket, request, seed, now_s=now_s, aim=aim_of(request), deadline_s=until_s))

    def cancel(self, ticket: str) -> bool:
        """Nobody wants the answer of a request for text any more; it still gets its one reply, and soon.

        That is what there was when the engine stopped, or the whole answer if it was there already. False: the ticket
        is not open, or is no request for text.
        """
        if not self.core.is_for_text(ticket):
            return False
        self._carry_out(self.core.cancel(ticket) or ())
        self.flush()
        return True

    def drain(self) -> list[tuple[str, bytes]]:
        """The replies that are there now, as `Completed`. Never blocks."""
        self.flush()
        self._carry_out(self.core.tick(now_s=monotonic()))
        while (parts := self._receive()) is not None:
            self._handle(parts)
        self.flush()
        done, self._done = self._done, []
        return done

    def drain_parts(self) -> list[tuple[str, bytes]]:
        """What `drain` found of answers that are still being written, as `Part`, in order.

        Call it after `drain`, and hand parts out before replies: the last part may have come together with its reply.
        """
        parts, self._parts = self._parts, []
        return parts

    def drain_late(self) -> list[tuple[str, bytes]]:
        """Replies to requests that had expired: nobody waits for them, but their tokens were spent."""
        late, self._late = self._late, []
        return late

    def flush(self) -> None:
        """Send what waits, one frame for each engine. Never blocks; what does not go out now goes out later."""
        for engine in self._outbox.flush():
            self.core.counts["unreachable"] += 1
            self.engine_lost(engine)

    # -- engines -------------------------------------------------------------------------------------------------------

    def state(self) -> PoolState:
        """How things stand."""
        return self.core.state()

    def expect(self, engines: Mapping[str, Serves]) -> None:
        """These engines belong to the pool, also while they are away; what none of them serves is refused."""
        self._carry_out(self.core.expect(engines))

    def drain_engine(self, engine: str) -> bool:
        """Let an engine finish what it has and end. False: it is not there."""
        if not self.core.engine_drains(engine):
            return False
        self._outbox.put(engine, Drain())
        self.flush()
        return True

    def engine_lost(self, engine: str) -> None:
        """To be called by whoever saw an engine's process end; what it had under way is asked again."""
        self._outbox.drop(engine)
        self._carry_out(self.core.engine_lost(engine))
        self.flush()

    def lost(self) -> list[LostWork]:
        """Incarnations that ended since the last call, with what they had told and what they had under way."""
        return self.core.lost()

    def drain_overdue(self) -> list[tuple[str, str]]:
        """Engines that were silent for too long, with their incarnations: given up, their processes may still live."""
        overdue, self._overdue = self._overdue, []
        return overdue

    # -- adapters ------------------------------------------------------------------------------------------------------

    def load_adapter(self, wanted: LoadAdapter) -> None:
        """Have every engine of a model load a version, also those that come later. Requests for it wait until then."""
        self._send_changes(self._adapting.load(wanted))
        self._carry_out(self.core.dispatch())

    def unload_adapter(self, wanted: UnloadAdapter) -> None:
        """Have every engine forget a version, once the requests for it that wait here have been sent."""
        self._adapting.unload(wanted)
        self._send_changes(self._adapting.due())

    def drain_adapter_changes(self) -> list[AdapterChange]:
        """What engines answered to `load_adapter` and `unload_adapter`."""
        return self._adapting.drain()

    def close(self) -> None:
        """Close the socket; requests that are open stay unanswered."""
        self._socket.close()

    # -- inside --------------------------------------------------------------------------------------------------------

    def _receive(self) -> list[bytes] | None:
        if not self._socket.get(zmq.EVENTS) & zmq.POLLIN:  # asking is quicker than failing
            return None
        parts: list[bytes] = self._socket.recv_multipart()
        return parts

    def _handle(self, parts: list[bytes]) -> None:
        try:
            engine, data = parts
            name, frame = engine.decode("utf-8"), unpack_from_engine(data)
        except (FrameError, ValueError):  # a wrong number of parts and a name that is no text are ValueErrors
            self.core.counts["malformed_frames"] += 1
            return
        if isinstance(frame, Ready):
            self._meet(name, frame)
        elif not self.core.is_current(name, frame.incarnation):
            count = len(frame.replies) if isinstance(frame, Replies) else 1
            self.core.counts["dropped_dead_incarnation"] += count
        else:
            self._listen(name, frame)
        if self._adapting.is_unloading:
            self._send_changes(self._adapting.due())

    def _meet(self, name: str, ready: Ready) -> None:
        is_new = not self.core.is_current(name, ready.incarnation)
        if is_new:
            self._outbox.drop(name)  # was meant for the incarnation before
        self._carry_out(
            self.core.engine_ready(
                name,
                ready.incarnation,
                ready.slots,
                serves=ready.serves,
                counters=ready.counters,
                is_starting=ready.is_starting,
                ahead=ready.ahead,
                now_s=monotonic(),
            )
        )
        if not ready.is_starting:
            self._send_changes(self._adapting.met(name))

    def _listen(self, name: str, frame: FromEngine) -> None:
        match frame:
            case Replies(incarnation, replies, counters):
                self.core.heard(name, counters, now_s=monotonic())
                for ticket, body in replies:
                    self._carry_out(self.core.reply(name, incarnation, ticket, body))
            case Parts(_, parts):
                self.core.heard(name, None, now_s=monotonic())
                self._parts += [Part(ticket, part) for ticket, part in parts if self.core.is_with(name, ticket)]
            case AdapterDone(incarnation, number, body):
                if not self._adapting.done(name, incarnation, number, body):
                    self.core.counts["malformed_frames"] += 1
                self._carry_out(self.core.dispatch())
            case Bye():
                self._outbox.drop(name)
                self._carry_out(self.core.engine_lost(name, was_orderly=True))

    def _carry_out(self, instructions: Iterable[Instruction]) -> None:
        for instruction in instructions:
            match instruction:
                case Send(engine, ticket, seed, request):
                    self._outbox.put(engine, Work(ticket, seed, request))
                case Completed():
                    self._done.append(instruction)
                case Stop(engine, ticket):
                    self._outbox.put(engine, Cancel([ticket]))
                case Refused(ticket, model):
                    self._answer(ticket, unknown_model(model))
                case Expired(ticket, waited_s, was_sent):
                    self._answer(ticket, ExpiredReply(waited_ms=int(waited_s * 1000), was_under_way=was_sent))
                case Unsent(ticket, request):
                    asked = text_request(request)
                    assert asked is not None, "only requests for text are cancelled"
                    self._answer(ticket, unwritten(asked))
                case Late(ticket, reply):
                    self._late.append((ticket, reply))
                case Overdue(engine, incarnation):
                    self._outbox.drop(engine)
                    self._overdue.append((engine, incarnation))
                case Reset(engine):
                    self._outbox.put(engine, GivenUp())

    def _answer(self, ticket: str, reply: object) -> None:
        self._done.append(Completed(ticket, self._pack(self._registry.to_body(reply))))

    def _send_changes(self, changes: Iterable[tuple[str, ChangeAdapter]]) -> None:
        for engine, change in changes:
            self._outbox.put(engine, change)
