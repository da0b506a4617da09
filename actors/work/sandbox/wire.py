"""Frames between the processes of a sandbox: four bytes of length, then JSON."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Sequence
from typing import Any

HEADER_BYTES = 4
_encode = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode


class ClosedError(Exception):
    """Raised when the other side is gone."""


def frame(message: dict[str, Any]) -> bytes:
    """Return a message as it travels.

    Raises:
        ValueError: It holds what JSON cannot say.
    """
    body = _encode(message).encode()
    return len(body).to_bytes(HEADER_BYTES, "big") + body


def send(sock: socket.socket, message: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
    """Send one message, with open files if there are any; blocks, so only for processes that trust each other."""
    whole = frame(message)
    if descriptors:
        socket.send_fds(sock, [whole[:HEADER_BYTES]], list(descriptors))
        whole = whole[HEADER_BYTES:]
    sock.sendall(whole)


def receive(sock: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Wait for one message and the open files that came with it.

    Raises:
        ClosedError: The other side is gone.
    """
    head, descriptors, _, _ = socket.recv_fds(sock, HEADER_BYTES, 1)
    head += _exactly(sock.fileno(), HEADER_BYTES - len(head)) if head else b""
    if not head:
        raise ClosedError
    body = _exactly(sock.fileno(), int.from_bytes(head, "big"))
    return json.loads(body), descriptors


def _exactly(descriptor: int, count: int) -> bytes:
    parts = []
    while count:
        part = os.read(descriptor, min(count, 1 << 20))
        if not part:
            raise ClosedError
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
