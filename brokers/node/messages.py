"""What the runtime itself says: start, wake, refusals, restarts, dead letters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """An actor begins: its first message, caused by the run itself."""

    KIND: ClassVar[str] = "node.start/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """A crashed actor begins again, after its backoff."""

    KIND: ClassVar[str] = "node.restart/1"
    incarnation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Told by `context.watch`: let me know when you are restarted."""

    KIND: ClassVar[str] = "node.watch/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wake:
    """A sleep is over."""

    KIND: ClassVar[str] = "node.wake/1"
    token: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """An ask was not answered in time."""

    KIND: ClassVar[str] = "node.deadline/1"
    token: int
    to: str
    asked: str  # kind of the question
    timeout_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The answer to an ask whose handler returned nothing."""

    KIND: ClassVar[str] = "node.done/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The answer to an ask that was refused by a rule, or whose handler failed."""

    KIND: ClassVar[str] = "node.refused/1"
    error: str
    text: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectFailed:
    """An engine or sandbox could not give a valid reply."""

    KIND: ClassVar[str] = "node.effect_failed/1"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorRestarted:
    """Told to watchers: an actor crashed and was restarted in place; what it had asked is forgotten."""

    KIND: ClassVar[str] = "node.actor_restarted/1"
    actor: str
    incarnation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLettered:
    """Published when a message could not be handled: its actor crashed on it, or there is no such actor."""

    KIND: ClassVar[str] = "node.dead_letter/1"
    actor: str
    sender: str
    message_kind: str
    error: str
    incarnation: int
