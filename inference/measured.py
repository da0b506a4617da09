"""What a reply tells of the machinery that gave it, and how it is kept out of a run.

How long an engine took, and what its prefix cache had, follows from wall time and from what it answered before. Equal
seeds have equal logs, so no actor may see it: replies are journalled whole and delivered without it.
"""

from __future__ import annotations

from collections.abc import Callable

from brokers.wire.packing import packer, unpack
from inference.text import TextGenerated

MEASURED = ("cached_tokens", "engine_us")  # fields of TextGenerated


def without_measures() -> Callable[[bytes], bytes]:
    """A function that takes the measures out of a packed reply, and leaves all others as they are. One per thread."""
    pack = packer()
    head = pack({"kind": TextGenerated.KIND})[1:]  # behind the map's own byte, which counts fields

    def leave_out(reply: bytes) -> bytes:
        if not reply.startswith(head, 1):
            return reply
        return pack(unpack(reply) | dict.fromkeys(MEASURED))

    return leave_out
