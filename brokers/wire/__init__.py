"""What messages look like: envelope, registry of kinds, codec and frames."""

from brokers.wire.registry import MalformedBodyError, Message, Registry, UnknownKindError, WireError

__all__ = ["MalformedBodyError", "Message", "Registry", "UnknownKindError", "WireError"]
