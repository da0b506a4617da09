"""What an inference engine is to the rest of the system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from brokers.wire.registry import Message, Registry


@runtime_checkable
class Engine(Protocol):
    """Answers requests one at a time. The same request with the same seed always has the same answer."""

    @property
    def name(self) -> str:
        """What kind of engine it is, for instance `behavioural`; replies name it."""
        ...

    def start(self) -> None:
        """Load what it needs; called once, before the first request."""
        ...

    def answer(self, request: Message, seed: int) -> Message:
        """The reply to one request. Raises RequestError for a request it cannot answer."""
        ...

    def close(self) -> None:
        """Let go of everything; called once, after the last request."""
        ...


class RequestError(Exception):
    """Raised by an engine for a request that it has no answer to; the asker gets a typed failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """An engine and the message classes it can read and write: what an engine process needs to serve it."""

    engine: Engine
    registry: Registry
