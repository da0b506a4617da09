"""The bookkeeping that every text engine needs: tickets under way, replies that wait to be handed out, counters, times.

The time of a request is measured here, for all engines alike: from when it was taken on, with what it waited inside the
engine for its turn, to when its answer was there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from time import monotonic_ns
from typing import NamedTuple

from inference.messages import Failed
from inference.text import EngineClosedError, Finished, TextCounters, TextGenerated, TicketInUseError


def wall_us() -> int:
    """Wall-clock microseconds since some beginning; never less than before."""
    return monotonic_ns() // 1000


class _Answered(NamedTuple):
    reply: TextGenerated | Failed
    engine_us: int


class Tickets:
    """The tickets of one engine. Counts a reply when it is handed out, so that counters and replies reconcile."""

    def __init__(self, engine: str, now_us: Callable[[], int] = wall_us) -> None:
        """`now_us`: the clock that the engine lives by."""
        self.counters = TextCounters()
        self.now_us = now_us
        self._engine = engine
        self._is_open = False
        self._open: dict[str, int] = {}  # without a reply yet, with the time of taking them on; oldest first
        self._ready: dict[str, _Answered] = {}

    def __len__(self) -> int:
        return len(self._open) + len(self._ready)

    def __contains__(self, ticket: object) -> bool:
        return ticket in self._open or ticket in self._ready

    def __iter__(self) -> Iterator[str]:
        """The tickets without a reply yet, oldest first."""
        return iter(list(self._open))

    @property
    def has_ready(self) -> bool:
        """Whether there is a reply to hand out."""
        return bool(self._ready)

    def open(self) -> None:
        """From now on tickets are taken."""
        self._is_open = True

    def close(self) -> None:
        """Forget everything; no ticket is taken any more."""
        self._is_open = False
        self._open.clear()
        self._ready.clear()

    def require_open(self) -> None:
        """Raises EngineClosedError before `open` and after `close`."""
        if not self._is_open:
            raise EngineClosedError(self._engine)

    def take(self, ticket: str) -> None:
        """A request came. Raises EngineClosedError or TicketInUseError."""
        self.require_open()
        if ticket in self:
            raise TicketInUseError(ticket)
        self._open[ticket] = self.now_us()

    def answer(self, ticket: str, reply: TextGenerated | Failed, *, at_us: int | None = None) -> None:
        """The reply of a ticket is there, since `at_us` where the engine knows better than now.

        Raises KeyError for a ticket that has no open request.
        """
        took_us = (self.now_us() if at_us is None else at_us) - self._open.pop(ticket)
        told = reply if isinstance(reply, Failed) else replace(reply, engine_us=took_us)
        self._ready[ticket] = _Answered(told, took_us)

    def hand_out(self) -> list[Finished]:
        """The replies since the last call, in the order in which they came."""
        answered = dict(self._ready)
        self._ready.clear()
        for reply, took_us in answered.values():
            self.counters = _counted(self.counters, reply, took_us)
        return [Finished(ticket, reply) for ticket, (reply, _) in answered.items()]


def _counted(counters: TextCounters, reply: TextGenerated | Failed, took_us: int) -> TextCounters:
    """The counters after one more reply."""
    if isinstance(reply, Failed):
        return replace(counters, failed=counters.failed + 1, unanswered_us=counters.unanswered_us + took_us)
    is_cancelled = reply.finish == "cancelled"
    return replace(
        counters,
        completed=counters.completed + (not is_cancelled),
        cancelled=counters.cancelled + is_cancelled,
        prompt_tokens=counters.prompt_tokens + reply.prompt_tokens,
        cached_tokens=counters.cached_tokens + (reply.cached_tokens or 0),
        completion_tokens=counters.completion_tokens + reply.completion_tokens,
        engine_us=counters.engine_us + took_us,
    )
