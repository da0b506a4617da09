"""Links over ZeroMQ: each node binds one PULL socket and connects one PUSH socket to each peer.

PUSH blocks at its high-water mark and never drops; `IMMEDIATE` makes it wait for a peer that is really there. Letters
are coalesced: many to a frame, and whatever waits goes out when a turn ends, so a lone letter waits for nobody.
"""

from __future__ import annotations

from typing import Any

import zmq

from brokers.links.frames import OVERHEAD_BYTES, FrameReader, FrameTooBigError, join
from brokers.wire.packing import MAX_FRAME_BYTES

BATCH = 256  # letters to a frame
BATCH_BYTES = 64 * 1024
LINGER_MS = 2_000


class OutLink:
    """To one peer."""

    def __init__(self, context: zmq.Context[Any], endpoint: str, node: int) -> None:
        """`node` is the number of the sending node, which goes into each frame."""
        self._node, self._frame, self._waiting, self._bytes = node, 0, list[bytes](), 0
        self._socket = context.socket(zmq.PUSH)
        self._socket.linger, self._socket.sndhwm, self._socket.immediate = LINGER_MS, 1_000, True
        self._socket.connect(endpoint)

    def send(self, record: bytes) -> None:
        """Queue one packed letter; a full batch goes out at once. Raises FrameTooBigError."""
        size = len(record)
        if self._bytes + size > MAX_FRAME_BYTES - OVERHEAD_BYTES:
            self._make_room(size)
        self._waiting.append(record)
        self._bytes += size
        if len(self._waiting) >= BATCH or self._bytes >= BATCH_BYTES:
            self.flush()

    def _make_room(self, size: int) -> None:
        if size + OVERHEAD_BYTES > MAX_FRAME_BYTES:
            raise FrameTooBigError(size + OVERHEAD_BYTES, MAX_FRAME_BYTES)
        self.flush()

    def flush(self) -> None:
        """Send what waits."""
        if self._waiting:
            self._frame += 1
            self._socket.send(join(self._node, self._frame, self._waiting))
            self._waiting, self._bytes = [], 0

    def close(self) -> None:
        self._socket.close()


class Inbox:
    """From all peers."""

    def __init__(self, context: zmq.Context[Any], endpoint: str) -> None:
        self.socket = context.socket(zmq.PULL)
        self.socket.linger, self.socket.rcvhwm, self.socket.maxmsgsize = 0, 1_000, MAX_FRAME_BYTES
        self.socket.bind(endpoint)
        self._reader = FrameReader()

    def receive(self, *, wait: bool = True) -> tuple[int, list[Any]] | None:
        """The next frame as (node, letters). None when nothing is there and `wait` is off. Raises LinkError."""
        if not wait and not self.socket.get(zmq.EVENTS) & zmq.POLLIN:  # asking is quicker than failing
            return None
        return self._reader.read(self.socket.recv())

    def close(self) -> None:
        self.socket.close()
