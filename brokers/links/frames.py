"""Frames between nodes: a header and a list of letters.

    header   version (1 byte), sending node (2), letters (4), frame number (8), big-endian
    payload  msgpack list of `[time, dst, src, seq, cause, corr, deadline, body]`

Frames of one link are numbered from 1. Between simulation nodes a gap cannot be repaired, only replayed, so it is an
error that ends the run (resumable).

    LinkError
    +-- FrameGapError      a frame is missing or came twice
    +-- BadFrameError      not a frame of this version
    +-- FrameTooBigError   no receiver would take it
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import Any

from brokers.wire.packing import unpack
from brokers.wire.registry import WireError

VERSION = 1
HEADER = Struct(">BHIQ")
OVERHEAD_BYTES = HEADER.size + 5  # what `join` adds to the letters at most
_LIST_16, _LIST_32 = Struct(">BH"), Struct(">BI")


class LinkError(Exception):
    """Base class for what breaks a link."""


class FrameGapError(LinkError):
    """Raised when a frame is not the next one of its link."""

    def __init__(self, node: int, expected: int, got: int) -> None:
        super().__init__(f"frame {got} from node {node} where {expected} was due")
        self.node, self.expected, self.got = node, expected, got


class BadFrameError(LinkError):
    """Raised when bytes are not a frame of this version."""


class FrameTooBigError(LinkError):
    """Raised at the sender of a letter that no receiver would take; ZeroMQ would cut the connection without a word."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"a frame of {size} bytes is more than the limit of {limit}")
        self.size, self.limit = size, limit


def join(node: int, number: int, records: Sequence[bytes]) -> bytes:
    """One frame of letters that are packed already; they are concatenated, not packed again."""
    count = len(records)
    if count < 16:
        opening = bytes((0x90 | count,))
    elif count < 1 << 16:
        opening = _LIST_16.pack(0xDC, count)
    else:
        opening = _LIST_32.pack(0xDD, count)
    return b"".join((HEADER.pack(VERSION, node, count, number), opening, *records))


class FrameReader:
    """Checks the numbers of each sender's frames and takes them apart."""

    def __init__(self) -> None:
        self._seen: dict[int, int] = {}

    def read(self, frame: bytes | memoryview) -> tuple[int, list[Any]]:
        """The sending node and its letters as lists. Raises BadFrameError, FrameGapError."""
        if len(frame) <= HEADER.size:
            raise BadFrameError(f"{len(frame)} bytes are no frame")
        version, node, count, number = HEADER.unpack_from(frame)
        if version != VERSION:
            raise BadFrameError(f"frame version {version}; this is {VERSION}")
        expected = self._seen.get(node, 0) + 1
        if number != expected:
            raise FrameGapError(node, expected, number)
        self._seen[node] = number
        try:
            letters = unpack(memoryview(frame)[HEADER.size :])
        except WireError as error:
            raise BadFrameError(str(error)) from None
        if not isinstance(letters, list) or len(letters) != count:
            raise BadFrameError(f"frame {number} from node {node} does not hold {count} letters")
        return node, letters
