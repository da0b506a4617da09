"""msgpack with the limits that hold for every byte from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgpack

from brokers.wire.registry import WireError

MAX_FRAME_BYTES = 64 * 1024 * 1024  # between nodes of one run; the hub has its own, smaller limit
_HEAD_BYTES = 256  # the kind stands first in every message, and is shorter


def packer() -> Callable[[Any], bytes]:
    """A reused Packer's `pack`: one per thread, it is not thread-safe (2 x faster than `packb`)."""
    pack: Callable[[Any], bytes] = msgpack.Packer(use_bin_type=True).pack
    return pack


def unpack(data: bytes | memoryview, *, limit: int = MAX_FRAME_BYTES) -> Any:
    """Unpack one value. Raises WireError if the bytes are no msgpack value, or are more than `limit`.

    The bytes there are bound every length inside: msgpack reserves no more items than the data could hold.
    """
    if len(data) > limit:
        raise WireError(f"not a msgpack value: {len(data)} bytes are more than the limit of {limit}")
    try:
        return msgpack.unpackb(data, raw=False, strict_map_key=True, max_ext_len=0, ext_hook=_refuse_empty)
    except (ValueError, msgpack.UnpackException) as error:
        raise WireError(f"not a msgpack value: {error}") from None


def _refuse_empty(code: int, _: bytes) -> Any:
    raise ValueError(f"extension type {code} is not used here")


def kind_of(body: bytes) -> str:
    """The kind of a packed message, without unpacking the rest. Raises WireError if there is none at its beginning."""
    unpacker = msgpack.Unpacker(raw=False, max_buffer_size=MAX_FRAME_BYTES)
    unpacker.feed(body[:_HEAD_BYTES])
    try:
        if unpacker.read_map_header() and unpacker.unpack() == "kind" and isinstance(kind := unpacker.unpack(), str):
            return kind
    except (ValueError, msgpack.UnpackException) as error:
        raise WireError(f"not a message: {error}") from None
    raise WireError("not a message: it does not begin with its kind")
