"""Awaitables of virtual time: an ask, a sleep or an effect that was issued and is not answered yet.

They are issued when they are created, not when they are awaited, so several can be under way at once:

    pending = [self.context.ask(member, Vote()) for member in members]
    votes = [await answer for answer in pending]
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any


class Pending:
    """One answer to come. Awaiting it twice gives the same answer."""

    __slots__ = ("_resume", "arrived", "error", "token", "value")

    def __init__(self, token: int) -> None:
        self.token = token
        self.arrived = False
        self.value: Any = None
        self.error: Exception | None = None
        self._resume: Callable[[], None] | None = None

    def settle(self, value: Any, error: Exception | None = None) -> None:
        """Deliver the answer and go on with whoever awaits it."""
        self.arrived, self.value, self.error = True, value, error
        resume, self._resume = self._resume, None
        if resume is not None:
            resume()

    def when_settled(self, resume: Callable[[], None]) -> None:
        """Remember how to go on with the coroutine that awaits this answer. Raises RuntimeError for a second one."""
        if self._resume is not None:
            raise RuntimeError("two coroutines await one answer")
        self._resume = resume

    def __await__(self) -> Generator[Pending, None, Any]:
        if not self.arrived:
            yield self
        if self.error is not None:
            raise self.error
        return self.value
