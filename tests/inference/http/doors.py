"""A real door on a loopback port, in a thread, around an engine of the tests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from inference.http.backend import ServedModel
from inference.http.door import Door
from inference.http.one_engine import EngineDriver
from inference.http.serving import DoorServer
from inference.http.settings import DoorSection
from inference.text import ServedText, TextEngine
from tests.support.word_engine import MODEL, WordEngine


@dataclass(frozen=True)
class OpenDoor:
    """Where it is, and what is behind it."""

    url: str
    door: Door
    engine: Any
    stop: Callable[[], None]


@contextmanager
def open_door(engine: TextEngine | None = None, **settings: Any) -> Iterator[OpenDoor]:
    """Serve until the `with` ends."""
    behind = engine or WordEngine(adapters=[("reviewer", 1), ("reviewer", 2)])
    driver = EngineDriver(ServedText(make=lambda: behind, slots=behind.slots), (ServedModel(MODEL),))
    server = DoorServer(driver, DoorSection(port=0, **settings))
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
        yield OpenDoor(server.url, doors[0], behind, server.stop)
    finally:
        if isinstance(behind, WordEngine):
            behind.gate.set()
        server.stop()
        thread.join(30)
        assert not thread.is_alive()


def until(is_so: Callable[[], bool], timeout_s: float = 20.0) -> None:
    """Return as soon as something is so; it must become so by itself."""
    deadline_s = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline_s, "it never became so"
        threading.Event().wait(0.005)
