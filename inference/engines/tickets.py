"""The bookkeeping that every text engine needs: tickets under way, replies that wait to be handed out, counters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from inference.messages import Failed
from inference.text import EngineClosedError, Finished, TextCounters, TextGenerated, TicketInUseError


class Tickets:
    """The tickets of one engine. Counts a reply when it is handed out, so that counters and replies reconcile."""

    def __init__(self, engine: str) -> None:
        self.counters = TextCounters()
        self._engine = engine
        self._is_open = False
        self._open: dict[str, None] = {}  # without a reply yet; oldest first
        self._ready: dict[str, TextGenerated | Failed] = {}

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
        self._open[ticket] = None

    def answer(self, ticket: str, reply: TextGenerated | Failed) -> None:
        """The reply of a ticket is there. Raises KeyError for a ticket that has no open request."""
        del self._open[ticket]
        self._ready[ticket] = reply

    def hand_out(self) -> list[Finished]:
        """The replies since the last call, in the order in which they came."""
        finished = [Finished(ticket, reply) for ticket, reply in self._ready.items()]
        self._ready.clear()
        for _, reply in finished:
            self.counters = counted(self.counters, reply)
        return finished


def counted(counters: TextCounters, reply: TextGenerated | Failed) -> TextCounters:
    """The counters after one more reply."""
    if isinstance(reply, Failed):
        return replace(counters, failed=counters.failed + 1)
    is_cancelled = reply.finish == "cancelled"
    return replace(
        counters,
        completed=counters.completed + (not is_cancelled),
        cancelled=counters.cancelled + is_cancelled,
        prompt_tokens=counters.prompt_tokens + reply.prompt_tokens,
        cached_tokens=counters.cached_tokens + (reply.cached_tokens or 0),
        completion_tokens=counters.completion_tokens + reply.completion_tokens,
    )
