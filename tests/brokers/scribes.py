"""Actors for the tests of mailboxes: they write down what happens to them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

PATIENCE_S = 20.0  # a safety net, never the thing waited for


class Gate(threading.Event):
    """An event whose waiters fail instead of hanging."""

    def pass_through(self) -> None:
        assert self.wait(PATIENCE_S), "nobody opened the gate"


def scribe(base: type[Any]) -> type[Any]:
    """An actor class that writes down what happens to it."""

    class Scribe(base):  # type: ignore[misc]
        use_daemon_thread = True
        stock = 5

        def __init__(self, journal: list[Any] | None = None) -> None:
            super().__init__()
            self.journal: list[Any] = [] if journal is None else journal
            self.stopped_gate = Gate()
            self.failed_gate = Gate()

        def on_start(self) -> None:
            self.journal.append("started")

        def on_stop(self) -> None:
            self.journal.append("stopped")
            self.stopped_gate.set()

        def on_failure(
            self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
        ) -> None:
            self.journal.append(("failed", str(error)))
            self.failed_gate.set()

        def on_receive(self, message: Any) -> Any:
            match message:
                case Gate():
                    message.pass_through()
                case BaseException():
                    raise message
                case "thread":
                    return threading.current_thread()
                case "stop yourself":
                    self.stop()
                case _ if callable(message):
                    return message(self)
                case _:
                    self.journal.append(message)
                    return ("got", message)
            return None

        def add(self, a: int, b: int = 0) -> int:
            return a + b

        def fail(self) -> None:
            raise KeyError("proxied")

    return Scribe


def wait_until(condition: Callable[[], bool]) -> None:
    """Yield to other threads until something has come about."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s, "it never came about"
        os.sched_yield()
