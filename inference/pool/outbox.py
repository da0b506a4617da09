"""What a pool still has to send, by engine: requests that go together travel in one frame."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from typing import Any

import zmq

from inference.pool.frames import (
    MAX_FRAME_BYTES,
    Cancel,
    ChangeAdapter,
    Drain,
    GivenUp,
    Work,
    pack_control,
    pack_work,
)

BATCH_BYTES = MAX_FRAME_BYTES // 4  # a frame is closed when its requests reach this size
Item = Work | Cancel | ChangeAdapter | Drain | GivenUp


class Outbox:
    """Keeps the order of what each engine is sent, over all kinds of frames. Used by the socket's thread."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._items: dict[str, list[Item]] = {}

    def put(self, engine: str, item: Item) -> None:
        """To be sent with the next flush."""
        self._items.setdefault(engine, []).append(item)

    def drop(self, engine: str) -> None:
        """Forget what was meant for an engine that is gone."""
        self._items.pop(engine, None)

    def flush(self) -> list[str]:
        """Send what can be sent; never blocks. Returns the engines that are not there any more."""
        return [engine for engine in list(self._items) if not self._send_all(engine)]

    def _send_all(self, engine: str) -> bool:
        waiting = self._items.pop(engine)
        sent = 0
        for items in _frames(waiting):
            try:
                self._socket.send_multipart([engine.encode(), _packed(items)], zmq.NOBLOCK)
            except zmq.Again:  # its pipe is full: keep the rest for the next flush
                self._items[engine] = waiting[sent:]
                return True
            except zmq.ZMQError as error:
                if error.errno != errno.EHOSTUNREACH:
                    raise
                return False
            sent += len(items)
        return True


def _packed(items: list[Item]) -> bytes:
    first = items[0]
    if isinstance(first, Work):
        return pack_work(each for each in items if isinstance(each, Work))
    return pack_control(first)


def _frames(waiting: list[Item]) -> Iterator[list[Item]]:
    """Requests together, as far as a frame may grow; everything else by itself."""
    frame: list[Item] = []
    size = 0
    for item in waiting:
        length = len(item.request) if isinstance(item, Work) else 0
        joins = isinstance(item, Work) and frame and isinstance(frame[-1], Work) and size + length <= BATCH_BYTES
        if frame and not joins:
            yield frame
            frame, size = [], 0
        frame.append(item)
        size += length
    if frame:
        yield frame
