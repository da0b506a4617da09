"""msgpack with the limits that hold for every byte from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgpack

from brokers.wire.registry import WireError

MAX_FRAME_BYTES = 64 * 1024 * 1024  # between nodes of one run; the hub has its own, smaller limit


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
