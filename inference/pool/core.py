"""Which engine gets which request: a queue, credits and what happens when an engine is lost. No I/O, no clock.

An engine announces itself with its free slots; each request it is sent uses one up, each reply gives it back. Requests
go to the engine with the least under way. What a lost engine had under way is queued again, in front, under the same
ticket and seed, so that whoever answers gives the same answer.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import NamedTuple


class Send(NamedTuple):
    """Instruction: give this request to this engine."""

    engine: str
    ticket: str
    seed: int
    request: bytes


class Completed(NamedTuple):
    """A request was answered."""

    ticket: str
    reply: bytes


class DuplicateTicketError(ValueError):
    """Raised when a ticket is submitted that is still open."""

    def __init__(self, ticket: str) -> None:
        super().__init__(f"ticket {ticket!r} is still open")
        self.ticket = ticket


@dataclass(slots=True)
class _Request:
    ticket: str
    seed: int
    body: bytes
    submitted_s: float


@dataclass(slots=True)
class _EngineState:
    incarnation: str
    slots: int
    under_way: dict[str, _Request] = field(default_factory=dict)  # by ticket, oldest first


class PoolCore:
    """Owns all open requests of one pool. Every method returns what is to be done now."""

    def __init__(self) -> None:
        self._engines: dict[str, _EngineState] = {}
        self._queue: deque[_Request] = deque()
        self._open: dict[str, _Request] = {}
        self.counts: Counter[str] = Counter()  # submitted, sent, completed, requeued, lost, dropped_<why>

    @property
    def queued(self) -> int:
        """Requests that wait for a free slot."""
        return len(self._queue)

    @property
    def engines(self) -> dict[str, int]:
        """Engines that are there, each with the number of requests it has under way."""
        return {name: len(state.under_way) for name, state in self._engines.items()}

    def is_open(self, ticket: str) -> bool:
        """Whether a request is neither answered nor unknown."""
        return ticket in self._open

    def is_current(self, engine: str, incarnation: str) -> bool:
        """Whether an engine is there in just this incarnation."""
        state = self._engines.get(engine)
        return state is not None and state.incarnation == incarnation

    def waiting_s(self, *, now_s: float) -> float:
        """How long the oldest open request has been waiting for its answer; 0 when there is none."""
        return max((now_s - request.submitted_s for request in self._open.values()), default=0.0)

    def submit(self, ticket: str, request: bytes, seed: int, *, now_s: float) -> list[Send]:
        """Take a request on. Raises DuplicateTicketError."""
        if ticket in self._open:
            raise DuplicateTicketError(ticket)
        self.counts["submitted"] += 1
        taken = _Request(ticket, seed, request, now_s)
        self._open[ticket] = taken
        self._queue.append(taken)
        return self._dispatch()

    def engine_ready(self, engine: str, incarnation: str, slots: int) -> list[Send]:
        """An engine is there and will take `slots` requests at once; repeated as a sign of life.

        Another incarnation under the same name means that the earlier one is gone.
        """
        if slots < 1:
            raise ValueError(f"an engine needs at least one slot, {engine} announced {slots}")
        state = self._engines.get(engine)
        if state is not None and state.incarnation == incarnation:
            state.slots = slots
            return self._dispatch()
        if state is not None:
            self._forget(engine)
        self._engines[engine] = _EngineState(incarnation, slots)
        return self._dispatch()

    def engine_lost(self, engine: str) -> list[Send]:
        """An engine is gone; what it had under way goes to others, or waits for it to come back."""
        if engine in self._engines:
            self._forget(engine)
        return self._dispatch()

    def reply(self, engine: str, incarnation: str, ticket: str, reply: bytes) -> list[Send | Completed]:
        """An engine answered. What nobody waits for any more is dropped and counted."""
        state = self._engines.get(engine)
        if state is None or state.incarnation != incarnation:
            self.counts["dropped_dead_incarnation"] += 1
            return []
        if state.under_way.pop(ticket, None) is None:
            self.counts["dropped_not_under_way"] += 1
            return []
        del self._open[ticket]
        self.counts["completed"] += 1
        return [Completed(ticket, reply), *self._dispatch()]

    def _forget(self, engine: str) -> None:
        lost = self._engines.pop(engine).under_way
        self._queue.extendleft(reversed(lost.values()))
        self.counts["lost"] += 1
        self.counts["requeued"] += len(lost)

    def _dispatch(self) -> list[Send]:
        sends: list[Send] = []
        while self._queue:
            engine = self._least_loaded()
            if engine is None:
                break
            request = self._queue.popleft()
            self._engines[engine].under_way[request.ticket] = request
            sends.append(Send(engine, request.ticket, request.seed, request.body))
        self.counts["sent"] += len(sends)
        return sends

    def _least_loaded(self) -> str | None:
        """The engine with the smallest share of its slots taken; the first of them by name; None if all are full."""
        best, best_load = None, 1.0
        for name in sorted(self._engines):
            state = self._engines[name]
            load = len(state.under_way) / state.slots
            if load < best_load:
                best, best_load = name, load
        return best
