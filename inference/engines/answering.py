"""From packed request to packed reply: what every host of an engine does, in its own process or embedded."""

from __future__ import annotations

from brokers.wire.packing import packer, unpack
from brokers.wire.registry import Registry, WireError
from inference.engine import Engine, RequestError
from inference.messages import Failed


class Answerer:
    """Lets one engine answer packed bodies. Used by one thread."""

    def __init__(self, engine: Engine, registry: Registry) -> None:
        registry.register(Failed)
        self._engine, self._registry = engine, registry
        self._pack = packer()

    def answer(self, request: bytes, seed: int) -> bytes:
        """The packed reply; a typed `Failed` for a request that is malformed or that the engine refuses.

        Any other exception is a bug of the engine and not caught: its process ends, and its host decides what follows.
        """
        try:
            message = self._registry.from_body(unpack(request))
        except WireError as error:
            return self._packed(Failed(reason="malformed_request", detail=str(error)))
        try:
            return self._packed(self._engine.answer(message, seed))
        except RequestError as error:
            return self._packed(Failed(reason="unanswerable_request", detail=str(error)))

    def _packed(self, reply: object) -> bytes:
        return self._pack(self._registry.to_body(reply))
