"""What a packed request is for, as far as a pool needs to know."""

from __future__ import annotations

from hashlib import blake2b

from brokers.wire.packing import packer, unpack
from brokers.wire.registry import WireError
from inference.pool.state import ANYWHERE, Aim
from inference.text import GenerateText, adapter_name, text_registry

_PREFIX_BYTES = 4096  # of a bare prompt; of a conversation it is the first message, which comes again and again
_KEY_BYTES = 8
_TEXT = packer()(GenerateText.KIND)  # the kind stands first in every message, after the head of the map and its key
_HEAD = len(packer()({"kind": ""})) - 1 + 2  # the head of a map may have three bytes
_registry = text_registry()


def aim_of(request: bytes) -> Aim:
    """Model, adapter, prefix and urgency of a request for text. Any other is for any engine, which may refuse it."""
    if _TEXT not in request[: _HEAD + len(_TEXT)]:
        return ANYWHERE
    text = text_request(request)
    if text is None:
        return ANYWHERE
    adapter = adapter_name(text.adapter, text.adapter_version) if text.adapter else ""
    return Aim(text.model, adapter, _prefix_key(text, adapter), text.priority)


def text_request(request: bytes) -> GenerateText | None:
    """The request for text that these bytes are; None if they are none."""
    try:
        found = _registry.from_body(unpack(request))
    except WireError:
        return None
    return found if isinstance(found, GenerateText) else None


def _prefix_key(text: GenerateText, adapter: str) -> bytes:
    """Equal where the beginning of a prompt can be taken from an engine's cache: never over adapters or models."""
    beginning = text.messages[0].content if text.messages else text.prompt[:_PREFIX_BYTES]
    owner = f"{text.model}\0{adapter}\0".encode(errors="surrogatepass")
    return blake2b(owner + beginning.encode(errors="surrogatepass"), digest_size=_KEY_BYTES).digest()
