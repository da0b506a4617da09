"""One line of the event log, as projections read it."""

from __future__ import annotations

from dataclasses import dataclass

from brokers.wire.registry import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEvent:
    """A published event with its place in the run's total order."""

    n: int  # 0-based position in the log
    time_us: int  # virtual microseconds since the run began
    src: str  # address of the actor that published it
    seq: int  # number among that actor's messages
    cause: str  # id of the message that led to it
    message: Message
