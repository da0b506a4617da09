"""One place to wait for whatever may come next: frames of nodes, replies of engines, commands from outside."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any

import zmq


class Waiter:
    """Sockets with what to do when they are readable, and what is to be done now and then anyway."""

    def __init__(self) -> None:
        self._poller = zmq.Poller()
        self._handlers: dict[Any, Callable[[], None]] = {}
        self._chores: list[_Chore] = []
        self._last_glance_s = 0.0

    def add(self, socket: Any, handle: Callable[[], None]) -> None:
        """`handle` must take everything that is there without blocking."""
        self._poller.register(socket, zmq.POLLIN)
        self._handlers[socket] = handle

    def remove(self, socket: Any) -> None:
        """Raises KeyError for a socket that was not added."""
        self._poller.unregister(socket)
        del self._handlers[socket]

    def every(self, seconds: float, handle: Callable[[], None]) -> None:
        """Call `handle` so often, as far as anybody waits or glances; it must not block."""
        self._chores.append(_Chore(seconds, handle, time.monotonic() + seconds))

    def wait(self, timeout_ms: int | None = None) -> None:
        """Handle what is readable; wait for something, or for a chore, at most `timeout_ms` (None: for ever)."""
        for socket, _ in self._poller.poll(self._until_chore_ms(timeout_ms) if self._chores else timeout_ms):
            handle = self._handlers.get(socket)
            if handle is not None:  # None: a handler before it removed this socket
                handle()
        for chore in self._chores:
            chore.do_if_due(time.monotonic())

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

    def _until_chore_ms(self, timeout_ms: int | None) -> int:
        left_s = min(chore.due_s for chore in self._chores) - time.monotonic()
        left_ms = max(0, ceil(left_s * 1000))
        return left_ms if timeout_ms is None else min(left_ms, timeout_ms)


@dataclass(slots=True)
class _Chore:
    """Something that is done at intervals of wall time."""

    every_s: float
    handle: Callable[[], None]
    due_s: float

    def do_if_due(self, now_s: float) -> None:
        if now_s >= self.due_s:
            self.due_s = now_s + self.every_s
            self.handle()
