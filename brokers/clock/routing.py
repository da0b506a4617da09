"""Several executors behind one: requests go to whoever takes care of their kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from brokers.clock.effects import Executor
from brokers.wire.packing import kind_of


class RoutedExecutor:
    """Sends a request to the executor named for its kind, or for the first part of it (`work` of `work.run_tests/1`).

    Replies come in the order in which each executor has them; tickets are unique over all of them.
    """

    def __init__(self, routes: Mapping[str, Executor], *, otherwise: Executor) -> None:
        self._routes, self._otherwise = dict(routes), otherwise
        self._all = tuple(dict.fromkeys([otherwise, *self._routes.values()]))

    @property
    def sockets(self) -> tuple[Any, ...]:
        """Of all executors that have one."""
        return tuple(socket for executor in self._all for socket in executor.sockets)

    def submit(self, ticket: str, request: bytes, seed: int) -> None:
        """Hand a request on. Raises WireError for bytes that are no request."""
        kind = kind_of(request)
        executor = self._routes.get(kind) or self._routes.get(kind.partition(".")[0], self._otherwise)
        executor.submit(ticket, request, seed)

    def drain(self) -> list[tuple[str, bytes]]:
        """Replies that are there now."""
        return [reply for executor in self._all for reply in executor.drain()]
