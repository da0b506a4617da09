"""One place to wait for whatever may come next: frames of nodes, replies of engines, commands from outside."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import zmq


class Waiter:
    """Sockets with what to do when they are readable."""

    def __init__(self) -> None:
        self._poller = zmq.Poller()
        self._handlers: dict[Any, Callable[[], None]] = {}
        self._last_glance_s = 0.0

    def add(self, socket: Any, handle: Callable[[], None]) -> None:
        """`handle` must take everything that is there without blocking."""
        self._poller.register(socket, zmq.POLLIN)
        self._handlers[socket] = handle

    def remove(self, socket: Any) -> None:
        """Raises KeyError for a socket that was not added."""
        self._poller.unregister(socket)
        del self._handlers[socket]

    def wait(self, timeout_ms: int | None = None) -> None:
        """Handle what is readable; wait for something at most `timeout_ms` (None: for ever)."""
        for socket, _ in self._poller.poll(timeout_ms):
            handle = self._handlers.get(socket)
            if handle is not None:  # None: a handler before it removed this socket
                handle()

    def glance(self, every_s: float) -> bool:
        """Handle what is readable now, but look no more often than `every_s`: a poll costs more than a window.

        Returns whether it looked.
        """
        now_s = time.monotonic()
        if now_s - self._last_glance_s < every_s:
            return False
        self._last_glance_s = now_s
        self.wait(0)
        return True
