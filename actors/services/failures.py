"""Failures of actors that are bugs, or wanted: they restart the actor that raises them.

CrashRequestedError      a chaos test asked for it
UnexpectedMessageError   the message is none of this actor's
"""

from __future__ import annotations

from brokers.wire.registry import Message


class CrashRequestedError(Exception):
    """Raised while handling CrashActor."""


class UnexpectedMessageError(Exception):
    """Raised for a message that an actor does not know."""

    def __init__(self, message: Message) -> None:
        super().__init__(f"{message.KIND} is not for this actor")


class BusyError(Exception):
    """Raised by a service that is at the same thing for somebody else; `insist` asks again."""

    def __init__(self, what: str) -> None:
        super().__init__(f"still busy with {what}")
        self.what = what
