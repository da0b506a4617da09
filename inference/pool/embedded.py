"""A pool of one engine inside the asking process: no socket, no waiting."""

from __future__ import annotations

from brokers.wire.registry import Registry
from inference.engine import Engine
from inference.engines.answering import Answerer
from inference.pool.instructions import Completed


class EmbeddedPool:
    """Answers at once; has the same `submit` and `drain` as a dispatcher, and gives the same replies."""

    sockets = ()

    def __init__(self, engine: Engine, registry: Registry) -> None:
        self._answerer = Answerer(engine, registry)
        self._done: list[tuple[str, bytes]] = []

    def submit(self, ticket: str, request: bytes, seed: int) -> None:
        """Answer a request; `drain` hands the reply out."""
        self._done.append(Completed(ticket, self._answerer.answer(request, seed)))

    def drain(self) -> list[tuple[str, bytes]]:
        """The replies since the last call, as `Completed`, in the order of asking."""
        done, self._done = self._done, []
        return done
