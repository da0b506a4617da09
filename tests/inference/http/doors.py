"""A real door on a loopback port, in a thread, around a pool with one engine of the tests, in another thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import zmq

from config.door_section import DoorSection
from inference.engines.text_worker import serve_text
from inference.http.door import Door
from inference.http.pooled import NO_ADAPTERS, Configured, Pool, PoolDriver
from inference.http.serving import DoorServer
from inference.pool.dispatcher import PoolDispatcher
from inference.text import ServedText
from inference.waking import StopSignal
from tests.support.word_engine import MODEL, WordEngine


class OneEnginePool(PoolDispatcher):
    """A pool whose engine is hosted by a thread, which speaks to it as an engine's process does."""

    def __init__(self, engine: WordEngine) -> None:
        self._zmq: zmq.Context[Any] = zmq.Context()
        super().__init__(self._zmq, "tcp://127.0.0.1:*")
        self._stop = StopSignal()
        served = ServedText(make=lambda: engine, slots=engine.slots, models=(MODEL,), loads_first=True)
        self._host = threading.Thread(target=serve_text, args=(served, self.endpoint, "words-0", self._stop))
        self._host.start()

    def close(self) -> None:
        self._stop.set()
        self._host.join()
        self._stop.close()
        super().close()
        self._zmq.term()


@dataclass(frozen=True)
class OpenDoor:
    """Where it is, and what is behind it."""

    url: str
    door: Door
    engine: WordEngine
    stop: Callable[[], None]


@contextmanager
def open_door(engine: WordEngine | None = None, **settings: Any) -> Iterator[OpenDoor]:
    """Serve one engine until the `with` ends."""
    behind = engine or WordEngine(adapters=[("reviewer", 1), ("reviewer", 2)])
    with open_pool(lambda: OneEnginePool(behind), 1, behind, **settings) as opened:
        yield opened


@contextmanager
def open_pool(
    make: Callable[[], Pool],
    engines: int,
    behind: WordEngine | None = None,
    *,
    adapters: Configured = NO_ADAPTERS,
    say: Callable[[str], None] = lambda _: None,
    **settings: Any,
) -> Iterator[OpenDoor]:
    """Serve a pool of so many engines until the `with` ends."""
    server = DoorServer(PoolDriver(make, [MODEL], adapters=adapters, say=say), DoorSection(port=0, **settings))
    ready = threading.Event()
    doors: list[Door] = []
    errors: list[BaseException] = []

    def on_ready(door: Door) -> None:
        doors.append(door)
        ready.set()

    def run() -> None:
        try:
            server.serve(on_ready)
        except BaseException as error:  # noqa: BLE001 - shown by the test's thread
            errors.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(30)
    if errors:
        thread.join()
        raise errors[0]
    try:
        until(lambda: len(doors[0].state().engines) == engines)
        yield OpenDoor(server.url, doors[0], behind or WordEngine(), server.stop)
    finally:
        if behind is not None:
            behind.gate.set()
        server.stop()
        thread.join(30)
        assert not thread.is_alive()
    assert not errors


def until(is_so: Callable[[], bool], timeout_s: float = 20.0) -> None:
    """Return as soon as something is so; it must become so by itself."""
    deadline_s = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline_s, "it never became so"
        threading.Event().wait(0.005)
